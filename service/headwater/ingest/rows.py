"""Rows of a table as the plain dicts that detections see and `headwater parse` prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import orjson
import pyarrow as pa
import pyarrow.compute as pc

MAX_DEPTH = 200  # orjson writes 254 levels, and the value may stand inside another
HUGE = "[0-9]{19}"  # digits of a whole number that may not fit 64 bits


def row_dicts(table: pa.Table, indices: Sequence[int] | None = None) -> list[dict[str, Any]]:
    """The rows (those at `indices`, in that order): nulls left out, JSON text decoded, times as RFC 3339 text.

    A record that was kept whole (Raw.JSON) shows its own keys; those named like a standard column stay in the lake.
    """
    filled = [
        name for name, column in zip(table.column_names, table.columns, strict=True) if column.null_count < len(column)
    ]
    chosen = table.select(filled) if len(set(filled)) == len(filled) else table
    chosen = chosen if indices is None else chosen.take(pa.array(indices, pa.int64()))
    names = chosen.column_names
    columns = map(_values, chosen.schema, chosen.columns)
    if any(map(_is_whole, chosen.schema)):
        reserved = frozenset(name for name in table.column_names if name.startswith("p_"))
        return [_with_whole(chosen.schema, values, reserved) for values in zip(*columns, strict=True)]
    if not names:
        return [{} for _ in range(chosen.num_rows)]
    # One comprehension a row: half the time of filling the rows column by column.
    return [
        {name: value for name, value in zip(names, values, strict=False) if value is not None}
        for values in zip(*columns, strict=True)
    ]


def _is_whole(field: pa.Field) -> bool:
    return field.metadata is not None and b"whole" in field.metadata


def _with_whole(schema: pa.Schema, values: Sequence[Any], reserved: frozenset[str]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for field, value in zip(schema, values, strict=True):
        if _is_whole(field) and isinstance(value, dict):
            row.update((key, item) for key, item in value.items() if key.lower() not in reserved)
        elif value is not None:
            row[field.name] = value
    return row


def _values(field: pa.Field, column: pa.ChunkedArray) -> list[Any]:
    if pa.types.is_timestamp(field.type):
        return list(rfc3339(column).to_pylist())
    if field.metadata and b"json" in field.metadata:
        return list(documents(column))
    return list(column.to_pylist())


def documents(column: pa.Array | pa.ChunkedArray) -> Iterator[Any]:
    """The values of JSON texts, None for null, one at a time; a text that is no JSON stands for itself."""
    huge = frozenset(pc.indices_nonzero(pc.match_substring_regex(column, HUGE)).to_pylist())
    for index, text in enumerate(column.to_pylist()):
        value = None if text is None else document(text)
        if index in huge and not isinstance(value, str):
            value = _exact(msgspec.json.decode(text))
        yield value


def document(text: str) -> Any:
    """The JSON value; the text itself where it is nested too deep to be written as JSON again.

    Whole numbers of more than 64 bits are inexact floats here: see documents.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    may_be_deep = len(text) > 2 * MAX_DEPTH and text.count("[") + text.count("{") > MAX_DEPTH
    return text if may_be_deep and _is_deeper(value, MAX_DEPTH) else value


def _is_deeper(value: Any, limit: int) -> bool:
    """Whether containers lie in each other more than `limit` times; by layers, so that no depth overflows the stack."""
    layer = [value]
    for _ in range(limit + 1):
        inner = [each.values() if isinstance(each, dict) else each for each in layer if isinstance(each, dict | list)]
        layer = [item for items in inner for item in items]
        if not layer:
            return False
    return True


def _exact(value: Any) -> Any:
    """The value with whole numbers that no 64 bits can hold as text, where orjson makes inexact floats of them."""
    if isinstance(value, dict):
        return {key: _exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_exact(item) for item in value]
    return str(value) if isinstance(value, int) and not -(2**63) <= value < 2**64 else value


def rfc3339(times: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Timestamps as text with Z; a fraction only where it is not zero, without trailing zeros."""
    naive = times.cast(pa.timestamp("us"))  # text of zoned times is ten times slower
    try:
        text = naive.cast(pa.timestamp("s")).cast(pa.string())
    except pa.ArrowInvalid:  # some have a fraction
        text = pc.replace_substring_regex(naive.cast(pa.string()), r"\.?0*$", "")
    return pc.binary_join_element_wise(pc.binary_replace_slice(text, 10, 11, "T"), "Z", "")
