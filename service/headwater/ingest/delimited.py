"""Delimited text whose first line may name the columns → typed columns, by Arrow's CSV reader.

Lines that the reader refuses (double spaces, a header repeated inside, a word where a number is declared) are read
again, slowly, with the whole group they came in.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from csv import Error as CsvError
from csv import reader
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from headwater.ingest.columns import Columns, RawRows
from headwater.ingest.textcolumns import Texts, joined, typed
from headwater.ingest.times import UNIX_PER_S
from headwater.ingest.transform import NONE
from headwater.schema.logtype import DelimitedParser, Field, LogType

MAX_COLUMNS = 10_000
HEADER = "header"  # the line of a chunk's context that names its columns, where the chunk does not begin with it
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
    reader_of = _Reader(log_type, parser, rows)
    read = [table for group in reader_of.groups() for table in reader_of.read(group)]
    return read[0] if len(read) == 1 else joined(log_type, read)


def header_names(log_type: LogType, parser: DelimitedParser, line: bytes) -> Names | None:
    """The wire names in a header line, or None when the line is none."""
    if parser.header not in ("maybe", "names"):
        return None
    tokens = _cells(parser, line)
    if len(tokens) < 2:
        return None
    if parser.header == "maybe" and not all(map(NAME.match, tokens)):
        return None
    names = _wire_names(parser, tokens)
    known = {each.wire.lower() for each in log_type.fields}.intersection(name.lower() for name in names)
    return names if len(known) >= min(MIN_KNOWN_NAMES, len(names), len(log_type.fields)) else None


def _wire_names(parser: DelimitedParser, tokens: Sequence[str]) -> Names:
    """Hive tables spell the names of flow logs with underscores, S3 text files with hyphens."""
    if parser.header == "maybe":
        return tuple(token.lower().replace("_", "-") for token in tokens)
    return tuple(token.strip() for token in tokens)


def _cells(parser: DelimitedParser, line: bytes) -> list[str]:
    if line.count(parser.delimiter.encode()) > MAX_COLUMNS:
        return []
    text = line.decode(errors="replace")
    if parser.quote and parser.quote in text:
        try:
            return next(reader([text], delimiter=parser.delimiter, quotechar=parser.quote), [])
        except CsvError:  # a cell of more than 128 KiB, or a broken line
            return text.split(parser.delimiter)
    if parser.delimiter == " " and parser.header == "maybe":
        return text.split()
    return text.split(parser.delimiter)


@dataclass(frozen=True, slots=True)
class _Reader:
    log_type: LogType
    parser: DelimitedParser
    rows: RawRows

    def groups(self) -> list[_Group]:
        """The lines that can be rows, by the names of their columns."""
        groups: dict[Names, _Group] = {}
        names_of: dict[str, Names] = {}  # a later chunk of an object has no header of its own
        for part, start in zip(self.rows.parts, self.rows.starts, strict=False):
            lines = part.chunk.records
            first = self._first_row(lines, part.chunk.first_row)
            told = part.chunk.context.get(HEADER)
            begins = not told and first < len(lines)
            is_top = begins and part.chunk.first_row == 0
            header = self._header(lines[first], is_top=is_top) if begins else None
            known = header or names_of.get(part.ref.object_id) or (self._told(told) if told else None)
            names_of[part.ref.object_id] = names = known or self.parser.columns
            group = groups.setdefault(names, _Group(names))
            skips_first = header is not None or (is_top and self.parser.header == "skipped")
            self._add(group, lines, start, first + skips_first)
        return list(groups.values())

    def _first_row(self, lines: Sequence[bytes], first_row: int) -> int:
        """The index of the first line that is not to be skipped."""
        index = min(max(self.parser.cleaning.skip_lines - first_row, 0), len(lines))
        prefix = self.parser.cleaning.skip_prefix.encode()
        while prefix and index < len(lines) and lines[index].startswith(prefix):
            index += 1
        return index

    def _header(self, line: bytes, *, is_top: bool) -> Names | None:
        if self.parser.header == "names":  # the first line is taken at its word
            return _wire_names(self.parser, _cells(self.parser, line)) if is_top else None
        return header_names(self.log_type, self.parser, line)

    def _told(self, line: str) -> Names:
        return _wire_names(self.parser, _cells(self.parser, line.encode()))

    def _add(self, group: _Group, lines: Sequence[bytes], start: int, first: int) -> None:
        prefix = self.parser.cleaning.skip_prefix.encode()
        if not prefix:
            group.lines.extend(lines[first:])
            group.positions.extend(range(start + first, start + len(lines)))
            return
        kept = [index for index in range(first, len(lines)) if not lines[index].startswith(prefix)]
        group.lines.extend(lines[index] for index in kept)
        group.positions.extend(start + index for index in kept)

    def read(self, group: _Group) -> list[Columns]:
        """The typed columns of one group."""
        fields = {each.wire: each for each in self.log_type.fields if each.reads_own}
        kinds = [self._csv_type(fields.get(name)) for name in group.names]
        numbers = any(kind != pa.string() for kind in kinds)
        if group.lines and (numbers or self.parser.header != "maybe"):  # else a header inside could pass for a row
            try:
                return [self._typed(self._read_fast(group, kinds))]
            except (pa.ArrowInvalid, pa.ArrowKeyError):
                pass
        return self._read_slowly(group)

    def _csv_type(self, declared: Field | None) -> pa.DataType:
        is_plain = declared is not None and not (declared.is_cleaned or declared.piece or self.parser.cleaning.trim)
        if declared is None or not is_plain:
            return pa.string()
        if declared.type == "timestamp" and declared.time_formats[0] in UNIX_PER_S:
            return pa.int64()
        kind = declared.arrow_type
        return kind if pa.types.is_integer(kind) or pa.types.is_floating(kind) else pa.string()

    def _typed(self, texts: Texts) -> Columns:
        return typed(self.log_type, self.parser.cleaning, texts, self.rows.now)

    def _read_fast(self, group: _Group, kinds: Sequence[pa.DataType]) -> Texts:
        """Raises: pa.ArrowInvalid where any line is not a plain row of the right types."""
        body = b"\n".join(group.lines)
        parser = self.parser
        numbers = [f"f{number}" for number in range(len(group.names))]
        table = csv.read_csv(
            pa.BufferReader(body),
            read_options=csv.ReadOptions(column_names=numbers, use_threads=False, block_size=len(body) + 1),
            parse_options=csv.ParseOptions(
                delimiter=parser.delimiter, quote_char=parser.quote or False, ignore_empty_lines=False
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict(zip(numbers, kinds, strict=True)),
                null_values=list(parser.cleaning.empty_values) + ([] if parser.header == "maybe" else [""]),
                strings_can_be_null=True,
            ),
        )
        if table.num_rows != len(group.lines):
            raise pa.ArrowInvalid("a line is not a row")
        columns = [column.combine_chunks() for column in table.columns]
        return Texts(_named(group.names, columns), pa.array(group.positions, pa.int64()), {})

    def _read_slowly(self, group: _Group) -> list[Columns]:
        names, bad = group.names, dict[int, str]()
        found: dict[Names, list[tuple[int, list[str]]]] = defaultdict(list)
        for position, line in zip(group.positions, group.lines, strict=True):
            if not line.strip():
                continue
            cells = _cells(self.parser, line)
            if cells and cells[0].isascii() and cells[0][:1].isalpha() and self.parser.header == "maybe":
                inner = header_names(self.log_type, self.parser, line)
                if inner is not None:
                    names = inner
                    continue
            if len(cells) == len(names):
                found[names].append((position, cells))
            else:
                bad[position] = _misfit(cells, names)
        empty = ("", *self.parser.cleaning.empty_values)
        tables = [Columns({}, pa.array([], pa.int64()), bad)]
        for inner, kept in found.items():
            cells_of = zip(*(cells for _, cells in kept), strict=True)
            texts = [_without(pa.array(column, pa.string()), empty) for column in cells_of]
            positions = pa.array([position for position, _ in kept], pa.int64())
            tables.append(self._typed(Texts(_named(inner, texts), positions, {})))
        return tables


def _misfit(cells: Sequence[str], names: Names) -> str:
    if not cells:
        return f"more than {MAX_COLUMNS:,} columns"
    return f"{len(cells)} columns, not {len(names)}" if names else "no header line names the columns"


def _without(text: pa.Array, empty: Sequence[str]) -> pa.Array:
    return pc.if_else(pc.is_in(text, value_set=pa.array(empty, pa.string())), NONE, text)


def _named(names: Names, columns: Sequence[pa.Array]) -> dict[str, pa.Array]:
    """Columns by name; one without a name is left out, a name that comes again gets a number."""
    named: dict[str, pa.Array] = {}
    for name, column in zip(names, columns, strict=True):
        if name:
            named[name if name not in named else f"{name}_{len(named)}"] = column
    return named
