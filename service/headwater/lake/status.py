"""What the tables of the lake hold, by their metadata alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pyiceberg.catalog import Catalog
from pyiceberg.conversions import from_bytes
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.types import LongType

from headwater.lake.compact import groups
from headwater.lake.faults import translated
from headwater.lake.tables import EVENT_TIME, existing_tables

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TableStatus:
    """One table. oldest, newest: the times of its first and last event. to_compact: files that a compaction joins."""

    table: str
    rows: int
    files: int
    size_bytes: int
    average_bytes: int
    snapshots: int
    oldest: datetime | None
    newest: datetime | None
    to_compact: int


def status(catalog: Catalog, now: datetime) -> Iterator[TableStatus]:
    """Every table, by name."""
    with translated("read the lake's metadata"):
        for name in existing_tables(catalog):
            try:
                yield _status(catalog.load_table(name), name, now)
            except NoSuchTableError:  # dropped meanwhile
                continue


def _status(table: Table, name: str, now: datetime) -> TableStatus:
    files = [task.file for task in table.scan().plan_files()]
    size = sum(file.file_size_in_bytes for file in files)
    times = sorted(time for file in files for time in _times(table, file))
    return TableStatus(
        name,
        rows=sum(file.record_count for file in files),
        files=len(files),
        size_bytes=size,
        average_bytes=size // len(files) if files else 0,
        snapshots=len(table.metadata.snapshots),
        oldest=times[0] if times else None,
        newest=times[-1] if times else None,
        to_compact=sum(len(group) for group in groups(table, now)),
    )


def _times(table: Table, file: DataFile) -> Iterator[datetime]:
    field = table.schema().find_field(EVENT_TIME).field_id
    for bounds in (file.lower_bounds, file.upper_bounds):
        if bounds and field in bounds:
            yield EPOCH + timedelta(microseconds=int(from_bytes(LongType(), bounds[field])))
