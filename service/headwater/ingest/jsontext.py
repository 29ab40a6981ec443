"""JSON text of any framing → pieces of raw records: envelopes opened, unreadable parts kept apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Literal

import msgspec

from headwater.errors import ObjectError
from headwater.ingest.text import Notes, cut_text, mend_surrogates
from headwater.ingest.timedtext import timed

JSON_START = re.compile(rb'\s*(?:\{\s*(?:["}]|\Z)|\[\s*(?:[{\["\]]|\Z))')  # "[2026-02-03 …" and "{x} …" are text
RECORDS_HEAD = re.compile(rb'\s*\{\s*"Records"\s*:')
ARRAY_HEAD = re.compile(rb"\s*\[")
EVENTS_HEAD = re.compile(rb'\s*(?:\{\s*"Records"\s*:\s*)?\[')
TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+("?)|[{}\[\]]', re.DOTALL)
BROKEN: Mapping[str, str] = {"defect": "invalid_json"}  # context of text that should have been JSON
HEAD_BYTES = 4096  # an envelope is known by what it begins with
BESIDE = "beside_records"  # ignored: members of a document beside its list of records

RAW = msgspec.json.Decoder(msgspec.Raw)


@dataclass(frozen=True, slots=True)
class Piece:
    """Records of one shape that follow each other."""

    shape: Literal["json", "lines", "columns"]
    records: Sequence[Any]
    context: Mapping[str, str] = field(default_factory=dict)


class _Records(msgspec.Struct, forbid_unknown_fields=True):
    """CloudTrail's file: {"Records": [...]}."""

    Records: list[msgspec.Raw] | None


class _Lookup(msgspec.Struct):
    CloudTrailEvent: str


class _Events(msgspec.Struct):
    """The answer of CloudTrail's LookupEvents: {"Events": [{"CloudTrailEvent": "<json>"}]}."""

    Events: list[_Lookup]


class _LogEvent(msgspec.Struct):
    message: str
    timestamp: Any = None


class _Subscription(msgspec.Struct):
    """What a CloudWatch Logs subscription filter sends.

    Source: CloudWatch Logs user guide, "Log group-level subscription filters".
    """

    messageType: Literal["DATA_MESSAGE", "CONTROL_MESSAGE"]
    logEvents: list[_LogEvent]
    owner: str = ""
    logGroup: str = ""
    logStream: str = ""


RECORDS = msgspec.json.Decoder(_Records)
EVENTS = msgspec.json.Decoder(_Events)
SUBSCRIPTIONS = msgspec.json.Decoder(_Subscription)
ARRAYS = msgspec.json.Decoder(list[msgspec.Raw])
MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def split_json(body: bytes, notes: Notes, *, final: bool, alone: bool = True) -> Iterator[Piece]:
    """The records of a JSON text: one document, lines, concatenated or pretty-printed values.

    final: the body ends where the object ends; only then is a last line without line end, left open, a truncation.
    alone: no records came before it.
    Raises: ObjectError: truncated when a value is left open, corrupt when nothing can be read of a text that is final
    and alone.
    """
    try:
        return split_sound(body, notes)
    except (msgspec.DecodeError, RecursionError) as error:
        doubt = error if final and alone else None
        return _merge(_salvage(mend_surrogates(body, notes), notes, doubt, final=final))


def split_sound(body: bytes, notes: Notes) -> Iterator[Piece]:
    """The records of a JSON text without any fault. Raises: msgspec.DecodeError, RecursionError."""
    return _merge(_split_whole(mend_surrogates(body, notes), notes))


def is_whole(text: bytes) -> bool:
    """True when the text is one or more complete JSON values."""
    try:
        return bool(RAW.decode_lines(text))
    except (msgspec.DecodeError, RecursionError):
        return False


