"""Conditions on the values of a row, in a form that can be simplified, shown and tested on columns.

A condition only ever says where something *may* be so: testing more rows than needed costs time, never a match.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from headwater.detect.event import wrap

Scalar = str | int | float | bool | None
Kinds = Literal["text", "int", "float", "bool", "mapping", "list"]
KINDS: frozenset[str] = frozenset(("text", "int", "float", "bool", "mapping", "list"))
JOINED_MAX = 16  # parts that are compared with each other
SIZE_MAX = 400  # tests in one condition
Subject = tuple[str, tuple[str, ...]]  # a key, and the path inside its value
Order = Literal["<", "<=", ">", ">="]
ORDERS: Mapping[Order, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class OneOf:
    """The value is one of `values` (with negated: none of them).

    Of all tests: key is a key of the row, inside the path of keys within its value, via the text methods that are
    called on the value first, missing what holds where the path is absent or null. holds() is asked for other values.
    """

    key: str
    values: frozenset[Scalar]
    negated: bool = False
    missing: bool = False
    inside: tuple[str, ...] = ()
    via: tuple[str, ...] = ()

    def holds(self, value: Any) -> bool:
        """Whether it holds for a value that is there."""
        if isinstance(value, dict | list):
            return self.negated and not self.via
        if self.via and not isinstance(value, str):
            return False  # calling the method raises, which is a condition of its own
        return (changed(value, self.via) in self.values) is not self.negated


@dataclass(frozen=True, slots=True)
class Text:
    """The value is a text that begins with, ends with or contains one of `texts` (with negated: none of them)."""

    key: str
    how: Literal["startswith", "endswith", "contains"]
    texts: frozenset[str]
    negated: bool = False
    missing: bool = False
    inside: tuple[str, ...] = ()
    via: tuple[str, ...] = ()

    def holds(self, value: Any) -> bool:
        """Whether it holds for a value that is there."""
        if not isinstance(value, str):
            return False
        text = changed(value, self.via)
        if self.how == "contains":
            found = any(part in text for part in self.texts)
        else:
            found = bool(getattr(text, self.how)(tuple(self.texts)))
        return found is not self.negated


@dataclass(frozen=True, slots=True)
class Truthy:
    """The value is true as Python sees it (with negated: false)."""

    key: str
    negated: bool = False
    missing: bool = False
    inside: tuple[str, ...] = ()
    via: tuple[str, ...] = ()

    def holds(self, value: Any) -> bool:
        """Whether it holds for a value that is there."""
        if self.via and not isinstance(value, str):
            return False
        return bool(changed(value, self.via)) is not self.negated


@dataclass(frozen=True, slots=True)
class Kind:
    """The value is of one of these kinds."""

    key: str
    kinds: frozenset[str]
    missing: bool = False
    inside: tuple[str, ...] = ()
    via: tuple[str, ...] = ()

    def holds(self, value: Any) -> bool:
        """Whether it holds for a value that is there."""
        return kind_of(value) in self.kinds


@dataclass(frozen=True, slots=True)
class Than:
    """The value is a number on one side of another one."""

    key: str
    order: Order
    number: int | float
    missing: bool = False
    inside: tuple[str, ...] = ()
    via: tuple[str, ...] = ()

    def holds(self, value: Any) -> bool:
        """Whether it holds for a value that is there."""
        return isinstance(value, int | float) and bool(ORDERS[self.order](value, self.number))


@dataclass(frozen=True, slots=True)
class Asked:
    """What a function of one value says of it.

    Only functions of the built-in detections are asked: they return the same for the same value, and soon.
    """

    key: str
    function: Callable[..., Any]
    answer: Literal["true", "false", "error"]
    rest: tuple[Any, ...] = ()  # further arguments
    missing: bool = False
    inside: tuple[str, ...] = ()
    via: tuple[str, ...] = ()

    def holds(self, value: Any) -> bool:
        """Whether it holds for a value that is there."""
        try:
            told = "true" if self.function(wrap(value), *self.rest) else "false"
        except Exception:  # noqa: BLE001 — whatever it raises, the rule would raise it too
            told = "error"
        return told == self.answer


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds. size: how many tests there are in it."""

    parts: frozenset[Condition]
    size: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds. size: how many tests there are in it."""

    parts: frozenset[Condition]
    size: int = field(default=0, compare=False)


Test = OneOf | Text | Truthy | Kind | Than | Asked
Condition = bool | Test | AllOf | AnyOf  # True: every row; False: none


def kind_of(value: Any) -> str:
    """Which of KINDS a JSON value is."""
    match value:
        case str():
            return "text"
        case bool():
            return "bool"
        case int():
            return "int"
        case dict():
            return "mapping"
        case list():
            return "list"
        case _:
            return "float"


def changed(value: Any, via: tuple[str, ...]) -> Any:
    """The value after the text methods of these names."""
    for method in via:
        value = getattr(value, method)()
    return value


def absent(key: str, inside: tuple[str, ...] = ()) -> OneOf:
    """The rows where a path is absent or null."""
    return OneOf(key, frozenset(), missing=True, inside=inside)


def present(key: str, inside: tuple[str, ...] = ()) -> OneOf:
    """The rows where a path has a value that is not null."""
    return OneOf(key, frozenset(), negated=True, inside=inside)


def subject(test: Test) -> Subject:
    """What a test looks at."""
    return (test.key, test.inside)


def tests_in(condition: Condition) -> Iterator[Test]:
    """Every test of a condition."""
    if isinstance(condition, AllOf | AnyOf):
        for part in condition.parts:
            yield from tests_in(part)
    elif not isinstance(condition, bool):
        yield condition


def all_of(*parts: Condition) -> Condition:
    """The conjunction, in its shortest form; where it gets too long, parts are left out."""
    return _together(parts, conjunction=True)


def any_of(*parts: Condition) -> Condition:
    """The disjunction, in its shortest form; every row where it gets too long."""
    return _together(parts, conjunction=False)


def _together(parts: Iterable[Condition], *, conjunction: bool) -> Condition:
    same, other = (AllOf, AnyOf) if conjunction else (AnyOf, AllOf)
    flat = {each for part in parts for each in (part.parts if isinstance(part, same) else (part,))}
    kept = _merged(flat - {conjunction}, conjunction=conjunction) - {conjunction}
    if (not conjunction) in kept:
        return not conjunction
    kept = _without_implied(kept, conjunction=conjunction)
    again = {_reduced(part, kept, conjunction=conjunction) if isinstance(part, other) else part for part in kept}
    if again != kept:
        return _together(again, conjunction=conjunction)
    joined = _joined(kept, conjunction=conjunction)
    if joined is not None:
        return _together(joined, conjunction=conjunction)
    size = sum(map(_size, kept))
    if size > SIZE_MAX:
        kept = {part for part in kept if _size(part) * 4 <= SIZE_MAX} if conjunction else set()
        size = sum(map(_size, kept))
    if len(kept) < 2:
        return kept.pop() if kept else (conjunction or size > 0)
    return same(frozenset(kept), size)


def _reduced(part: AllOf | AnyOf, beside: set[Condition], *, conjunction: bool) -> Condition:
    """A part without what the others settle: A or (A and B) is A; A or (not A and B) is A or B; and so with `and`."""
    if part.parts & beside:
        return conjunction
    tests = [each for each in beside if isinstance(each, Test)]
    left = {each for each in part.parts if not _settles(tests, each, conjunction=conjunction)}
    return part if len(left) == len(part.parts) else _together(left, conjunction=not conjunction)


def _settles(tests: Sequence[Test], part: Condition, *, conjunction: bool) -> bool:
    """Whether one of the tests cannot hold with the part (in a disjunction: leaves no rows beside it)."""
    if isinstance(part, AllOf if conjunction else AnyOf):
        return any(_settles(tests, each, conjunction=conjunction) for each in part.parts)
    if isinstance(part, bool | AllOf | AnyOf):
        return False
    place = (subject(part), part.via)
    same = [test for test in tests if (subject(test), test.via) == place]
    return any((not conjunction) in _merged_tests((test, part), conjunction=conjunction) for test in same)


def _without_implied(parts: set[Condition], *, conjunction: bool) -> set[Condition]:
    """Without tests of a mapping that a test of something within it implies (in a disjunction: is implied by)."""
    tests = [part for part in parts if isinstance(part, Test)]
    inner = [test for test in tests if test.inside and test.missing is not conjunction]
    return parts - {test for test in tests if any(_is_around(test, one, conjunction=conjunction) for one in inner)}


def _is_around(test: Test, inner: Test, *, conjunction: bool) -> bool:
    """Whether a test says no more than that there is a mapping (or none) where the other looks inside."""
    deeper = inner.key == test.key and len(inner.inside) > len(test.inside)
    if not deeper or inner.inside[: len(test.inside)] != test.inside or test.via:
        return False
    if isinstance(test, Kind):
        return ("mapping" in test.kinds) is conjunction
    return (
        isinstance(test, OneOf) and not test.values and test.negated is conjunction and test.missing is not conjunction
    )


def _joined(parts: set[Condition], *, conjunction: bool) -> set[Condition] | None:
    """The parts with two that differ in one test of the same thing as one; None where there are none such."""
    kind = AnyOf if conjunction else AllOf
    found = [part for part in parts if isinstance(part, kind)]
    if len(found) > JOINED_MAX:
        return None
    for number, one in enumerate(found):
        for two in found[:number]:
            left, right = one.parts - two.parts, two.parts - one.parts
            if len(left) == len(right) == 1:
                united = _together((*left, *right), conjunction=conjunction)
                if isinstance(united, bool | Test):
                    whole = _together((*(one.parts & two.parts), united), conjunction=not conjunction)
                    return parts - {one, two} | {whole}
    return None


def _size(condition: Condition) -> int:
    return condition.size if isinstance(condition, AllOf | AnyOf) else 1


def _merged(parts: set[Condition], *, conjunction: bool) -> set[Condition]:
    """The parts with as few tests of each thing that is looked at as can be."""
    tests: dict[tuple[Subject, tuple[str, ...]], list[Test]] = {}
    merged: set[Condition] = set()
    for part in parts:
        if isinstance(part, bool | AllOf | AnyOf):
            merged.add(part)
        else:
            tests.setdefault((subject(part), part.via), []).append(part)
    for same in tests.values():
        merged |= _merged_tests(same, conjunction=conjunction) if len(same) > 1 else {_settled(same[0])}
    return merged


def _merged_tests(tests: Sequence[Test], *, conjunction: bool) -> set[Condition]:
    """Tests of one value as one of each kind, and what they say of rows without the value told once."""
    found: list[Test] = []
    for test in tests:
        for position, other in enumerate(found):
            together = _pair(other, test, conjunction=conjunction)
            if together is not None:
                if isinstance(together, bool):
                    if together is not conjunction:
                        return {together}
                    del found[position]
                else:
                    found[position] = together
                break
        else:
            found.append(test)
    missing = all(test.missing for test in found) if conjunction else any(test.missing for test in found)
    same = [replace(test, missing=missing) for test in found]
    for test in same:  # present or anything is present; absent and anything is absent
        if isinstance(test, OneOf) and not test.values and test.negated is not conjunction:
            return {_settled(test)}
    kept = [test for test in same if not (isinstance(test, OneOf) and not test.values and test.negated is conjunction)]
    if not kept:
        return {_settled(test) for test in same} or {conjunction}
    return {_settled(test) for test in kept}


def _pair(one: Test, two: Test, *, conjunction: bool) -> Test | bool | None:
    """Two tests of one value as one; None where they stay two."""
    if isinstance(one, OneOf) and isinstance(two, OneOf):
        return (_both if conjunction else _either)(one, two)
    if isinstance(one, Truthy) and isinstance(two, Truthy) and one.negated is not two.negated:
        missing = one.missing and two.missing if conjunction else one.missing or two.missing
        return OneOf(one.key, frozenset(), not conjunction, missing, one.inside, one.via)
    if isinstance(one, Text) and isinstance(two, Text) and conjunction and replace(two, negated=one.negated) == one:
        missing = one.missing and two.missing
        return None if one.negated is two.negated else OneOf(one.key, frozenset(), False, missing, one.inside, one.via)
    if isinstance(one, Kind) and isinstance(two, Kind):
        kinds = one.kinds & two.kinds if conjunction else one.kinds | two.kinds
        missing = one.missing and two.missing if conjunction else one.missing or two.missing
        return replace(one, kinds=kinds, missing=missing)
    return None


def _both(one: OneOf, two: OneOf) -> OneOf:
    if one.negated and two.negated:
        values = one.values | two.values
    elif one.negated or two.negated:
        yes, no = (two, one) if one.negated else (one, two)
        values = yes.values - no.values
    else:
        values = one.values & two.values
    return replace(one, values=values, negated=one.negated and two.negated, missing=one.missing and two.missing)


def _either(one: OneOf, two: OneOf) -> OneOf:
    if one.negated and two.negated:
        values = one.values & two.values
    elif one.negated or two.negated:
        yes, no = (two, one) if one.negated else (one, two)
        values = no.values - yes.values
    else:
        values = one.values | two.values
    return replace(one, values=values, negated=one.negated or two.negated, missing=one.missing or two.missing)


def _settled(test: Test) -> Condition:
    """True or False for a test that always says the same."""
    if isinstance(test, OneOf) and not test.values and test.negated is test.missing:
        return test.negated
    if isinstance(test, Kind) and not test.kinds:
        return absent(test.key, test.inside) if test.missing else False
    return test


def required(condition: Condition) -> dict[Subject, frozenset[Test]]:
    """Tests of one thing of which some must hold wherever the condition does; each of them holds on few rows."""
    match condition:
        case bool():
            return {}
        case AllOf(parts):
            return _narrowest(map(required, parts))
        case AnyOf(parts):
            found = list(map(required, parts))
            shared = set.intersection(*map(set, found))
            return {one: frozenset().union(*(each[one] for each in found)) for one in shared}
        case Truthy() | OneOf(negated=True) | Text(negated=True) | Asked(answer="false"):
            return {}
        case _:
            return {subject(condition): frozenset((condition,))}


def _narrowest(found: Iterable[dict[Subject, frozenset[Test]]]) -> dict[Subject, frozenset[Test]]:
    result: dict[Subject, frozenset[Test]] = {}
    for each in found:
        for one, tests in each.items():
            if one not in result or len(tests) < len(result[one]):
                result[one] = tests
    return result
