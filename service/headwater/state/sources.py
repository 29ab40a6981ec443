"""What each source has sent so far, and when it was heard of last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, select, update

from headwater.model import Receipt
from headwater.state.database import insert_missing, read
from headwater.state.schema import source_counters

COUNTERS = ("objects", "rows_in", "rows_out", "rejects", "matches", "bytes_in")


@dataclass(frozen=True, slots=True)
class SourceCounters:
    """Totals of one source and log type; log_type is "" for objects of none, and a+b for objects with rows of both."""

    source_id: str
    log_type: str
    objects: int
    rows_in: int
    rows_out: int
    rejects: int
    matches: int
    bytes_in: int
    last_seen: datetime


def source_totals(engine: Engine, source_id: str | None = None) -> tuple[SourceCounters, ...]:
    """The counters of one source, or of all, by source and log type."""
    statement = select(source_counters).order_by(source_counters.c.source_id, source_counters.c.log_type)
    if source_id is not None:
        statement = statement.where(source_counters.c.source_id == source_id)
    with read(engine) as connection:
        return tuple(SourceCounters(**row) for row in connection.execute(statement).mappings())


def count(connection: Connection, receipts: Sequence[Receipt], now: datetime) -> None:
    """Add the receipts to the counters of their sources."""
    totals: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: dict.fromkeys(COUNTERS, 0))
    for receipt in receipts:
        total = totals[receipt.source.source_id, "+".join(sorted(receipt.log_types))]
        total["objects"] += 1
        for name in COUNTERS[1:]:
            total[name] += getattr(receipt, name)
    move(connection, totals, now)


def move(connection: Connection, totals: Mapping[tuple[str, str], Mapping[str, int]], now: datetime) -> None:
    """Add to the counters of each source and log type; what is not named stays."""
    keys = sorted(totals)  # in one order for all workers, or they could deadlock
    zeros = dict.fromkeys(COUNTERS, 0)
    insert_missing(
        connection, source_counters, [{"source_id": s, "log_type": t, "last_seen": now, **zeros} for s, t in keys]
    )
    if keys:
        connection.execute(_addition(), [{"s": s, "t": t, "seen": now, **_plus(totals[s, t])} for s, t in keys])


def _addition() -> Any:
    columns = source_counters.c
    sums = {name: columns[name] + bindparam(f"plus_{name}") for name in COUNTERS}
    statement = update(source_counters).where(columns.source_id == bindparam("s"), columns.log_type == bindparam("t"))
    return statement.values(**sums, last_seen=bindparam("seen"))


def _plus(total: Mapping[str, int]) -> dict[str, int]:
    return {f"plus_{name}": total.get(name, 0) for name in COUNTERS}
