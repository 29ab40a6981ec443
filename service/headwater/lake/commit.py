"""Rows into the lake, each batch once, whoever else writes at the same time."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import (
    CommitFailedException,
    CommitStateUnknownException,
    NoSuchNamespaceError,
    NoSuchTableError,
)
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from headwater.errors import CommitConflict
from headwater.lake.faults import translated
from headwater.lake.landing import keep_files
from headwater.lake.partitions import write_files
from headwater.lake.spool import Spooled
from headwater.lake.tables import BATCH_ID, CARRIED, EVENT_TIME, open_table

T = TypeVar("T")
TRIES = 12  # of one append against other writers
FIRST_WAIT_S = 0.05
LONGEST_WAIT_S = 2.0
SHARED = ("snapshots", "snapshot_log", "metadata_log", "schemas", "partition_specs", "sort_orders")


def append(
    catalog: Catalog,
    table: str,
    data: pa.Table | Spooled,
    *,
    batch_id: str,
    jitter: Callable[[], float] = random.random,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Add a batch's rows to a table, created or widened as needed; False when the table has the batch already.

    data: rows with a p_event_time; columns that it lacks are null.  jitter: a number in [0, 1).
    Raises: CommitConflict when other writers were faster every time, LakeUnavailable (for both, the same call may
    succeed later), AccessDenied.
    """
    files: Sequence[DataFile] = ()
    for attempt in range(TRIES):
        try:
            with translated(f"append to {table}"):
                lake_table = open_table(catalog, table, data.schema)
                if has_batch(lake_table, batch_id):
                    return False
                # written once: a conflict costs only the next commit, and leaves no orphaned files
                files = files or _write(lake_table, data)
                _commit(lake_table, files, batch_id)
                return True
        except (CommitFailedException, CommitStateUnknownException):
            sleep(min(FIRST_WAIT_S * 2**attempt, LONGEST_WAIT_S) * (0.5 + jitter()))
    raise CommitConflict(f"{table}: other writers were faster {TRIES} times; batch {batch_id}")


def holds(catalog: Catalog, table: str, batch_id: str) -> bool:
    """Whether a table, which need not exist, has the batch already."""
    with translated(f"read {table}"):
        try:
            return has_batch(catalog.load_table(table), batch_id)
        except (NoSuchTableError, NoSuchNamespaceError):
            return False


def has_batch(table: Table, batch_id: str) -> bool:
    """Whether one of the table's snapshots added this batch, or stands for the one that did."""
    return any(batch_id in batches_of(snapshot) for snapshot in reversed(table.metadata.snapshots))


def batches_of(snapshot: Snapshot) -> tuple[str, ...]:
    """The batches that a snapshot proves to be in the table."""
    if snapshot.summary is None:
        return ()
    properties = snapshot.summary.additional_properties
    return (*properties.get(BATCH_ID, "").split(), *properties.get(CARRIED, "").split())


class _Shared(list[T]):
    """A list of frozen values that deep copies share."""

    def __deepcopy__(self, memo: object) -> _Shared[T]:
        return _Shared(self)

    def __add__(self, other: list[T]) -> _Shared[T]:  # type: ignore[override]  # list has an overload for other types
        return _Shared([*self, *other])


def share_history(table: Table) -> None:
    """Spare PyIceberg the 15 deep copies of all snapshots and schemas that it makes for an append.

    600 ms → 60 ms at 1,000 snapshots, and 60 ms less for the schemas of CloudTrail.
    """
    history = {name: _Shared(getattr(table.metadata, name)) for name in SHARED}
    table.metadata = table.metadata.model_copy(update=history)


def _write(table: Table, data: pa.Table | Spooled) -> Sequence[DataFile]:
    """Parquet files of the rows, one for each hour; not yet part of the table."""
    if isinstance(data, Spooled):
        return tuple(file for rows in data.slices() for file in write_files(table, rows.replace_schema_metadata(None)))
    return write_files(table, data.sort_by(EVENT_TIME).replace_schema_metadata(None))


def _commit(table: Table, files: Sequence[DataFile], batch_id: str) -> None:
    """One snapshot more, refused if another was added since the table was loaded."""
    share_history(table)
    keep_files(table)
    with (
        table.transaction() as transaction,
        transaction.update_snapshot(snapshot_properties={BATCH_ID: batch_id}).merge_append() as snapshot,
    ):
        for file in files:
            snapshot.append_data_file(file)
