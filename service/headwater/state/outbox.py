"""Deliveries of alerts, each at least once, with a key by which a destination can tell a second try."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from sqlalchemy import ColumnElement, Connection, Engine, and_, exists, func, select, update

from headwater.model import Alert
from headwater.state.alerts import to_alert
from headwater.state.database import chunks, insert_missing, read, run
from headwater.state.schema import alerts, has_status, outbox

FIRST_WAIT_S = 5
LONGEST_WAIT_S = 3600
MAX_TRIES = 30  # about 20 hours; tries of a destination that is left alone do not count
MAX_AGE = timedelta(days=3)  # of a delivery whose destination takes nothing
NOWHERE = frozenset({"SKIP"})  # what destinations() gives for an empty list
Action = Literal["opened", "updated", "resolved", "reopened"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One alert on its way to one destination.

    delivery_id: the idempotency key.  attempts: tries, this one included.  refused_at: when it was refused last.
    """

    delivery_id: str
    alert: Alert
    destination: str
    attempts: int
    action: Action
    note: str
    created_at: datetime
    refused_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Routed:
    """Where an alert goes, and not before when."""

    destination: str
    not_before: datetime | None = None


class Routes(Protocol):
    """Who decides where alerts go."""

    def route(self, alert: Alert, now: datetime) -> Sequence[Routed]:
        """The destinations of an alert that has just opened."""


Destinations = Sequence[str] | Routes  # names: every alert goes to all of them


def due(
    engine: Engine, now: datetime, limit: int = 50, *, lease_s: float = 120, destination: str | None = None
) -> tuple[Delivery, ...]:
    """Deliveries to try now, oldest first; nobody else gets them for lease_s, or until sent() or failed().

    Of an alert and a destination one at a time, in the order in which things happened.
    """
    mine = [outbox.c.destination == destination] if destination is not None else []
    candidates = (
        select(outbox.c.delivery_id)
        .where(has_status(outbox, "pending"), outbox.c.next_at <= now, *mine, ~_has_earlier())
        .order_by(outbox.c.next_at, outbox.c.created_at, outbox.c.delivery_id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=outbox)
    )

    def work(connection: Connection) -> tuple[Delivery, ...]:
        ids = connection.scalars(candidates).all()
        taken = {"next_at": now + timedelta(seconds=lease_s), "attempts": outbox.c.attempts + 1, "updated_at": now}
        for piece in chunks(ids):
            connection.execute(update(outbox).where(outbox.c.delivery_id.in_(piece)).values(taken))
        return tuple(found for piece in chunks(ids) for found in _deliveries(connection, piece))

    return run(engine, work)


def waiting(engine: Engine, now: datetime) -> tuple[str, ...]:
    """The destinations that have something due."""
    statement = select(outbox.c.destination).where(has_status(outbox, "pending"), outbox.c.next_at <= now).distinct()
    with read(engine) as connection:
        return tuple(sorted(connection.scalars(statement)))


def sent(engine: Engine, delivery_id: str, now: datetime) -> None:
    """Record that the destination has taken the alert."""
    statement = (
        update(outbox).where(outbox.c.delivery_id == delivery_id).values(status="sent", last_error=None, updated_at=now)
    )
    run(engine, lambda connection: connection.execute(statement))


def failed(
    engine: Engine,
    delivery_id: str,
    error: str,
    now: datetime,
    *,
    permanent: bool = False,
    refused: bool = False,
    counts: bool = True,
    wait: float | None = None,
) -> bool:
    """Try again after 5 s, 10 s, 20 s … one hour; dead after 30 tries, or at once when another try cannot help.

    refused: by the destination, which another try may change. counts: whether the try was one of the 30; a delivery
    that is three days old is dead all the same. wait: the pause that the destination asks for. Gives whether it died.
    """

    def work(connection: Connection) -> bool:
        pending = (outbox.c.delivery_id == delivery_id, outbox.c.status == "pending")
        row = connection.execute(
            select(outbox.c.attempts, outbox.c.created_at).where(*pending).with_for_update()
        ).first()
        if row is None:
            return False
        dead = permanent or row.attempts >= MAX_TRIES or (not counts and now - row.created_at >= MAX_AGE)
        pause_s = max(wait_s(row.attempts), wait or 0.0)
        change: dict[str, Any] = {"status": "dead" if dead else "pending", "next_at": now + timedelta(seconds=pause_s)}
        change |= {"refused_at": now} if refused else {}
        change |= {"attempts": row.attempts - 1} if not counts and not dead else {}
        connection.execute(update(outbox).where(*pending).values(**change, last_error=error[:2000], updated_at=now))
        return dead

    return run(engine, work)


