"""All that the state database knows of one account, deleted.

Tables are told by their columns: rows with the account's `account_id`, with a `source_id` of the account, or with the
`alert_id` of one of its alerts. A table without any of them is either named here, or holds nothing of a customer
(NOTHING_OF_CUSTOMERS); a test refuses tables that are neither.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Connection, Engine, Table, and_, delete, func, or_, select, text, update

from headwater.errors import StateUnavailable
from headwater.state.database import chunks, lift_time_limit, read, run
from headwater.state.evaluations import from_json
from headwater.state.schema import (
    alerts,
    batch_groups,
    batches,
    destination_health,
    episodes,
    findings,
    metadata,
    objects,
    remembered,
    retried_rejects,
    retries,
    rule_health,
    storms,
)

NOTHING_OF_CUSTOMERS: Final = frozenset(
    {
        "batches",
        "history_batches",
        "retries",
        "evaluations",
        "chores",
        "queue_health",
    }  # ids, times and names of workers, rules and queues
)
BY_HAND: Final = frozenset({"findings", "remembered", "rule_health", "retried_rejects", "destination_health"})
BY_COLUMN: Final = ("account_id", "source_id", "alert_id")
OBJECT_PREFIX = 32  # what a row id has of its object's id


def in_flight(engine: Engine, account_id: str) -> int:
    """Objects of the account whose batch a worker writes: their rows may still come into the lake."""
    mine = (objects.c.status == "prepared", _of(objects, account_id))
    with read(engine) as connection:
        return connection.scalar(select(func.count()).select_from(objects).where(*mine)) or 0


def unfinished_batches(engine: Engine) -> frozenset[str]:
    """The batches that somebody has to finish yet."""
    with read(engine) as connection:
        return frozenset(
            batch_id
            for table in (batches, retries)
            for batch_id in connection.scalars(select(table.c.batch_id).where(table.c.status == "prepared"))
        )


def delete_account(
    engine: Engine, account_id: str, *, everything_remembered: bool = False, dry_run: bool = False
) -> dict[str, int]:
    """Delete what every table holds of an account; gives how many rows of each, those with none left out.

    everything_remembered: also what detections remember without naming an account, which is that of all accounts.
    Texts of errors of detections are emptied, for they may quote events.
    """

    def work(connection: Connection) -> dict[str, int]:
        lift_time_limit(connection)  # it looks at every row of every table
        counts: Counter[str] = Counter()
        counts["findings"] = _findings(connection, account_id, dry_run)
        counts["retried_rejects"] = _retried(connection, account_id, dry_run)
        counts["remembered"] = _remembered(connection, account_id, everything_remembered, dry_run)
        counts["rule_health"] = _empty_errors(connection, dry_run)
        own = destination_health.c.name.startswith(f"{account_id}/", autoescape=True)
        counts["destination_health"] = _delete(connection, destination_health, own, dry_run)
        ids = _alerts(connection, account_id)
        for table in (*(each for each in metadata.sorted_tables if each is not alerts), alerts):
            if "alert_id" in table.columns and table is not storms:  # some have no alert yet
                counts[table.name] += _in(connection, table, table.c.alert_id, ids, dry_run)
            condition = _of(table, account_id)
            if table is objects:  # of a batch that is written now, they tell when it is done
                condition = and_(condition, objects.c.status != "prepared")
            if table is not alerts and condition is not None:
                counts[table.name] += _delete(connection, table, condition, dry_run)
        return {str(name): count for name, count in sorted(counts.items()) if count}

    return run(engine, work)


def compact_storage(engine: Engine) -> None:
    """Overwrite what the deleted rows left in the database's files: SQLite anew, PostgreSQL by VACUUM.

    Raises: StateUnavailable where others hold the database for too long.
    """
    if engine.dialect.name == "sqlite":
        _rewrite_sqlite(engine)
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM"))


def _rewrite_sqlite(engine: Engine) -> None:
    pooled = engine.raw_connection()  # SQLAlchemy would begin a transaction, in which SQLite refuses VACUUM
    try:
        cursor = pooled.cursor()
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        busy, _, _ = cursor.fetchone() or (1, 0, 0)
    except sqlite3.OperationalError as error:
        raise StateUnavailable(f"state database {engine.url!r}: {error}") from error
    finally:
        pooled.close()
    if busy:
        raise StateUnavailable(f"state database {engine.url!r}: a reader holds on to deleted rows; try again")


def _of(table: Table, account_id: str) -> Any:
    """The rows of a table that name the account or a source of it; None where the table has neither."""
    found = []
    if "account_id" in table.columns:
        found.append(table.c.account_id == account_id)
    if "source_id" in table.columns:
        found.append(table.c.source_id.startswith(f"{account_id}/", autoescape=True))
    if table is episodes:
        found += [episodes.c.subject == account_id, episodes.c.subject.startswith(f"{account_id}/", autoescape=True)]
    return or_(*found) if found else None


def _delete(connection: Connection, table: Table, condition: Any, dry_run: bool) -> int:
    if dry_run:
        return connection.scalar(select(func.count()).select_from(table).where(condition)) or 0
    return connection.execute(delete(table).where(condition)).rowcount


def _alerts(connection: Connection, account_id: str) -> list[str]:
    """The account's alerts, and those about several accounts, which name them in their texts.

    Those that a batch has to count yet are left: its worker would not find them. They are of objects in flight.
    """
    texts = (alerts.c.event, alerts.c.context, alerts.c.title, alerts.c.dedup)
    shared = and_(alerts.c.account_id == "", or_(*(each.contains(account_id, autoescape=True) for each in texts)))
    open_ids = [select(table.c.batch_id).where(table.c.status == "prepared") for table in (batches, retries)]
    wanted = or_(*(batch_groups.c.batch_id.in_(ids) for ids in open_ids))
    free = alerts.c.alert_id.not_in(select(batch_groups.c.alert_id).where(wanted))
    mine = or_(alerts.c.account_id == account_id, shared)
    return sorted(connection.scalars(select(alerts.c.alert_id).where(mine, free)))


def _findings(connection: Connection, account_id: str, dry_run: bool) -> int:
    named = select(findings.c.match_id, findings.c.match).where(findings.c.match.contains(account_id, autoescape=True))
    gone = [row.match_id for row in connection.execute(named) if from_json(row.match).account_id in ("", account_id)]
    return _in(connection, findings, findings.c.match_id, gone, dry_run)


def _in(connection: Connection, table: Table, column: Any, ids: Iterable[str], dry_run: bool) -> int:
    return sum(_delete(connection, table, column.in_(piece), dry_run) for piece in chunks(list(ids)))


def _retried(connection: Connection, account_id: str, dry_run: bool) -> int:
    """Rejects of the account's objects, by the beginning of their ids."""
    prefixes = select(func.substr(objects.c.object_id, 1, OBJECT_PREFIX)).where(_of(objects, account_id))
    mine = func.substr(retried_rejects.c.reject_id, 1, OBJECT_PREFIX).in_(prefixes)
    return _delete(connection, retried_rejects, mine, dry_run)


def _remembered(connection: Connection, account_id: str, everything: bool, dry_run: bool) -> int:
    columns = (remembered.c.key, remembered.c.content, remembered.c.strings)
    if everything:
        return _delete(connection, remembered, remembered.c.key_hash.is_not(None), dry_run)
    found = connection.execute(select(remembered.c.key_hash, *columns))
    gone = [row.key_hash for row in found if account_id in row.key + row.content + "\0".join(row.strings)]
    return _in(connection, remembered, remembered.c.key_hash, gone, dry_run)


def _empty_errors(connection: Connection, dry_run: bool) -> int:
    with_text = rule_health.c.last_error != ""
    if dry_run:
        return connection.scalar(select(func.count()).select_from(rule_health).where(with_text)) or 0
    return connection.execute(update(rule_health).where(with_text).values(last_error="")).rowcount
