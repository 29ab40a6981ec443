"""Data files made anew: few instead of many, sorted by time, without the rows that are to go; not yet part of a table.

Memory is bounded by SLICE_BYTES, whatever the size of the files: rows that do not fit wait on local disk as sorted
runs, which are merged into the new files.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow import ipc
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.io.pyarrow import (
    ArrowScan,
    PyArrowFileIO,
    _get_parquet_writer_kwargs,
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.schema import sanitize_column_names
from pyiceberg.table import FileScanTask, Table

from headwater.errors import HeadwaterError
from headwater.lake.spool import OPTIONS, SLICE_BYTES, STREAM_ROWS
from headwater.lake.tables import EVENT_TIME

TARGET_BYTES: Final = 128 * 1024 * 1024  # of a data file: what Athena and Spark read best; a reader may split it
LATEST = 2**63 - 1  # sorts rows without a time last


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The new files, and how many rows of the old ones are not in them."""

    files: tuple[DataFile, ...]
    dropped: int


def rewrite(
    table: Table,
    tasks: Sequence[FileScanTask],
    *,
    drop: ds.Expression | None = None,
    target_bytes: int = TARGET_BYTES,
    slice_bytes: int = SLICE_BYTES,
) -> Rewritten:
    """Write the rows of some files of one partition into new files beside them, without those that `drop` is true for.

    Raises: HeadwaterError where the rows that were read are not those that the table's metadata counts.
    """
    with ExitStack() as on_failure, TemporaryDirectory(prefix="headwater-") as folder:
        counted = _Counted()
        slices = _sorted_slices(_read(table, tasks, drop, counted), Path(folder), slice_bytes)
        files: list[_File] = []
        for row_group in _coalesced(slices, slice_bytes):
            if not files or files[-1].size >= target_bytes:
                files.append(_File(table, tasks[0]))
                on_failure.callback(files[-1].discard)
            files[-1].add(row_group)
        made = tuple(file.finish() for file in files)
        _require_all(tasks, counted, made)
        on_failure.pop_all()
        return Rewritten(made, counted.dropped)


def discard(table: Table, files: Iterable[DataFile]) -> None:
    """Delete files that did not become part of the table."""
    for file in files:
        with suppress(OSError):  # the clean-up of orphans finds it
            table.io.delete(file.file_path)


@dataclass(slots=True)
class _Counted:
    kept: int = 0
    dropped: int = 0


def _require_all(tasks: Sequence[FileScanTask], counted: _Counted, made: Sequence[DataFile]) -> None:
    """A last look before the old files are given up."""
    written = sum(file.record_count for file in made)
    stored = sum(task.file.record_count for task in tasks)
    whole = not any(task.delete_files for task in tasks)  # those hide rows that the count includes
    if written != counted.kept or (whole and stored != counted.kept + counted.dropped):
        raise HeadwaterError(
            f"{tasks[0].file.file_path} and {len(tasks) - 1} more: {stored} rows stored, {counted.kept} read, "
            f"{counted.dropped} to be dropped, {written} written; nothing was changed"
        )


def file_schema(table: Table) -> pa.Schema:
    """The columns as the table's files have them: names by Avro's rules, field ids, texts and lists of 32 bits."""
    return pa.schema([_small(field) for field in sanitize_column_names(table.schema()).as_arrow()])


def _small(field: pa.Field) -> pa.Field:
    kind = field.type
    if pa.types.is_large_string(kind):
        kind = pa.string()
    elif pa.types.is_large_binary(kind):
        kind = pa.binary()
    elif pa.types.is_large_list(kind):
        kind = pa.list_(_small(kind.value_field))
    elif pa.types.is_struct(kind):
        kind = pa.struct([_small(kind.field(index)) for index in range(kind.num_fields)])
    return field.with_type(kind)


def read_file(table: Table, task: FileScanTask, schema: pa.Schema, columns: Sequence[str] = ()) -> Iterator[pa.Table]:
    """The rows of one file, some thousand at a time. columns: which of the schema; default all."""
    names = list(columns) or schema.names
    if task.delete_files or not isinstance(table.io, PyArrowFileIO):  # another tool has deleted rows
        for batch in ArrowScan(table.metadata, table.io, table.schema(), AlwaysTrue()).to_record_batches([task]):
            yield pa.Table.from_batches([batch]).rename_columns(schema.names).cast(schema).select(names)
        return
    scheme, bucket, path = PyArrowFileIO.parse_location(task.file.file_path)
    fragment = ds.ParquetFileFormat().make_fragment(path, table.io.fs_by_scheme(scheme, bucket))
    scanner = fragment.scanner(schema=schema, columns=names, batch_size=STREAM_ROWS, batch_readahead=2)
    for batch in scanner.to_batches():
        if batch.num_rows:
            yield pa.Table.from_batches([batch])