def give_back(engine: Engine, delivery_ids: Collection[str], now: datetime) -> None:
    """Deliveries that were taken and not tried are due again."""
    mine = (outbox.c.delivery_id.in_(sorted(delivery_ids)), outbox.c.status == "pending")
    change = update(outbox).where(*mine).values(next_at=now, attempts=outbox.c.attempts - 1)
    if delivery_ids:
        run(engine, lambda connection: connection.execute(change))


def wait_s(attempts: int) -> int:
    """The pause after a number of failed tries."""
    return min(FIRST_WAIT_S << min(max(attempts - 1, 0), 20), LONGEST_WAIT_S)


def counts(engine: Engine) -> dict[str, int]:
    """Deliveries by status: pending, sent, dead."""
    with read(engine) as connection:
        found = {
            status: connection.scalar(select(func.count()).select_from(outbox).where(has_status(outbox, status)))
            for status in ("pending", "sent", "dead")
        }
    return {status: count for status, count in found.items() if count}


def enqueue(connection: Connection, opened: Sequence[Alert], destinations: Destinations, now: datetime) -> None:
    """One delivery for each alert and destination."""
    rows = [
        _row(alert.alert_id, to.destination, f"{alert.alert_id}:{to.destination}", now)
        | {"next_at": to.not_before or now}
        for alert in opened
        for to in _routed(alert, destinations, now)
    ]
    for piece in chunks(rows):
        insert_missing(connection, outbox, piece)


def tell(connection: Connection, numbers: Mapping[str, int], action: Action, note: str, now: datetime) -> None:
    """What happened to alerts, to every destination that was told, or will be, of their opening.

    numbers: of the step in the history of each alert.
    """
    opening = (outbox.c.sequence == 0, outbox.c.status != "dead")
    rows = [
        _row(found.alert_id, found.destination, f"{found.alert_id}:{found.destination}:{numbers[found.alert_id]}", now)
        | {"action": action, "sequence": numbers[found.alert_id], "note": note}
        for piece in chunks(sorted(numbers))
        for found in connection.execute(select(outbox).where(outbox.c.alert_id.in_(piece), *opening))
    ]
    for piece in chunks(sorted(rows, key=lambda row: str(row["delivery_id"]))):
        insert_missing(connection, outbox, piece)


def route(alert: Alert, configured: Sequence[str]) -> tuple[str, ...]:
    """The destinations of an alert: those its detection names, or all; none of them known counts as not named, for an
    alert nobody hears of is worse than one heard of twice. An empty list of names means: deliver nowhere."""
    if alert.destinations is None:
        return tuple(dict.fromkeys(configured))
    wanted = set(alert.destinations) - NOWHERE
    named = tuple(name for name in dict.fromkeys(configured) if name in wanted)
    return named if named or not wanted else tuple(dict.fromkeys(configured))


def _routed(alert: Alert, destinations: Destinations, now: datetime) -> Sequence[Routed]:
    if isinstance(destinations, Sequence):
        return [Routed(name) for name in route(alert, destinations)]
    return destinations.route(alert, now)


def _row(alert_id: str, destination: str, delivery_id: str, now: datetime) -> dict[str, Any]:
    return {
        "delivery_id": delivery_id,
        "alert_id": alert_id,
        "destination": destination,
        "status": "pending",
        "attempts": 0,
        "action": "opened",
        "sequence": 0,
        "note": "",
        "next_at": now,
        "created_at": now,
        "updated_at": now,
    }


def _has_earlier() -> ColumnElement[bool]:
    """Whether the destination has to be told something else of the alert first."""
    earlier = outbox.alias("earlier")
    same = and_(earlier.c.alert_id == outbox.c.alert_id, earlier.c.destination == outbox.c.destination)
    before = and_(earlier.c.sequence < outbox.c.sequence, earlier.c.status == "pending")
    return exists().where(same, before).correlate(outbox)


def _deliveries(connection: Connection, delivery_ids: Sequence[str]) -> list[Delivery]:
    mine = outbox.c
    own = (mine.delivery_id, mine.destination, mine.attempts, mine.action, mine.note, mine.refused_at)
    statement = (
        select(*own, mine.created_at.label("enqueued_at"), alerts)
        .join(alerts, alerts.c.alert_id == mine.alert_id)
        .where(mine.delivery_id.in_(delivery_ids))
        .order_by(mine.created_at, mine.delivery_id)
    )
    return [
        Delivery(
            row.delivery_id,
            to_alert(row),
            row.destination,
            row.attempts,
            row.action,
            row.note or "",
            row.enqueued_at,
            row.refused_at,
        )
        for row in connection.execute(statement)
    ]