def _merge(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Neighbours of one shape and context, joined."""
    for (shape, context), group in groupby(pieces, key=lambda piece: (piece.shape, piece.context)):
        parts = [piece.records for piece in group if piece.records]
        if parts:
            yield Piece(shape, parts[0] if len(parts) == 1 else [record for part in parts for record in part], context)


def _split_whole(body: bytes, notes: Notes) -> list[Piece]:
    """Raises: msgspec.DecodeError, RecursionError."""
    if RECORDS_HEAD.match(body):
        try:
            return [Piece("json", document.Records or ()) for document in RECORDS.decode_lines(body)]
        except msgspec.ValidationError:
            pass  # other documents among them: look at each
    values = RAW.decode_lines(body)
    if not values:
        return []
    first = _open(values[0], notes)
    if first is None:  # streams are of one kind: when the first value is no envelope, none is looked for
        return [Piece("json", values)]
    return first + [piece for value in values[1:] for piece in _open_or_keep(value, notes)]


def _open_or_keep(value: msgspec.Raw, notes: Notes) -> list[Piece]:
    opened = _open(value, notes)
    return [Piece("json", [value])] if opened is None else opened


def _open(value: msgspec.Raw, notes: Notes) -> list[Piece] | None:
    """The records inside one value, or None when it is no envelope."""
    head = bytes(memoryview(value)[:HEAD_BYTES])
    if ARRAY_HEAD.match(head):
        return [Piece("json", ARRAYS.decode(value))]
    if (records := _records(value, head, notes)) is not None:
        return records
    if (subscription := _try(SUBSCRIPTIONS, value)) is not None:
        return _open_subscription(subscription, notes)
    if (events := _try(EVENTS, value)) is not None:
        return list(_texts(((event.CloudTrailEvent, None) for event in events.Events), {}, notes))
    return None


def _records(value: msgspec.Raw, head: bytes, notes: Notes) -> list[Piece] | None:
    """The records of a CloudTrail document; its other members are counted. Records need not come first."""
    comes_first = RECORDS_HEAD.match(head) is not None
    if not comes_first and b'"Records"' not in head:
        return None
    members = _try(MEMBERS, value) or {}
    listed = members.get("Records", msgspec.Raw(b"0"))
    records = [] if bytes(listed) == b"null" else _try(ARRAYS, listed)
    if records is None or not (comes_first or _are_objects(records)):
        return None
    notes.count(BESIDE, len(members) - 1)
    return [Piece("json", records)]


def _are_objects(records: Sequence[msgspec.Raw]) -> bool:
    return bool(records) and bytes(memoryview(records[0])[:1]) == b"{"


def _try(decoder: msgspec.json.Decoder[Any], value: msgspec.Raw) -> Any:
    try:
        return decoder.decode(value)
    except msgspec.ValidationError:
        return None


def _open_subscription(envelope: _Subscription, notes: Notes) -> list[Piece]:
    if envelope.messageType == "CONTROL_MESSAGE":
        notes.ignored["cloudwatch_control_message"] += len(envelope.logEvents)
        return []
    context = {"owner": envelope.owner, "logGroup": envelope.logGroup, "logStream": envelope.logStream}
    return list(_texts(((event.message, event.timestamp) for event in envelope.logEvents), context, notes))


def _texts(messages: Iterable[tuple[str, Any]], context: Mapping[str, str], notes: Notes) -> Iterator[Piece]:
    """Messages and their times as records: JSON where a message is one whole JSON object, text otherwise."""
    records = ((text, time_ms) for message, time_ms in messages if (text := message.strip().encode()))
    tagged = (
        (_tag(mend_surrogates(record, notes) if record[:1] == b"{" else record), time_ms) for record, time_ms in records
    )
    for shape, group in groupby(tagged, key=lambda each: each[0][0]):
        yield Piece(shape, [timed(record, time_ms) for (_, record), time_ms in group], context)


def _tag(record: bytes) -> tuple[Literal["json", "lines"], bytes]:
    if record[:1] == b"{":
        try:
            RAW.decode(record)
        except (msgspec.DecodeError, RecursionError):
            return "lines", record
        return "json", record
    return "lines", record


def _salvage(body: bytes, notes: Notes, doubt: Exception | None, *, final: bool) -> list[Piece]:
    """What can be read of a text that breaks somewhere: by lines where it looks like lines, else by brackets.

    doubt: why the text may be no JSON at all; None where that is settled.
    """
    lines = [line for line in body.split(b"\n") if line.strip()]
    whole = sum(map(is_whole, lines))
    if whole * 2 > len(lines) or (final and is_whole(lines[0])):
        if final and not body.endswith(b"\n") and _is_open(lines[-1]):
            raise ObjectError("truncated", f"the text ends within a JSON value, {len(body)} bytes into it")
        return [piece for line in lines for piece in _split_or_keep(line, notes)]
    values, open_at = _by_brackets(body)
    if open_at is not None:
        raise ObjectError("truncated", f"the text ends within the JSON value that begins at byte {open_at}")
    pieces = [piece for value in values for piece in _split_or_enter(value, notes)]
    if doubt and not any(piece.shape == "json" for piece in pieces):
        raise ObjectError("corrupt", f"no JSON value can be read: {doubt}")
    return pieces


def _split_or_keep(text: bytes, notes: Notes) -> list[Piece]:
    try:
        return _split_whole(text, notes)
    except (msgspec.DecodeError, RecursionError):
        return [_broken(text.strip())]


def _split_or_enter(value: bytes, notes: Notes) -> list[Piece]:
    """As _split_or_keep, but a broken array (or Records document) loses only its broken elements."""
    opened = EVENTS_HEAD.match(value)
    pieces = _split_or_keep(value, notes)
    if opened is None or not (pieces and pieces[0].context is BROKEN):
        return pieces
    inner, _ = _by_brackets(value[opened.end() : value.rindex(b"]")] if b"]" in value else b"")
    return [piece for element in inner for piece in _element(element)]


def _element(text: bytes) -> list[Piece]:
    if is_whole(text):
        return [Piece("json", [text])]
    return [_broken(text)]


def _broken(text: bytes) -> Piece:
    return Piece("lines", [cut_text(text)], BROKEN)


def _is_open(text: bytes) -> bool:
    return _by_brackets(text)[1] is not None


def _by_brackets(body: bytes) -> tuple[list[bytes], int | None]:
    """Top-level values by brackets and strings alone, and where a value that never closes begins.

    Without recursion, so that no depth of nesting can break it. Text between values is a value of its own.
    """
    values: list[bytes] = []
    depth = start = 0
    for token in TOKEN.finditer(body):
        first = body[token.start()]
        if first in b"{[":
            if depth == 0:
                _add_text(values, body[start : token.start()])
                start = token.start()
            depth += 1
        elif first in b"}]" and depth:
            depth -= 1
            if depth == 0:
                values.append(body[start : token.end()])
                start = token.end()
        elif first == ord('"') and not token[1] and depth:
            return values, start
    if depth:
        return values, start
    _add_text(values, body[start:])
    return values, None


def _add_text(values: list[bytes], text: bytes) -> None:
    values += filter(None, (line.strip(b" \t\r,") for line in text.split(b"\n")))
