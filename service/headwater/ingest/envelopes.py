"""What services wrap log records in → the records themselves, through any nesting up to a bound.

EventBridge events whose detail is a record of a known log type, SNS notifications, Security Hub's lists of findings,
AWS Config's lists of items, CloudWatch Logs subscriptions and CloudTrail's LookupEvents inside any of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from typing import Any

import msgspec

from headwater.errors import ObjectError
from headwater.ingest.jsontext import split_json
from headwater.ingest.text import Notes
from headwater.model import Chunk

MAX_DEPTH = 6  # envelopes in each other; SNS around EventBridge around Security Hub's list are three
LOOKED_AT = 10  # records of a chunk by which it is known to hold envelopes: streams are of one kind
EVENTS = "AWS.CloudWatchEvents"
CONFIG = "AWS.Config"
FINDINGS = "AWS.SecurityFindingFormat"
PARTS = msgspec.json.Decoder(dict[str, msgspec.Raw])
LISTS = msgspec.json.Decoder(list[msgspec.Raw])
VALUES = msgspec.json.Decoder()
UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
Parts = Mapping[str, msgspec.Raw]

# detail-type of an EventBridge event → log type of its detail.
# Source: Amazon EventBridge events reference, the page of each service.
DETAIL_TYPES: Mapping[str, str] = {
    "AWS API Call via CloudTrail": "AWS.CloudTrail",
    "AWS Console Action via CloudTrail": "AWS.CloudTrail",
    "AWS Console Sign In via CloudTrail": "AWS.CloudTrail",
    "AWS Service Event via CloudTrail": "AWS.CloudTrail",
    "AWS Insight via CloudTrail": "AWS.CloudTrailInsight",
    "GuardDuty Finding": "AWS.GuardDuty",
    "Inspector2 Finding": "AWS.Inspector2",
    "Macie Finding": "AWS.Macie",
    "Access Analyzer Finding": "AWS.AccessAnalyzer",
    "Security Hub Findings - Imported": FINDINGS,
    "Security Hub Findings - Custom Action": FINDINGS,
    "Config Configuration Item Change": CONFIG,
    "Config Rules Compliance Change": CONFIG,
}
CONFIRMATIONS = ("SubscriptionConfirmation", "UnsubscribeConfirmation")
CONFIG_ITEMS = ("configurationItem", "configurationItems", "configurationItemSummary")
FINDING_KEYS = frozenset(("ProductArn", "findingArn", "FindingArn", "schemaVersion", "SchemaVersion"))
# What AWS Config says of its own work. Source: AWS Config developer guide, "Notifications that AWS Config sends".
CONFIG_NOTICES = frozenset(
    (
        "ConfigurationHistoryDeliveryCompleted",
        "ConfigurationSnapshotDeliveryStarted",
        "ConfigurationSnapshotDeliveryCompleted",
        "ConfigurationSnapshotDeliveryFailed",
        "ConfigRulesEvaluationStarted",
        "ScheduledNotification",
    )
)


def open_envelopes(chunks: Iterable[Chunk], allowed: Sequence[str], ignored: Counter[str]) -> Iterator[Chunk]:
    """The chunks with their envelopes removed; rows are numbered anew, in file order.

    A chunk's context has log_type where an envelope tells it. allowed: the types configured for the source; a type
    that is not among them is not looked for inside EventBridge events, and where AWS.CloudWatchEvents itself is among
    them, its events stay whole. ignored: counts messages that are no log data, by reason.
    """
    opener = _Opener(tuple(allowed), Notes(ignored=ignored))
    row = 0
    for chunk in chunks:
        for opened in opener.chunk(chunk):
            yield opened if opened.first_row == row else replace(opened, first_row=row)
            row += len(opened.records)


@dataclass(frozen=True, slots=True)
class _Record:
    """One record without its envelope. kind: its log type, where the envelope told it. context: of that envelope."""

    shape: Any
    raw: Any
    kind: str = ""
    context: Mapping[str, str] = field(default_factory=dict)


Open = Callable[[Parts], Iterable[_Record]]


@dataclass(frozen=True, slots=True)
class _Opener:
    """Opens the envelopes of one object."""

    allowed: tuple[str, ...]
    notes: Notes

    def chunk(self, chunk: Chunk) -> Iterator[Chunk]:
        """The records of a chunk, in runs of one shape, log type and context."""
        if chunk.shape != "json" or not any(map(self._may_wrap, chunk.records[:LOOKED_AT])):
            yield chunk
            return
        records = (found for record in chunk.records for found in self._open(_Record("json", record), 0))
        for (shape, kind, context), run in groupby(records, key=lambda each: (each.shape, each.kind, each.context)):
            told = {"log_type": kind} if kind else {}
            yield Chunk(shape, [each.raw for each in run], 0, {**chunk.context, **context, **told})

    def _may_wrap(self, raw: Any) -> bool:
        """Whether a record is an envelope, or of a stream that may hold some: EventBridge sends events of all kinds."""
        parts = _parts(raw)
        if parts is None:
            return False
        return ("detail-type" in parts and EVENTS not in self.allowed) or self._how(parts, "") is not None

    def _open(self, record: _Record, depth: int) -> Iterator[_Record]:
        """The records inside one record; itself where it is no envelope, or lies too deep."""
        found = self._envelope(record.raw, record.kind) if record.shape == "json" and depth < MAX_DEPTH else None
        if found is None:
            yield record
            return
        opened, parts = found
        for inner in opened(parts):
            told = replace(inner, kind=inner.kind or record.kind, context=inner.context or record.context)
            yield from self._open(told, depth + 1)

    def _envelope(self, raw: Any, kind: str) -> tuple[Open, Parts] | None:
        """How to open a record, or None when it is no envelope."""
        parts = _parts(raw)
        if parts is None:
            return None
        opened = self._how(parts, kind)
        return None if opened is None else (opened, parts)

    def _how(self, parts: Parts, kind: str) -> Open | None:
        if "detail-type" in parts and "detail" in parts:
            return self._event_bridge(parts)
        if "TopicArn" in parts and "Message" in parts:
            return self._sns(_text(parts.get("Type")))
        if _is_list(parts.get("configurationItems")):
            return partial(self._open_list, "configurationItems", CONFIG) if self._wants(CONFIG) else None
        if "messageType" in parts or "invokingEvent" in parts:
            return self._config(parts)
        return self._list_of_findings(parts, kind)

    def _sns(self, kind: str) -> Open | None:
        if kind == "Notification":
            return self._open_notification
        return partial(self._ignore, "sns_confirmation") if kind in CONFIRMATIONS else None

    def _event_bridge(self, parts: Parts) -> Open | None:
        kind = DETAIL_TYPES.get(_text(parts["detail-type"]))
        if kind is None or EVENTS in self.allowed or not self._wants(kind):
            return None
        return partial(_open_detail, kind)

    def _config(self, parts: Parts) -> Open | None:
        """Items inside the messages of AWS Config, as sent to a topic, to EventBridge or to a rule's function."""
        if "invokingEvent" in parts:
            return self._open_invoking_event if "resultToken" in parts else None
        kind = _text(parts["messageType"])
        if kind in CONFIG_NOTICES:
            return partial(self._ignore, "config_notice")
        name = next((each for each in CONFIG_ITEMS if bytes(parts.get(each, b"null")) != b"null"), None)
        return None if name is None or not self._wants(CONFIG) else partial(self._open_list, name, CONFIG)

    def _list_of_findings(self, parts: Parts, kind: str) -> Open | None:
        """`{"findings": […]}`: a detail of Security Hub, a report of Inspector, an answer of GetFindings."""
        name = next((each for each in ("findings", "Findings") if _is_list(parts.get(each))), None)
        if name is None or not (kind == FINDINGS or _has_findings(parts[name])):
            return None
        return partial(self._open_list, name, "")

    def _wants(self, kind: str) -> bool:
        return not self.allowed or kind in self.allowed

    def _ignore(self, reason: str, parts: Parts) -> Iterable[_Record]:
        self.notes.ignored[reason] += 1
        return ()

    def _open_list(self, name: str, kind: str, parts: Parts) -> Iterable[_Record]:
        """The elements of a list, or the value itself where it is none."""
        value = parts[name]
        items = LISTS.decode(value) if _is_list(value) else [value]
        return [_Record("json", item, kind) for item in items] or self._ignore("empty_list", parts)

    def _open_notification(self, parts: Parts) -> Iterable[_Record]:
        """The message of an SNS notification: JSON written as text, JSON as it is (in documentation), plain text."""
        message = parts["Message"]
        return self._open_text(_text(message), parts) if _is_text(message) else [_Record("json", message)]

    def _open_invoking_event(self, parts: Parts) -> Iterable[_Record]:
        return self._open_text(_text(parts["invokingEvent"]), parts)

    def _open_text(self, text: str, parts: Parts) -> Iterable[_Record]:
        body = text.strip().encode(errors="replace")
        if not body:
            return self._ignore("empty_message", parts)
        if body[:1] not in (b"{", b"["):
            return [_Record("lines", line) for line in body.splitlines() if line.strip()]
        ignored = self.notes.ignored.total()
        try:
            pieces = list(split_json(body, self.notes, final=True))
        except ObjectError:  # a text that only begins like JSON
            return [_Record("lines", body)]
        records = [_Record(piece.shape, raw, "", piece.context) for piece in pieces for raw in piece.records]
        is_empty = not records and self.notes.ignored.total() == ignored
        return self._ignore("empty_message", parts) if is_empty else records


def _open_detail(kind: str, parts: Parts) -> Iterable[_Record]:
    yield _Record("json", parts["detail"], kind)


def _has_findings(raw: msgspec.Raw) -> bool:
    """Whether the first element of a list is a finding of an AWS service."""
    first = _parts((LISTS.decode(raw) or [msgspec.Raw(b"")])[0])
    return first is not None and not FINDING_KEYS.isdisjoint(first)


def _parts(raw: Any) -> Parts | None:
    try:
        return PARTS.decode(raw)
    except UNREADABLE:
        return None


def _text(raw: msgspec.Raw | None) -> str:
    """The value of a JSON string, or nothing for any other value."""
    if raw is None or not _is_text(raw):
        return ""
    try:
        return str(VALUES.decode(raw))
    except UNREADABLE:
        return ""


def _is_text(raw: msgspec.Raw) -> bool:
    return bytes(memoryview(raw)[:1]) == b'"'


def _is_list(raw: msgspec.Raw | None) -> bool:
    return raw is not None and bytes(memoryview(raw)[:1]) == b"["
