"""Messages of CloudWatch Logs with the time that came beside them, for lines that do not tell their own."""

from __future__ import annotations

import pyarrow as pa

from headwater.ingest.columns import RawRows
from headwater.ingest.timedtext import Timed
from headwater.ingest.times import to_timestamps


def times_of(rows: RawRows, positions: pa.Array) -> pa.Array | None:
    """The times beside the records at the positions; None where none has one."""
    if not any("logStream" in part.chunk.context for part in rows.parts):
        return None
    records = (rows.records[position] for position in positions.to_pylist())
    times = pa.array([each.time_ms if isinstance(each, Timed) else None for each in records], pa.int64())
    return to_timestamps(times, ("unix_ms",)) if times.null_count < len(times) else None
