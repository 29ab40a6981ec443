"""Rows out of a table: whole files by what the metadata says of them, others made anew without those rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import or_

import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.expressions import BooleanExpression
from pyiceberg.expressions.visitors import ROWS_MUST_MATCH, _StrictMetricsEvaluator, bind, extract_field_ids
from pyiceberg.io.pyarrow import expression_to_pyarrow
from pyiceberg.manifest import DataFile
from pyiceberg.table import FileScanTask, Table

from headwater.errors import CommitConflict
from headwater.lake.faults import translated
from headwater.lake.replace import replace
from headwater.lake.rewrite import discard, file_schema, read_file, rewrite

JOB_BYTES = 256 * 1024 * 1024  # of files that one snapshot replaces
PASSES = 20  # against writers that replace the same files


@dataclass(frozen=True, slots=True)
class Dropped:
    """What went out of one table. unfinished: there was no time for the rest."""

    table: str
    rows: int = 0
    files_dropped: int = 0
    files_rewritten: int = 0
    unfinished: bool = False


@dataclass(frozen=True, slots=True)
class Mentions:
    """Rows of which one of some columns contains a text; what Iceberg's conditions cannot say."""

    text: str
    columns: tuple[str, ...]

    def expression(self) -> ds.Expression:
        """The same for Arrow; unknown where all columns are null."""
        found = (pc.match_substring(ds.field(column), self.text) for column in self.columns)
        return reduce(or_, (pc.coalesce(each, pc.scalar(False)) for each in found))


@dataclass(frozen=True, slots=True)
class _Job:
    whole: tuple[FileScanTask, ...]
    partly: tuple[FileScanTask, ...]
    rows: int


def drop_rows(
    catalog: Catalog,
    name: str,
    condition: BooleanExpression,
    *,
    why: str,
    mentions: Mentions | None = None,
    go_on: Callable[[], bool] = lambda: True,
    dry_run: bool = False,
) -> Dropped:
    """Drop all rows for which the condition is true, in snapshots of some hundred MB; rows where it is unknown stay.

    why: marks the snapshots. mentions: only those of the rows that it means. go_on: asked before each snapshot.
    Raises: CommitConflict, LakeUnavailable, AccessDenied.
    """
    done = Dropped(name)
    with translated(f"drop rows of {name}"):
        for _ in range(PASSES):
            try:
                table = catalog.load_table(name)
            except NoSuchTableError:
                return done
            conflict = False
            for job in _jobs(table, condition, mentions):
                if not go_on():
                    return _plus(done, unfinished=True)
                if dry_run or _run(catalog, table, name, job, _arrow(table, condition, mentions), why):
                    done = _plus(done, job)
                else:
                    conflict = True
            if not conflict:
                return done
    raise CommitConflict(f"{name}: other writers replaced the same files {PASSES} times")


def _plus(done: Dropped, job: _Job = _Job((), (), 0), *, unfinished: bool = False) -> Dropped:
    return Dropped(
        done.table,
        done.rows + job.rows,
        done.files_dropped + len(job.whole),
        done.files_rewritten + len(job.partly),
        unfinished,
    )


def _run(catalog: Catalog, table: Table, name: str, job: _Job, drop: ds.Expression, why: str) -> bool:
    """One snapshot; False where another writer was faster."""
    by_hour: dict[str, list[FileScanTask]] = defaultdict(list)
    for task in job.partly:
        by_hour[repr(task.file.partition)].append(task)
    new: list[DataFile] = []
    try:
        for tasks in by_hour.values():
            new += rewrite(table, tasks, drop=drop).files
    except FileNotFoundError:  # replaced, and cleaned up, since the table was read
        discard(table, new)
        return False
    if replace(catalog, name, [*job.whole, *job.partly], new, why=why):
        return True
    discard(table, new)
    return False


def _jobs(table: Table, condition: BooleanExpression, mentions: Mentions | None) -> Iterator[_Job]:
    """Files with such rows, the latest hours first: those of the last run have none any more."""
    whole: list[FileScanTask] = []
    partly: list[FileScanTask] = []
    rows = size = 0
    must = _StrictMetricsEvaluator(table.schema(), condition, case_sensitive=True)
    for task in sorted(table.scan(row_filter=condition).plan_files(), key=_hour, reverse=True):
        certain = must.eval(task.file) == ROWS_MUST_MATCH and not task.delete_files and mentions is None
        found = task.file.record_count if certain else _count(table, task, condition, mentions)
        if not found:
            continue
        rows += found
        if certain or found == task.file.record_count:
            whole.append(task)
        else:
            partly.append(task)
            size += task.file.file_size_in_bytes
        if size >= JOB_BYTES:
            yield _Job(tuple(whole), tuple(partly), rows)
            whole, partly = [], []
            rows = size = 0
    if whole or partly:
        yield _Job(tuple(whole), tuple(partly), rows)


def _hour(task: FileScanTask) -> int:
    return (task.file.partition[0] if len(task.file.partition) == 1 else None) or 0


def _count(table: Table, task: FileScanTask, condition: BooleanExpression, mentions: Mentions | None) -> int:
    """Rows of one file that are meant; only the columns of the condition are read."""
    bound = bind(table.schema(), condition, case_sensitive=True)
    names = {table.schema().find_field(field).name for field in extract_field_ids(bound)}
    columns = sorted(names.union(mentions.columns if mentions else ()))
    wanted = _arrow(table, condition, mentions)
    return sum(piece.filter(wanted).num_rows for piece in read_file(table, task, file_schema(table), columns))


def _arrow(table: Table, condition: BooleanExpression, mentions: Mentions | None) -> ds.Expression:
    wanted = expression_to_pyarrow(bind(table.schema(), condition, case_sensitive=True))
    return wanted & mentions.expression() if mentions else wanted
