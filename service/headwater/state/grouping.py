"""Alerts as groups of matches: created pending, opened at the detection's threshold, then merged into."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, select, update

from headwater.model import Alert, Match
from headwater.state import lifecycle, storms
from headwater.state.alerts import to_alert
from headwater.state.database import chunks, insert_missing
from headwater.state.schema import alert_uniques, alerts, windows
from headwater.state.storms import AlertPolicy, Storm

MAX_EVENT_CHARS = 256 * 1024  # of the sample event kept with an alert
TOO_LARGE = '{"_headwater": "event too large for the alert; see detections.matches"}'


def create(
    connection: Connection, firsts: Mapping[str, tuple[str, Match]], now: datetime, *, are_storms: bool = False
) -> None:
    """New pending alerts without matches; firsts: group id and first match of each alert id."""
    rows = [
        {
            "alert_id": alert_id,
            "group_id": group_id,
            "kind": match.kind,
            "rule_id": match.rule_id,
            "dedup": "storm" if are_storms else match.dedup,
            "account_id": match.account_id,
            "status": "pending",
            "match_count": 0,
            "progress": 0,
            "created_at": now,
            "updated_at": now,
            "first_event_at": match.event_time,
            "last_event_at": match.event_time,
            "storm_id": alert_id if are_storms else None,
            **_face(match),
        }
        for alert_id, (group_id, match) in firsts.items()
    ]
    for piece in chunks(rows):
        insert_missing(connection, alerts, piece)


def add(
    connection: Connection,
    by_alert: Mapping[str, Sequence[Match]],
    now: datetime,
    policy: AlertPolicy = AlertPolicy(),  # noqa: B008 - frozen
    new_id: Callable[[], str] = lambda: "",
) -> tuple[Alert, ...]:
    """Count the matches of each alert; returns the alerts that they open, and that their destinations are to hear of.

    Those that are one of a storm are open, and their storm's alert speaks for them.
    """
    slow = [match for matches in by_alert.values() for match in matches if match.threshold > 1 and policy.counts(match)]
    hours = storms.lock(connection, slow, now, new_id) if slow else {}  # before all alerts, as prepare does
    rows = {row.alert_id: row for piece in chunks(sorted(by_alert)) for row in _lock(connection, piece)}
    counting = _counting(connection, {i: by_alert[i] for i, row in rows.items() if row.status == "pending"})
    changes = [_counts(row, by_alert[i], len(counting.get(i, ())), now) for i, row in rows.items()]
    _update(connection, changes)
    openers = {i: _opener(rows[i], by_alert[i], counting[i]) for i in counting}
    opened = {i: match for i, match in openers.items() if match is not None}
    _open(connection, opened, {i: rows[i].group_id for i in opened}, now)
    lifecycle.record(connection, list(opened), "opened", now)
    quiet = _merge_slow(connection, opened, hours, policy, now)
    _show_storms(connection, [i for i, row in rows.items() if row.storm_id == i])
    _reopen(connection, [row for row in rows.values() if row.status == "resolved"], policy, now)
    told = sorted((set(opened) - quiet.members) | quiet.storms)
    return tuple(to_alert(row) for piece in chunks(told) for row in _lock(connection, piece))


@dataclass(frozen=True, slots=True)
class _Quiet:
    """members: alerts that opened as part of a storm. storms: the alerts of storms that began with them."""

    members: frozenset[str] = frozenset()
    storms: frozenset[str] = frozenset()


def _merge_slow(
    connection: Connection, opened: Mapping[str, Match], hours: Mapping[str, Storm], policy: AlertPolicy, now: datetime
) -> _Quiet:
    """Detections with a threshold: their matches have an alert before it opens, so the alert itself joins the storm."""
    current = dict(hours)
    members: dict[str, str] = {}
    firsts: dict[str, tuple[str, Match]] = {}
    for alert_id, match in sorted(opened.items()):
        key = storms.storm_id(match)
        if match.threshold <= 1 or key not in current:
            continue
        after = current[key].admit(policy)
        if after.groups > current[key].groups:
            members[alert_id] = after.alert_id
            firsts.setdefault(after.alert_id, (key, match))
        current[key] = after
    storms.save(connection, [storm for key, storm in current.items() if storm != hours[key]])
    if not members:
        return _Quiet()
    create(connection, firsts, now, are_storms=True)
    begun = _join(connection, members, now)
    _show_storms(connection, list(firsts))
    return _Quiet(frozenset(members), begun)


def _join(connection: Connection, members: Mapping[str, str], now: datetime) -> frozenset[str]:
    """Point the alerts to their storms, and count them there; gives the storms that begin with them."""
    _update(connection, [{"at_alert": i, "storm_id": storm} for i, storm in sorted(members.items())])
    joined = {row.alert_id: row for piece in chunks(sorted(members)) for row in _lock(connection, piece)}
    storm_rows = {row.alert_id: row for p in chunks(sorted(set(members.values()))) for row in _lock(connection, p)}
    changes = []
    for storm, row in storm_rows.items():
        mine = [joined[i] for i, of in members.items() if of == storm]
        changes.append(
            {
                "at_alert": storm,
                "status": "open" if row.status == "pending" else row.status,
                "match_count": row.match_count + sum(each.match_count for each in mine),
                "first_event_at": min(row.first_event_at, *(each.first_event_at for each in mine)),
                "last_event_at": max(row.last_event_at, *(each.last_event_at for each in mine)),
                "updated_at": now,
            }
        )
    _update(connection, changes)
    begun = [storm for storm, row in storm_rows.items() if row.status == "pending"]
    lifecycle.record(connection, begun, "opened", now)
    return frozenset(begun)


def _show_storms(connection: Connection, alert_ids: Sequence[str]) -> None:
    """Bring the titles of storms' alerts to what they have counted."""
    rows = [row for piece in chunks(sorted(alert_ids)) for row in _lock(connection, piece)]
    if rows:
        groups = storms.groups_of(connection, rows)
        faces = [
            {"at_alert": row.alert_id}
            | storms.face(row.rule_id, groups[row.alert_id], row.match_count, storms.example(row.context, row.title))
            for row in rows
        ]
        _update(connection, faces)


