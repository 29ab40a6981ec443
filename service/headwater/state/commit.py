"""The two transactions around the lake's append: prepare fixes what will be counted, finish counts it once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, select, update

from headwater.errors import LeaseLost
from headwater.model import Alert, GroupKey, Match, Receipt
from headwater.state import activity, grouping, health, history, rule_health, sources, storms
from headwater.state.activity import Newest
from headwater.state.database import chunks, insert_missing, random_id, run
from headwater.state.health import Reasons, RejectLimit
from headwater.state.outbox import Destinations, enqueue
from headwater.state.resolve import reopen
from headwater.state.rule_health import RuleLimit
from headwater.state.schema import batch_groups, batches, has_status, objects, windows
from headwater.state.storms import AlertPolicy

NO_POLICY = AlertPolicy()


@dataclass(frozen=True, slots=True)
class Finished:
    """opened: alerts that this batch opened. already: the batch was finished before, and nothing has changed."""

    opened: tuple[Alert, ...] = ()
    already: bool = False


def group_id(key: GroupKey) -> str:
    """64 hex digits that stand for a group in the database; a dedup string can be too long for an index."""
    return hashlib.sha256("\0".join(key).encode("utf-8", "surrogatepass")).hexdigest()


def prepare(
    engine: Engine,
    batch_id: str,
    object_ids: Iterable[str],
    matches: Sequence[Match],
    *,
    worker: str,
    now: datetime,
    lease_s: float = 600,
    is_live: bool = True,
    alerting: bool = True,
    policy: AlertPolicy = NO_POLICY,
    new_id: Callable[[], str] = random_id,
) -> Mapping[GroupKey, str]:
    """Bind claimed objects to a batch and fix the alert of each of its groups; returns the alert ids.

    The second call for a batch, by whoever took it over, gives the ids of the first.
    is_live, alerting: what kind of batch it is, for whoever takes it over.
    Raises: LeaseLost when other workers took over some of the objects; nothing is bound then.
    """
    ids = sorted(object_ids)

    def work(connection: Connection) -> Mapping[GroupKey, str]:
        if _create_batch(connection, batch_id, worker, now, lease_s):
            _bind(connection, batch_id, ids, worker, now)
            if not is_live:
                history.mark(connection, batch_id, alerting=alerting)
        return assign_alerts(connection, batch_id, matches, now, new_id, policy)

    return run(engine, work)


def finish(
    engine: Engine,
    batch_id: str,
    receipts: Sequence[Receipt],
    matches: Sequence[Match],
    *,
    now: datetime,
    destinations: Destinations = (),
    reasons: Reasons = MappingProxyType({}),
    reject_limit: RejectLimit | None = None,
    rule_limit: RuleLimit | None = None,
    newest: Newest = MappingProxyType({}),
    is_live: bool = True,
    policy: AlertPolicy = NO_POLICY,
    new_id: Callable[[], str] = random_id,
) -> Finished:
    """Count a prepared batch: objects, sources, alerts, and one outbox row for each destination of an alert it opens.

    Objects of the batch without a receipt (gone before a take-over read them) become failed.
    reasons: why rows of each source were rejected; a source over reject_limit is alerted on, in the same transaction.
    rule_limit: a detection with more errors is suspended, and alerted on.
    newest: the latest event time of each source's rows. is_live: the objects are news; history that is made up for
    says nothing about how its source is now.
    """

    def work(connection: Connection) -> Finished:
        if not _close_batch(connection, batch_id, now):
            return Finished(already=True)
        _record_receipts(connection, batch_id, receipts, now)
        opened = count_matches(connection, batch_id, matches, destinations, now, policy, new_id)
        sources.count(connection, receipts, now)
        if is_live:
            activity.count(connection, receipts, newest, now)
        unhealthy = health.observe(connection, receipts, reasons, reject_limit, now) if reject_limit else ()
        unhealthy += rule_health.observe(connection, matches, rule_limit, now) if rule_limit else ()
        assign_alerts(connection, batch_id, unhealthy, now, new_id)
        told = count_matches(connection, batch_id, unhealthy, destinations, now)
        if unhealthy:
            reopen(connection, batch_id, now)
        return Finished((*opened, *told))

    return run(engine, work)


def assign_alerts(
    connection: Connection,
    batch_id: str,
    matches: Sequence[Match],
    now: datetime,
    new_id: Callable[[], str],
    policy: AlertPolicy = NO_POLICY,
) -> Mapping[GroupKey, str]:
    """The alert of each group of the matches, fixed for the batch: the second call gives the ids of the first."""
    firsts: dict[str, Match] = {}
    for match in matches:
        if match.create_alert:
            firsts.setdefault(group_id(match.group_key), match)
    assigned = _assigned(connection, batch_id)
    missing = {group: firsts[group] for group in sorted(firsts) if group not in assigned}
    assigned |= _assign(connection, batch_id, missing, now, new_id, policy)
    return {match.group_key: assigned[group] for group, match in firsts.items()}


def count_matches(
    connection: Connection,
    batch_id: str,
    matches: Sequence[Match],
    destinations: Destinations,
    now: datetime,
    policy: AlertPolicy = NO_POLICY,
    new_id: Callable[[], str] = random_id,
) -> tuple[Alert, ...]:
    """Add the matches to the alerts that `assign_alerts` gave them; those that open are put into the outbox."""
    assigned = _assigned(connection, batch_id)
    by_alert: dict[str, list[Match]] = {}
    for match in matches:
        if match.create_alert:
            by_alert.setdefault(assigned[group_id(match.group_key)], []).append(match)  # a storm's has many groups
    opened = grouping.add(connection, by_alert, now, policy, new_id)
    enqueue(connection, opened, destinations, now)
    return opened


def _create_batch(connection: Connection, batch_id: str, worker: str, now: datetime, lease_s: float) -> bool:
    """Whether the batch is new."""
    known = connection.scalar(select(batches.c.batch_id).where(batches.c.batch_id == batch_id))
    row = {
        "batch_id": batch_id,
        "status": "prepared",
        "worker": worker,
        "lease_until": now + timedelta(seconds=lease_s),
        "created_at": now,
        "updated_at": now,
    }
    insert_missing(connection, batches, [row])
    return known is None


def _bind(connection: Connection, batch_id: str, object_ids: Sequence[str], worker: str, now: datetime) -> None:
    lost: list[str] = []
    for piece in chunks(object_ids):
        bound = connection.scalars(
            update(objects)
            .where(objects.c.object_id.in_(piece), objects.c.status == "claimed", objects.c.worker == worker)
            .values(status="prepared", batch_id=batch_id, updated_at=now)
            .returning(objects.c.object_id)
        )
        lost += sorted(set(piece) - set(bound))
    if lost:
        raise LeaseLost(tuple(lost))


def _assigned(connection: Connection, batch_id: str) -> dict[str, str]:
    rows = connection.execute(
        select(batch_groups.c.group_id, batch_groups.c.alert_id).where(batch_groups.c.batch_id == batch_id)
    )
    return {row.group_id: row.alert_id for row in rows}


def _assign(
    connection: Connection,
    batch_id: str,
    firsts: Mapping[str, Match],
    now: datetime,
    new_id: Callable[[], str],
    policy: AlertPolicy,
) -> dict[str, str]:
    """The alert of each group's open window, of a storm, or of a new window; firsts: a match of each group, sorted."""
    merged = _merge(connection, firsts, now, new_id, policy)
    fresh: list[dict[str, Any]] = [
        {"group_id": group, "alert_id": merged[group].alert_id, "until": merged[group].until}
        if group in merged
        else {"group_id": group, "alert_id": new_id(), "until": now + timedelta(minutes=match.window_min)}
        for group, match in firsts.items()
    ]
    for piece in chunks(fresh):
        insert_missing(connection, windows, piece)  # waits for a transaction that inserts the same group
    assigned = _current_alerts(connection, fresh, now)
    added = [row for row in fresh if assigned[row["group_id"]] == row["alert_id"] and row["group_id"] not in merged]
    grouping.create(connection, {row["alert_id"]: (row["group_id"], firsts[row["group_id"]]) for row in added}, now)
    bindings = [{"batch_id": batch_id, "group_id": group, "alert_id": alert} for group, alert in assigned.items()]
    insert_missing(connection, batch_groups, bindings)
    return assigned


