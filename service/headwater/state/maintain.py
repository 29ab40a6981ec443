"""Upkeep of the state database: what nobody can ask for any more is deleted."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Engine, delete, select

from headwater.state.database import run
from headwater.state.schema import alert_uniques, batch_groups, batches, outbox, windows


def prune(engine: Engine, before: datetime) -> None:
    """Delete finished batches, sent deliveries and closed windows from before that time.

    Objects and alerts stay: a done object must be recognised however late it is notified again.
    """
    finished = (batches.c.status == "done", batches.c.updated_at < before)
    still_open = select(windows.c.alert_id).where(windows.c.until >= before)

    def work(connection: Connection) -> None:
        ids = select(batches.c.batch_id).where(*finished)
        connection.execute(delete(batch_groups).where(batch_groups.c.batch_id.in_(ids)))
        connection.execute(delete(batches).where(*finished))
        connection.execute(delete(outbox).where(outbox.c.status == "sent", outbox.c.updated_at < before))
        connection.execute(delete(alert_uniques).where(alert_uniques.c.alert_id.not_in(still_open)))
        connection.execute(delete(windows).where(windows.c.until < before))

    run(engine, work)
