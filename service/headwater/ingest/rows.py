"""Rows of a table as the plain dicts that detections see and `headwater parse` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc


def row_dicts(table: pa.Table, indices: Sequence[int] | None = None) -> list[dict[str, Any]]:
    """The rows (those at `indices`, in that order): nulls left out, JSON text decoded, times as RFC 3339 text."""
    chosen = table if indices is None else table.take(pa.array(indices, pa.int64()))
    rows: list[dict[str, Any]] = [{} for _ in range(chosen.num_rows)]
    for field, column in zip(chosen.schema, chosen.columns, strict=True):
        if column.null_count == len(column):
            continue
        name = field.name
        for row, value in zip(rows, _values(field, column), strict=True):
            if value is not None:
                row[name] = value
    return rows


def _values(field: pa.Field, column: pa.ChunkedArray) -> list[Any]:
    if pa.types.is_timestamp(field.type):
        return list(rfc3339(column).to_pylist())
    if field.metadata and b"json" in field.metadata:
        return [None if text is None else _decoded(text) for text in column.to_pylist()]
    return list(column.to_pylist())


def _decoded(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # nested too deep for any rule; keep the text
        return text


def rfc3339(times: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Timestamps as text with Z; a fraction only where it is not zero, without trailing zeros."""
    text = pc.strftime(times, format="%Y-%m-%dT%H:%M:%S")
    if pc.max(pc.microsecond(times)).as_py() or pc.max(pc.millisecond(times)).as_py():
        text = pc.replace_substring_regex(text, r"\.?0+$", "")
    else:
        text = pc.replace_substring_regex(text, r"\.[0-9]+$", "")
    return pc.binary_join_element_wise(text, "Z", "")
