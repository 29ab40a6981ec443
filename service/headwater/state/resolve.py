"""Alerts on faults of the service's own that are over count as resolved, and as open again after a relapse."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, Engine, select

from headwater.state.database import chunks, read, run
from headwater.state.lifecycle import ACTIVE, set_status
from headwater.state.schema import alerts, batch_groups

OVER = "The fault is over."
BACK = "The fault is back."


def resolve(connection: Connection, rule_id: str, subjects: Collection[str], now: datetime) -> None:
    """Mark the open alerts of a rule about these subjects as resolved."""
    columns = alerts.c
    for piece in chunks(sorted(subjects)):
        about = (columns.rule_id == rule_id, columns.dedup.in_(piece), columns.status.in_(ACTIVE))
        set_status(connection, connection.scalars(select(columns.alert_id).where(*about)).all(), "resolved", now, OVER)


def resolve_alerts(engine: Engine, rule_id: str, subjects: Collection[str], now: datetime) -> None:
    """Mark the open alerts of a rule about these subjects as resolved, in a transaction of its own."""
    run(engine, lambda connection: resolve(connection, rule_id, subjects, now))


def reopen(connection: Connection, batch_id: str, now: datetime) -> None:
    """Mark the resolved alerts that a batch has added to as open: the same fault is back within their window."""
    ids = select(batch_groups.c.alert_id).where(batch_groups.c.batch_id == batch_id)
    again = select(alerts.c.alert_id).where(alerts.c.alert_id.in_(ids), alerts.c.kind == "HEALTH")
    set_status(connection, connection.scalars(again).all(), "open", now, BACK)


def resolve_others(engine: Engine, rule_id: str, still: Collection[str], now: datetime) -> None:
    """Mark the open alerts of a rule as resolved, but for those about these subjects."""
    columns = alerts.c
    active = select(columns.dedup).where(columns.rule_id == rule_id, columns.status.in_(ACTIVE)).distinct()
    with read(engine) as connection:
        over = set(connection.scalars(active)) - set(still)
    if over:
        resolve_alerts(engine, rule_id, over, now)
