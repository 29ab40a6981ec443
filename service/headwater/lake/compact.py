"""Many small files of an hour become few large ones, sorted by time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.manifest import DataFile
from pyiceberg.table import FileScanTask, Table

from headwater.lake.faults import translated
from headwater.lake.replace import replace
from headwater.lake.rewrite import TARGET_BYTES, discard, rewrite
from headwater.lake.tables import existing_tables

MIB: Final = 1024 * 1024
SETTLED_H = 1  # an hour that has been over for so long gets few rows more
OPEN_FILES = 32  # of an hour that still gets rows
GROWTH = 2  # a file is joined with smaller ones that have half of its size together: each row is rewritten rarely
GROUP_BYTES = 256 * MIB  # of compressed files that are rewritten together
JOB_BYTES = 256 * MIB  # of all groups that one snapshot replaces
JOB_GROUPS = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """Which files are joined. open_files: of an hour that still gets rows, as many small files or more. always_bytes:
    files below that are joined with any other."""

    target_bytes: int = TARGET_BYTES
    open_files: int = OPEN_FILES
    always_bytes: int = 1 * MIB


@dataclass(frozen=True, slots=True)
class Compacted:
    """What became of one table. left: groups of files that are to be compacted still."""

    table: str
    files_before: int = 0
    files_after: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    snapshots: int = 0
    conflicts: int = 0
    left: int = 0


Group = tuple[FileScanTask, ...]


def compact(
    catalog: Catalog,
    now: datetime,
    *,
    limits: Limits = Limits(),
    tables: Sequence[str] = (),
    go_on: Callable[[], bool] = lambda: True,
    dry_run: bool = False,
) -> list[Compacted]:
    """Compact the tables, the named ones or all. go_on: asked before each snapshot; the rest is left for the next time.

    Safe beside writers and beside another compaction, and at any point of an end by force: a snapshot replaces all of
    its files or none, and what another writer has replaced first is left to it.
    """
    with translated("compact the lake"):
        names = tables or existing_tables(catalog)
        return [_compact_table(catalog, name, now, limits, go_on, dry_run) for name in names]


def _compact_table(
    catalog: Catalog, name: str, now: datetime, limits: Limits, go_on: Callable[[], bool], dry_run: bool
) -> Compacted:
    try:
        table = catalog.load_table(name)
    except NoSuchTableError:  # dropped meanwhile
        return Compacted(name)
    done = Compacted(name)
    jobs = list(_jobs(groups(table, now, limits)))
    for number, job in enumerate(jobs):
        if dry_run or not go_on():
            return _added(done, left=sum(len(each) for each in jobs[number:]))
        done = _run(catalog, table, name, job, limits, done)
    return done


def _run(catalog: Catalog, table: Table, name: str, job: Sequence[Group], limits: Limits, done: Compacted) -> Compacted:
    """One snapshot."""
    old = [task for group in job for task in group]
    new: list[DataFile] = []
    try:
        for group in job:
            new += rewrite(table, group, target_bytes=limits.target_bytes).files
    except FileNotFoundError:  # replaced, and cleaned up, since the table was read
        discard(table, new)
        return _added(done, conflicts=1)
    if not replace(catalog, name, old, new, why="compaction"):
        discard(table, new)
        return _added(done, conflicts=1)
    return _added(
        done,
        files_before=len(old),
        files_after=len(new),
        bytes_before=sum(task.file.file_size_in_bytes for task in old),
        bytes_after=sum(file.file_size_in_bytes for file in new),
        snapshots=1,
    )


def _added(done: Compacted, **plus: int) -> Compacted:
    counted = {field: getattr(done, field) for field in Compacted.__slots__ if field != "table"}
    return Compacted(done.table, **{field: value + plus.get(field, 0) for field, value in counted.items()})


def groups(table: Table, now: datetime, limits: Limits = Limits()) -> list[Group]:
    """The files that are worth to be joined, oldest hour first: each group lies in one hour."""
    by_hour: dict[int, list[FileScanTask]] = defaultdict(list)
    for task in table.scan().plan_files():
        if task.file.spec_id == table.spec().spec_id and len(task.file.partition) == 1 and not task.delete_files:
            by_hour[task.file.partition[0]].append(task)
    settled = now.timestamp() // 3600 - SETTLED_H
    found: list[Group] = []
    for hour, tasks in sorted(by_hour.items(), key=lambda each: (each[0] is None, each[0])):
        small = _small(tasks, limits)
        if len(small) >= (2 if hour is not None and hour < settled else limits.open_files):
            found += _split(small)
    return found


def _small(tasks: Iterable[FileScanTask], limits: Limits) -> list[FileScanTask]:
    """The smallest files, up to one that is larger than all of them together."""
    chosen: list[FileScanTask] = []
    total = 0
    for task in sorted(tasks, key=lambda task: task.file.file_size_in_bytes):
        size = task.file.file_size_in_bytes
        if size >= limits.target_bytes // 2 or (chosen and size > max(GROWTH * total, limits.always_bytes)):
            break
        chosen.append(task)
        total += size
    return chosen


def _split(tasks: Sequence[FileScanTask]) -> Iterator[Group]:
    """Groups of a bounded size; a rest of one file is left alone."""
    group: list[FileScanTask] = []
    size = 0
    for task in tasks:
        group.append(task)
        size += task.file.file_size_in_bytes
        if size >= GROUP_BYTES:
            yield tuple(group)
            group, size = [], 0
    if len(group) > 1:
        yield tuple(group)


def _jobs(found: Sequence[Group]) -> Iterator[list[Group]]:
    """What one snapshot replaces: few snapshots for many small groups, and little lost in a conflict."""
    job: list[Group] = []
    size = 0
    for group in found:
        job.append(group)
        size += sum(task.file.file_size_in_bytes for task in group)
        if size >= JOB_BYTES or len(job) >= JOB_GROUPS:
            yield job
            job, size = [], 0
    if job:
        yield job
