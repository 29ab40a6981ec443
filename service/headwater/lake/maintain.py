"""Upkeep of lake tables: old snapshots are forgotten, so that appends stay fast."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table

from headwater.lake.commit import share_history
from headwater.lake.faults import translated
from headwater.lake.tables import existing_tables


def expire_snapshots(catalog: Catalog, before: datetime) -> dict[str, int]:
    """Forget every table's snapshots older than `before`, except the current one; gives how many for each table.

    before: at the latest the creation of the oldest batch that is not finished (`ledger.oldest_prepared`), for
    commit.append finds a batch that was added before only while its snapshot is known. Leave some hours besides.
    A table that another writer changes at the same moment is left for the next time. No data file is touched.
    """
    forgotten: dict[str, int] = {}
    with translated("expire snapshots of the lake"):
        for name in existing_tables(catalog):
            # ValueError: another process has forgotten the same snapshots meanwhile
            with suppress(CommitFailedException, ValueError):
                forgotten[name] = _expire(catalog.load_table(name), before)
    return forgotten


def _expire(table: Table, before: datetime) -> int:
    share_history(table)
    known = len(table.metadata.snapshots)
    if any(snapshot.timestamp_ms < before.timestamp() * 1000 for snapshot in table.metadata.snapshots[:-1]):
        table.maintenance.expire_snapshots().older_than(before).commit()
    return known - len(table.metadata.snapshots)
