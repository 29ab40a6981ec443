"""What came of each source and when, what went wrong with it, and what of it still waits."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, case, delete, func, select, update

from headwater.model import Receipt, object_url
from headwater.state.database import Reading, chunks, insert_missing, read, run
from headwater.state.schema import has_status, objects, queue_health, source_health, source_hours, source_rates
from headwater.state.silence import HISTORY, HOUR, drop_hours, hour_of

Newest = Mapping[str, datetime]  # source id → the latest event time of its rows
NOTHING: Mapping[str, Any] = {"errors": 0, "last_error_kind": "", "last_error": "", "statement": ""}
ERROR_MAX = 1000
DAY = timedelta(days=1)
INTAKE, DEAD_LETTER = "intake", "dead_letter"


@dataclass(frozen=True, slots=True)
class Activity:
    """All that the state database tells of a source.

    rows, rejects: of the last hour. objects, bytes_in: of the last hour, estimated from whole hours. waiting: claimed
    or prepared; retrying: those of them that failed before. failed: given up within a day.
    """

    source_id: str
    known_since: datetime
    last_seen: datetime | None = None
    newest_event_at: datetime | None = None
    errors: int = 0
    last_error_at: datetime | None = None
    last_error_kind: str = ""
    last_error: str = ""
    denied_at: datetime | None = None
    statement: str = ""
    rows: int = 0
    rejects: int = 0
    objects: int = 0
    bytes_in: int = 0
    waiting: int = 0
    retrying: int = 0
    failed: int = 0

    @property
    def reject_share(self) -> float:
        """Rejected rows of the last hour."""
        return self.rejects / self.rows if self.rows else 0.0


@dataclass(frozen=True, slots=True)
class QueueHealth:
    """A queue as a worker saw it last. oldest_s: how long its oldest message had waited."""

    name: str
    seen_at: datetime
    waiting: int
    in_flight: int
    oldest_s: int = 0


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of a source."""

    starts_at: datetime
    objects: int
    rows_in: int
    bytes_in: int
    rejects: int


def register(engine: Engine, source_ids: Iterable[str], now: datetime) -> None:
    """Note since when the service has had each source in its accounts."""
    rows = [{"source_id": source_id, "known_since": now, **NOTHING} for source_id in sorted(set(source_ids))]

    def work(connection: Connection) -> None:
        for piece in chunks(rows):
            insert_missing(connection, source_health, piece)

    if rows:
        run(engine, work)


def count(connection: Connection, receipts: Sequence[Receipt], newest: Newest, now: datetime) -> None:
    """Add the receipts to the hour of their sources, and note when those were heard of last."""
    totals: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(("objects", *HOURLY), 0))
    for receipt in receipts:
        total = totals[receipt.source.source_id]
        total["objects"] += 1
        for name in HOURLY:
            total[name] += getattr(receipt, name)
    if totals:
        keys = sorted(totals)  # in one order for all workers, or they could deadlock
        _add_hours(connection, {key: totals[key] for key in keys}, hour_of(now))
        _note_seen(connection, keys, newest, now)


HOURLY = ("rows_in", "bytes_in", "rejects")


def _add_hours(connection: Connection, totals: Mapping[str, Mapping[str, int]], hour: datetime) -> None:
    columns, names = source_hours.c, ("objects", *HOURLY)
    zeros = dict.fromkeys(names, 0)
    insert_missing(connection, source_hours, [{"source_id": key, "starts_at": hour, **zeros} for key in totals])
    addition = (
        update(source_hours)
        .where(columns.source_id == bindparam("s"), columns.starts_at == hour)
        .values({name: columns[name] + bindparam(f"plus_{name}") for name in names})
    )
    plus = [{"s": key, **{f"plus_{name}": total[name] for name in names}} for key, total in totals.items()]
    connection.execute(addition, plus)


def _note_seen(connection: Connection, keys: Sequence[str], newest: Newest, now: datetime) -> None:
    columns = source_health.c
    insert_missing(connection, source_health, [{"source_id": key, "known_since": now, **NOTHING} for key in keys])
    mine = columns.source_id == bindparam("s")
    connection.execute(update(source_health).where(mine).values(last_seen=now), [{"s": key} for key in keys])
    later = (columns.newest_event_at.is_(None)) | (columns.newest_event_at < bindparam("newest"))
    events = [{"s": key, "newest": newest[key]} for key in keys if key in newest]
    if events:
        connection.execute(update(source_health).where(mine, later).values(newest_event_at=bindparam("newest")), events)


def record_error(
    engine: Engine, source_id: str, kind: str, text: str, now: datetime, *, denied: bool = False, statement: str = ""
) -> None:
    """Note what went wrong with an object of a source. denied: we were refused; statement: what to grant."""
    columns = source_health.c
    values: dict[str, Any] = {
        "errors": columns.errors + 1,
        "last_error_at": now,
        "last_error_kind": kind,
        "last_error": text[:ERROR_MAX],
    }
    if denied:
        values |= {"denied_at": now, "statement": statement[:ERROR_MAX]}

    def work(connection: Connection) -> None:
        insert_missing(connection, source_health, [{"source_id": source_id, "known_since": now, **NOTHING}])
        connection.execute(update(source_health).where(columns.source_id == source_id).values(values))

    run(engine, work)


