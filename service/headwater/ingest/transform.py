"""What a schema does to values, whole columns at a time: dig out, join, cut, clean, check, mask."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from headwater.schema.logtype import Field, Mask, Route, Validation

NONE = pa.scalar(None, pa.string())
NOTHING = msgspec.Raw(b"")  # a nested part that is absent
UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)  # what a decoder raises, whatever the bytes
PARTS = msgspec.json.Decoder(dict[str, msgspec.Raw])
TEXT = msgspec.json.Decoder(str)
SHOWN_CHARS = 100  # how much of a wrong value a reason quotes


@dataclass(frozen=True, slots=True)
class Value:
    """One value for each of N rows: plain texts, or JSON texts; null where there is none."""

    column: pa.Array
    is_json: bool = False

    def at(self, route: Route) -> Value:
        """The values nested in these."""
        return Value(each_text(self.documents(), lambda text: _dig(text, route)), is_json=True) if route else self

    def texts(self) -> pa.Array:
        """Plain texts: what stands in the quotes of JSON texts, everything else as it is written."""
        return each_text(self.column, unquoted) if self.is_json else self.column

    def documents(self) -> pa.Array:
        """JSON texts; a plain text that is no JSON becomes a quoted one."""
        return self.column if self.is_json else as_documents(self.column)


def each_text(column: pa.Array, change: Callable[[str], str | None]) -> pa.Array:
    """The column with each distinct text changed."""
    encoded = column.dictionary_encode()
    changed = [None if text is None else change(text) for text in encoded.dictionary.to_pylist()]
    return pa.array(changed, pa.string()).take(encoded.indices)


def as_documents(texts: pa.Array) -> pa.Array:
    """Texts that may hold JSON as JSON texts."""
    return each_text(texts, _as_document)


def _as_document(text: str) -> str | None:
    stripped = text.strip()
    return None if stripped == "null" else stripped if is_json(stripped) else msgspec.json.encode(text).decode()


def is_json(text: str) -> bool:
    """Whether a text is one JSON value."""
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except UNREADABLE:
        return False
    return True


def unquoted(text: str) -> str | None:
    """A JSON text as plain text."""
    if text == "null":
        return None
    try:
        return TEXT.decode(text) if text.startswith('"') else text
    except UNREADABLE:
        return text


@lru_cache(maxsize=512)
def nested_decoder(route: Route) -> Any:
    """Reads one nested value of JSON objects and skips everything else; what it gives has `inner` for each step."""
    kind: Any = msgspec.Raw
    for name in reversed(route):
        default = NOTHING if kind is msgspec.Raw else None
        member = kind if kind is msgspec.Raw else kind | None
        kind = msgspec.defstruct("Level", [("inner", member, default)], rename={"inner": name}, gc=False)
    return msgspec.json.Decoder(kind).decode


def _dig(text: str, route: Route) -> str | None:
    """The JSON text at a route; None where the way ends or the value is null. Letter case counts only on a tie."""
    try:
        found = nested_decoder(route)(text)
        for _ in route:
            found = found.inner if found is not None else None
    except UNREADABLE:
        return None
    if found is None or found is NOTHING:
        return _dig_loosely(text, route)
    shown = bytes(found).decode(errors="replace")
    return None if shown in ("", "null") else shown


def _dig_loosely(text: str, route: Route) -> str | None:
    lowered = text.lower()
    if not all(f'"{name.lower()}"' in lowered for name in route):
        return None
    raw: Any = text
    for name in route:
        try:
            parts = PARTS.decode(raw)
        except UNREADABLE:
            return None
        raw = parts.get(name) or next((part for key, part in parts.items() if key.lower() == name.lower()), None)
        if raw is None:
            return None
    return None if bytes(raw) == b"null" else bytes(raw).decode(errors="replace")


# Values made of others


def derived(fields: Sequence[Field], known: Mapping[str, Value], count: int) -> dict[str, Value]:
    """The values of the fields that copy, concat or split, by field; each step sees what the one before left.

    known: values by their name in the record; a field's own name is good as well, in any letter case.
    """
    names = dict(known)
    names.update((each.name, known[each.wire]) for each in fields if each.reads_own and each.wire in known)
    made: dict[str, Value] = {}
    for step in (_copied, _joined, _cut):
        for field in fields:
            value = step(field, names, count)
            if value is not None:
                made[field.name] = names[field.name] = value
    return made


def _copied(field: Field, names: Mapping[str, Value], count: int) -> Value | None:
    return _found(field.copy, names, count) if field.copy else None


def _joined(field: Field, names: Mapping[str, Value], count: int) -> Value | None:
    if field.concat is None:
        return None
    joined, *others = (_found(route, names, count).texts() for route in field.concat.paths)
    for each in others:  # Arrow's null_handling="skip" loses rows that are all null
        both = pc.binary_join_element_wise(joined, each, field.concat.separator)
        joined = pc.coalesce(both, joined, each)
    return Value(joined)


def _cut(field: Field, names: Mapping[str, Value], count: int) -> Value | None:
    if field.piece is None:
        return None
    texts = _found(field.piece.path or (field.name,), names, count).texts()
    pieces = pc.split_pattern(texts, field.piece.separator)
    index = field.piece.index
    starts = pieces.offsets.slice(0, count)
    reaches = pc.greater(pc.list_value_length(pieces), index)
    return Value(pieces.values.take(pc.if_else(reaches, pc.add(starts, index), pa.scalar(None, starts.type))))


def _found(route: Route, names: Mapping[str, Value], count: int) -> Value:
    """The value at a route; a whole route can be one name with dots in it."""
    whole = ".".join(route)
    lower = {name.lower(): name for name in names}
    for name, rest in ((whole, ()), (route[0], route[1:])):
        known = name if name in names else lower.get(name.lower())
        if known is not None:
            return names[known].at(rest)
    return Value(pa.nulls(count, pa.string()))


# Values cleaned, checked and masked


def settled(field: Field, texts: pa.Array) -> tuple[pa.Array, dict[int, str]]:
    """Texts without blanks and without those that mean nothing, masked; and why each one that may not be is refused."""
    if not field.is_cleaned:
        return texts, {}
    texts = cleaned(texts, trim=field.trim, empty_values=field.empty_values)
    reasons = _refused(field, field.validation, texts) if field.validation else {}
    return masked(field.mask, texts) if field.mask else texts, reasons


def settled_lists(field: Field, element: Field, lists: pa.Array) -> tuple[pa.Array, dict[int, str]]:
    """Lists of texts with their elements settled."""
    if not element.is_cleaned:
        return lists, {}
    texts, reasons = settled(element, lists.flatten())
    parents = pc.list_parent_indices(lists)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(_lengths(lists)).cast(pa.int32())])
    rebuilt = pa.ListArray.from_arrays(offsets, texts, mask=pc.is_null(lists))
    return rebuilt, {parents[index].as_py(): f"{field.name}: {reason}" for index, reason in reasons.items()}


def _lengths(lists: pa.Array) -> pa.Array:
    return pc.fill_null(pc.list_value_length(lists), 0)


def cleaned(texts: pa.Array, *, trim: bool, empty_values: Sequence[str]) -> pa.Array:
    """Texts without the blanks around them, null where they mean nothing."""
    if trim:
        texts = pc.utf8_trim_whitespace(texts)
    if not empty_values:
        return texts
    means_nothing = pc.is_in(texts, value_set=pa.array(empty_values, pa.string()))
    return pc.if_else(means_nothing, NONE, texts)


def masked(mask: Mask, texts: pa.Array) -> pa.Array:
    """What stands in the place of secret texts."""
    if mask.kind == "redact":
        return pc.if_else(pc.is_valid(texts), pa.scalar(mask.to, pa.string()), NONE)
    return each_text(texts, lambda text: obfuscated(mask, text))


def obfuscated(mask: Mask, text: str) -> str:
    """64 hex digits, the same for the same text and salt."""
    return hmac.new(mask.salt.encode(), text.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()


def _refused(field: Field, rule: Validation, texts: pa.Array) -> dict[int, str]:
    encoded = texts.dictionary_encode()
    values = encoded.dictionary.to_pylist()
    reasons = [None if value is None else refusal(rule, value) for value in values]
    if not any(reasons):
        return {}
    shown = [f"{field.name}: {'the value' if field.mask else repr(value)[:SHOWN_CHARS]}" for value in values]
    return {
        index: f"{shown[number]} {reasons[number]}"
        for index, number in enumerate(encoded.indices.to_pylist())
        if number is not None and reasons[number]
    }


def refusal(rule: Validation, text: str) -> str | None:
    """Why a text may not be, or None."""
    if rule.allow and text not in rule.allow:
        return "is not one of the allowed values"
    if text in rule.deny:
        return "is a denied value"
    if rule.ip and not _is_network(rule.ip, text, ipaddress.ip_address):
        return f"is no IP address ({rule.ip})"
    if rule.cidr and not ("/" in text and _is_network(rule.cidr, text, _network)):
        return f"is no CIDR range ({rule.cidr})"
    return None


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text, strict=False)


def _is_network(wanted: str, text: str, read: Callable[[str], Any]) -> bool:
    try:
        version = read(text).version
    except ValueError:
        return False
    return wanted == "any" or wanted == f"ipv{version}"
