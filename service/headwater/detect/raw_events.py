"""Raw events as batches in which every row is what was written, whatever the schema makes of it.

The columns are those of the log type; one whose values the schema changes, and a key that it does not know, becomes a
column of the values as they were written. So a rule says of a row what it says of the event itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import pyarrow as pa

from headwater.ingest.parse import Part, parse
from headwater.ingest.rows import row_dicts
from headwater.model import Batch, Chunk, ObjectRef, Source
from headwater.schema.logtype import LogType

BATCH_ROWS = 20_000
WHERE = Part(
    ObjectRef("local-file", "events"), Source("111122223333", "local", "events", "local-file"), Chunk("json", [])
)


@dataclass(frozen=True, slots=True)
class Numbered:
    """A batch, and the number of each of its rows in the file."""

    batch: Batch
    numbers: tuple[int, ...]


def batches(
    lines: Sequence[bytes], log_type: LogType, whole: LogType, now: datetime, *, stored: bool = False
) -> Iterator[Numbered]:
    """The events (JSON objects) as batches of a log type, those that its schema refuses in batches of their own.

    whole: the log type of any JSON, for those. stored: leave the columns that the service adds, as rows in the lake
    have them.
    """
    for start in range(0, len(lines), BATCH_ROWS):
        some = lines[start : start + BATCH_ROWS]
        batch, refused = _parsed(some, log_type, now)
        taken = [number for number in range(len(some)) if number not in refused]
        if batch is not None:
            table = _as_written(batch.table, [orjson.loads(some[number]) for number in taken], stored=stored)
            yield Numbered(Batch(log_type.name, table), tuple(start + number for number in taken))
        if refused:
            numbers = sorted(refused)
            kept, _ = _parsed([some[number] for number in numbers], whole, now)
            if kept is not None:
                table = kept.table if stored else _without_standard(kept.table)
                yield Numbered(Batch(log_type.name, table), tuple(start + number for number in numbers))


def _parsed(lines: Sequence[bytes], log_type: LogType, now: datetime) -> tuple[Batch | None, set[int]]:
    part = Part(WHERE.ref, WHERE.source, Chunk("json", list(lines)))
    parsed = parse(log_type, [part], now)
    return parsed.batch, {reject.row for reject in parsed.rejects}


def _without_standard(table: pa.Table) -> pa.Table:
    return table.select([name for name in table.column_names if not name.startswith("p_")])


def _as_written(table: pa.Table, events: Sequence[Mapping[str, Any]], *, stored: bool) -> pa.Table:
    table = table if stored else _without_standard(table)
    rows = row_dicts(table)
    names = {name.lower(): name for name in table.column_names}
    for key in dict.fromkeys(key for event in events for key in event):
        name = names.get(key.lower(), key)
        written = [event.get(key) for event in events]
        if name.lower() not in names or not all(map(_same, (row.get(name) for row in rows), written)):
            table = _with(table, key, written)
    unknown = [name for name in table.column_names if name not in _keys(events) and not name.startswith("p_")]
    return table.drop_columns([name for name in unknown if table.column(name).null_count < table.num_rows])


def _keys(events: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    return frozenset(key for event in events for key in event)


def _same(value: Any, written: Any) -> bool:
    return type(value) is type(written) and bool(value == written)


def _with(table: pa.Table, key: str, values: Sequence[Any]) -> pa.Table:
    field, array = _column(key, values)
    if key in table.column_names:
        return table.set_column(table.column_names.index(key), field, array)
    return table.append_column(field, array)


def _column(key: str, values: Sequence[Any]) -> tuple[pa.Field, pa.Array]:
    kinds = {type(value) for value in values if value is not None}
    if kinds in ({str}, {bool}):
        try:
            array = pa.array(values)
            return pa.field(key, array.type), array
        except UnicodeEncodeError:  # half a surrogate pair: JSON can write it, text columns cannot
            pass
    texts = pa.array([None if value is None else json.dumps(value) for value in values], pa.string())
    return pa.field(key, pa.string(), metadata={b"json": b"true"}), texts
