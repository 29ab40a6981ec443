"""Match expressions of YAML detections and InlineFilters: read with every mistake told, compiled to plain functions.

An absent key counts as null. Negated conditions are the plain opposites, so they hold for absent keys. No condition
raises: values that cannot be compared do not meet it.
Source: https://docs.panther.com/detections/rules/yaml/match-expression
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from headwater.detect import getters, operators
from headwater.detect.bounds import UNKNOWN, Bounds, bounds, of_list
from headwater.detect.conditions import Condition, all_of, any_of
from headwater.detect.getters import ITSELF, MAKERS, NOWHERE, SHAPES, Getter
from headwater.detect.operators import LISTS, Operator, Predicate
from headwater.yamlfile import Path

Complaint = tuple[Path, str]

COMBINATORS = ("All", "Any", "OnlyOne", "None")
ELEMENTS: Mapping[str, str] = MappingProxyType(
    {"AllElements": "All", "AnyElement": "Any", "OnlyOneElement": "OnlyOne", "NoElement": "None"}
)
OPERANDS = ("Value", "Values", "Expressions")
KEYS = frozenset((*MAKERS, *OPERANDS, "Condition"))


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression. test: raises nothing. bounds: the rows on which it may be true, and may be false."""

    test: Predicate
    bounds: Bounds = UNKNOWN

    @property
    def condition(self) -> Condition:
        """What holds for every row on which the expression may be true."""
        return self.bounds.true


ALWAYS = Expression(lambda event: True, Bounds(True, False))
NEVER = Expression(operators.never, Bounds(False, True))


def condition(expression: Expression) -> Condition:
    """What holds for every row on which an expression may be true."""
    return expression.condition


def read(value: Any, at: Path) -> tuple[Expression, list[Complaint]]:
    """The conjunction of a list of expressions (or a single one), and what is wrong with it."""
    reader = _Reader()
    items = value if isinstance(value, list) else [value]
    parts = [reader.expression(item, (*at, index)) for index, item in enumerate(items)]
    return _combined("All", parts), reader.complaints


def read_getter(value: Any, at: Path) -> tuple[Getter, list[Complaint]]:
    """What {Key}, {DeepKey}, {KeyPath} or {Enrichment} gives of an event, and what is wrong with it."""
    reader = _Reader()
    return reader.only_getter(value, at), reader.complaints


def nearest(name: Any, known: Collection[str]) -> str:
    """The known name that was meant, as the end of a sentence."""
    found = difflib.get_close_matches(str(name), known, n=1)
    return f"; did you mean {found[0]}?" if found else ""