def _merge(
    connection: Connection, firsts: Mapping[str, Match], now: datetime, new_id: Callable[[], str], policy: AlertPolicy
) -> dict[str, storms.Storm]:
    """The storms that new groups are merged into.

    The hour of a detection is locked before the groups without a window are looked up for good, so that each of them is
    counted once, whichever worker sees it first. A detection with a threshold is counted when its alerts open.
    """
    counted = {group: match for group, match in firsts.items() if match.threshold <= 1 and policy.counts(match)}
    new = _without_window(connection, counted, now)
    hours = storms.lock(connection, new.values(), now, new_id) if new else {}
    current, merged = dict(hours), dict[str, storms.Storm]()
    for group, match in _without_window(connection, new, now).items() if new else ():
        key = storms.storm_id(match)
        before, current[key] = current[key], current[key].admit(policy)
        if current[key].groups > before.groups:
            merged[group] = current[key]
    storms.save(connection, [storm for key, storm in current.items() if storm != hours[key]])
    begun = {storm.alert_id: (storm.storm_id, firsts[group]) for group, storm in reversed(merged.items())}
    grouping.create(connection, dict(sorted(begun.items())), now, are_storms=True)
    return merged


def _without_window(connection: Connection, firsts: Mapping[str, Match], now: datetime) -> dict[str, Match]:
    known: set[str] = set()
    for piece in chunks(list(firsts)):
        open_ones = select(windows.c.group_id).where(windows.c.group_id.in_(piece), windows.c.until > now)
        known.update(connection.scalars(open_ones))
    return {group: match for group, match in firsts.items() if group not in known}


