"""Files of a table exchanged for others in one snapshot, or not at all."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import CommitFailedException, CommitStateUnknownException, ValidationException
from pyiceberg.manifest import DataFile
from pyiceberg.table import FileScanTask, Table

from headwater.errors import CommitConflict
from headwater.lake.commit import FIRST_WAIT_S, LONGEST_WAIT_S, TRIES, share_history
from headwater.lake.faults import translated
from headwater.lake.landing import keep_files
from headwater.lake.tables import EVENT_TIME

UPKEEP = "headwater.upkeep"  # snapshot property: why a snapshot has no batch: compaction, retention, deletion
UPKEEP_ID = "headwater.upkeep-id"


def replace(
    catalog: Catalog,
    name: str,
    old: Sequence[FileScanTask],
    new: Sequence[DataFile],
    *,
    why: str,
    jitter: Callable[[], float] = random.random,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Put new files into the place of old ones, which hold the same rows but for those that are to go.

    Gives False, and changes nothing, where another writer has replaced some of the old files since they were read: the
    new ones are worth nothing then. Rows that others append meanwhile stay. why: marks the snapshot.
    Raises: CommitConflict when other writers were faster every time, LakeUnavailable, AccessDenied.
    """
    mark = uuid.uuid4().hex
    for attempt in range(TRIES):
        try:
            with translated(f"replace files of {name}"):
                table = catalog.load_table(name)
                if _is_done(table, mark):
                    return True
                if not _all_there(table, old):
                    return False
                _commit(table, [task.file for task in old], new, {UPKEEP: why, UPKEEP_ID: mark})
                return True
        except (CommitFailedException, CommitStateUnknownException, ValidationException):
            sleep(min(FIRST_WAIT_S * 2**attempt, LONGEST_WAIT_S) * (0.5 + jitter()))
    raise CommitConflict(f"{name}: other writers were faster {TRIES} times; {why} {mark}")


def _is_done(table: Table, mark: str) -> bool:
    """Whether an earlier try, whose answer was lost, was successful."""
    return any(
        snapshot.summary is not None and snapshot.summary.additional_properties.get(UPKEEP_ID) == mark
        for snapshot in reversed(table.metadata.snapshots)
    )


def _all_there(table: Table, old: Sequence[FileScanTask]) -> bool:
    """Whether every old file still belongs to the table, and no row of it was deleted since."""
    there = {
        task.file.file_path: {file.file_path for file in task.delete_files}
        for task in table.scan(row_filter=_range(old)).plan_files()
    }
    return all(there.get(task.file.file_path) == {file.file_path for file in task.delete_files} for task in old)


def _range(tasks: Sequence[FileScanTask]) -> str:
    """The hours that the files lie in, so that only their manifests are read."""
    hours = [task.file.partition[0] if len(task.file.partition) == 1 else None for task in tasks]
    known = [hour for hour in hours if hour is not None]
    if not known or len(known) < len(hours):
        return "true"
    start, end = (datetime.fromtimestamp(hour * 3600, UTC).isoformat() for hour in (min(known), max(known) + 1))
    return f"{EVENT_TIME} >= '{start}' and {EVENT_TIME} < '{end}'"


def _commit(table: Table, old: Sequence[DataFile], new: Sequence[DataFile], properties: Mapping[str, str]) -> None:
    share_history(table)
    keep_files(table)
    keep_files(table)
    with (
        table.transaction() as transaction,
        transaction.update_snapshot(snapshot_properties=dict(properties)).overwrite() as snapshot,
    ):
        for file in old:
            snapshot.delete_data_file(file)
        for file in new:
            snapshot.append_data_file(file)
