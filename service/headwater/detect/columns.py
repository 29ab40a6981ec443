"""What rows look like to tests: rows that no test can tell apart share a code.

A column is looked at once for each distinct value in it. Codes and labels of several columns combine into one, so that
the work after that is done once for each kind of row, not for each row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from headwater.detect.conditions import Asked, OneOf, Test
from headwater.ingest.rows import document, rfc3339

INEXACT = 1e18  # from here on a float of a JSON document may stand for a whole number, which rows show as text
REMEMBERED = 50_000  # values of one subject whose bits are kept
Bits: TypeAlias = int | None  # which tests of a subject may hold; None: not looked at yet


@dataclass(frozen=True, slots=True)
class Coded:
    """A label for each row: labels[codes[row]]. codes: None where all rows have labels[0]."""

    codes: pa.Array | None
    labels: Sequence[Any]

    def joined(self, other: Coded) -> Coded:
        """The rows' labels, which are tuples, each with the other's label behind it."""
        if other.codes is None or self.codes is None:
            codes = self.codes if other.codes is None else other.codes
            return Coded(codes, [(*left, right) for left in self.labels for right in other.labels])
        width = len(other.labels)
        both = pc.add(pc.multiply(self.codes, width), other.codes).dictionary_encode()
        labels = [(*self.labels[pair // width], other.labels[pair % width]) for pair in both.dictionary.to_pylist()]
        return Coded(both.indices.cast(pa.int64()), labels)

    def take(self, rows: pa.Array) -> Coded:
        """The labels of some rows."""
        return Coded(None if self.codes is None else self.codes.take(rows), self.labels)

    def where(self, wanted: Sequence[bool], count: int) -> pa.Array:
        """The numbers of the rows, of `count`, whose label is wanted."""
        if self.codes is None:
            return pa.array(range(count if wanted[0] else 0), pa.int64())
        return pc.indices_nonzero(pa.array(wanted, pa.bool_()).take(self.codes)).cast(pa.int64())


class Subject:
    """One key, or one path within its value, and everything that is asked of it. A test is a bit, in their order."""

    def __init__(self, key: str, inside: tuple[str, ...], tests: Sequence[Test]) -> None:
        self.key = key
        self.inside = inside
        self.tests = tuple(tests)
        self.missing = sum(1 << bit for bit, test in enumerate(tests) if test.missing)
        self.everything = (1 << len(tests)) - 1
        self.looks_inside = any(isinstance(test, Asked) for test in tests)
        self._plain, self._flips, self._others = _by_value(tests)
        self._known: dict[Any, int] = {}

    def bits(self, value: Any) -> int:
        """The tests that hold for a value; None: it is missing."""
        if value is None:
            return self.missing
        kind = type(value)
        if self.looks_inside and (kind is dict or kind is list):
            return self._asked(value)
        # All mappings look alike to tests, but for empty ones; and so do lists.
        known: Any = value if kind is str else (kind, bool(value) if kind is dict or kind is list else value)
        bits = self._known.get(known)
        if bits is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            bits = self._known[known] = self._asked(value)
        return bits

    def looker(self) -> Callable[[Any], int]:
        """What gives the tests that hold for what a document has at the path: the hottest code of the pre-filter."""
        if not self.inside:
            return lambda document: self.everything if _is_inexact(document) else self.bits(document)
        outer, step = self.inside[:-1], self.inside[-1]
        lowered, missing, everything, known, bits = (
            step.lower(),
            self.missing,
            self.everything,
            self._known.get,
            self.bits,
        )

        def look(document: Any) -> int:
            holder = value_at(document, outer) if outer else document
            if type(holder) is not dict:
                return missing
            value = holder.get(step)
            if value is None:
                if step in holder:
                    return missing
                value = _in_other_case(holder, lowered)
            if type(value) is str:
                held = known(value)
                if held is not None:
                    return held
            elif _is_inexact(value):
                return everything
            return bits(value)

        return look

    def _asked(self, value: Any) -> int:
        if not isinstance(value, str):
            return sum(1 << bit for bit, test in enumerate(self.tests) if test.holds(value))
        bits = self._plain ^ self._flips.get(value, 0)
        return bits | sum(1 << bit for bit, test in self._others if test.holds(value))

    def coded(self, values: Sequence[Any], codes: pa.Array) -> Coded:
        """Rows labelled by their bits. codes: into the values; null: missing."""
        labels = [*map(self.bits, values), *([self.missing] if codes.null_count else ())]
        return _distinct(labels, pc.fill_null(codes, len(values)) if codes.null_count else codes)


def _by_value(tests: Sequence[Test]) -> tuple[int, dict[Any, int], list[tuple[int, Test]]]:
    """The bits of a text that nobody asks for, what each asked value flips, and the tests that must be called."""
    plain = 0
    flips: dict[Any, int] = {}
    others: list[tuple[int, Test]] = []
    for bit, test in enumerate(tests):
        if not isinstance(test, OneOf) or test.via:
            others.append((bit, test))
            continue
        plain |= test.negated << bit
        for value in test.values:
            flips[value] = flips.get(value, 0) | 1 << bit
    return plain, flips, others


def _distinct(labels: Sequence[Any], codes: pa.Array) -> Coded:
    """Codes into equal labels become codes into one of each."""
    numbers: dict[Any, int] = {}
    table = pa.array([numbers.setdefault(label, len(numbers)) for label in labels], pa.int64())
    if len(numbers) == 1:
        return Coded(None, list(numbers))
    return Coded(table.take(codes), list(numbers))


class Columns:
    """The columns of one table by key."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self._numbers: dict[str, list[int]] = {}
        for number, name in enumerate(table.column_names):
            self._numbers.setdefault(name.lower(), []).append(number)
        self._found: dict[str, _Column | None] = {}
        self._encoded: dict[str, tuple[pa.Array, list[Any]]] = {}

    @cached_property
    def is_open(self) -> bool:
        """Whether some column holds whole records, which may have any key."""
        return any(field.metadata is not None and b"whole" in field.metadata for field in self._table.schema)

    def seen(self, subject: Subject) -> Coded:
        """What can be told of a subject without decoding JSON: None for rows where that is needed."""
        found = self._column(subject.key)
        if found is None:
            return Coded(None, [subject.everything if self._numbers.get(subject.key.lower()) else subject.missing])
        if found.is_json:
            return _validity(found.column, subject.missing, None)
        if not _is_scalar(found.column.type):
            return _validity(found.column, subject.missing, _may_hold(subject, found.column.type))
        if subject.inside:
            return Coded(None, [subject.missing])
        codes, values = self._distinct(subject.key, found.column)
        return subject.coded(values, codes)

    def decoded(self, key: str, subjects: Sequence[Subject], rows: pa.Array) -> Coded:
        """What some rows of a JSON column hold: their labels are the bits of each of some subjects that lie in it."""
        found = self._column(key)
        if found is None:
            return Coded(None, [tuple(one.everything for one in subjects)])
        encoded = found.column.take(rows).combine_chunks().dictionary_encode()
        looks = [one.looker() for one in subjects]
        labels = [tuple([look(value) for look in looks]) for value in map(document, encoded.dictionary.to_pylist())]
        codes = encoded.indices
        if codes.null_count:
            codes = pc.fill_null(codes, len(labels))
            labels.append(tuple(one.missing for one in subjects))
        return _distinct(labels, codes)

    def _column(self, key: str) -> _Column | None:
        """What an event has under a key; None where there is no column, or none that can be told."""
        if key not in self._found:
            self._found[key] = self._looked_up(key)
        return self._found[key]

    def _looked_up(self, key: str) -> _Column | None:
        schema = self._table.schema
        numbers = sorted(self._numbers.get(key.lower(), ()), key=lambda number: schema.field(number).name != key)
        fields = [schema.field(number) for number in numbers]
        kinds = {(field.type, is_json(field)) for field in fields}
        if len(kinds) != 1:
            return None
        column = self._table.column(numbers[0])
        if len(numbers) > 1:  # keys that differ in case: the exact one first, then those that are there, in order
            columns = (self._table.column(number) for number in numbers)
            column = pc.coalesce(*(map(_without_null_text, columns) if is_json(fields[0]) else columns))
        return _Column(column, is_json(fields[0]))

    def _distinct(self, key: str, column: pa.ChunkedArray) -> tuple[pa.Array, list[Any]]:
        if key not in self._encoded:
            if pa.types.is_timestamp(column.type):
                column = rfc3339(column)
            encoded = column.combine_chunks().dictionary_encode()
            self._encoded[key] = (encoded.indices, encoded.dictionary.to_pylist())
        return self._encoded[key]


