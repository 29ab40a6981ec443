"""How each destination is, for all deliverers together: one that takes nothing is left alone for a while.

Open, it is sent one delivery at the end of each pause; whatever it takes closes it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Engine, func, select, update

from headwater.state.database import insert_missing, read, run
from headwater.state.schema import destination_health, has_status, outbox

FAILURES = 3  # in a row
FIRST_PAUSE_S = 30.0
LONGEST_PAUSE_S = 900.0
NOTED_EVERY = timedelta(seconds=10)  # a success of one that is well is written no more often
Turn = Literal["free", "probe", "closed"]


@dataclass(frozen=True, slots=True)
class DestinationHealth:
    """failures: in a row. opened_at: since when it is left alone, until probe_at. paused_until: it asked for that."""

    name: str
    failures: int
    pauses: int
    opened_at: datetime | None
    probe_at: datetime | None
    paused_until: datetime | None
    last_error: str
    last_error_at: datetime | None
    last_sent_at: datetime | None


def list_health(engine: Engine) -> tuple[DestinationHealth, ...]:
    """Every destination that was sent anything."""
    with read(engine) as connection:
        rows = connection.execute(select(destination_health).order_by(destination_health.c.name))
        return tuple(DestinationHealth(**row._mapping) for row in rows)


def take_turn(engine: Engine, name: str, now: datetime, *, lease_s: float) -> Turn:
    """What may be sent now: anything, one delivery as a probe (to one of those that ask), or nothing."""
    mine = destination_health.c.name == name
    with read(engine) as connection:
        row = connection.execute(select(destination_health).where(mine)).one_or_none()
    if row is None:
        return "free"
    if row.paused_until is not None and row.paused_until > now:
        return "closed"
    if row.opened_at is None:
        return "free"
    due = (mine, destination_health.c.opened_at.is_not(None), destination_health.c.probe_at <= now)
    taken = update(destination_health).where(*due).values(probe_at=now + timedelta(seconds=lease_s))
    is_mine = run(engine, lambda connection: connection.execute(taken).rowcount == 1)
    return "probe" if is_mine else "closed"


def took(engine: Engine, name: str, now: datetime) -> None:
    """It has taken a message."""

    def work(connection: Connection) -> None:
        row = _row(connection, name)
        is_well = row["failures"] == 0 and row["opened_at"] is None
        if is_well and row["last_sent_at"] is not None and now - row["last_sent_at"] < NOTED_EVERY:
            return
        well = {"failures": 0, "pauses": 0, "opened_at": None, "probe_at": None, "paused_until": None}
        _set(connection, name, well | {"last_sent_at": now})

    run(engine, work)


def failed(engine: Engine, name: str, error: str, now: datetime) -> bool:
    """It has not taken a message; gives whether it is left alone from now on, or still."""

    def work(connection: Connection) -> bool:
        row = _row(connection, name)
        failures = row["failures"] + 1
        change: dict[str, Any] = {"failures": failures, "last_error": error[:2000], "last_error_at": now}
        opens: bool = failures >= FAILURES
        if opens:
            pause_s = min(FIRST_PAUSE_S * 2 ** min(row["pauses"], 10), LONGEST_PAUSE_S)
            change |= {"opened_at": row["opened_at"] or now, "probe_at": now + timedelta(seconds=pause_s)}
            change |= {"pauses": row["pauses"] + 1}
        _set(connection, name, change)
        return opens

    return run(engine, work)


def pause(engine: Engine, name: str, error: str, now: datetime, seconds: float) -> None:
    """It asks for a pause: a limit of its own, no fault."""

    def work(connection: Connection) -> None:
        _row(connection, name)
        until = now + timedelta(seconds=seconds)
        _set(connection, name, {"paused_until": until, "last_error": error[:2000], "last_error_at": now})

    run(engine, work)


def forgive(engine: Engine, name: str) -> None:
    """Try it again at once."""
    change = {"failures": 0, "pauses": 0, "opened_at": None, "probe_at": None, "paused_until": None}
    run(engine, lambda connection: _set(connection, name, change))


def died_since(engine: Engine, since: datetime) -> dict[str, int]:
    """How many deliveries to each destination were given up."""
    dead = (has_status(outbox, "dead"), outbox.c.updated_at >= since)
    statement = select(outbox.c.destination, func.count()).where(*dead).group_by(outbox.c.destination)
    with read(engine) as connection:
        return {name: int(count) for name, count in connection.execute(statement)}


def _row(connection: Connection, name: str) -> dict[str, Any]:
    """The destination's row, locked."""
    insert_missing(connection, destination_health, [{"name": name, "failures": 0, "pauses": 0, "last_error": ""}])
    statement = select(destination_health).where(destination_health.c.name == name).with_for_update()
    return dict(connection.execute(statement).one()._mapping)


def _set(connection: Connection, name: str, values: dict[str, Any]) -> None:
    connection.execute(update(destination_health).where(destination_health.c.name == name).values(**values))
