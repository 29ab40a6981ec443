"""Raw records of one log type, out of any number of objects → one batch and its rejects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from headwater.ingest.columns import Columns, Part, RawRows
from headwater.ingest.delimited import parse_delimited
from headwater.ingest.native import parse_native
from headwater.ingest.normalize import normalize
from headwater.ingest.parquet import TableRows, columns_of_table, table_of_objects
from headwater.ingest.parse_json import parse_json
from headwater.ingest.parse_regex import parse_regex
from headwater.ingest.reject import headers, make_reject
from headwater.model import Batch, Reject
from headwater.schema.logtype import DelimitedParser, JsonParser, LogType, NativeParser, RegexParser

__all__ = ["Parsed", "Part", "parse"]


@dataclass(frozen=True, slots=True)
class Parsed:
    """rows and rejected: how many rows of each part came out, and how many did not. batch: None without rows.

    The batch holds the rows in the order of the parts.
    """

    batch: Batch | None
    rejects: tuple[Reject, ...]
    rows: tuple[int, ...]
    rejected: tuple[int, ...]


def parse(log_type: LogType, parts: Sequence[Part], parse_time: datetime) -> Parsed:
    """The records of all parts as one batch; a record that does not fit becomes a reject.

    Columns are built once for all parts: ten thousand one-record objects cost like a few large ones.
    """
    runs = list(_runs(_readable(log_type, part) for part in parts))
    if len(runs) > 1:
        return _joined([_parse(log_type, run, parse_time) for run in runs])
    return _parse(log_type, runs[0] if runs else (), parse_time)


def _parse(log_type: LogType, parts: Sequence[Part], parse_time: datetime) -> Parsed:
    rows = RawRows.of(parts, parse_time)
    columns = _without_empty_rows(log_type, _without_defects(rows, _columns(log_type, rows)))
    part = rows.part_of(columns.positions)
    rejects = tuple(_rejects(log_type, rows, columns))
    rejected = Counter(_part_numbers(rows, sorted(columns.bad)))
    counts = dict(zip(*(each.to_pylist() for each in pc.value_counts(part).flatten()), strict=True))
    return Parsed(
        normalize(log_type, rows, columns, part, parse_time) if len(columns.positions) else None,
        rejects,
        tuple(counts.get(number, 0) for number in range(len(parts))),
        tuple(rejected.get(number, 0) for number in range(len(parts))),
    )


def _runs(parts: Iterable[Part]) -> Iterator[Sequence[Part]]:
    """Neighbours that are parsed together; a table has columns of its own and stands alone."""
    run: list[Part] = []
    for part in parts:
        if part.chunk.shape == "columns":
            yield from filter(None, (run, [part]))
            run = []
        else:
            run.append(part)
    yield from filter(None, (run,))


def _joined(parsed: Sequence[Parsed]) -> Parsed:
    tables = [each.batch.table for each in parsed if each.batch is not None]
    name = next((each.batch.log_type for each in parsed if each.batch is not None), "")
    return Parsed(
        Batch(name, pa.concat_tables(tables)) if tables else None,
        tuple(reject for each in parsed for reject in each.rejects),
        tuple(count for each in parsed for count in each.rows),
        tuple(count for each in parsed for count in each.rejected),
    )


def _readable(log_type: LogType, part: Part) -> Part:
    """The part for a parser of text, where its object turned out to hold JSON: objects are rows of named columns."""
    if part.chunk.shape != "json" or isinstance(log_type.parser, JsonParser):
        return part
    takes_text = isinstance(log_type.parser, NativeParser) or log_type.log_group  # objects are texts like others
    table = None if takes_text else table_of_objects(part.chunk.records)
    if table is not None and len(table):
        return replace(part, chunk=replace(part.chunk, shape="columns", records=table))
    return replace(
        part,
        chunk=replace(
            part.chunk,
            records=[record if isinstance(record, bytes) else bytes(record) for record in part.chunk.records],
        ),
    )


def _columns(log_type: LogType, rows: RawRows) -> Columns:
    if isinstance(rows.records, TableRows) and not (isinstance(log_type.parser, JsonParser) and log_type.parser.whole):
        return columns_of_table(log_type, rows.records.table, rows.now)
    match log_type.parser:
        case DelimitedParser():
            return parse_delimited(log_type, log_type.parser, rows)
        case RegexParser():
            return parse_regex(log_type, log_type.parser, rows)
        case NativeParser():
            return parse_native(log_type, log_type.parser, rows)
        case _:
            return parse_json(log_type, rows)


def _without_defects(rows: RawRows, columns: Columns) -> Columns:
    """A chunk that decode marks as defective (a line cut short, broken JSON) holds no rows, whatever they look like."""
    spans = [
        (range(start, start + len(part.chunk.records)), part.chunk.context["defect"])
        for part, start in zip(rows.parts, rows.starts, strict=False)
        if "defect" in part.chunk.context
    ]
    if not spans:
        return columns
    defects = {position: reason for span, reason in spans for position in span}
    at = columns.positions.to_pylist()
    here = {index: defects[position] for index, position in enumerate(at) if position in defects}
    return columns.without(here)


def _without_empty_rows(log_type: LogType, columns: Columns) -> Columns:
    """Rows without a required field, and rows of nulls alone, are no events."""
    reasons: dict[int, str] = {}
    for field in log_type.fields:
        if field.required:
            missing = _missing(columns, field.name)
            reason = f"{field.name}: required, and absent or null"
            reasons = {**dict.fromkeys(missing, reason), **reasons}  # the first field that is missing is told
    if not any(field.required for field in log_type.fields):
        present = [pc.is_null(array) for array in columns.arrays.values() if array.null_count]
        if len(present) == len(columns.arrays):
            everywhere = pa.repeat(True, len(columns.positions))
            empty = pc.indices_nonzero(reduce(pc.and_, present, everywhere)).to_pylist()
            reasons.update(dict.fromkeys(empty, "no field of the schema is there"))
    return columns.without(reasons)


def _missing(columns: Columns, name: str) -> list[int]:
    array = columns.arrays.get(name)
    if array is None:
        return list(range(len(columns.positions)))
    return pc.indices_nonzero(pc.is_null(array)).to_pylist() if array.null_count else []


def _rejects(log_type: LogType, rows: RawRows, columns: Columns) -> Iterator[Reject]:
    positions = sorted(columns.bad)
    lines = headers(log_type, rows.parts) if positions else {}
    for position, number in zip(positions, _part_numbers(rows, positions), strict=True):
        part = rows.parts[number]
        index = position - rows.starts[number]
        yield make_reject(part, index, columns.bad[position], log_type, lines.get(part.ref.object_id))


def _part_numbers(rows: RawRows, positions: Sequence[int]) -> list[int]:
    return rows.part_of(pa.array(positions, pa.int64())).to_pylist() if positions else []