@dataclass(frozen=True, slots=True)
class _Column:
    """The values of a key. is_json: as JSON text."""

    column: pa.ChunkedArray
    is_json: bool


def _without_null_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """JSON's null is no value of a row."""
    return pc.if_else(pc.equal(column, "null"), pa.scalar(None, column.type), column)


def value_at(value: Any, path: Sequence[str]) -> Any:
    """The value at a path of keys through mappings, as an event finds it; None where it is absent or null."""
    for step in path:
        if type(value) is not dict:
            return None
        value = value[step] if step in value else _in_other_case(value, step.lower())
    return value


def _is_inexact(value: Any) -> bool:
    return type(value) is float and abs(value) >= INEXACT


def _in_other_case(mapping: Mapping[str, Any], lowered: str) -> Any:
    length = len(lowered)
    for key in mapping:
        if (len(key) == length or not key.isascii()) and key.lower() == lowered:
            return mapping[key]
    return None


def _may_hold(subject: Subject, kind: pa.DataType) -> int:
    """The tests that may hold for some value of a type that is not looked at."""
    if not subject.looks_inside and (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        return subject.missing if subject.inside else subject.bits([]) | subject.bits([None])
    return subject.everything


def _validity(column: pa.ChunkedArray, missing: Bits, there: Bits) -> Coded:
    if not column.null_count:
        return Coded(None, [there])
    if column.null_count == len(column):
        return Coded(None, [missing])
    return Coded(pc.cast(column.is_valid(), pa.int64()).combine_chunks(), [missing, there])


def is_json(field: pa.Field) -> bool:
    """Whether a column holds JSON as text."""
    return bool(field.metadata) and b"json" in field.metadata


def _is_scalar(kind: pa.DataType) -> bool:
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    return bool(is_text or is_number or pa.types.is_boolean(kind) or pa.types.is_timestamp(kind))
