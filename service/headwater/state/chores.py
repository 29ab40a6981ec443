"""Who does a chore that one worker at a time does, and when it was done last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine, select, update

from headwater.state.database import insert_missing, read, run
from headwater.state.schema import chores

NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def take(
    engine: Engine, name: str, *, worker: str, now: datetime, lease_s: float, every: timedelta = timedelta()
) -> bool:
    """Whether the chore is the worker's now: it is due, and no other worker is at it. Safe to repeat.

    every: how long after its last end it is due again.
    """
    free = {"name": name, "done_at": NEVER, "worker": "", "lease_until": NEVER}

    def work(connection: Connection) -> bool:
        insert_missing(connection, chores, [free])
        mine = update(chores).where(
            chores.c.name == name,
            chores.c.done_at <= now - every,
            (chores.c.lease_until <= now) | (chores.c.worker == worker),
        )
        taken = mine.values(worker=worker, lease_until=now + timedelta(seconds=lease_s))
        return connection.execute(taken).rowcount == 1

    return run(engine, work)


def end(engine: Engine, name: str, *, worker: str, done_at: datetime | None) -> None:
    """Give the chore back. done_at: when it was done; None: it was not, the next worker may."""
    values = {"lease_until": NEVER, "worker": ""} | ({"done_at": done_at} if done_at is not None else {})
    statement = update(chores).where(chores.c.name == name, chores.c.worker == worker).values(**values)
    run(engine, lambda connection: connection.execute(statement))


def last_done(engine: Engine) -> dict[str, datetime]:
    """When each chore was done last; those that never were are left out."""
    with read(engine) as connection:
        rows = connection.execute(select(chores.c.name, chores.c.done_at))
        return {row.name: row.done_at for row in rows if row.done_at > NEVER}
