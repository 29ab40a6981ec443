"""The bytes of a table's file → its rows: CSV, JSON lines, a JSON array or Parquet, compressed or not."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from typing import Any

import msgspec
import pyarrow as pa

from headwater.errors import EnrichmentError, ObjectError
from headwater.ingest.columns import Part
from headwater.ingest.decode import decode
from headwater.ingest.parquet import TableRows
from headwater.ingest.parse import parse
from headwater.ingest.rows import row_dicts
from headwater.model import LOCAL_BUCKET, Chunk, ObjectRef, Source
from headwater.schema.logtype import DelimitedParser, LogType

SEPARATORS = (",", "\t", ";", "|")
CSV_ROWS = 20_000  # turned into columns at a time
OBJECT = msgspec.json.Decoder(dict[str, Any])
HERE = ObjectRef(LOCAL_BUCKET, "", etag="table")
NOWHERE = Source("", "", "", LOCAL_BUCKET)
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

Row = dict[str, Any]


@dataclass(slots=True)
class Skipped:
    """Rows that were left out, and why the first one was."""

    count: int = 0
    first: str = field(default="")

    def add(self, reason: str, count: int = 1) -> None:
        """Count rows that were left out for one reason."""
        self.first = self.first or (reason if count else "")
        self.count += count


def read_rows(
    blocks: Iterable[bytes], log_type: LogType | None, *, max_bytes: int, now: datetime, skipped: Skipped
) -> Iterator[Row]:
    """The rows of a file, without nulls. log_type: gives the types; None: CSV has texts, JSON and Parquet their own.

    max_bytes: of the file when decompressed. Raises: EnrichmentError.
    """
    chunks = _chunks(blocks, max_bytes)
    if log_type is None:
        for chunk in _objects(chunks):
            yield from _plain_rows(chunk, skipped)
        return
    for chunk in chunks if isinstance(log_type.parser, DelimitedParser) else _objects(chunks):
        yield from _typed_rows(chunk, log_type, now, skipped)


def _chunks(blocks: Iterable[bytes], max_bytes: int) -> Iterator[Chunk]:
    try:
        yield from decode(blocks, max_bytes=max_bytes)
    except ObjectError as error:
        if error.kind == "too_large":
            message = f"has more than {max_bytes // 2**20} MiB; HEADWATER_LOOKUP_MAX_MIB sets the limit"
            raise EnrichmentError(message) from error
        raise EnrichmentError(f"cannot be read: {error}") from error


def _objects(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """Lines are CSV with a header line: they become tables of texts."""
    source = iter(chunks)
    first = next(source, None)
    if first is None:
        return
    chunks = chain((first,), source)
    if first.shape != "lines" or "defect" in first.context:
        yield from chunks
        return
    row = 0
    try:
        names, rows = _csv(bytes(line).decode() + "\n" for chunk in chunks for line in chunk.records)
        while held := list(islice(rows, CSV_ROWS)):
            columns = [_column(values) for values in zip(*held, strict=True)]
            yield Chunk("columns", TableRows(pa.Table.from_arrays(columns, names=names)), row)
            row += len(held)
    except csv.Error as error:
        raise EnrichmentError(f"is no CSV: {error}") from error


def _csv(lines: Iterator[str]) -> tuple[list[str], Iterator[Sequence[str]]]:
    """The names of the header line, and the rows, each as long as the header."""
    header = next(lines)
    delimiter = max(SEPARATORS, key=header.count)
    names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter))]
    if len(set(names)) < len(names):
        raise EnrichmentError("its first line, which names the columns, has a name twice")
    width = len(names)
    return names, ([*row[:width], *[""] * (width - len(row))] for row in csv.reader(lines, delimiter=delimiter))


def _column(values: Sequence[str]) -> pa.Array:
    return pa.array([value or None for value in values], pa.string())


def _plain_rows(chunk: Chunk, skipped: Skipped) -> Iterator[Row]:
    for record in chunk.records:
        try:
            row = OBJECT.decode(record)
        except UNREADABLE as error:
            skipped.add(f"no JSON object: {error}")
            continue
        yield {name: value for name, value in row.items() if value is not None}


def _typed_rows(chunk: Chunk, log_type: LogType, now: datetime, skipped: Skipped) -> Iterator[Row]:
    parsed = parse(log_type, [Part(HERE, NOWHERE, chunk)], now)
    skipped.add(parsed.rejects[0].reason if parsed.rejects else "", len(parsed.rejects))
    if parsed.batch is None:
        return
    table = parsed.batch.table
    kept = table.select([name for name in table.column_names if not name.startswith("p_") or name == "p_unmapped"])
    for row in row_dicts(kept):
        unmapped = row.pop("p_unmapped", None)
        yield {**unmapped, **row} if isinstance(unmapped, dict) else row
