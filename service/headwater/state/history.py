"""Batches of history that is made up for, so that whoever takes one over treats it as its first worker did."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, select

from headwater.state.database import insert_missing, read
from headwater.state.schema import history_batches


def mark(connection: Connection, batch_id: str, *, alerting: bool) -> None:
    """Note that a batch is no news. alerting: whether its matches open alerts all the same."""
    insert_missing(connection, history_batches, [{"batch_id": batch_id, "alerting": alerting}])


def alerting(engine: Engine, batch_id: str) -> bool | None:
    """Whether a batch of history opens alerts; None for a batch of news."""
    with read(engine) as connection:
        row = connection.execute(
            select(history_batches.c.alerting).where(history_batches.c.batch_id == batch_id)
        ).first()
    return None if row is None else bool(row.alerting)