def activities(engine: Engine, now: datetime, source_id: str | None = None) -> dict[str, Activity]:
    """Every source that was ever known, or one, by its id."""
    statement = select(source_health).order_by(source_health.c.source_id)
    if source_id is not None:
        statement = statement.where(source_health.c.source_id == source_id)
    with read(engine) as connection:
        found = {row.source_id: Activity(**row._mapping) for row in connection.execute(statement)}
        for facts in (_rates(connection, now), _recent_hours(connection, now), _waiting(connection, now)):
            for key, values in facts.items():
                if key in found:
                    found[key] = replace(found[key], **values)
    return found


def _rates(connection: Reading, now: datetime) -> dict[str, dict[str, Any]]:
    columns = source_rates.c
    found: dict[str, dict[str, Any]] = {}
    wanted = select(columns.source_id, columns.rows_in, columns.rejects)  # summed here: grouped, SQLite reads it all
    for row in connection.execute(wanted.where(columns.starts_at > now - HOUR)):
        total = found.setdefault(row.source_id, {"rows": 0, "rejects": 0})
        total["rows"] += row.rows_in
        total["rejects"] += row.rejects
    return found


def _recent_hours(connection: Reading, now: datetime) -> dict[str, dict[str, Any]]:
    """Objects and bytes of the last hour: this hour's, and of the last one the share that lies within."""
    columns, this_hour = source_hours.c, hour_of(now)
    left = 1 - (now - this_hour) / HOUR
    found: dict[str, dict[str, int]] = {}
    wanted = select(columns.source_id, columns.starts_at, columns.objects, columns.bytes_in)
    for row in connection.execute(wanted.where(columns.starts_at >= this_hour - HOUR)):
        share = 1.0 if row.starts_at == this_hour else left
        total = found.setdefault(row.source_id, {"objects": 0, "bytes_in": 0})
        total["objects"] += math.ceil(row.objects * share)
        total["bytes_in"] += math.ceil(row.bytes_in * share)
    return found


def _waiting(connection: Reading, now: datetime) -> dict[str, dict[str, Any]]:
    columns, found = objects.c, defaultdict[str, dict[str, Any]](dict)
    tried = func.sum(case((columns.attempts > 0, 1), else_=0))
    held = select(columns.source_id, func.count(), tried).group_by(columns.source_id)
    for row in connection.execute(held.where(has_status(objects, "claimed"))):
        found[row[0]] |= {"waiting": row[1], "retrying": int(row[2])}
    for row in connection.execute(held.where(has_status(objects, "prepared"))):
        found[row[0]]["waiting"] = found[row[0]].get("waiting", 0) + row[1]
    for row in connection.execute(held.where(has_status(objects, "failed"), columns.updated_at > now - DAY)):
        found[row[0]]["failed"] = row[1]
    return found


def hours(
    engine: Engine, source_ids: Sequence[str], now: datetime, since: timedelta = HISTORY
) -> dict[str, tuple[Hour, ...]]:
    """The hours of these sources in which something came, oldest first."""
    columns = source_hours.c
    found: dict[str, list[Hour]] = {source_id: [] for source_id in source_ids}
    with read(engine) as connection:
        for piece in chunks(source_ids):
            wanted = (columns.source_id.in_(piece), columns.starts_at >= now - since)
            for row in connection.execute(select(source_hours).where(*wanted).order_by(columns.starts_at)):
                found[row.source_id].append(Hour(row.starts_at, row.objects, row.rows_in, row.bytes_in, row.rejects))
    return {source_id: tuple(each) for source_id, each in found.items()}


def failures(engine: Engine, source_id: str, limit: int) -> list[dict[str, Any]]:
    """The objects of a source that were given up last, and why."""
    columns = objects.c
    mine = (has_status(objects, "failed"), columns.source_id == source_id)
    statement = select(objects).where(*mine).order_by(columns.updated_at.desc()).limit(limit)
    with read(engine) as connection:
        return [
            {
                "object": object_url(row.bucket, row.key),
                "kind": row.error_kind or "",
                "reason": row.reason or "",
                "failed_at": row.updated_at,
            }
            for row in connection.execute(statement)
        ]


def drop_rows(engine: Engine, now: datetime) -> dict[str, dict[datetime, int]]:
    """Rows of the last whole hours and of the same hours of the weeks before, by source."""
    columns = source_hours.c
    statement = select(columns.source_id, columns.starts_at, columns.rows_in)
    found: dict[str, dict[datetime, int]] = defaultdict(dict)
    with read(engine) as connection:
        for row in connection.execute(statement.where(columns.starts_at.in_(drop_hours(now)))):
            found[row.source_id][row.starts_at] = row.rows_in
    return found


def forget(engine: Engine, now: datetime) -> None:
    """Delete the hours that nobody looks at any more."""
    old = source_hours.c.starts_at < now - HISTORY - DAY
    run(engine, lambda connection: connection.execute(delete(source_hours).where(old)))


def note_queue(engine: Engine, seen: QueueHealth) -> None:
    """Keep how a worker saw a queue."""
    values = {"seen_at": seen.seen_at, "waiting": seen.waiting, "in_flight": seen.in_flight, "oldest_s": seen.oldest_s}

    def work(connection: Connection) -> None:
        insert_missing(connection, queue_health, [{"name": seen.name, **values}])
        connection.execute(update(queue_health).where(queue_health.c.name == seen.name).values(values))

    run(engine, work)


def queues(engine: Engine) -> dict[str, QueueHealth]:
    """The queues as they were seen last, by name (intake, dead_letter)."""
    with read(engine) as connection:
        return {row.name: QueueHealth(**row._mapping) for row in connection.execute(select(queue_health))}
