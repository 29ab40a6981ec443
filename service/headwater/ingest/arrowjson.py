"""Arrow values → JSON texts, whole arrays at a time (five times faster than through Python objects)."""

from __future__ import annotations

from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from headwater.ingest.rows import rfc3339

NEEDS_ESCAPE = r'["\\\x00-\x1f]'
NONE = pa.scalar(None, pa.string())


def json_texts(array: pa.Array) -> pa.Array:
    """The JSON text of each value; null for null. Attributes that are null are left out: Parquet knows no others."""
    kind = array.type
    if pa.types.is_string(kind):
        return _quoted(array)
    if pa.types.is_struct(kind):
        return _objects(array)
    if pa.types.is_map(kind):
        array = array.cast(pa.list_(pa.struct([("key", kind.key_type), ("value", kind.item_type)])))
        entries = array.flatten()
        members = _joined([_quoted(entries.field(0).cast(pa.string())), _or_null(entries.field(1))], ":")
        return _lists(array, members, "{", "}")
    if pa.types.is_list(kind):
        return _lists(array, _or_null(array.flatten()), "[", "]")
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return array.cast(pa.string())
    if pa.types.is_timestamp(kind):
        return _quoted(rfc3339(array))
    return pa.array([None if each is None else _dumps(each) for each in array.to_pylist()], pa.string())


def _objects(array: pa.StructArray) -> pa.Array:
    names = [_dumps(field.name) + ":" for field in array.type]
    members = [
        _joined([pa.scalar(name), json_texts(child), pa.scalar(",")])
        for name, child in zip(names, array.flatten(), strict=True)
    ]
    if not members:
        return pc.if_else(array.is_valid(), pa.scalar("{}"), NONE)
    # Arrow joins no arrays that are null throughout; so each member brings its comma, and the last one is taken off.
    inner = pc.ascii_rtrim(_joined([pc.fill_null(each, "") for each in members]), ",")
    return pc.if_else(array.is_valid(), _joined([pa.scalar("{"), inner, pa.scalar("}")]), NONE)


def _lists(array: pa.ListArray, items: pa.Array, begin: str, end: str) -> pa.Array:
    """Lists of N texts in all, as one text each."""
    ends = pc.cumulative_sum(pc.fill_null(array.value_lengths(), 0))
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends.cast(pa.int32())])
    inner = pc.binary_join(pa.ListArray.from_arrays(offsets, items), ",")
    return pc.if_else(array.is_valid(), _joined([pa.scalar(begin), inner, pa.scalar(end)]), NONE)


def _or_null(array: pa.Array) -> pa.Array:
    return pc.fill_null(json_texts(array), "null")


def _quoted(texts: pa.Array) -> pa.Array:
    quoted = _joined([pa.scalar('"'), texts, pa.scalar('"')])
    special = pc.fill_null(pc.match_substring_regex(texts, NEEDS_ESCAPE), False)
    if not pc.any(special).as_py():
        return quoted
    escaped = pa.array([_dumps(text) for text in texts.filter(special).to_pylist()], pa.string())
    return pc.replace_with_mask(quoted, special, escaped)


def _joined(parts: list[Any], separator: str = "") -> pa.Array:
    return pc.binary_join_element_wise(*parts, separator)


def _dumps(value: Any) -> str:
    return orjson.dumps(value, default=_shown).decode()


def _shown(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
