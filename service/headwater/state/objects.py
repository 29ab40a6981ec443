"""Objects of the ledger as people and listings ask for them: by place, by account, by what became of them."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, Connection, Engine, Row, delete, or_, select

from headwater.model import ObjectRef
from headwater.state.database import chunks, insert_missing, read, run
from headwater.state.ledger import to_ref
from headwater.state.schema import announced, batches, forgotten, has_status, objects

Status = Literal["claimed", "prepared", "done", "failed"]
STATUSES: tuple[Status, ...] = get_args(Status)
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An object of the ledger. kind and reason: why it failed, or failed last."""

    ref: ObjectRef
    source_id: str
    status: Status
    kind: str
    reason: str
    attempts: int
    log_types: tuple[str, ...]
    rows_in: int
    rows_out: int
    rejects: int
    matches: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which objects are meant; what is empty or None chooses all. kind: of failed ones. text: part of key or id."""

    status: Status | None = None
    account_id: str = ""
    source_ids: tuple[str, ...] = ()
    kind: str = ""
    since: datetime | None = None
    text: str = ""


def known(engine: Engine, bucket: str, keys: Iterable[str]) -> Mapping[str, Sequence[tuple[str | None, Status]]]:
    """The ETag and the status of every version of these keys that the ledger has."""
    found: dict[str, list[tuple[str | None, Status]]] = defaultdict(list)
    with read(engine) as connection:
        for piece in chunks(sorted(set(keys))):
            wanted = objects.c.bucket == bucket, objects.c.key.in_(piece)
            for row in connection.execute(select(objects.c.key, objects.c.etag, objects.c.status).where(*wanted)):
                found[row.key].append((row.etag, row.status))
    return found


def forgotten_until(engine: Engine, source_id: str) -> datetime:
    """The ledger cannot tell of objects of the source from before this time whether they were done."""
    with read(engine) as connection:
        found = connection.scalar(select(forgotten.c.until).where(forgotten.c.source_id == source_id))
    return found or NEVER


def find(engine: Engine, chosen: Chosen, limit: int = 100) -> tuple[Recorded, ...]:
    """The chosen objects, the latest first."""
    found: list[Recorded] = []
    latest = select(objects).order_by(objects.c.updated_at.desc()).limit(limit)
    with read(engine) as connection:
        for status in (chosen.status,) if chosen.status else STATUSES:  # each has an index of its own; all have none
            of_status = latest.where(*_conditions(replace(chosen, status=status)))
            found += [_recorded(row) for row in connection.execute(of_status)]
    return tuple(sorted(found, key=lambda each: each.updated_at, reverse=True)[:limit])


def by_id(engine: Engine, object_ids: Iterable[str]) -> tuple[Recorded, ...]:
    """The objects of these ids, as far as the ledger has them."""
    with read(engine) as connection:
        return tuple(
            _recorded(row)
            for piece in chunks(sorted(set(object_ids)))
            for row in connection.execute(select(objects).where(objects.c.object_id.in_(piece)))
        )


def failed_ids(engine: Engine, refs: Iterable[ObjectRef]) -> tuple[str, ...]:
    """The ids of failed objects with the buckets and keys of refs, whose versions need not be known."""
    by_bucket: dict[str, set[str]] = defaultdict(set)
    for ref in refs:
        by_bucket[ref.bucket].add(ref.key)
    with read(engine) as connection:
        return tuple(
            object_id
            for bucket, keys in by_bucket.items()
            for piece in chunks(sorted(keys))
            for object_id in connection.scalars(
                select(objects.c.object_id).where(
                    objects.c.bucket == bucket, objects.c.key.in_(piece), has_status(objects, "failed")
                )
            )
        )


def unclaim(engine: Engine, object_ids: Iterable[str], *, worker: str) -> None:
    """Forget claimed objects of a worker that came to nothing: they are gone, or will be listed again."""
    ids = sorted(object_ids)
    mine = (objects.c.status == "claimed", objects.c.worker == worker)

    def work(connection: Connection) -> None:
        for piece in chunks(ids):
            connection.execute(delete(objects).where(objects.c.object_id.in_(piece), *mine))

    run(engine, work)


def left_batches(engine: Engine, worker: str, now: datetime) -> tuple[str, ...]:
    """Batches that a worker of this name left prepared, and whose lease is over."""
    left = (has_status(batches, "prepared"), batches.c.worker == worker, batches.c.lease_until <= now)
    with read(engine) as connection:
        return tuple(sorted(connection.scalars(select(batches.c.batch_id).where(*left))))


def announce(engine: Engine, source_id: str, refs: Sequence[ObjectRef], now: datetime) -> tuple[ObjectRef, ...]:
    """Note that objects are sent to the queue; gives those that were not noted before."""
    by_place = {place_id(ref): ref for ref in refs}

    def work(connection: Connection) -> tuple[ObjectRef, ...]:
        before: set[str] = set()
        for piece in chunks(sorted(by_place)):
            before |= set(connection.scalars(select(announced.c.place_id).where(announced.c.place_id.in_(piece))))
        fresh = [place for place in sorted(by_place) if place not in before]
        rows = [{"place_id": place, "source_id": source_id, "announced_at": now} for place in fresh]
        for part in chunks(rows):
            insert_missing(connection, announced, part)
        return tuple(by_place[place] for place in fresh)

    return run(engine, work)


def unannounce(engine: Engine, before: datetime, refs: Sequence[ObjectRef] = ()) -> None:
    """Forget what was announced before a time, and what could not be sent."""

    def work(connection: Connection) -> None:
        connection.execute(delete(announced).where(announced.c.announced_at < before))
        for piece in chunks([place_id(ref) for ref in refs]):
            connection.execute(delete(announced).where(announced.c.place_id.in_(piece)))

    run(engine, work)


def place_id(ref: ObjectRef) -> str:
    """Bucket, key and ETag: what a listing knows of an object."""
    return hashlib.sha256("\0".join((ref.bucket, ref.key, ref.etag or "")).encode()).hexdigest()


def _conditions(chosen: Chosen) -> list[ColumnElement[bool]]:
    columns = objects.c
    found: list[ColumnElement[bool]] = []
    if chosen.status:
        found.append(has_status(objects, chosen.status))
    if chosen.account_id:
        found.append(
            or_(columns.account_id == chosen.account_id, columns.source_id.startswith(f"{chosen.account_id}/"))
        )
    if chosen.source_ids:
        found.append(columns.source_id.in_(chosen.source_ids))
    if chosen.kind:
        found.append(columns.error_kind == chosen.kind)
    if chosen.since:
        found.append(columns.updated_at >= chosen.since)
    if chosen.text:
        found.append(or_(columns.object_id.startswith(chosen.text), columns.key.contains(chosen.text, autoescape=True)))
    return found


def _recorded(row: Row[Any]) -> Recorded:
    return Recorded(
        ref=to_ref(row),
        source_id=row.source_id,
        status=row.status,
        kind=row.error_kind or "",
        reason=row.reason or "",
        attempts=row.attempts,
        log_types=row.log_types or (),
        rows_in=row.rows_in or 0,
        rows_out=row.rows_out or 0,
        rejects=row.rejects or 0,
        matches=row.matches or 0,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
