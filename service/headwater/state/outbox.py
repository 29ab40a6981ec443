"""Deliveries of alerts, each at least once, with a key by which a destination can tell a second try."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, func, select, update

from headwater.model import Alert
from headwater.state.alerts import to_alert
from headwater.state.database import chunks, insert_missing, read, run
from headwater.state.schema import alerts, has_status, outbox

FIRST_WAIT_S = 5
LONGEST_WAIT_S = 3600
MAX_TRIES = 30  # about 20 hours of an unreachable destination


@dataclass(frozen=True, slots=True)
class Delivery:
    """One alert on its way to one destination.

    delivery_id: the idempotency key.  attempts: tries, this one included.
    """

    delivery_id: str
    alert: Alert
    destination: str
    attempts: int


def due(engine: Engine, now: datetime, limit: int = 50, *, lease_s: float = 120) -> tuple[Delivery, ...]:
    """Deliveries to try now, oldest first; nobody else gets them for lease_s, or until sent() or failed()."""
    candidates = (
        select(outbox.c.delivery_id)
        .where(has_status(outbox, "pending"), outbox.c.next_at <= now)
        .order_by(outbox.c.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )

    def work(connection: Connection) -> tuple[Delivery, ...]:
        ids = connection.scalars(candidates).all()
        taken = {"next_at": now + timedelta(seconds=lease_s), "attempts": outbox.c.attempts + 1, "updated_at": now}
        for piece in chunks(ids):
            connection.execute(update(outbox).where(outbox.c.delivery_id.in_(piece)).values(taken))
        return tuple(found for piece in chunks(ids) for found in _deliveries(connection, piece))

    return run(engine, work)


def sent(engine: Engine, delivery_id: str, now: datetime) -> None:
    """Record that the destination has taken the alert."""
    statement = (
        update(outbox).where(outbox.c.delivery_id == delivery_id).values(status="sent", last_error=None, updated_at=now)
    )
    run(engine, lambda connection: connection.execute(statement))


def failed(engine: Engine, delivery_id: str, error: str, now: datetime, *, permanent: bool = False) -> None:
    """Try again after 5 s, 10 s, 20 s … one hour; dead after 30 tries, or at once when another try cannot help."""

    def work(connection: Connection) -> None:
        pending = (outbox.c.delivery_id == delivery_id, outbox.c.status == "pending")
        attempts = connection.scalar(select(outbox.c.attempts).where(*pending).with_for_update())
        if attempts is None:
            return
        dead = permanent or attempts >= MAX_TRIES
        change = {"status": "dead" if dead else "pending", "next_at": now + timedelta(seconds=wait_s(attempts))}
        connection.execute(update(outbox).where(*pending).values(**change, last_error=error[:2000], updated_at=now))

    run(engine, work)


def wait_s(attempts: int) -> int:
    """The pause after a number of failed tries."""
    return min(FIRST_WAIT_S << min(attempts - 1, 20), LONGEST_WAIT_S)


def counts(engine: Engine) -> dict[str, int]:
    """Deliveries by status: pending, sent, dead."""
    with read(engine) as connection:
        found = {
            status: connection.scalar(select(func.count()).select_from(outbox).where(has_status(outbox, status)))
            for status in ("pending", "sent", "dead")
        }
    return {status: count for status, count in found.items() if count}


def enqueue(connection: Connection, opened: Sequence[Alert], configured: Sequence[str], now: datetime) -> None:
    """One delivery for each alert and destination."""
    rows = [
        {
            "delivery_id": f"{alert.alert_id}:{destination}",
            "alert_id": alert.alert_id,
            "destination": destination,
            "status": "pending",
            "attempts": 0,
            "next_at": now,
            "created_at": now,
            "updated_at": now,
        }
        for alert in opened
        for destination in route(alert, configured)
    ]
    for piece in chunks(rows):
        insert_missing(connection, outbox, piece)


def route(alert: Alert, configured: Sequence[str]) -> tuple[str, ...]:
    """The destinations of an alert: those its detection names, or all; none of them known counts as not named, for an
    alert nobody hears of is worse than one heard of twice. An empty list of names means: deliver nowhere."""
    if alert.destinations is None:
        return tuple(dict.fromkeys(configured))
    named = tuple(name for name in dict.fromkeys(configured) if name in alert.destinations)
    return named if named or not alert.destinations else tuple(dict.fromkeys(configured))


def _deliveries(connection: Connection, delivery_ids: Sequence[str]) -> list[Delivery]:
    statement = (
        select(outbox.c.delivery_id, outbox.c.destination, outbox.c.attempts, alerts)
        .join(alerts, alerts.c.alert_id == outbox.c.alert_id)
        .where(outbox.c.delivery_id.in_(delivery_ids))
        .order_by(outbox.c.created_at, outbox.c.delivery_id)
    )
    return [
        Delivery(row.delivery_id, to_alert(row), row.destination, row.attempts) for row in connection.execute(statement)
    ]
