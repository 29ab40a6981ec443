"""Upkeep of the state database: what nobody can ask for any more is deleted, in pieces that hold no lock for long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    Row,
    Table,
    and_,
    delete,
    exists,
    select,
    tuple_,
    update,
)

from headwater.state.database import CHUNK, chunks, insert_missing, run
from headwater.state.schema import (
    alert_history,
    alert_uniques,
    alerts,
    batch_groups,
    batches,
    episodes,
    evaluations,
    findings,
    forgotten,
    has_status,
    history_batches,
    link_tests,
    objects,
    outbox,
    remembered,
    retries,
    rule_health,
    source_rates,
    windows,
)

MAX_PIECES = 20  # of CHUNK rows from one table at a time: 10,000, a few seconds; the rest waits for the next time
FAILED_FACTOR = 2  # failed objects are few, and somebody may mend and requeue them yet


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things are kept. done: finished objects, and what is known of rules that are gone; failed objects are
    kept for twice as long. finished: batches, closed windows, alerts that never opened."""

    finished: timedelta = timedelta(days=1)
    done: timedelta = timedelta(days=400)
    alerts: timedelta = timedelta(days=400)


def retain(engine: Engine, now: datetime, kept: Retention) -> dict[str, int]:
    """Delete whatever is older than it is kept; gives how many objects, alerts and rules are forgotten."""
    prune(engine, now - kept.finished)
    return {
        "objects": forget_done(engine, now - kept.done) + forget_failed(engine, now - FAILED_FACTOR * kept.done),
        "alerts": forget_alerts(engine, now - kept.alerts, now),
        "rules": forget_rules(engine, now - kept.done),
    }


def prune(engine: Engine, before: datetime) -> None:
    """Delete finished batches, closed windows, rates and expired memories from before that time.

    Recovered rejects stay: they must be recognised as long as the lake has them.
    """
    wanted = select(evaluations.c.batch_id).where(evaluations.c.batch_id.is_not(None))
    finished = (has_status(batches, "done"), batches.c.batch_id.not_in(wanted))
    _in_pieces(engine, lambda connection: _delete_batches(connection, batches.c.updated_at, before, *finished))
    retried = has_status(retries, "done")
    _in_pieces(engine, lambda connection: _delete_batches(connection, retries.c.updated_at, before, retried))
    _in_pieces(engine, lambda connection: _delete_pending(connection, before))
    for time in (source_rates.c.starts_at, remembered.c.expires_at, findings.c.expires_at, link_tests.c.sent_at):
        _delete_all(engine, time, before)
    _delete_all(engine, windows.c.until, before)


def forget_done(engine: Engine, before: datetime) -> int:
    """Forget objects that were done before that time; their sources remember up to when there were any."""

    def work(connection: Connection) -> int:
        done = has_status(objects, "done")
        rows = _take(connection, objects.c.updated_at, before, done, also=(objects.c.source_id, objects.c.updated_at))
        until: dict[str, datetime] = {}
        for row in rows:
            until[row.source_id] = max(row.updated_at, until.get(row.source_id, row.updated_at))
        _remember_until(connection, until)
        return _delete(connection, objects, rows)

    return _in_pieces(engine, work)


def forget_failed(engine: Engine, before: datetime) -> int:
    """Forget objects that failed before that time, and claims that nobody has come back to since."""
    time, left = objects.c.updated_at, (has_status(objects, "claimed"), objects.c.lease_until < before)
    return _delete_all(engine, time, before, has_status(objects, "failed")) + _delete_all(engine, time, before, *left)


def forget_alerts(engine: Engine, before: datetime, now: datetime) -> int:
    """Delete alerts from before that time, with their deliveries; not those that may still get matches."""
    going_on = select(episodes.c.alert_id)
    over = (alerts.c.alert_id.not_in(going_on), _settled(now))
    return _in_pieces(engine, lambda connection: _delete_alerts(connection, before, *over))


