"""What people and the service do with alerts: each step is kept, and told to where the alert was told."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from sqlalchemy import Connection, Engine, Row, bindparam, func, select, update

from headwater.errors import HeadwaterError
from headwater.model import Alert
from headwater.state import outbox
from headwater.state.alerts import to_alert
from headwater.state.database import chunks, read, run
from headwater.state.schema import alert_history, alerts, windows

Resolution = Literal["true_positive", "false_positive", "benign", "duplicate", "fixed"]
RESOLUTIONS: tuple[Resolution, ...] = get_args(Resolution)
SERVICE = "headwater"  # who does what nobody did
ACTIVE = ("open", "triaged")
MAX_COMMENT = 10_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One step in an alert's life. action: opened, assigned, commented, triaged, resolved, reopened …; detail: the
    assignee or the resolution."""

    number: int
    at: datetime
    by: str
    action: str
    detail: str
    comment: str


def history(engine: Engine, alert_id: str) -> tuple[Entry, ...]:
    """All steps of an alert, the first one first."""
    columns = alert_history.c
    names = (columns.number, columns.at, columns.who, columns.action, columns.detail, columns.comment)
    with read(engine) as connection:
        rows = connection.execute(select(*names).where(columns.alert_id == alert_id).order_by(columns.number))
        return tuple(Entry(*row) for row in rows)


def assign(engine: Engine, alert_id: str, assignee: str, *, by: str, now: datetime) -> Alert:
    """Give the alert to somebody, or (empty) to nobody. Raises: HeadwaterError where there is no such alert."""
    return _change(engine, alert_id, "assigned", by, now, {"assignee": assignee or None}, detail=assignee)


def comment(engine: Engine, alert_id: str, text: str, *, by: str, now: datetime) -> Alert:
    """Add a comment. Raises: HeadwaterError where there is no such alert."""
    return _change(engine, alert_id, "commented", by, now, {}, comment=text)


def triage(engine: Engine, alert_id: str, *, by: str, now: datetime, text: str = "") -> Alert:
    """Somebody looks at it. Raises: HeadwaterError where it is not open."""
    values = {"status": "triaged"}
    return _change(engine, alert_id, "triaged", by, now, values, comment=text, only=("open",), tell="updated")


def resolve(
    engine: Engine, alert_id: str, resolution: Resolution, *, by: str, now: datetime, reopens: bool, text: str = ""
) -> Alert:
    """Close the alert. reopens: matches in the rest of its window open it again; else they open another one.

    Raises: HeadwaterError where it is pending or resolved.
    """
    values = {"status": "resolved", "resolution": resolution}

    def work(connection: Connection) -> Alert:
        alert = _step(connection, alert_id, "resolved", by, now, values, resolution, text, ACTIVE, "resolved")
        if not reopens:
            mine = (windows.c.group_id == _group(connection, alert_id), windows.c.alert_id == alert_id)
            connection.execute(update(windows).where(*mine, windows.c.until > now).values(until=now))
        return alert

    return run(engine, work)


def reopen(engine: Engine, alert_id: str, *, by: str, now: datetime, text: str = "") -> Alert:
    """Open a resolved alert, or one that is triaged, again. Raises: HeadwaterError for any other."""
    values = {"status": "open", "resolution": None}
    only = ("resolved", "triaged")
    return _change(engine, alert_id, "reopened", by, now, values, comment=text, only=only, tell="reopened")


def record(
    connection: Connection,
    alert_ids: Collection[str],
    action: str,
    now: datetime,
    *,
    by: str = SERVICE,
    detail: str = "",
    comment: str = "",
    tell: outbox.Action | None = None,
) -> dict[str, int]:
    """Add a step to alerts that this transaction has locked; the number that it has in each history.

    tell: to every destination that was told of the opening.
    """
    ids = sorted(alert_ids)
    numbers = dict.fromkeys(ids, 1) | {i: last + 1 for piece in chunks(ids) for i, last in _last(connection, piece)}
    rows = [
        {
            "alert_id": alert_id,
            "number": numbers[alert_id],
            "at": now,
            "who": by,
            "action": action,
            "detail": detail,
            "comment": comment[:MAX_COMMENT],
        }
        for alert_id in ids
    ]
    if rows:
        connection.execute(alert_history.insert(), rows)
    if tell is not None:
        note = " ".join(part for part in (f"{detail}." if detail else "", comment, f"({by})") if part)
        outbox.tell(connection, numbers, tell, note, now)
    return numbers