def _reopen(connection: Connection, resolved: Sequence[Row[Any]], policy: AlertPolicy, now: datetime) -> None:
    """Open resolved alerts again that have got matches: storms always, for until they are over nothing else tells."""
    again = [
        row.alert_id for row in resolved if row.kind != "HEALTH" and (policy.reopens or row.storm_id == row.alert_id)
    ]
    lifecycle.set_status(connection, again, "open", now, "There are new matches.")


def _lock(connection: Connection, alert_ids: Sequence[str]) -> Sequence[Row[Any]]:
    """The rows in the order of their ids: two workers that lock alike cannot deadlock."""
    statement = select(alerts).where(alerts.c.alert_id.in_(alert_ids)).order_by(alerts.c.alert_id).with_for_update()
    return connection.execute(statement).all()


def _counting(connection: Connection, pending: Mapping[str, Sequence[Match]]) -> dict[str, list[Match]]:
    """The matches that bring each pending alert nearer to its threshold: all without a unique value, and the first of
    each unique value that the alert has not seen yet; those values are stored as seen."""
    with_values = sorted(i for i, matches in pending.items() if any(match.unique is not None for match in matches))
    known: set[tuple[str, str]] = set()
    for piece in chunks(with_values):
        rows = connection.execute(select(alert_uniques).where(alert_uniques.c.alert_id.in_(piece)))
        known |= {(row.alert_id, row.value_hash) for row in rows}
    seen = set(known)
    result = {i: [match for match in matches if _is_new(i, match, seen)] for i, matches in pending.items()}
    for part in chunks(sorted(seen - known)):
        insert_missing(connection, alert_uniques, [{"alert_id": i, "value_hash": value} for i, value in part])
    return result


def _is_new(alert_id: str, match: Match, seen: set[tuple[str, str]]) -> bool:
    """Whether the match counts towards the threshold; its unique value is added to `seen`."""
    if match.unique is None:
        return True
    value = (alert_id, hashlib.sha256(match.unique.encode("utf-8", "surrogatepass")).hexdigest())
    is_new = value not in seen
    seen.add(value)
    return is_new


def _counts(row: Row[Any], matches: Sequence[Match], progress: int, now: datetime) -> dict[str, Any]:
    times = [match.event_time for match in matches]
    return {
        "at_alert": row.alert_id,
        "match_count": row.match_count + sum(match.occurrences for match in matches),
        "progress": row.progress + progress,
        "first_event_at": min(row.first_event_at, *times),
        "last_event_at": max(row.last_event_at, *times),
        "updated_at": now,
    }


def _opener(row: Row[Any], matches: Sequence[Match], counting: Sequence[Match]) -> Match | None:
    """The match that reaches the threshold, if one does."""
    missing = matches[0].threshold - row.progress
    if len(counting) < missing:
        return None
    return counting[max(missing - 1, 0)] if counting else matches[0]


def _open(connection: Connection, opened: Mapping[str, Match], groups: Mapping[str, str], now: datetime) -> None:
    """Give each alert the face of the match that opened it, and its window a fixed end from now on."""
    faces = [{"at_alert": i, "status": "open", "created_at": now, **_face(match)} for i, match in opened.items()]
    _update(connection, faces)
    ends = [
        {"at_group": groups[i], "at_alert": i, "until": now + timedelta(minutes=match.window_min)}
        for i, match in sorted(opened.items(), key=lambda item: groups[item[0]])
    ]
    still_current = (windows.c.group_id == bindparam("at_group"), windows.c.alert_id == bindparam("at_alert"))
    if ends:
        connection.execute(update(windows).where(*still_current), ends)
    for piece in chunks(list(opened)):
        connection.execute(delete(alert_uniques).where(alert_uniques.c.alert_id.in_(piece)))


def _update(connection: Connection, changes: Sequence[dict[str, Any]]) -> None:
    if changes:
        connection.execute(update(alerts).where(alerts.c.alert_id == bindparam("at_alert")), list(changes))


def _face(match: Match) -> dict[str, Any]:
    """What an alert shows of the match that opened it."""
    event = match.event_json
    return {
        "title": match.title,
        "severity": match.severity,
        "log_type": match.log_type,
        "context": match.context,
        "event": event if len(event) <= MAX_EVENT_CHARS else TOO_LARGE,
        "description": match.description,
        "runbook": match.runbook,
        "reference": match.reference,
        "destinations": match.destinations,
        "tags": match.tags,
    }
