"""Named columns of texts, as every parser of text makes them → the typed columns of a log type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from headwater.ingest.columns import Columns, RawRows, from_text, unmapped_json
from headwater.ingest.multiline import joined_lines
from headwater.ingest.times import to_timestamps
from headwater.ingest.transform import NONE, Value, cleaned, derived
from headwater.schema.logtype import Cleaning, Field, LogType
from headwater.schema.template import names_of, parts_of


@dataclass(frozen=True, slots=True)
class Texts:
    """What a parser cuts out of the lines at `positions`: a column for each wire name, null where there is no text.

    A column can have its type already. bad: why the lines that are missing failed, by position.
    """

    columns: Mapping[str, pa.Array]
    positions: pa.Array
    bad: Mapping[int, str]


def kept_lines(rows: RawRows, cleaning: Cleaning) -> tuple[Sequence[bytes], pa.Array | None]:
    """The records that can be rows, and the positions of their first lines; None: all of them."""
    lines, at = _kept_lines(rows, cleaning)
    return joined_lines(rows, lines, at, cleaning.record_start) if cleaning.record_start else (lines, at)


def _kept_lines(rows: RawRows, cleaning: Cleaning) -> tuple[Sequence[bytes], pa.Array | None]:
    if not cleaning.skip_prefix and not cleaning.skip_lines:
        return rows.records, None
    prefix = cleaning.skip_prefix.encode()
    kept = [
        position
        for part, start in zip(rows.parts, rows.starts, strict=False)
        for position, line in enumerate(part.chunk.records, start)
        if part.chunk.first_row + position - start >= cleaning.skip_lines and not (prefix and line.startswith(prefix))
    ]
    return [rows.records[position] for position in kept], pa.array(kept, pa.int64())


def stacked(tables: Sequence[Texts], bad: Mapping[int, str]) -> Texts:
    """Texts of different lines as one, in the order of their positions. bad: further lines that failed."""
    if len(tables) == 1:
        return Texts(tables[0].columns, tables[0].positions, {**bad, **tables[0].bad})
    positions = pa.concat_arrays([pa.array([], pa.int64()), *(table.positions for table in tables)])
    order = pc.array_sort_indices(positions)
    columns = {
        name: pa.concat_arrays(
            [table.columns.get(name, pa.nulls(len(table.positions), pa.string())) for table in tables]
        ).take(order)
        for name in dict.fromkeys(name for table in tables for name in table.columns)
    }
    return Texts(columns, positions.take(order), {**bad, **_merged(table.bad for table in tables)})


def typed(log_type: LogType, cleaning: Cleaning, texts: Texts, now: datetime | None) -> Columns:
    """The declared columns; texts that the schema does not know are kept in `unmapped`."""
    columns = _prepared(texts, cleaning)
    arrays: dict[str, pa.Array] = {}
    reasons: dict[int, str] = {}
    made = _made(log_type, columns, len(texts.positions))
    names = _Names(columns)
    for field in log_type.fields:
        name = names.take(field.wire) if field.reads_own else None
        value = made.get(field.name)
        if value is None and name is None:
            continue
        column = columns[name or ""] if value is None else value.documents() if field.is_json else value.texts()
        arrays[field.name], failed = _typed(field, column, now)
        reasons.update(failed)
    used = {name for _, template in cleaning.expand for name in names_of(template)}
    used |= {route[0] for field in log_type.fields for route in field.routes if len(route) == 1 or field.mask}
    hidden = {field.wire.lower() for field in log_type.fields if field.mask}
    used |= {name for name in columns if name.lower() in hidden}
    unknown = {name: column for name, column in columns.items() if name not in names.taken and name not in used}
    return Columns(arrays, texts.positions, texts.bad, unmapped_json(unknown)).without(reasons)


class _Names:
    """Columns by wire name; the spelling as declared goes before another letter case."""

    def __init__(self, columns: Mapping[str, pa.Array]) -> None:
        self.columns = columns
        self.lower: dict[str, str] = {name.lower(): name for name in reversed(list(columns))}
        self.taken: set[str] = set()

    def take(self, wire: str) -> str | None:
        """The column of a wire name, once; None where there is none."""
        name = wire if wire in self.columns else self.lower.get(wire.lower())
        if name is None or name in self.taken:
            return None
        self.taken.add(name)
        return name


def _prepared(texts: Texts, cleaning: Cleaning) -> dict[str, pa.Array]:
    columns = dict(texts.columns)
    if cleaning.trim or cleaning.empty_values:
        for name, column in columns.items():
            if pa.types.is_string(column.type):
                columns[name] = cleaned(column, trim=cleaning.trim, empty_values=("", *cleaning.empty_values))
    for name, template in cleaning.expand:
        columns[name] = _expanded(template, columns, len(texts.positions))
    return columns


def _expanded(template: str, columns: Mapping[str, pa.Array], count: int) -> pa.Array:
    """A template filled in for each row; null where none of its names has a text."""
    pieces: list[pa.Array | pa.Scalar] = []
    present: list[pa.Array] = []
    for literal, name in parts_of(template):
        pieces.append(pa.scalar(literal))
        if name:
            column = columns[name].cast(pa.string()) if name in columns else pa.nulls(count, pa.string())
            present.append(pc.is_valid(column))
            pieces.append(pc.fill_null(column, ""))
    if not present:
        return pa.repeat("".join(literal for literal, _ in parts_of(template)), count)
    filled = pc.binary_join_element_wise(*pieces, "")
    return pc.if_else(reduce(pc.or_, present), filled, NONE)


def _made(log_type: LogType, columns: Mapping[str, pa.Array], count: int) -> Mapping[str, Value]:
    if not any(field.routes or field.piece for field in log_type.fields):
        return {}
    return derived(log_type.fields, {name: Value(each.cast(pa.string())) for name, each in columns.items()}, count)


def _typed(field: Field, column: pa.Array, now: datetime | None) -> tuple[pa.Array, dict[int, str]]:
    if pa.types.is_string(column.type):
        return from_text(field, column, now)
    return to_timestamps(column, field.time_formats, now) if field.type == "timestamp" else column, {}


def joined(log_type: LogType, tables: Sequence[Columns], bad: Mapping[int, str] | None = None) -> Columns:
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
    return Columns(arrays, positions.take(order), {**(bad or {}), **_merged(table.bad for table in tables)}, unmapped)


def _merged(all_bad: Iterable[Mapping[int, str]]) -> dict[int, str]:
    return {position: reason for bad in all_bad for position, reason in bad.items()}
