"""Slack: a message of blocks in a channel, by an incoming webhook or a bot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import orjson
from pydantic import Field, model_validator

from headwater.destinations.destination import Destination
from headwater.destinations.form import Section, facts, footer, headline, links, sections
from headwater.destinations.https import Https, HttpsUrl
from headwater.destinations.kind import Config, ResolveSecret
from headwater.destinations.message import Message, fitted
from headwater.destinations.secret import SecretRef
from headwater.destinations.text import cut, one_line
from headwater.errors import DeliveryFailed, DeliveryRefused

MAX_HEADER = 150  # header block: text
MAX_TEXT = 3_000  # section and context blocks: text; kept for rich text as well, whose limit is not documented
MAX_BLOCKS_JSON = 12_000  # characters; beyond about 13,000 Slack answers msg_blocks_too_long
MARKS = {"CRITICAL": "\U0001f534", "HIGH": "\U0001f7e0", "MEDIUM": "\U0001f7e1", "LOW": "\U0001f535", "INFO": "\u26aa"}
RESOLVED = "\u2705"
LATER = frozenset(
    {
        "ratelimited",
        "rate_limited",
        "message_limit_exceeded",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
    }
)  # chat.postMessage: errors that pass


class Settings(Config):
    """A channel: `webhook_url` of an incoming webhook, or a bot's `token` and a `channel`."""

    webhook_url: SecretRef | None = Field(None, description="URL of an incoming webhook, which is a secret.")
    token: SecretRef | None = Field(None, description="Token of a bot (xoxb-…) with the scope chat:write.")
    channel: str | None = Field(None, pattern=r"^[CGD][A-Z0-9]{6,20}$", description="Id of the bot's channel, C….")
    api_url: HttpsUrl = Field("https://slack.com/api", description="Slack's API.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.webhook_url) == bool(self.token):
            raise ValueError("give either webhook_url, or token and channel")
        if bool(self.token) != bool(self.channel):
            raise ValueError("token and channel belong together")
        return self


class Slack:
    """One channel."""

    def __init__(self, name: str, settings: Settings, resolve_secret: ResolveSecret) -> None:
        self.name = name
        self._settings = settings
        self._resolve = resolve_secret
        self._https = Https(f"slack destination {name}")

    def send(self, message: Message) -> None:
        """Post one message."""
        body = fitted(message, rendered, lambda made: len(orjson.dumps(made["blocks"]).decode()), MAX_BLOCKS_JSON)
        if self._settings.webhook_url:
            url = self._resolve(self._settings.webhook_url)
            self._https.send("POST", url, body, hidden=[url])
        elif self._settings.token:
            self._post(body, self._resolve(self._settings.token))

    def _post(self, body: dict[str, Any], token: str) -> None:
        url = f"{self._settings.api_url}/chat.postMessage"
        headers = {"Authorization": f"Bearer {token}"}
        answer = self._https.send(
            "POST", url, {"channel": self._settings.channel, **body}, headers=headers, hidden=[token]
        )
        fields = answer.fields()
        if fields.get("ok") is not True:
            code = one_line(str(fields.get("error") or "no JSON"))[:200]
            said = f"{self._https.who}: chat.postMessage answered {code}"
            raise DeliveryFailed(said) if code in LATER or code == "no JSON" else DeliveryRefused(said)


def make(name: str, config: Settings, resolve_secret: ResolveSecret) -> Destination:
    """The destination of such settings."""
    return Slack(name, config, resolve_secret)


def rendered(message: Message) -> dict[str, Any]:
    """The body of a message, but for its channel.

    Text of strangers stands in plain_text and rich_text elements alone, where Slack interprets nothing: no mentions, no
    links, no formatting. Only the fallback of notifications is mrkdwn; there it is escaped.
    """
    return {
        "text": _escaped(cut(f"{_mark(message)} {headline(message)}", MAX_TEXT)),
        "blocks": list(_blocks(message)),
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _blocks(message: Message) -> Iterator[dict[str, Any]]:
    title = cut(f"{_mark(message)} {headline(message)}", MAX_HEADER)
    yield {"type": "header", "text": {"type": "plain_text", "text": title, "emoji": False}}
    lines: list[dict[str, Any]] = []
    for fact in facts(message):
        lines += [_text(f"{fact.label}: ", bold=True), _text(f"{fact.value}\n")]
    yield _rich({"type": "rich_text_section", "elements": lines})
    for section in sections(message, MAX_TEXT):
        yield _rich(*_section(section))
    if found := links(message):
        named: list[dict[str, Any]] = []
        for link in found:
            named += [{"type": "link", "url": link.value, "text": link.label}, _text("   ")]
        yield _rich({"type": "rich_text_section", "elements": named[:-1]})
    yield {
        "type": "context",
        "elements": [{"type": "plain_text", "text": cut(footer(message), MAX_TEXT), "emoji": False}],
    }


def _section(section: Section) -> Iterator[dict[str, Any]]:
    yield {"type": "rich_text_section", "elements": [_text(section.heading, bold=True)]}
    kind = "rich_text_preformatted" if section.code else "rich_text_section"
    yield {"type": kind, "elements": [_text(cut(section.body, MAX_TEXT))]}


def _rich(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": list(elements)}


def _text(text: str, *, bold: bool = False) -> dict[str, Any]:
    element: dict[str, Any] = {"type": "text", "text": text}
    return element | ({"style": {"bold": True}} if bold else {})


def _mark(message: Message) -> str:
    return RESOLVED if message.action == "resolved" else MARKS.get(message.severity, MARKS["INFO"])


def _escaped(text: str) -> str:
    """Slack, "Escaping text": these three, which makes mentions and links plain text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
