"""Every record of a file under one schema, whatever its content looks like."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from headwater.ingest.parse import Part, parse
from headwater.ingest.rows import row_dicts
from headwater.model import Chunk, ObjectRef, Reject, Source
from headwater.schema.logtype import LogType


@dataclass(frozen=True, slots=True)
class Checked:
    """events: the first rows, as rules would see them. matched, unmatched: how many records fit and how many do not."""

    events: Sequence[dict[str, Any]]
    rejects: Sequence[Reject]
    matched: int
    unmatched: int


def check(
    log_type: LogType, ref: ObjectRef, source: Source, chunks: Iterable[Chunk], now: datetime, limit: int
) -> Checked:
    """The records of all chunks read by the log type. limit: how many events and rejects are kept."""
    parsed = parse(log_type, [Part(ref, source, chunk) for chunk in chunks], now)
    events = row_dicts(parsed.batch.table.slice(0, limit)) if parsed.batch else []
    return Checked(events, parsed.rejects[:limit], sum(parsed.rows), sum(parsed.rejected))
