"""Delimited text whose first line may name the columns → typed columns, by Arrow's CSV reader.

Lines that the reader refuses (double spaces, a header repeated inside, a word where a number is declared) are read
again, slowly, with the whole group they came in.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from csv import Error as CsvError
from csv import reader
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from headwater.ingest.columns import Columns, RawRows, from_text, unmapped_json
from headwater.ingest.times import UNIX_PER_S, to_timestamps
from headwater.schema.logtype import DelimitedParser, Field, LogType

MIN_KNOWN_NAMES = 5  # a line is a header when it has that many known names, or known names alone
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.:()-]*\Z")
Names = tuple[str, ...]


@dataclass(slots=True)
class _Group:
    """The lines, and their positions, of all parts with the same columns."""

    names: Names
    lines: list[bytes] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)


def parse_delimited(log_type: LogType, parser: DelimitedParser, rows: RawRows) -> Columns:
    """The columns of N lines, header lines left out; columns that the schema does not know are kept in `unmapped`."""
    read = [_read(log_type, parser, group) for group in _groups(log_type, parser, rows)]
    return read[0] if len(read) == 1 else _join(log_type, read)


def header_names(log_type: LogType, parser: DelimitedParser, line: bytes) -> Names | None:
    """The wire names in a header line, or None when the line is none."""
    tokens = _cells(parser, line)
    if len(tokens) < 2 or not all(map(NAME.match, tokens)):
        return None
    names = _wire_names(tokens)
    known = {each.wire for each in log_type.fields}.intersection(names)
    return names if len(known) >= min(MIN_KNOWN_NAMES, len(names)) else None


def _wire_names(tokens: Sequence[str]) -> Names:
    """Hive tables spell names with underscores, S3 text files with hyphens."""
    return tuple(token.lower().replace("_", "-") for token in tokens)


def _cells(parser: DelimitedParser, line: bytes) -> list[str]:
    text = line.decode(errors="replace")
    if parser.quote:
        try:
            return next(reader([text], delimiter=parser.delimiter, quotechar=parser.quote), [])
        except CsvError:  # a cell of more than 128 KiB
            return [text]
    return text.split() if parser.delimiter == " " else text.split(parser.delimiter)


def _groups(log_type: LogType, parser: DelimitedParser, rows: RawRows) -> list[_Group]:
    groups: dict[Names, _Group] = {}
    names_of: dict[str, Names] = {}  # a later chunk of an object has no header of its own
    for part, start in zip(rows.parts, rows.starts, strict=False):
        lines = part.chunk.records
        header = header_names(log_type, parser, lines[0]) if parser.header and lines else None
        names = header or names_of.get(part.ref.object_id) or parser.columns
        names_of[part.ref.object_id] = names
        group = groups.setdefault(names, _Group(names))
        skip = 1 if header else 0
        group.lines.extend(lines[skip:])
        group.positions.extend(range(start + skip, start + len(lines)))
    return list(groups.values())


def _read(log_type: LogType, parser: DelimitedParser, group: _Group) -> Columns:
    fields = {each.wire: each for each in log_type.fields}
    numbers = [name for name in group.names if name in fields and _csv_type(fields[name]) != pa.string()]
    if numbers:  # else a header repeated inside could pass for a row
        try:
            return _read_fast(parser, fields, group)
        except pa.ArrowInvalid:
            pass
    return _join(log_type, _read_slowly(log_type, parser, fields, group))


def _csv_type(declared: Field | None) -> pa.DataType:
    if declared is None or declared.empty_values:
        return pa.string()
    if declared.type == "timestamp" and declared.time_formats[0] in UNIX_PER_S:
        return pa.int64()
    kind = declared.arrow_type
    return kind if pa.types.is_integer(kind) or pa.types.is_floating(kind) else pa.string()


def _read_fast(parser: DelimitedParser, fields: Mapping[str, Field], group: _Group) -> Columns:
    """Raises: pa.ArrowInvalid where any line is not a plain row of the right types."""
    body = b"\n".join(group.lines)
    table = csv.read_csv(
        pa.BufferReader(body),
        read_options=csv.ReadOptions(column_names=group.names, use_threads=False, block_size=len(body) + 1),
        parse_options=csv.ParseOptions(
            delimiter=parser.delimiter, quote_char=parser.quote or False, ignore_empty_lines=False
        ),
        convert_options=csv.ConvertOptions(
            column_types={name: _csv_type(fields.get(name)) for name in group.names},
            null_values=list(parser.empty_values),
            strings_can_be_null=True,
        ),
    )
    if table.num_rows != len(group.lines):
        raise pa.ArrowInvalid("a line is not a row")
    columns = [column.combine_chunks() for column in table.columns]
    return _columns(fields, group.names, columns, group.positions)


def _read_slowly(
    log_type: LogType, parser: DelimitedParser, fields: Mapping[str, Field], group: _Group
) -> list[Columns]:
    names, bad = group.names, dict[int, str]()
    found: dict[Names, list[tuple[int, list[str]]]] = defaultdict(list)
    for position, line in zip(group.positions, group.lines, strict=True):
        cells = _cells(parser, line)
        if cells and cells[0].isascii() and cells[0][:1].isalpha() and parser.header:
            inner = header_names(log_type, parser, line)
            if inner is not None:
                names = inner
                continue
        if len(cells) == len(names):
            found[names].append((position, cells))
        elif cells:
            bad[position] = f"{len(cells)} columns, not {len(names)}" if names else "no header line names the columns"
    empty = pa.array(parser.empty_values or ("",), pa.string())
    tables = [Columns({}, pa.array([], pa.int64()), bad)]
    for inner, kept in found.items():
        cells_of = zip(*(cells for _, cells in kept), strict=True)
        texts = [_without(pa.array(column, pa.string()), empty) for column in cells_of]
        tables.append(_columns(fields, inner, texts, [position for position, _ in kept]))
    return tables


def _without(text: pa.Array, empty: pa.Array) -> pa.Array:
    return pc.if_else(pc.is_in(text, value_set=empty), pa.scalar(None, pa.string()), text)


def _columns(
    fields: Mapping[str, Field], names: Names, columns: Sequence[pa.Array], positions: Sequence[int]
) -> Columns:
    arrays: dict[str, pa.Array] = {}
    unknown: dict[str, pa.Array] = {}
    reasons: dict[int, str] = {}
    for name, column in zip(names, columns, strict=True):
        declared = fields.get(name)
        if declared is None or declared.name in arrays:
            unknown[name if name not in unknown else f"{name}_{len(unknown)}"] = column.cast(pa.string())
        elif pa.types.is_string(column.type):
            arrays[declared.name], failed = from_text(declared, column)
            reasons.update(failed)
        else:
            is_time = declared.type == "timestamp"
            arrays[declared.name] = to_timestamps(column, declared.time_formats) if is_time else column
    return Columns(arrays, pa.array(positions, pa.int64()), {}, unmapped_json(unknown)).without(reasons)


def _join(log_type: LogType, tables: Sequence[Columns]) -> Columns:
    """Tables with different columns as one, in the order of their positions."""
    positions = pa.concat_arrays([pa.array([], pa.int64()), *(table.positions for table in tables)])
    order = pc.array_sort_indices(positions)
    present = [each for each in log_type.fields if any(each.name in table.arrays for table in tables)]
    arrays = {
        each.name: pa.concat_arrays(
            [table.arrays.get(each.name, pa.nulls(len(table.positions), each.arrow_type)) for table in tables]
        ).take(order)
        for each in present
    }
    unmapped = None
    if any(table.unmapped is not None for table in tables):
        texts = [pa.nulls(len(t.positions), pa.string()) if t.unmapped is None else t.unmapped for t in tables]
        unmapped = pa.concat_arrays(texts).take(order)
    bad = {position: reason for table in tables for position, reason in table.bad.items()}
    return Columns(arrays, positions.take(order), bad, unmapped)
