"""Typed columns + where they came from → a batch with the p_ columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from headwater.ingest.columns import Columns, RawRows
from headwater.ingest.indicators import indicators
from headwater.ingest.timed import times_of
from headwater.ingest.times import to_timestamps
from headwater.ingest.transform import Value
from headwater.model import Batch
from headwater.schema.logtype import TIMESTAMP, Field, LogType, Route

OLDEST = timedelta(days=3653)  # ten years; a clock that is off must not open partitions of its own
NEWEST = timedelta(days=1)


def normalize(log_type: LogType, rows: RawRows, columns: Columns, part: pa.Array, parse_time: datetime) -> Batch:
    """The batch of N rows. part: the part number of each row."""
    count = len(columns.positions)
    event_time, missing = _event_time(log_type, columns, times_of(rows, columns.positions), parse_time)
    row = rows.row_of(columns.positions, part)
    standard = {
        "p_log_type": pa.repeat(log_type.name, count),
        "p_event_time": event_time,
        "p_parse_time": pa.repeat(pa.scalar(parse_time, TIMESTAMP), count),
        "p_schema_version": pa.repeat(pa.scalar(log_type.version, pa.int32()), count),
        "p_event_time_missing": missing,
        "p_unmapped": pa.nulls(count, pa.string()) if columns.unmapped is None else columns.unmapped,
        **_provenance(rows, part, row),
        **indicators(log_type.fields, columns.arrays, count),
    }
    arrays = {**columns.arrays, **standard}
    schema = log_type.arrow_schema
    ordered = [arrays[field.name] if field.name in arrays else pa.nulls(count, field.type) for field in schema]
    return Batch(log_type.name, pa.Table.from_arrays(ordered, schema=schema))


def _event_time(
    log_type: LogType, columns: Columns, beside: pa.Array | None, parse_time: datetime
) -> tuple[pa.Array, pa.Array]:
    """The first time that a row tells, or the one beside it, and whether there was none to believe."""
    now = pa.scalar(parse_time, TIMESTAMP)
    times = [
        time
        for field in log_type.fields
        if field.name in columns.arrays
        for time in _times(field, columns.arrays[field.name], (), parse_time)
    ]
    times += [] if beside is None else [beside]
    told = pc.coalesce(*times) if times else pa.nulls(len(columns.positions), TIMESTAMP)
    oldest, newest = (pa.scalar(parse_time + shift, TIMESTAMP) for shift in (-OLDEST, NEWEST))
    credible = pc.fill_null(pc.and_(pc.greater_equal(told, oldest), pc.less_equal(told, newest)), False)
    return pc.if_else(credible, told, now), pc.invert(credible)


def _times(field: Field, array: pa.Array, route: Route, now: datetime) -> Iterator[pa.Array]:
    """The event times that a field or its parts tell, in the order of the schema."""
    if field.event_time and not route:
        yield array
    elif field.event_time:
        yield to_timestamps(Value(array, is_json=True).at(route).texts(), field.time_formats, now)
    for part in field.fields:
        yield from _times(part, array, (*route, part.name), now)


def _provenance(rows: RawRows, part: pa.Array, row: pa.Array) -> dict[str, pa.Array]:
    refs = [each.ref for each in rows.parts]
    sources = [each.source for each in rows.parts]
    bucket, key = _spread([ref.bucket for ref in refs], part), _spread([ref.key for ref in refs], part)
    prefix = _spread([ref.object_id[:32] for ref in refs], part)
    return {
        "p_row_id": pc.binary_join_element_wise(prefix, _hex8(row), ""),
        "p_source_id": _spread([source.source_id for source in sources], part),
        "p_source_label": _spread([source.label for source in sources], part),
        "p_account_id": _spread([source.account_id for source in sources], part),
        "p_source_file": pa.StructArray.from_arrays([bucket, key, row], names=["bucket", "key", "row"]),
    }


def _spread(values: Sequence[str], part: pa.Array) -> pa.Array:
    """The value of each row's part."""
    return pa.array(values, pa.string()).take(part)


def _hex8(numbers: pa.Array) -> pa.Array:
    """Each number as eight hexadecimal digits."""
    digits = pa.array([f"{number:02x}" for number in range(256)])
    octets = [
        digits.take(pc.bit_wise_and(pc.shift_right(numbers, pa.scalar(shift, pa.int64())), pa.scalar(255, pa.int64())))
        for shift in (24, 16, 8, 0)
    ]
    return pc.binary_join_element_wise(*octets, "")
