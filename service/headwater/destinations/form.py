"""A message in words: the headline, the facts and the sections that every destination for people shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import orjson

from headwater.destinations.message import Message
from headwater.destinations.text import cut

WORDS = {"opened": "", "updated": "Updated: ", "resolved": "Resolved: ", "reopened": "Reopened: "}
KINDS = {"RULE_ERROR": "error of a rule", "SCHEDULED_RULE_ERROR": "error of a rule", "HEALTH": "health of Headwater"}


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the table."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its text; code: JSON, to be shown as it is."""

    heading: str
    body: str
    code: bool = False


def headline(message: Message, limit: int = 1_000) -> str:
    """One line: `[HIGH] title`, or `Resolved: [HIGH] title`."""
    return cut(f"{WORDS[message.action]}[{message.severity}] {message.title}", limit)


def facts(message: Message) -> tuple[Fact, ...]:
    """Where, when, who, how often; what the event does not say is left out."""
    pairs = (
        ("Severity", message.severity),
        ("Account", account(message)),
        ("Region", message.region),
        ("Time", period(message.first_event_at, message.last_event_at)),
        ("Actor", message.actor),
        ("From", message.address),
        ("Source", " · ".join(part for part in (message.source, message.log_type) if part)),
        ("Events", f"{message.match_count:,}"),
        ("Status", message.status if message.action != "opened" else ""),
        ("Detection", " · ".join(part for part in (message.rule_id, KINDS.get(message.kind, "")) if part)),
        ("Tags", ", ".join(message.tags)),
        ("Reference", "" if web_url(message.reference) else message.reference),
    )
    return tuple(Fact(label, value) for label, value in pairs if value)


def sections(message: Message, max_code: int = 100_000) -> tuple[Section, ...]:
    """What happened, what to do, and the evidence. max_code: characters of each piece of JSON."""
    return tuple(section for section in _sections(message, max_code) if section.body)


def _sections(message: Message, max_code: int) -> Iterator[Section]:
    yield Section("Why" if message.action == "resolved" else "Note", message.note)
    if message.action == "resolved":
        return
    yield Section("What happened", message.description)
    yield Section("What to do", message.runbook)
    yield Section("Context", json_text(message.context, max_code), code=True)
    yield Section("Sample event", json_text(message.event, max_code), code=True)


def links(message: Message) -> tuple[Fact, ...]:
    """Addresses to open, each by what it leads to."""
    found = (("Alert", web_url(message.link)), ("Reference", web_url(message.reference)))
    return tuple(Fact(label, url) for label, url in found if url)


def web_url(text: str) -> str:
    """The text if it is the address of a web page, else nothing."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    plain = not any(char.isspace() or char in "<>\"'`|\\" for char in text)
    return text if plain and parts.scheme in ("http", "https") and parts.hostname and not parts.username else ""


def footer(message: Message) -> str:
    """Which alert it is, and where to look for what was left out."""
    text = f"Headwater alert {message.alert_id}"
    if not message.shortened:
        return text
    lost = ", ".join(name.replace("_", " ") for name in message.shortened)
    return f"{text} · shortened here: {lost}; whole: {message.link or f'headwater alerts show {message.alert_id}'}"


def account(message: Message) -> str:
    """`payments (111122223333)`."""
    name, number = message.account_name, message.account_id
    return f"{name} ({number})" if name and number and name != number else name or number


def period(first: datetime, last: datetime) -> str:
    """One moment, or the first and the last; in UTC, the day once."""
    begin, end = first.astimezone(UTC), last.astimezone(UTC)
    text = f"{begin:%Y-%m-%d %H:%M:%S}"
    if end > begin:
        text += f" \u2013 {end:%H:%M:%S}" if end.date() == begin.date() else f" \u2013 {end:%Y-%m-%d %H:%M:%S}"
    return f"{text} UTC"


def json_text(fields: Mapping[str, Any], limit: int) -> str:
    """Indented JSON of at most so many characters; nothing for no fields."""
    return cut(orjson.dumps(fields, option=orjson.OPT_INDENT_2).decode(), limit) if fields else ""


def plain(message: Message, max_code: int = 100_000) -> str:
    """All of it as text of lines."""
    width = max(len(fact.label) for fact in facts(message)) + 2
    parts = ["\n".join(f"{fact.label + ':':<{width}}{fact.value}" for fact in facts(message))]
    parts += [f"{section.heading}\n{section.body}" for section in sections(message, max_code)]
    parts += [f"{link.label}: {link.value}" for link in links(message)]
    return "\n\n".join([*parts, footer(message)])