def set_status(
    connection: Connection, alert_ids: Collection[str], status: Literal["open", "resolved"], now: datetime, why: str
) -> tuple[Alert, ...]:
    """The service itself resolves or reopens alerts; those that are so already, or pending, are left as they are."""
    before = ACTIVE if status == "resolved" else ("resolved",)
    rows = [row for piece in chunks(sorted(alert_ids)) for row in _locked(connection, piece) if row.status in before]
    ids = [row.alert_id for row in rows]
    resolution = "fixed" if status == "resolved" else None
    changes = [{"at_alert": i, "status": status, "resolution": resolution, "updated_at": now} for i in ids]
    if changes:
        connection.execute(update(alerts).where(alerts.c.alert_id == bindparam("at_alert")), changes)
    action: outbox.Action = "resolved" if status == "resolved" else "reopened"
    record(connection, ids, action, now, detail=resolution or "", comment=why, tell=action)
    return tuple(to_alert(row) for piece in chunks(ids) for row in _locked(connection, piece))


def _change(
    engine: Engine,
    alert_id: str,
    action: str,
    by: str,
    now: datetime,
    values: Mapping[str, Any],
    *,
    detail: str = "",
    comment: str = "",
    only: Sequence[str] = (),
    tell: outbox.Action | None = None,
) -> Alert:
    return run(
        engine,
        lambda connection: _step(connection, alert_id, action, by, now, values, detail, comment, only, tell),
    )


def _step(
    connection: Connection,
    alert_id: str,
    action: str,
    by: str,
    now: datetime,
    values: Mapping[str, Any],
    detail: str,
    comment: str,
    only: Sequence[str],
    tell: outbox.Action | None,
) -> Alert:
    row = next(iter(_locked(connection, [alert_id])), None)
    if row is None:
        raise HeadwaterError(f"there is no alert {alert_id}")
    if _is_done(connection, alert_id, action, by, now):  # the connection broke after the commit
        return to_alert(row)
    if only and row.status not in only:
        raise HeadwaterError(f"alert {alert_id} is {row.status}; only one that is {' or '.join(only)} can be {action}")
    connection.execute(update(alerts).where(alerts.c.alert_id == alert_id).values(**values, updated_at=now))
    record(connection, [alert_id], action, now, by=by, detail=detail, comment=comment, tell=tell)
    return to_alert(_locked(connection, [alert_id])[0])


def _locked(connection: Connection, alert_ids: Sequence[str]) -> Sequence[Row[Any]]:
    statement = select(alerts).where(alerts.c.alert_id.in_(alert_ids)).order_by(alerts.c.alert_id).with_for_update()
    return connection.execute(statement).all()


def _is_done(connection: Connection, alert_id: str, action: str, by: str, now: datetime) -> bool:
    columns = alert_history.c
    same = (columns.alert_id == alert_id, columns.action == action, columns.who == by, columns.at == now)
    return connection.scalar(select(columns.number).where(*same).limit(1)) is not None


def _group(connection: Connection, alert_id: str) -> str | None:
    return connection.scalar(select(alerts.c.group_id).where(alerts.c.alert_id == alert_id))


def _last(connection: Connection, alert_ids: Sequence[str]) -> list[tuple[str, int]]:
    columns = alert_history.c
    statement = select(columns.alert_id, func.max(columns.number)).where(columns.alert_id.in_(alert_ids))
    return [(alert_id, last) for alert_id, last in connection.execute(statement.group_by(columns.alert_id))]
