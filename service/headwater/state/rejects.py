"""Which rejects were recovered, and the two transactions around the append of their rows.

A retry binds its rejects to a batch before it writes to the lake. Whoever finds that batch unfinished does the same
rejects again under the same batch id, which the lake takes once; so no other choice of rejects can write them twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, bindparam, delete, or_, select, update

from headwater.model import GroupKey, Match, ObjectRef
from headwater.state import ledger
from headwater.state.commit import NO_POLICY, Finished, assign_alerts, count_matches
from headwater.state.database import chunks, insert_missing, random_id, read, run
from headwater.state.outbox import Destinations
from headwater.state.schema import objects, retried_rejects, retries
from headwater.state.sources import move
from headwater.state.storms import AlertPolicy


@dataclass(frozen=True, slots=True)
class Retry:
    """A retry that was not finished. alerting: whether its matches open alerts."""

    batch_id: str
    log_type: str
    alerting: bool


@dataclass(frozen=True, slots=True)
class Bound:
    """alert_ids: as of commit.prepare. taken: rejects that another retry has; nothing is bound where there are any."""

    alert_ids: Mapping[GroupKey, str]
    taken: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Gain:
    """What a retry made of the rejects of one object: rows, matches of rules, and header lines that are no rows."""

    object_id: str
    source_id: str
    rows: int
    headers: int
    matches: int


def settled(engine: Engine, reject_ids: Sequence[str]) -> dict[str, bool]:
    """Those of the rejects that are recovered (True), or bound to a retry that is not finished (False)."""
    found: dict[str, bool] = {}
    with read(engine) as connection:
        for piece in chunks(reject_ids):
            rows = connection.execute(select(retried_rejects).where(retried_rejects.c.reject_id.in_(piece)))
            found |= {row.reject_id: row.recovered_at is not None for row in rows}
    return found


def unfinished(engine: Engine, worker: str, now: datetime) -> tuple[Retry, ...]:
    """Retries that a worker of this name began, and those whose lease is over; this worker's by now."""
    dead = (retries.c.status == "prepared", or_(retries.c.worker == worker, retries.c.lease_until <= now))
    statement = select(retries).where(*dead).order_by(retries.c.created_at, retries.c.batch_id)
    with read(engine) as connection:
        return tuple(Retry(row.batch_id, row.log_type, row.alerting) for row in connection.execute(statement))


def bound(engine: Engine, batch_id: str) -> frozenset[str]:
    """The rejects of a retry."""
    statement = select(retried_rejects.c.reject_id).where(retried_rejects.c.batch_id == batch_id)
    with read(engine) as connection:
        return frozenset(connection.scalars(statement))


def prepare(
    engine: Engine,
    retry: Retry,
    reject_ids: Iterable[str],
    matches: Sequence[Match],
    *,
    worker: str,
    now: datetime,
    lease_s: float = 600,
    policy: AlertPolicy = NO_POLICY,
    new_id: Callable[[], str] = random_id,
) -> Bound:
    """Bind rejects to a retry and fix its alerts; of a retry that exists already, only the lease is renewed."""
    ids = sorted(reject_ids)
    row = {
        "batch_id": retry.batch_id,
        "log_type": retry.log_type,
        "alerting": retry.alerting,
        "status": "prepared",
        "created_at": now,
    }
    lease = {"worker": worker, "lease_until": now + timedelta(seconds=lease_s), "updated_at": now}

    def work(connection: Connection) -> Bound:
        mine = retries.c.batch_id == retry.batch_id
        if connection.execute(update(retries).where(mine).values(lease)).rowcount == 0:
            insert_missing(connection, retries, [row | lease])
            taken = _bind(connection, retry.batch_id, ids)
            if taken:
                connection.execute(delete(retried_rejects).where(retried_rejects.c.batch_id == retry.batch_id))
                connection.execute(delete(retries).where(mine))
                return Bound({}, taken)
        return Bound(assign_alerts(connection, retry.batch_id, matches, now, new_id, policy))

    return run(engine, work)


def finish(
    engine: Engine,
    batch_id: str,
    gains: Sequence[Gain],
    matches: Sequence[Match],
    *,
    log_type: str,
    released: Iterable[str] = (),
    destinations: Destinations = (),
    policy: AlertPolicy = NO_POLICY,
    now: datetime,
) -> Finished:
    """Mark the rejects of a retry as recovered, and count its rows and alerts, once.

    released: rejects that do not fit after all; they are rejects as before.
    """
    left = sorted(released)

    def work(connection: Connection) -> Finished:
        open_batch = (retries.c.batch_id == batch_id, retries.c.status == "prepared")
        if connection.execute(update(retries).where(*open_batch).values(status="done", updated_at=now)).rowcount == 0:
            return Finished(already=True)
        for piece in chunks(left):
            connection.execute(delete(retried_rejects).where(retried_rejects.c.reject_id.in_(piece)))
        own = retried_rejects.c.batch_id == batch_id
        connection.execute(update(retried_rejects).where(own).values(recovered_at=now))
        opened = count_matches(connection, batch_id, matches, destinations, now, policy)
        _count(connection, gains, log_type, now)
        return Finished(opened)

    return run(engine, work)


def refs(engine: Engine, object_ids: Iterable[str]) -> dict[str, ObjectRef]:
    """The objects as the ledger knows them, by id."""
    with read(engine) as connection:
        rows = [
            row
            for piece in chunks(sorted(object_ids))
            for row in connection.execute(select(objects).where(objects.c.object_id.in_(piece)))
        ]
    return {row.object_id: ledger.to_ref(row) for row in rows}


def _bind(connection: Connection, batch_id: str, reject_ids: Sequence[str]) -> frozenset[str]:
    """The rejects that could not be bound: others have them."""
    taken: set[str] = set()
    for piece in chunks(reject_ids):
        insert_missing(connection, retried_rejects, [{"reject_id": i, "batch_id": batch_id} for i in piece])
        rows = connection.execute(select(retried_rejects).where(retried_rejects.c.reject_id.in_(piece)))
        taken |= {row.reject_id for row in rows if row.batch_id != batch_id}
    return frozenset(taken)


def _count(connection: Connection, gains: Sequence[Gain], log_type: str, now: datetime) -> None:
    """Rejects become rows in the ledger and in the counters of the sources; header lines are counted no more."""
    gains = sorted(gains, key=lambda gain: gain.object_id)
    columns = objects.c
    change = (
        update(objects)
        .where(columns.object_id == bindparam("at_object"))
        .values(
            rows_in=columns.rows_in - bindparam("headers"),
            rows_out=columns.rows_out + bindparam("rows"),
            rejects=columns.rejects - bindparam("rows") - bindparam("headers"),
            matches=columns.matches + bindparam("plus_matches"),
        )
    )
    if not gains:
        return
    connection.execute(
        change,
        [{"at_object": g.object_id, "headers": g.headers, "rows": g.rows, "plus_matches": g.matches} for g in gains],
    )
    before: dict[str, tuple[str, ...]] = {}
    for piece in chunks([gain.object_id for gain in gains]):
        rows = connection.execute(select(columns.object_id, columns.log_types).where(columns.object_id.in_(piece)))
        before |= {row.object_id: row.log_types or () for row in rows}
    plus: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for gain in gains:
        old = plus[gain.source_id, "+".join(sorted(before.get(gain.object_id, ())))]
        old["rows_in"] -= gain.rows + gain.headers
        old["rejects"] -= gain.rows + gain.headers
        new = plus[gain.source_id, log_type]
        new["rows_in"] += gain.rows
        new["rows_out"] += gain.rows
        new["matches"] += gain.matches
    move(connection, plus, now)