def _read(
    table: Table, tasks: Sequence[FileScanTask], drop: ds.Expression | None, counted: _Counted
) -> Iterator[pa.Table]:
    schema = file_schema(table)
    keep = None if drop is None else ~pc.coalesce(drop, pc.scalar(False))
    for task in tasks:
        for rows in read_file(table, task, schema):
            kept = rows if keep is None else rows.filter(keep)
            counted.kept += kept.num_rows
            counted.dropped += rows.num_rows - kept.num_rows
            yield kept.cast(schema)  # with the field ids, which readers resolve columns by


def _sorted_slices(pieces: Iterable[pa.Table], folder: Path, slice_bytes: int) -> Iterator[pa.Table]:
    """All rows in order of time."""
    runs: list[Path] = []
    held: list[pa.Table] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += piece.nbytes
        if size >= slice_bytes:
            runs.append(_spill(_sorted(held), folder / str(len(runs))))
            held, size = [], 0
    if not runs:
        yield from [_sorted(held)] if held else []
        return
    if held:
        runs.append(_spill(_sorted(held), folder / str(len(runs))))
    yield from _merged([_read_run(run) for run in runs])


def _sorted(pieces: Sequence[pa.Table]) -> pa.Table:
    rows = pa.concat_tables(pieces)
    return rows.take(pc.sort_indices(rows, sort_keys=[(EVENT_TIME, "ascending")]))  # stable, nulls last


def _spill(rows: pa.Table, path: Path) -> Path:
    with path.open("wb") as file, ipc.new_stream(file, rows.schema, options=OPTIONS) as stream:
        stream.write_table(rows, max_chunksize=STREAM_ROWS)
    return path


def _read_run(path: Path) -> Iterator[pa.Table]:
    with pa.OSFile(str(path)) as file:
        for batch in ipc.open_stream(file):
            if batch.num_rows:
                yield pa.Table.from_batches([batch])


def _merged(runs: Sequence[Iterator[pa.Table]]) -> Iterator[pa.Table]:
    """The rows of sorted runs in one order, of which a piece of each is held: up to the earliest end of those pieces no
    other row can come."""
    held = {number: piece for number, run in enumerate(runs) if (piece := next(run, None)) is not None}
    while held:
        bound = min(_times(piece)[-1].as_py() for piece in held.values())
        ready = []
        for number, piece in list(held.items()):
            count = pc.sum(pc.less_equal(_times(piece), bound)).as_py()
            ready.append(piece.slice(0, count))
            rest = piece.slice(count) if count < piece.num_rows else next(runs[number], None)
            if rest is None:
                del held[number]
            else:
                held[number] = rest
        yield _sorted(ready)


def _times(rows: pa.Table) -> pa.ChunkedArray:
    return pc.fill_null(rows[EVENT_TIME].cast(pa.int64()), LATEST)


def _coalesced(slices: Iterable[pa.Table], size_bytes: int) -> Iterator[pa.Table]:
    """The same rows in row groups of about a size."""
    held: list[pa.Table] = []
    size = 0
    for piece in slices:
        held.append(piece)
        size += piece.nbytes
        if size >= size_bytes:
            yield pa.concat_tables(held)
            held, size = [], 0
    if size:
        yield pa.concat_tables(held)


class _File:
    """A data file in the making, beside the one that it replaces."""

    def __init__(self, table: Table, beside: FileScanTask) -> None:
        folder = beside.file.file_path.rpartition("/")[0]
        self._table = table
        self._like = beside.file
        self._path = f"{folder}/{uuid.uuid4()}.parquet"
        self._output = table.io.new_output(self._path)
        self._stream = self._output.create()
        options = _get_parquet_writer_kwargs(table.properties)
        self._writer = pq.ParquetWriter(self._stream, file_schema(table), store_decimal_as_integer=True, **options)

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._stream.tell()

    def add(self, rows: pa.Table) -> None:
        """Write one row group."""
        self._writer.write_table(rows)

    def finish(self) -> DataFile:
        """Close the file; what the table's metadata says about it."""
        with closing(self._stream):
            self._writer.close()
        schema, properties = sanitize_column_names(self._table.schema()), self._table.properties
        statistics = data_file_statistics_from_parquet_metadata(
            parquet_metadata=self._writer.writer.metadata,
            stats_columns=compute_statistics_plan(schema, properties),
            parquet_column_mapping=parquet_path_to_id_mapping(schema),
        )
        return DataFile.from_args(
            content=DataFileContent.DATA,
            file_path=self._path,
            file_format=FileFormat.PARQUET,
            partition=self._like.partition,
            file_size_in_bytes=len(self._output),
            sort_order_id=None,
            spec_id=self._like.spec_id,
            equality_ids=None,
            key_metadata=None,
            **statistics.to_serialized_dict(),
        )

    def discard(self) -> None:
        """Leave nothing behind."""
        with suppress(OSError, pa.ArrowException):
            self._writer.close()
        with suppress(OSError):
            self._stream.close()
            self._table.io.delete(self._path)
