"""The ledger of log objects: who works on which, and which are done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, func, select, update

from headwater.model import ObjectRef
from headwater.state.database import chunks, insert_missing, random_id, read, run
from headwater.state.schema import batches, has_status, objects, retries

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Claim:
    """What became of the objects that a worker asked for; each object stands once, in one of the groups.

    owned: the worker's own now. done: processed before. failed: can never succeed (see `requeue`).
    busy: another worker's, or claimed before by the same one. takeover: batches whose worker's lease is over; their
    objects stand in busy too, until the batch is done. reasons: why each of the failed can never succeed, by object id.
    """

    owned: tuple[ObjectRef, ...] = ()
    done: tuple[ObjectRef, ...] = ()
    busy: tuple[ObjectRef, ...] = ()
    failed: tuple[ObjectRef, ...] = ()
    takeover: tuple[str, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FailedObject:
    """An object that can never succeed, and why."""

    ref: ObjectRef
    source_id: str
    kind: str
    reason: str
    attempts: int
    failed_at: datetime


def claim(
    engine: Engine,
    wanted: Sequence[tuple[ObjectRef, str]],
    *,
    worker: str,
    now: datetime,
    lease_s: float,
    new_id: Callable[[], str] = random_id,
) -> Claim:
    """Take what nobody owns: new objects, and those whose owner's lease is over.

    wanted: objects with their source ids; copies of one object count once.
    """
    refs = {ref.object_id: (ref, source_id) for ref, source_id in wanted}
    claim_id = new_id()  # one for all tries of the transaction, so that a second try knows its own rows
    lease = {"claim_id": claim_id, "worker": worker, "lease_until": now + timedelta(seconds=lease_s), "updated_at": now}

    def work(connection: Connection) -> Claim:
        ids = sorted(refs)
        new = [_new_row(*refs[object_id], now) | lease for object_id in ids]
        for piece in chunks(new):
            insert_missing(connection, objects, piece)
        rows = [row for piece in chunks(ids) for row in _lock(connection, piece)]
        over = [row.object_id for row in rows if row.status == "claimed" and row.lease_until <= now]
        for piece in chunks(over):
            connection.execute(update(objects).where(objects.c.object_id.in_(piece)).values(lease))
        return _sort_out(refs, rows, {*over, *(row.object_id for row in rows if row.claim_id == claim_id)}, now)

    return run(engine, work)


def batch_objects(engine: Engine, batch_id: str) -> tuple[tuple[ObjectRef, str], ...]:
    """The objects of a prepared batch with their source ids."""
    statement = (
        select(objects)
        .where(has_status(objects, "prepared"), objects.c.batch_id == batch_id)
        .order_by(objects.c.object_id)
    )
    with read(engine) as connection:
        return tuple((to_ref(row), row.source_id) for row in connection.execute(statement))


def take_over(engine: Engine, batch_id: str, *, worker: str, now: datetime, lease_s: float) -> bool:
    """Whether the batch is this worker's now; only one of several that ask at once gets it."""
    statement = (
        update(batches)
        .where(batches.c.batch_id == batch_id, batches.c.status == "prepared", batches.c.lease_until <= now)
        .values(worker=worker, lease_until=now + timedelta(seconds=lease_s), updated_at=now)
    )
    return run(engine, lambda connection: connection.execute(statement).rowcount == 1)


def expired_batches(engine: Engine, now: datetime, limit: int = 100) -> tuple[str, ...]:
    """Batches left prepared by a worker whose lease is over, oldest first."""
    statement = (
        select(batches.c.batch_id)
        .where(has_status(batches, "prepared"), batches.c.lease_until <= now)
        .order_by(batches.c.lease_until)
        .limit(limit)
    )
    with read(engine) as connection:
        return tuple(connection.scalars(statement))


def oldest_prepared(engine: Engine) -> datetime | None:
    """When the oldest batch that is not finished was prepared; the lake's snapshots since then must be kept."""
    with read(engine) as connection:
        found = [
            connection.scalar(select(func.min(table.c.created_at)).where(has_status(table, "prepared")))
            for table in (batches, retries)
        ]
    return min((time for time in found if time is not None), default=None)


def release(engine: Engine, object_ids: Iterable[str], *, worker: str) -> None:
    """Give claimed objects back, so that the next claim gets them at once."""
    ids = sorted(object_ids)
    run(engine, lambda connection: _set_lease(connection, ids, worker, LONG_AGO))


def abandon(engine: Engine, worker: str) -> None:
    """End every lease of a worker that is known to be gone."""

    def work(connection: Connection) -> None:
        for table, status in ((objects, "claimed"), (batches, "prepared")):
            mine = (has_status(table, status), table.c.worker == worker)
            connection.execute(update(table).where(*mine).values(lease_until=LONG_AGO))

    run(engine, work)


def extend(engine: Engine, object_ids: Iterable[str], *, worker: str, now: datetime, lease_s: float) -> None:
    """Keep this worker's claimed objects for lease_s more; those that it has released meanwhile stay free."""
    ids, until = sorted(object_ids), now + timedelta(seconds=lease_s)
    run(engine, lambda connection: _set_lease(connection, ids, worker, until, objects.c.lease_until > LONG_AGO))