def forget_rules(engine: Engine, before: datetime) -> int:
    """Forget evaluations and errors of rules that have not run, or not erred, since that time."""
    idle = (evaluations.c.lease_until < before, evaluations.c.batch_id.is_(None))
    calm = rule_health.c.suspended_at.is_(None)
    return _delete_all(engine, evaluations.c.evaluated_at, before, *idle) + _delete_all(
        engine, rule_health.c.last_error_at, before, calm
    )


def _in_pieces(engine: Engine, work: Callable[[Connection], int]) -> int:
    """How many rows `work`, which deletes CHUNK of them at the most, has deleted in transactions of its own."""
    total = 0
    for _ in range(MAX_PIECES):
        deleted = run(engine, work)
        total += deleted
        if deleted < CHUNK:
            break
    return total


def _delete_all(engine: Engine, time: Column[Any], before: datetime, *conditions: ColumnElement[bool]) -> int:
    def work(connection: Connection) -> int:
        return _delete(connection, time.table, _take(connection, time, before, *conditions))

    return _in_pieces(engine, work)


def _take(
    connection: Connection,
    time: Column[Any],
    before: datetime,
    *conditions: ColumnElement[bool],
    also: Sequence[ColumnElement[Any]] = (),
) -> Sequence[Row[*tuple[Any, ...]]]:
    """The keys of the oldest rows that no other worker is about to delete.

    time: a column of the table that has an index. Without the order, a plan made for any time would read all rows.
    """
    oldest = select(*time.table.primary_key.columns, *also).where(time < before, *conditions).order_by(time)
    return connection.execute(oldest.limit(CHUNK).with_for_update(of=time.table, skip_locked=True)).all()


def _delete(connection: Connection, table: Table, rows: Sequence[Row[*tuple[Any, ...]]]) -> int:
    """Delete the rows that `_take` took."""
    key = list(table.primary_key.columns)
    if rows:
        values = [tuple(row[: len(key)]) for row in rows]
        chosen = key[0].in_([value[0] for value in values]) if len(key) == 1 else tuple_(*key).in_(values)
        connection.execute(delete(table).where(chosen))
    return len(rows)


def _delete_batches(
    connection: Connection, time: Column[Any], before: datetime, *conditions: ColumnElement[bool]
) -> int:
    rows = _take(connection, time, before, *conditions)
    ids = [row.batch_id for row in rows]
    for parts in (batch_groups, history_batches):
        connection.execute(delete(parts).where(parts.c.batch_id.in_(ids)))
    return _delete(connection, time.table, rows)


def _delete_pending(connection: Connection, before: datetime) -> int:
    """Alerts that did not reach their threshold within their window."""
    return _delete_alerts(connection, before, has_status(alerts, "pending"), _settled(before))


def _delete_alerts(connection: Connection, before: datetime, *conditions: ColumnElement[bool]) -> int:
    old = _take(connection, alerts.c.created_at, before, *conditions)
    bound = batch_groups.c.alert_id.in_([row.alert_id for row in old])  # some batch has matches for them yet
    kept = set(connection.scalars(select(batch_groups.c.alert_id).where(bound)))
    rows = [row for row in old if row.alert_id not in kept]
    ids = [row.alert_id for row in rows]
    for parts in (alert_uniques, alert_history, outbox):
        connection.execute(delete(parts).where(parts.c.alert_id.in_(ids)))
    return _delete(connection, alerts, rows)


def _settled(now: datetime) -> ColumnElement[bool]:
    """Alerts whose window is over."""
    mine = and_(windows.c.group_id == alerts.c.group_id, windows.c.alert_id == alerts.c.alert_id)
    return ~exists().where(mine, windows.c.until >= now).correlate(alerts)


def _remember_until(connection: Connection, until: dict[str, datetime]) -> None:
    keys = sorted(until)  # in one order for all workers, or they could deadlock
    for piece in chunks(keys):
        insert_missing(connection, forgotten, [{"source_id": key, "until": until[key]} for key in piece])
    for key in keys:
        older = (forgotten.c.source_id == key, forgotten.c.until < until[key])
        connection.execute(update(forgotten).where(*older).values(until=until[key]))
