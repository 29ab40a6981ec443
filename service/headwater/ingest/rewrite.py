"""Declared parts inside JSON columns: renamed, made of others, opened, masked, as the schema says.

Only columns that declare something of the kind come here; each distinct document is taken apart as far as that needs,
and every value that nobody touches stays as it was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import msgspec
import pyarrow as pa

from headwater.ingest.transform import PARTS, UNREADABLE, Value, is_json, obfuscated, refusal, unquoted
from headwater.schema.logtype import Field, Mask, Route

LISTS = msgspec.json.Decoder(list[msgspec.Raw])
NULL = msgspec.Raw(b"null")
TOO_DEEP = "nested too deep to be read"


class _Refused(ValueError):
    """A nested text that may not be; its text is the reason."""


@lru_cache(maxsize=1024)
def is_rewritten(field: Field) -> bool:
    """Whether the documents of a field change."""
    return field.embedded or any(map(_changes, (*field.fields, *((field.element,) if field.element else ()))))


def _changes(part: Field) -> bool:
    is_moved = part.wire != part.name or bool(part.routes) or part.piece is not None
    return is_moved or part.is_cleaned or is_rewritten(part)


def rewritten(field: Field, documents: pa.Array) -> tuple[pa.Array, dict[int, str]]:
    """The documents as declared, and why each one that may not be is refused."""
    if not is_rewritten(field):
        return documents, {}
    encoded = documents.dictionary_encode()
    texts: list[str | None] = []
    reasons: dict[int, str] = {}
    for number, text in enumerate(encoded.dictionary.to_pylist()):
        try:
            texts.append(_text(_inside(field, msgspec.Raw(text.encode(errors="replace")), field.name)))
        except _Refused as error:
            reasons[number] = str(error)
            texts.append(None)
        except RecursionError:
            reasons[number] = f"{field.name}: {TOO_DEEP}"
            texts.append(None)
    column = pa.array(texts, pa.string()).take(encoded.indices)
    if not reasons:
        return column, {}
    at = enumerate(encoded.indices.to_pylist())
    return column, {index: reasons[number] for index, number in at if number in reasons}


def _text(raw: msgspec.Raw) -> str | None:
    text = bytes(raw).decode(errors="replace")
    return None if text in ("", "null") else text


def _inside(field: Field, raw: msgspec.Raw, path: str) -> msgspec.Raw:
    """One value as declared."""
    if field.embedded:
        raw = _opened(raw)
    first = bytes(raw[:1]) if isinstance(raw, bytes) else bytes(raw)[:1]
    if first == b"{" and field.fields:
        return _object(field, raw, path)
    if first == b"[" and field.element is not None and _changes(field.element):
        items = [_inside(field.element, item, f"{path}[{number}]") for number, item in enumerate(LISTS.decode(raw))]
        return msgspec.Raw(msgspec.json.encode(items))
    is_leaf = field.mask is not None or first not in (b"{", b"[")
    return _leaf(field, raw, path) if field.is_cleaned and is_leaf else raw


def _opened(raw: msgspec.Raw) -> msgspec.Raw:
    """The JSON that stands in a JSON text; the text itself where it holds none."""
    text = _text(raw)
    inner = unquoted(text) if text and text.startswith('"') else None
    return msgspec.Raw(inner.strip().encode()) if inner is not None and is_json(inner) else raw


def _object(field: Field, raw: msgspec.Raw, path: str) -> msgspec.Raw:
    try:
        parts = PARTS.decode(raw)
    except UNREADABLE:
        return raw
    parts = _moved(field.fields, parts)
    lower = {key.lower(): key for key in parts}
    for part in field.fields:
        key = part.name if part.name in parts else lower.get(part.name.lower())
        if key is not None and _changes(part):
            parts[key] = _inside(part, parts[key], f"{path}.{part.name}")
    return msgspec.Raw(msgspec.json.encode(parts))


def _moved(fields: tuple[Field, ...], parts: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """The parts under their declared names, with those that are made of others."""
    lower = {key.lower(): key for key in parts}
    names = {}
    for part in fields:
        source = part.wire if part.wire in parts else lower.get(part.wire.lower())
        if part.reads_own and part.wire != part.name and source is not None:
            names[source] = part.name
    parts = {names.get(key, key): raw for key, raw in parts.items()}
    for step in (_copied, _joined, _cut):
        for part in fields:
            made = step(part, parts)
            if made is not None:
                parts[part.name] = made
    return parts


def _copied(part: Field, parts: Mapping[str, msgspec.Raw]) -> msgspec.Raw | None:
    return _at(part.copy, parts) if part.copy else None


def _joined(part: Field, parts: Mapping[str, msgspec.Raw]) -> msgspec.Raw | None:
    if part.concat is None:
        return None
    texts = [unquoted(_text(_at(route, parts)) or "null") for route in part.concat.paths]
    present = [text for text in texts if text is not None]
    return msgspec.Raw(msgspec.json.encode(part.concat.separator.join(present))) if present else NULL


def _cut(part: Field, parts: Mapping[str, msgspec.Raw]) -> msgspec.Raw | None:
    if part.piece is None:
        return None
    text = unquoted(_text(_at(part.piece.path or (part.name,), parts)) or "null")
    pieces = [] if text is None else text.split(part.piece.separator)
    reaches = len(pieces) > part.piece.index
    return msgspec.Raw(msgspec.json.encode(pieces[part.piece.index])) if reaches else NULL


def _at(route: Route, parts: Mapping[str, msgspec.Raw]) -> msgspec.Raw:
    lower = {key.lower(): raw for key, raw in parts.items()}
    raw = parts.get(route[0], lower.get(route[0].lower()))
    if raw is None:
        return NULL
    found = Value(pa.array([bytes(raw).decode(errors="replace")]), is_json=True).at(route[1:]).column[0].as_py()
    return NULL if found is None else msgspec.Raw(found.encode(errors="replace"))


def _leaf(field: Field, raw: msgspec.Raw, path: str) -> msgspec.Raw:
    """A text as declared.

    Raises: _Refused.
    """
    text = unquoted(_text(raw) or "null")
    if text is None:
        return NULL
    text = text.strip() if field.trim else text
    if text in field.empty_values:
        return NULL
    reason = refusal(field.validation, text) if field.validation else None
    if reason:
        raise _Refused(f"{path}: {'the value' if field.mask else repr(text)[:100]} {reason}")
    if field.mask:
        return msgspec.Raw(msgspec.json.encode(_hidden(field.mask, text)))
    return raw if not field.trim else msgspec.Raw(msgspec.json.encode(text))


def _hidden(mask: Mask, text: str) -> str:
    return mask.to if mask.kind == "redact" else obfuscated(mask, text)
