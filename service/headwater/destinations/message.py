"""What people read of an alert: one model, from which every destination makes its own form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from headwater.destinations import text
from headwater.destinations.origin import origin
from headwater.errors import DeliveryRefused
from headwater.model import Alert

Action = Literal["opened", "updated", "resolved", "reopened"]
MAX_TEXT = 8_000  # characters of a description, a runbook, a note
MAX_FIELDS = 204_800  # bytes of the context and of the sample event, as JSON
T = TypeVar("T")

# Field by field, what becomes shorter until a message fits: what can be looked up goes before what says what to do.
STEPS: tuple[tuple[str, int], ...] = (
    ("event", 16_000),
    ("context", 16_000),
    ("event", 2_000),
    ("context", 2_000),
    ("event", 0),
    ("description", 1_000),
    ("runbook", 2_000),
    ("note", 1_000),
    ("context", 0),
    ("description", 300),
    ("runbook", 500),
    ("reference", 300),
    ("tags", 0),
    ("note", 200),
    ("title", 200),
    ("dedup", 200),
    ("runbook", 100),
    ("description", 0),
    ("actor", 100),
    ("account_name", 60),
)


@dataclass(frozen=True, slots=True)
class Message:
    """An alert as it goes out; every text is cleaned and bounded.

    action: why it goes out now.  idempotency_key: the same on every try, another for every action.
    actor, address, region, source: of the sample event, empty where it has none.
    context, event: JSON types.  link: where the whole alert can be seen, or empty.
    note: why it was resolved, or what has changed.  shortened: the fields that lost something on the way here.
    """

    action: Action
    idempotency_key: str
    alert_id: str
    kind: str
    rule_id: str
    dedup: str
    title: str
    severity: str
    status: str
    account_id: str
    account_name: str
    region: str
    log_type: str
    source: str
    actor: str
    address: str
    match_count: int
    created_at: datetime
    updated_at: datetime
    first_event_at: datetime
    last_event_at: datetime
    description: str
    runbook: str
    reference: str
    note: str
    link: str
    tags: tuple[str, ...]
    context: Mapping[str, Any]
    event: Mapping[str, Any]
    shortened: tuple[str, ...] = ()


def message_of(
    alert: Alert,
    idempotency_key: str,
    action: Action = "opened",
    *,
    account_name: str = "",
    link: str = "",
    note: str = "",
) -> Message:
    """The message of an alert."""
    context, event = text.parsed(alert.context), text.parsed(alert.event)
    found = origin(event)
    full = Message(
        action=action,
        idempotency_key=idempotency_key,
        alert_id=alert.alert_id,
        kind=alert.kind,
        rule_id=text.cut(text.one_line(alert.rule_id), 300),
        dedup=text.cut(text.one_line(alert.dedup), 1_000),
        title=text.cut(text.one_line(alert.title), 1_000) or "(no title)",
        severity=alert.severity,
        status=alert.status,
        account_id=alert.account_id,
        account_name=text.cut(text.one_line(account_name), 200),
        region=text.cut(text.one_line(found.region), 100),
        log_type=text.cut(text.one_line(alert.log_type), 200),
        source=text.cut(text.one_line(found.source), 200),
        actor=text.cut(text.one_line(found.actor), 400),
        address=text.cut(text.one_line(found.address), 100),
        match_count=alert.match_count,
        created_at=alert.created_at,
        updated_at=alert.updated_at,
        first_event_at=alert.first_event_at,
        last_event_at=alert.last_event_at,
        description=text.clean(alert.description).strip(),
        runbook=text.clean(alert.runbook).strip(),
        reference=text.cut(text.one_line(alert.reference), 1_000),
        note=text.clean(note).strip(),
        link=link,
        tags=tuple(text.cut(text.one_line(tag), 100) for tag in alert.tags[:50]),
        context=context,
        event=event,
    )
    limits = {
        "context": MAX_FIELDS,
        "event": MAX_FIELDS,
        "description": MAX_TEXT,
        "runbook": MAX_TEXT,
        "note": MAX_TEXT,
    }
    for name, limit in limits.items():
        full = _shorter(full, name, limit)
    return full


def fitted(message: Message, render: Callable[[Message], T], size: Callable[[T], int], limit: int) -> T:
    """The rendered message at most `limit` large, shortened field by field until it is.

    Raises: DeliveryRefused if it never is, which only a limit of some hundred bytes brings about.
    """
    for shorter in _ever_shorter(message):
        rendered = render(shorter)
        if size(rendered) <= limit:
            return rendered
    raise DeliveryRefused(f"alert {message.alert_id} takes more than the {limit} that this destination allows")


def message_json(message: Message) -> dict[str, Any]:
    """A message as JSON types: times as RFC 3339 text, an empty field as an empty text."""
    return {name: _plain(value) for name, value in asdict(message).items()}


def utc_text(moment: datetime) -> str:
    """RFC 3339 with Z, milliseconds where there are any."""
    utc = moment.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds" if utc.microsecond else "seconds").replace("+00:00", "Z")


def _ever_shorter(message: Message) -> Iterator[Message]:
    yield message
    for name, limit in STEPS:
        shorter = _shorter(message, name, limit)
        if shorter is not message:
            message = shorter
            yield message


def _shorter(message: Message, name: str, limit: int) -> Message:
    before = getattr(message, name)
    after = _cut(before, limit)
    if after == before:
        return message
    shortened = tuple(dict.fromkeys((*message.shortened, name)))
    return replace(message, **{name: after, "shortened": shortened})


def _cut(value: Any, limit: int) -> Any:
    if isinstance(value, str):
        return text.cut(value, limit)
    return text.bounded(value, limit) if isinstance(value, Mapping) else value[:limit]


def _plain(value: Any) -> Any:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