def _current_alerts(connection: Connection, fresh: Sequence[dict[str, Any]], now: datetime) -> dict[str, str]:
    """Locks the groups' windows; those that are over become the fresh ones."""
    assigned: dict[str, str] = {}
    over: list[dict[str, Any]] = []
    for piece in chunks(fresh):
        by_group = {row["group_id"]: row for row in piece}
        statement = (
            select(windows).where(windows.c.group_id.in_(list(by_group))).order_by(windows.c.group_id).with_for_update()
        )
        for row in connection.execute(statement):
            is_over = row.until <= now
            assigned[row.group_id] = by_group[row.group_id]["alert_id"] if is_over else row.alert_id
            if is_over:
                over.append({"at_group": row.group_id, **by_group[row.group_id]})
    if over:
        connection.execute(update(windows).where(windows.c.group_id == bindparam("at_group")), over)
    return assigned


def _close_batch(connection: Connection, batch_id: str, now: datetime) -> bool:
    """Whether the batch was still prepared. Raises: LookupError when it was never prepared."""
    statement = (
        update(batches)
        .where(batches.c.batch_id == batch_id, batches.c.status == "prepared")
        .values(status="done", updated_at=now)
    )
    if connection.execute(statement).rowcount == 1:
        return True
    if connection.scalar(select(batches.c.status).where(batches.c.batch_id == batch_id)) is None:
        raise LookupError(f"batch {batch_id} was never prepared")
    return False


def _record_receipts(connection: Connection, batch_id: str, receipts: Sequence[Receipt], now: datetime) -> None:
    rows = [
        {
            "at_object": receipt.ref.object_id,
            "status": "done",
            "log_types": receipt.log_types,
            "rows_in": receipt.rows_in,
            "rows_out": receipt.rows_out,
            "rejects": receipt.rejects,
            "matches": receipt.matches,
            "bytes_in": receipt.bytes_in,
            "elapsed_ms": receipt.elapsed_ms,
            "reason": None,
            "updated_at": now,
        }
        for receipt in receipts
    ]
    in_batch = (has_status(objects, "prepared"), objects.c.batch_id == batch_id)
    if rows:
        connection.execute(update(objects).where(*in_batch, objects.c.object_id == bindparam("at_object")), rows)
    unread = {"status": "failed", "error_kind": "missing", "reason": "gone before its batch was taken over"}
    connection.execute(update(objects).where(*in_batch).values(**unread, updated_at=now))
