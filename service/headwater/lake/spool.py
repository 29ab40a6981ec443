"""The rows of a large object on local disk until all of it is read: nothing of an object that ends broken is written.

One file for each table and hour, to which each piece of the object adds a stream in Arrow's format. Read in order of
hours, in slices of a bounded size, they become few data files, however many pieces there were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import ipc

from headwater.lake.tables import EVENT_TIME

SLICE_BYTES = 24 * 1024 * 1024  # of columns in memory; writing takes five times as much
STREAM_ROWS = 5_000  # read at a time
HOUR_US = 3_600_000_000
OPTIONS = ipc.IpcWriteOptions(compression="zstd")


@dataclass(frozen=True, slots=True)
class Spooled:
    """The rows of one table. change: what is still to be done to each slice of them."""

    schema: pa.Schema
    folder: Path
    change: Callable[[pa.Table], pa.Table] | None = None

    def slices(self) -> Iterator[pa.Table]:
        """All rows, in order of hours, in tables of about SLICE_BYTES."""
        held: list[pa.RecordBatch] = []
        size = 0
        for batch in self._batches():
            held.append(batch)
            size += batch.nbytes
            if size >= SLICE_BYTES:
                yield self._slice(held)
                held, size = [], 0
        if held:
            yield self._slice(held)

    def changed(self, change: Callable[[pa.Table], pa.Table]) -> Spooled:
        """The same rows, each slice changed when it is read."""
        return replace(self, change=change)

    def _slice(self, batches: list[pa.RecordBatch]) -> pa.Table:
        table = pa.Table.from_batches(batches)
        return self.change(table) if self.change else table

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for path in sorted(self.folder.iterdir(), key=lambda path: int(path.name)):
            with pa.OSFile(str(path)) as file:
                while file.tell() < file.size():
                    yield from ipc.open_stream(file)


class Spool:
    """A folder that is gone at the end: with Spool() as spool: ..."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="headwater-")
        self._tables: dict[str, Spooled] = {}

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *error: object) -> None:
        self._folder.cleanup()

    @property
    def tables(self) -> Mapping[str, Spooled]:
        """What was added, by table."""
        return self._tables

    def add(self, table: str, rows: pa.Table) -> None:
        """Put rows aside."""
        spooled = self._tables.setdefault(table, Spooled(rows.schema, Path(self._folder.name) / table))
        spooled.folder.mkdir(exist_ok=True)
        ordered = rows.sort_by(EVENT_TIME)
        hours = pc.divide(ordered[EVENT_TIME].cast(pa.int64()), HOUR_US)
        start = 0
        for counted in pc.value_counts(hours).to_pylist():  # in order of first appearance
            part = ordered.slice(start, counted["counts"])
            start += counted["counts"]
            with (
                (spooled.folder / str(counted["values"])).open("ab") as file,
                ipc.new_stream(file, part.schema, options=OPTIONS) as stream,
            ):
                stream.write_table(part, max_chunksize=STREAM_ROWS)
