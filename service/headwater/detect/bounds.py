"""On which rows of a table a condition of a match expression may hold, and on which it may not.

Only for values that stand at a path of keys. What is not known is True: every row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from headwater.detect.conditions import KINDS, Condition, Kind, OneOf, Text, absent, any_of, present
from headwater.detect.operators import Operator, fold

Via = tuple[str, ...]
FOLDED: Via = ("casefold",)
CONTAINERS = frozenset(("mapping", "list"))
NOT_TEXT = KINDS - {"text"}


@dataclass(frozen=True, slots=True)
class Bounds:
    """The rows where an expression may be true, and those where it may be false."""

    true: Condition = True
    false: Condition = True

    @property
    def negated(self) -> Bounds:
        """Those of the opposite."""
        return Bounds(self.false, self.true)


UNKNOWN = Bounds()


@dataclass(frozen=True, slots=True)
class Place:
    """A key of the row and the path of keys inside its value."""

    key: str
    inside: tuple[str, ...] = ()

    def one_of(
        self, values: Sequence[Any], via: Via = (), *, negated: bool = False, missing: bool = False
    ) -> Condition:
        """The rows where the value is one of these scalars (with negated: none)."""
        return OneOf(self.key, frozenset(values), negated, missing, self.inside, via)

    def kind(self, kinds: frozenset[str]) -> Condition:
        """The rows where the value is of one of these kinds."""
        return Kind(self.key, kinds, inside=self.inside)


def bounds(operator: Operator, operand: Any, place: Place) -> Bounds:
    """Those of a condition on the value at a place."""
    given = fold(operand) if operator.folded else operand
    found = OF_BASE[operator.base](place, given, FOLDED if operator.folded else ())
    return found.negated if operator.negated else found


def of_list(place: Place) -> Bounds:
    """Those of something that holds for lists alone."""
    return Bounds(place.kind(frozenset(("list",))), True)


def _equals(place: Place, operand: Any, via: Via) -> Bounds:
    return _is_in(place, [operand], via)


def _is_in(place: Place, operands: Any, via: Via) -> Bounds:
    texts = [each for each in operands if isinstance(each, str)]
    scalars = [each for each in operands if isinstance(each, int | float)]
    others = [each for each in operands if not isinstance(each, str | int | float | None)]
    null = None in operands
    true = any_of(
        place.one_of(texts, via),
        place.one_of(scalars, missing=null),
        place.kind(CONTAINERS) if others else False,
    )
    # Numbers are left out of the opposite, which would be too narrow with them: to OneOf, 1 is true.
    differs = place.one_of(texts, via, negated=True, missing=not null)
    return Bounds(true, any_of(differs, place.kind(NOT_TEXT) if via else False))


def _text(how: Literal["startswith", "endswith", "contains"]) -> Callable[[Place, Any, Via], Bounds]:
    def made(place: Place, operand: Any, via: Via) -> Bounds:
        in_container = place.kind(CONTAINERS) if how == "contains" else False
        if not isinstance(operand, str):
            return Bounds(in_container, True)
        texts = frozenset((operand,))
        held = Text(place.key, how, texts, inside=place.inside, via=via)
        missed = Text(place.key, how, texts, negated=True, missing=True, inside=place.inside, via=via)
        return Bounds(any_of(held, in_container), any_of(missed, place.kind(NOT_TEXT)))

    return made


def _ordered(place: Place, operand: Any, _via: Via) -> Bounds:
    kinds = ("text",) if isinstance(operand, str) else ("int", "float")
    return Bounds(place.kind(frozenset(kinds)), True)


def _is_null(place: Place, _operand: Any, _via: Via) -> Bounds:
    return Bounds(absent(place.key, place.inside), present(place.key, place.inside))


def _is_null_or_empty(place: Place, _operand: Any, _via: Via) -> Bounds:
    empty = any_of(place.one_of([""], missing=True), place.kind(CONTAINERS))
    return Bounds(empty, place.one_of([""], negated=True))


def _address(place: Place, _operand: Any, _via: Via) -> Bounds:
    return Bounds(place.kind(frozenset(("text",))), True)


OF_BASE: Mapping[str, Callable[[Place, Any, Via], Bounds]] = MappingProxyType(
    {
        "Equals": _equals,
        "IsIn": _is_in,
        "StartsWith": _text("startswith"),
        "EndsWith": _text("endswith"),
        "Contains": _text("contains"),
        "IsGreaterThan": _ordered,
        "IsNull": _is_null,
        "IsNullOrEmpty": _is_null_or_empty,
        "IsIPAddress": _address,
    }
)
