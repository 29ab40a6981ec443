"""Conditions on the columns of a table, and the rows that meet them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

FEW = 50  # one row in this many: running a rule costs about what searching the text of 50 rows does
Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class OneOf:
    """A key's value is one of `values` (with negated: none of them). missing: what holds for rows without the key."""

    key: str
    values: frozenset[Scalar]
    negated: bool = False
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Contains:
    """Somewhere inside a key's mapping or list stands one of these texts; false for rows without the key."""

    key: str
    texts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Container:
    """A key's value may be a mapping or a list."""

    key: str


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: frozenset[Condition]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: frozenset[Condition]


Condition = bool | OneOf | Contains | Container | AllOf | AnyOf  # True: every row; False: none
Mask: TypeAlias = bool | pa.ChunkedArray  # a plain bool where all rows agree


def all_of(*parts: Condition) -> Condition:
    """The conjunction, in its shortest form."""
    flat = (each for part in parts for each in (part.parts if isinstance(part, AllOf) else (part,)))
    kept = {part for part in flat if part is not True}
    if False in kept:
        return False
    return True if not kept else kept.pop() if len(kept) == 1 else AllOf(frozenset(kept))


def any_of(*parts: Condition) -> Condition:
    """The disjunction, in its shortest form."""
    flat = (each for part in parts for each in (part.parts if isinstance(part, AnyOf) else (part,)))
    kept = {part for part in flat if part is not False}
    if True in kept:
        return True
    return False if not kept else kept.pop() if len(kept) == 1 else AnyOf(frozenset(kept))


class Rows:
    """The rows of one table that meet conditions; each test is evaluated once."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self._masks: dict[OneOf | Contains, Mask] = {}
        self._escaped: dict[str, pa.ChunkedArray] = {}
        self._columns: dict[str, list[int]] = {}
        self._open = any(field.metadata is not None and b"whole" in field.metadata for field in table.schema)
        for number, name in enumerate(table.column_names):
            self._columns.setdefault(name.lower(), []).append(number)

    def meeting(self, condition: Condition) -> list[int] | None:
        """Indices of the rows, in order; None for all of them."""
        mask = self._mask(condition)
        if isinstance(mask, bool):
            return None if mask else []
        indices: list[int] = pc.indices_nonzero(mask).to_pylist()
        return indices

    def _mask(self, condition: Condition) -> Mask:
        if isinstance(condition, bool):
            return condition
        if isinstance(condition, OneOf | Contains):
            if condition not in self._masks:
                made = self._test(condition) if isinstance(condition, OneOf) else self._contains(condition)
                self._masks[condition] = made
            return self._masks[condition]
        if isinstance(condition, Container):
            numbers = self._columns.get(condition.key.lower(), [])
            return self._open or any(_comparable((), self._table.schema.field(number)) is None for number in numbers)
        if isinstance(condition, AnyOf):
            return reduce(_or, map(self._mask, condition.parts))
        cheap = [part for part in condition.parts if not isinstance(part, Contains)]
        mask = reduce(_and, map(self._mask, cheap), True)
        if self._few(mask):
            return mask  # fewer rows for the rule would not pay for searching the text of all of them
        return reduce(_and, (self._mask(part) for part in condition.parts if isinstance(part, Contains)), mask)

    def _few(self, mask: Mask) -> bool:
        return mask is False or (mask is not True and (pc.sum(mask).as_py() or 0) * FEW < self._table.num_rows)

    def _test(self, test: OneOf) -> Mask:
        numbers = self._columns.get(test.key.lower(), [])
        if not numbers:
            return self._open or test.missing  # a record kept whole may hold any key
        field = self._table.schema.field(numbers[0])
        wanted = _comparable(test.values, field)
        if len(numbers) > 1 or wanted is None:
            return True  # keys that differ only in case shadow each other where one is null
        column = self._table.column(numbers[0])
        found = pc.is_in(column, value_set=pa.array(wanted, type=field.type))  # false for null
        if test.negated:
            found = pc.invert(found)
            return found if test.missing else pc.and_(found, pc.is_valid(column))
        return pc.or_(found, pc.is_null(column)) if test.missing else found

    def _contains(self, condition: Contains) -> Mask:
        numbers = self._columns.get(condition.key.lower(), [])
        if not numbers:
            return self._open
        field = self._table.schema.field(numbers[0])
        if len(numbers) > 1 or not _is_json(field) or not all(map(_is_utf8, condition.texts)):
            return True
        column = self._table.column(numbers[0])
        # JSON may write any letter as an escape, and every escape begins with a backslash.
        if field.name not in self._escaped:
            self._escaped[field.name] = pc.match_substring(column, "\\")
        found = [pc.match_substring(column, text) for text in sorted(condition.texts)]
        return pc.fill_null(reduce(pc.or_, found, self._escaped[field.name]), False)


def _and(left: Mask, right: Mask) -> Mask:
    if isinstance(left, bool):
        return right if left else False
    if isinstance(right, bool):
        return left if right else False
    return pc.and_(left, right)


def _or(left: Mask, right: Mask) -> Mask:
    if isinstance(left, bool):
        return True if left else right
    if isinstance(right, bool):
        return True if right else left
    return pc.or_(left, right)


def _comparable(values: Iterable[Scalar], field: pa.Field) -> list[Any] | None:
    """The values that Python's == can find equal to a cell of the column; None where events hold another type."""
    kind = field.type
    if _is_json(field):
        return None
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return [value for value in values if isinstance(value, str) and _is_utf8(value)]
    if pa.types.is_boolean(kind):
        return [cell for cell in (True, False) if cell in values]  # 1 == True
    if pa.types.is_signed_integer(kind):
        limit = 2 ** (kind.bit_width - 1)
        return [
            int(value) for value in values if isinstance(value, int | float) and -limit <= value == value // 1 < limit
        ]
    return None


def _is_json(field: pa.Field) -> bool:
    return bool(field.metadata) and b"json" in field.metadata


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