class _Reader:
    """Collects complaints. element, everywhere: it is about an element of a list, not about the event."""

    def __init__(self) -> None:
        self.complaints: list[Complaint] = []

    def expression(self, value: Any, at: Path, *, element: bool = False) -> Expression:
        if not isinstance(value, Mapping):
            return self._wrong(at, "must be a match expression: a mapping with Key and Condition, or All, Any, …")
        combinator = next((name for name in COMBINATORS if name in value), None)
        if combinator is not None:
            return self._combinator(combinator, value, at, element)
        self._known_keys(value, (*KEYS, *COMBINATORS), at)
        name = value.get("Condition")
        if name in ("AlwaysTrue", "AlwaysFalse"):
            self._no_operand(str(name), value, at)
            return ALWAYS if name == "AlwaysTrue" else NEVER
        if isinstance(name, str) and name in ELEMENTS:
            return self._elements(name, value, at, element)
        operator = operators.find(name) if isinstance(name, str) else None
        if operator is None:
            return self._unknown(value, at)
        return self._operator(operator, value, at, element)

    def _combinator(self, name: str, value: Mapping[str, Any], at: Path, element: bool) -> Expression:
        if len(value) > 1:
            return self._wrong(at, f"{name} stands alone; put the other keys into expressions of their own")
        items = value[name]
        if not isinstance(items, list):
            return self._wrong((*at, name), "must be a list of match expressions")
        parts = [self.expression(item, (*at, name, index), element=element) for index, item in enumerate(items)]
        return _combined(name, parts)

    def _elements(self, name: str, value: Mapping[str, Any], at: Path, element: bool) -> Expression:
        self._no_operand(name, value, at, but="Expressions")
        items = value.get("Expressions")
        if not isinstance(items, list) or not items:
            return self._wrong((*at, "Expressions"), f"{name} needs a list of match expressions")
        parts = [self.expression(item, (*at, "Expressions", index), element=True) for index, item in enumerate(items)]
        found = self._getter(value, at, element)
        if name == "NoElement":
            return Expression(_no_element(found, parts))
        return Expression(_some_elements(name, found, parts), of_list(found.place) if found.place else UNKNOWN)

    def _operator(self, operator: Operator, value: Mapping[str, Any], at: Path, element: bool) -> Expression:
        if operator.operand == "none":
            self._no_operand(operator.name, value, at)
            return _compared(operator, self._getter(value, at, element), None)
        if _compares_keys(value):
            return self._two_keys(operator, value["Values"], at)
        key = "Values" if operator.operand == "list" else "Value"
        self._no_operand(operator.name, value, at, but=key)
        operand = value.get(key)
        if key not in value or (key == "Values" and not isinstance(operand, list)):
            return self._wrong((*at, key), f"{operator.name} needs {key}" + (", a list" if key == "Values" else ""))
        if problem := operator.check(operand):
            return self._wrong((*at, key), problem)
        return _compared(operator, self._getter(value, at, element), operand)

    def _two_keys(self, operator: Operator, keys: Sequence[Any], at: Path) -> Expression:
        if len(keys) != 2:
            return self._wrong((*at, "Values"), "two keys are compared, not more nor less")
        left, right = (self.only_getter(item, (*at, "Values", index)).get for index, item in enumerate(keys))
        make = operator.make
        return Expression(lambda event: make(right(event))(left(event)))

    def only_getter(self, value: Any, at: Path) -> Getter:
        """That of a mapping in which nothing but a key specifier stands."""
        if not isinstance(value, Mapping):
            self._wrong(at, "must be {Key}, {DeepKey}, {KeyPath} or {Enrichment}")
            return NOWHERE
        self._known_keys(value, MAKERS, at)
        return self._getter(value, at, element=False)

    def _getter(self, value: Mapping[str, Any], at: Path, element: bool) -> Getter:
        found = [name for name in MAKERS if name in value]
        if not found:
            if not element and KEYS.issuperset(value):  # else it is misspelt, which is told
                self._wrong(at, "Key, DeepKey, KeyPath or Enrichment must stand here")
            return ITSELF if element else NOWHERE
        if len(found) > 1:
            self._wrong((*at, found[1]), f"only one of {', '.join(found)} may stand here")
        name, given = found[0], value[found[0]]
        if element and name == "Enrichment":
            self._wrong((*at, name), "belongs to the event; an element of a list has none")
        made = getters.getter(name, given)
        if made is None:
            self._wrong((*at, name), f"{given!r} is no {SHAPES[name]}")
        return made or NOWHERE

    def _known_keys(self, value: Mapping[str, Any], known: Collection[str], at: Path) -> None:
        for key in value:
            if key not in known:
                self._wrong((*at, key), f"there is no key {key!r} here{nearest(key, known)}")

    def _no_operand(self, name: str, value: Mapping[str, Any], at: Path, but: str = "") -> None:
        for key in OPERANDS:
            if key in value and key != but:
                self._wrong((*at, key), f"{name} takes no {key}" + (f", it takes {but}" if but else ""))

    def _unknown(self, value: Mapping[str, Any], at: Path) -> Expression:
        if "Condition" not in value:
            return self._wrong((*at, "Condition"), "Condition is missing")
        name = value["Condition"]
        known = (*operators.NAMES, *ELEMENTS, "AlwaysTrue", "AlwaysFalse")
        return self._wrong((*at, "Condition"), f"{name!r} is no condition{nearest(name, known)}")

    def _wrong(self, at: Path, message: str) -> Expression:
        self.complaints.append((at, message))
        return ALWAYS


def _compares_keys(value: Mapping[str, Any]) -> bool:
    keys = value.get("Values")
    if any(name in value for name in MAKERS) or not isinstance(keys, list):
        return False
    return any(isinstance(key, Mapping) and any(name in key for name in MAKERS) for key in keys)


def _compared(operator: Operator, found: Getter, operand: Any) -> Expression:
    get, test = found.get, operator.make(operand)
    known = bounds(operator, operand, found.place) if found.place else UNKNOWN
    return Expression(lambda event: test(get(event)), known)


def _some_elements(name: str, found: Getter, parts: Sequence[Expression]) -> Predicate:
    get, test, decide = found.get, _combined("All", parts).test, DECIDE[ELEMENTS[name]]

    def holds(event: Any) -> bool:
        elements = get(event)
        return isinstance(elements, LISTS) and decide(test, elements)

    return holds


def _no_element(found: Getter, parts: Sequence[Expression]) -> Predicate:
    some = _some_elements("AnyElement", found, parts)
    return lambda event: not some(event)


DECIDE: Mapping[str, Callable[[Predicate, Sequence[Any]], bool]] = MappingProxyType(
    {
        "All": lambda test, elements: all(map(test, elements)),
        "Any": lambda test, elements: any(map(test, elements)),
        "OnlyOne": lambda test, elements: sum(map(test, elements)) == 1,
    }
)


def _combined(name: str, parts: Sequence[Expression]) -> Expression:
    if len(parts) == 1 and name != "None":
        return parts[0]
    if name == "None":
        some = _combined("Any", parts)
        return Expression(lambda event: not some.test(event), some.bounds.negated)
    tests = tuple(part.test for part in parts)
    true, false = [part.bounds.true for part in parts], [part.bounds.false for part in parts]
    if name == "All":
        return Expression(_until(False, tests), Bounds(all_of(*true), any_of(*false)))
    if name == "Any":
        return Expression(_until(True, tests), Bounds(any_of(*true), all_of(*false)))
    return Expression(lambda event: sum(test(event) for test in tests) == 1, Bounds(any_of(*true), True))


def _until(found: bool, tests: Sequence[Predicate]) -> Predicate:
    """Asks until one test gives `found`."""

    def holds(event: Any) -> bool:
        for test in tests:
            if test(event) is found:
                return found
        return not found

    return holds