def extend_batch(engine: Engine, batch_id: str, *, worker: str, now: datetime, lease_s: float) -> bool:
    """Keep a prepared batch for lease_s more; False when it is another worker's, or done."""
    statement = (
        update(batches)
        .where(batches.c.batch_id == batch_id, batches.c.status == "prepared", batches.c.worker == worker)
        .values(lease_until=now + timedelta(seconds=lease_s), updated_at=now)
    )
    return run(engine, lambda connection: connection.execute(statement).rowcount == 1)


def record_attempt(engine: Engine, object_id: str, reason: str, now: datetime) -> int:
    """Count a failed try of a claimed object; returns the tries so far."""
    statement = (
        update(objects)
        .where(objects.c.object_id == object_id, objects.c.status == "claimed")
        .values(attempts=objects.c.attempts + 1, reason=reason, updated_at=now)
        .returning(objects.c.attempts)
    )
    return run(engine, lambda connection: connection.execute(statement).scalar()) or 0


def fail(engine: Engine, ref: ObjectRef, kind: str, reason: str, now: datetime, *, source_id: str = "") -> None:
    """Record that an object can never succeed; an object that is done stays done."""
    failure = {"status": "failed", "error_kind": kind, "reason": reason, "batch_id": None, "updated_at": now}

    def work(connection: Connection) -> None:
        insert_missing(connection, objects, [_new_row(ref, source_id, now) | failure])
        connection.execute(
            update(objects).where(objects.c.object_id == ref.object_id, objects.c.status != "done").values(failure)
        )

    run(engine, work)


def failed_objects(engine: Engine, limit: int = 100) -> tuple[FailedObject, ...]:
    """Objects that can never succeed, latest first."""
    statement = select(objects).where(has_status(objects, "failed")).order_by(objects.c.updated_at.desc()).limit(limit)
    with read(engine) as connection:
        return tuple(
            FailedObject(
                to_ref(row), row.source_id, row.error_kind or "", row.reason or "", row.attempts, row.updated_at
            )
            for row in connection.execute(statement)
        )


def requeue(engine: Engine, object_ids: Iterable[str], now: datetime) -> int:
    """Let failed objects be claimed again; returns how many there were."""

    def work(connection: Connection) -> int:
        fresh = {"status": "claimed", "claim_id": None, "lease_until": LONG_AGO, "attempts": 0, "updated_at": now}
        failed = objects.c.status == "failed"
        return sum(
            connection.execute(update(objects).where(objects.c.object_id.in_(piece), failed).values(fresh)).rowcount
            for piece in chunks(sorted(object_ids))
        )

    object_ids = tuple(object_ids)
    return run(engine, work)


def _new_row(ref: ObjectRef, source_id: str, now: datetime) -> dict[str, Any]:
    return {
        "object_id": ref.object_id,
        "bucket": ref.bucket,
        "key": ref.key,
        "region": ref.region,
        "version_id": ref.version_id,
        "etag": ref.etag,
        "size_bytes": ref.size_bytes,
        "sequencer": ref.sequencer,
        "account_id": ref.account_id,
        "source_id": source_id,
        "status": "claimed",
        "attempts": 0,
        "created_at": now,
        "updated_at": now,
    }


def _lock(connection: Connection, object_ids: Sequence[str]) -> Sequence[Row[*tuple[Any, ...]]]:
    """The rows in the order of their ids: two workers that lock alike cannot deadlock."""
    leases = select(batches.c.lease_until).where(batches.c.batch_id == objects.c.batch_id).scalar_subquery()
    statement = (
        select(
            objects.c.object_id,
            objects.c.status,
            objects.c.claim_id,
            objects.c.lease_until,
            objects.c.batch_id,
            objects.c.error_kind,
            objects.c.reason,
            leases.label("batch_lease_until"),
        )
        .where(objects.c.object_id.in_(object_ids))
        .order_by(objects.c.object_id)
        .with_for_update(of=objects)
    )
    return connection.execute(statement).all()


def _sort_out(
    refs: dict[str, tuple[ObjectRef, str]], rows: Iterable[Row[Any]], owned: set[str], now: datetime
) -> Claim:
    groups: dict[str, list[ObjectRef]] = {"owned": [], "done": [], "busy": [], "failed": []}
    takeover: dict[str, None] = {}
    reasons: dict[str, str] = {}
    for row in rows:
        status = "owned" if row.object_id in owned and row.status == "claimed" else row.status
        groups[status if status in groups else "busy"].append(refs[row.object_id][0])
        if status == "prepared" and row.batch_lease_until <= now:
            takeover[row.batch_id] = None
        if status == "failed":
            reasons[row.object_id] = f"{row.error_kind}: {row.reason}"
    return Claim(**{name: tuple(group) for name, group in groups.items()}, takeover=tuple(takeover), reasons=reasons)


def _set_lease(
    connection: Connection, object_ids: Sequence[str], worker: str, until: datetime, *condition: ColumnElement[bool]
) -> None:
    mine = (objects.c.status == "claimed", objects.c.worker == worker, *condition)
    for piece in chunks(object_ids):
        connection.execute(update(objects).where(objects.c.object_id.in_(piece), *mine).values(lease_until=until))


def to_ref(row: Row[Any]) -> ObjectRef:
    """The object of a row of the ledger."""
    return ObjectRef(
        bucket=row.bucket,
        key=row.key,
        region=row.region,
        version_id=row.version_id,
        etag=row.etag,
        size_bytes=row.size_bytes,
        sequencer=row.sequencer,
        account_id=row.account_id,
    )
