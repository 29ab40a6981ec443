"""Upkeep of the state database: what nobody can ask for any more is deleted."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Engine, delete, select

from headwater.state.database import run
from headwater.state.schema import (
    alert_uniques,
    batch_groups,
    batches,
    evaluations,
    findings,
    history_batches,
    link_tests,
    outbox,
    remembered,
    retries,
    source_rates,
    windows,
)


def prune(engine: Engine, before: datetime) -> None:
    """Delete finished batches, sent deliveries, closed windows, rates and expired memories from before that time.

    Objects, recovered rejects and alerts stay: what is done must be recognised however late it comes again.
    """
    wanted = select(evaluations.c.batch_id).where(evaluations.c.batch_id.is_not(None))
    finished = (batches.c.status == "done", batches.c.updated_at < before, batches.c.batch_id.not_in(wanted))
    still_open = select(windows.c.alert_id).where(windows.c.until >= before)

    def work(connection: Connection) -> None:
        ids = select(batches.c.batch_id).where(*finished)
        connection.execute(delete(batch_groups).where(batch_groups.c.batch_id.in_(ids)))
        connection.execute(delete(history_batches).where(history_batches.c.batch_id.in_(ids)))
        connection.execute(delete(batches).where(*finished))
        retried = select(retries.c.batch_id).where(retries.c.status == "done", retries.c.updated_at < before)
        connection.execute(delete(batch_groups).where(batch_groups.c.batch_id.in_(retried)))
        connection.execute(delete(retries).where(retries.c.batch_id.in_(retried)))
        connection.execute(delete(source_rates).where(source_rates.c.starts_at < before))
        connection.execute(delete(remembered).where(remembered.c.expires_at < before))
        connection.execute(delete(findings).where(findings.c.expires_at < before))
        connection.execute(delete(link_tests).where(link_tests.c.sent_at < before))
        connection.execute(delete(outbox).where(outbox.c.status == "sent", outbox.c.updated_at < before))
        connection.execute(delete(alert_uniques).where(alert_uniques.c.alert_id.not_in(still_open)))
        connection.execute(delete(windows).where(windows.c.until < before))

    run(engine, work)
