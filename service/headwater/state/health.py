"""Faults of whole sources: one whose rows are rejected too often is told of like a detection's alert."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, func, select, update

from headwater.model import Match, Receipt, Source, health_match
from headwater.state.database import chunks, insert_missing
from headwater.state.schema import source_rates

REJECT_SHARE = "Headwater.RejectShare"
STEP_MIN = 10
LOOKED_AT = timedelta(hours=1)
REASONS_SHOWN = 5
Reasons = Mapping[str, Mapping[str, int]]  # source id → reason → rows


@dataclass(frozen=True, slots=True)
class RejectLimit:
    """share: of a source's rows of the last hour that may be rejected. min_rows: fewer rows than that say nothing."""

    share: float = 0.05
    min_rows: int = 100


def observe(
    connection: Connection, receipts: Sequence[Receipt], reasons: Reasons, limit: RejectLimit, now: datetime
) -> tuple[Match, ...]:
    """Count the receipts, and give a match for each source that adds rejects and is over the limit by now."""
    rows: dict[str, tuple[int, int]] = {}
    for receipt in receipts:
        rows_in, rejects = rows.get(receipt.source.source_id, (0, 0))
        rows[receipt.source.source_id] = (rows_in + receipt.rows_in, rejects + receipt.rejects)
    _count(connection, rows, now)
    sources = {receipt.source.source_id: receipt.source for receipt in receipts if receipt.rejects}
    rates = _rates(connection, sorted(sources), now)
    return tuple(
        _match(sources[source_id], rows_in, rejects, reasons.get(source_id, {}), now)
        for source_id, (rows_in, rejects) in rates.items()
        if rows_in >= limit.min_rows and rejects > limit.share * rows_in
    )


def _count(connection: Connection, rows: Mapping[str, tuple[int, int]], now: datetime) -> None:
    starts_at = now.replace(minute=now.minute - now.minute % STEP_MIN, second=0, microsecond=0)
    keys = sorted(rows)  # in one order for all workers, or they could deadlock
    new = [{"source_id": key, "starts_at": starts_at, "rows_in": 0, "rejects": 0} for key in keys]
    insert_missing(connection, source_rates, new)
    columns = source_rates.c
    addition = (
        update(source_rates)
        .where(columns.source_id == bindparam("s"), columns.starts_at == starts_at)
        .values(rows_in=columns.rows_in + bindparam("plus_rows"), rejects=columns.rejects + bindparam("plus_rejects"))
    )
    if keys:
        connection.execute(addition, [{"s": k, "plus_rows": rows[k][0], "plus_rejects": rows[k][1]} for k in keys])


def _rates(connection: Connection, source_ids: Sequence[str], now: datetime) -> dict[str, tuple[int, int]]:
    columns = source_rates.c
    found: dict[str, tuple[int, int]] = {}
    for piece in chunks(source_ids):
        statement = (
            select(columns.source_id, func.sum(columns.rows_in), func.sum(columns.rejects))
            .where(columns.source_id.in_(piece), columns.starts_at > now - LOOKED_AT)
            .group_by(columns.source_id)
            .order_by(columns.source_id)
        )
        found |= {row[0]: (int(row[1]), int(row[2])) for row in connection.execute(statement)}
    return found


def _match(source: Source, rows: int, rejects: int, reasons: Mapping[str, int], now: datetime) -> Match:
    frequent = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:REASONS_SHOWN]
    told = {"source_id": source.source_id, "rows": rows, "rejects": rejects, "reasons": dict(frequent)}
    most = f"; most often: {frequent[0][0]}" if frequent else ""
    return health_match(
        REJECT_SHARE,
        source.source_id,
        now,
        title=f"{source.label}: {rejects / rows:.0%} of the last hour's rows are rejected ({rejects} of {rows}){most}",
        description="Rows of this source fit no schema; they are kept in monitor.rejects, and no detection sees them.",
        runbook=(
            f"headwater rejects list --source {source.source_id} shows the rows and why; mend the schema or the "
            f"source's log types, then headwater rejects retry --source {source.source_id}."
        ),
        told=told,
        account_id=source.account_id,
    )
