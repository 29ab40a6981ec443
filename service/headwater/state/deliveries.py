"""Deliveries as people look at them, and those that were given up sent again."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Engine, select, update

from headwater.state.database import read, run
from headwater.state.schema import has_status, outbox

STATUSES = ("pending", "dead", "sent")


@dataclass(frozen=True, slots=True)
class Sending:
    """One delivery: its status, its tries, when the next one is due, and what the last one was answered."""

    delivery_id: str
    alert_id: str
    destination: str
    action: str
    status: str
    attempts: int
    next_at: datetime
    last_error: str | None
    created_at: datetime
    updated_at: datetime


NAMES = tuple(Sending.__dataclass_fields__)


def list_deliveries(
    engine: Engine,
    *,
    statuses: Sequence[str] = STATUSES,
    alert_id: str | None = None,
    destination: str | None = None,
    limit: int = 100,
) -> tuple[Sending, ...]:
    """The deliveries of an alert in their order; else those that changed last, first."""
    mine = [outbox.c.destination == destination] if destination is not None else []
    columns = [outbox.c[name] for name in NAMES]
    with read(engine) as connection:
        if alert_id is not None:
            own = select(*columns).where(outbox.c.alert_id == alert_id, *mine).order_by(outbox.c.sequence)
            found = [Sending(*row) for row in connection.execute(own)]
            return tuple(each for each in found if each.status in statuses)[:limit]
        rows: list[Sending] = []
        for status in statuses:
            time = outbox.c.next_at if status == "pending" else outbox.c.updated_at
            latest = select(*columns).where(has_status(outbox, status), *mine).order_by(time.desc()).limit(limit)
            rows += [Sending(*row) for row in connection.execute(latest)]
    return tuple(heapq.nlargest(limit, rows, key=lambda each: (each.updated_at, each.delivery_id)))


def retry(
    engine: Engine, now: datetime, *, alert_id: str | None = None, destination: str | None = None
) -> tuple[str, ...]:
    """Send again what was given up; gives the destinations that it goes to."""
    mine: list[ColumnElement[bool]] = [has_status(outbox, "dead")]
    mine += [outbox.c.destination == destination] if destination is not None else []
    mine += [outbox.c.alert_id == alert_id] if alert_id is not None else []
    again = {
        "status": "pending",
        "attempts": 0,
        "next_at": now,
        "created_at": now,
        "updated_at": now,
        "refused_at": None,
    }

    def work(connection: Connection) -> tuple[str, ...]:
        revived = update(outbox).where(*mine).values(**again).returning(outbox.c.destination)
        return tuple(sorted(connection.scalars(revived)))

    return run(engine, work)
