"""Alerts as people read them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sqlalchemy import Engine, Row, select

from headwater.model import Alert
from headwater.state.database import read
from headwater.state.schema import alerts

AFTER_HEX = "g"  # sorts behind all digits of an id, in every collation
COLUMNS = tuple(field.name for field in fields(Alert))


def list_alerts(
    engine: Engine,
    *,
    limit: int = 100,
    status: str | None = "open",
    rule_id: str | None = None,
    account_id: str | None = None,
    severity: str | None = None,
    assignee: str | None = None,
) -> tuple[Alert, ...]:
    """The latest alerts first; status None gives pending and resolved ones too."""
    wanted = {"status": status, "rule_id": rule_id, "account_id": account_id, "severity": severity}
    wanted |= {"assignee": assignee}
    statement = select(alerts).order_by(alerts.c.created_at.desc(), alerts.c.alert_id).limit(limit)
    for column, value in wanted.items():
        if value is not None:
            statement = statement.where(alerts.c[column] == value)
    with read(engine) as connection:
        return tuple(to_alert(row) for row in connection.execute(statement))


def get_alert(engine: Engine, alert_id: str) -> Alert | None:
    """One alert, whatever its status."""
    with read(engine) as connection:
        row = connection.execute(select(alerts).where(alerts.c.alert_id == alert_id)).one_or_none()
    return None if row is None else to_alert(row)


def find_alerts(engine: Engine, start: str, *, limit: int = 2) -> tuple[Alert, ...]:
    """The alerts whose id begins so: people type the first digits."""
    between = (alerts.c.alert_id >= start, alerts.c.alert_id < start + AFTER_HEX)  # LIKE alone would read every row
    statement = select(alerts).where(*between, alerts.c.alert_id.startswith(start, autoescape=True)).limit(limit)
    with read(engine) as connection:
        return tuple(to_alert(row) for row in connection.execute(statement))


def to_alert(row: Row[Any]) -> Alert:
    """The alert of a row that has (at least) all columns of the alerts table."""
    return Alert(**{name: getattr(row, name) for name in COLUMNS})
