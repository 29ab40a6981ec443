"""Raw events as batches in which every row is what was written, whatever the schema makes of it.

The columns are those of the log type; one whose values the schema changes, and a key that it does not know, becomes a
column of the values as they were written. So a rule says of a row what it says of the event itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
    lines: Sequence[bytes], name: str, log_type: LogType | None, now: datetime, *, stored: bool = False
) -> Iterator[Numbered]:
    """The events (JSON objects) as batches of a log type, those that its schema refuses in batches of their own.

    log_type: None where there is no schema. stored: leave the columns that the service adds, as rows in the lake have
    them.
    """
    for start in range(0, len(lines), BATCH_ROWS):
        some = lines[start : start + BATCH_ROWS]
        table, taken = _parsed(some, log_type, now) if log_type else (None, ())
        if table is not None:
            made = _as_written(table if stored else _without_standard(table), [orjson.loads(some[at]) for at in taken])
            yield Numbered(Batch(name, made), tuple(start + at for at in taken))
        left = sorted(set(range(len(some))) - set(taken))
        if left:
            made = _plain([orjson.loads(some[at]) for at in left])
            yield Numbered(Batch(name, made), tuple(start + at for at in left))


def _parsed(lines: Sequence[bytes], log_type: LogType, now: datetime) -> tuple[pa.Table | None, Sequence[int]]:
    parsed = parse(log_type, [replace(WHERE, chunk=Chunk("json", list(lines)))], now)
    refused = {reject.row for reject in parsed.rejects}
    taken = [at for at in range(len(lines)) if at not in refused]
    return (None, ()) if parsed.batch is None else (parsed.batch.table, taken)


def _plain(events: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Events as columns without a schema."""
    names = dict.fromkeys(key for event in events for key in event)
    columns = [_column(name, [event.get(name) for event in events]) for name in names]
    return pa.Table.from_arrays([array for _, array in columns], schema=pa.schema([field for field, _ in columns]))


def _without_standard(table: pa.Table) -> pa.Table:
    return table.select([name for name in table.column_names if not name.startswith("p_")])


def _as_written(table: pa.Table, events: Sequence[Mapping[str, Any]]) -> pa.Table:
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
