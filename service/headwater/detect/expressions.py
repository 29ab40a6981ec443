"""Match expressions of YAML detections and InlineFilters: read with every mistake told, compiled to plain functions.

An absent key counts as null. Negated conditions are the plain opposites, so they hold for absent keys. No condition
raises: values that cannot be compared do not meet it.
Source: https://docs.panther.com/detections/rules/yaml/match-expression
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from headwater.detect import operators
from headwater.detect.conditions import Condition, OneOf, Scalar, all_of, any_of
from headwater.detect.datamodel import TOKEN
from headwater.detect.event import PantherEvent
from headwater.yamlfile import Path

Getter = Callable[[Any], Any]  # event or list element → value, None where absent
Predicate = Callable[[Any], bool]
Complaint = tuple[Path, str]

COMBINATORS: Mapping[str, Callable[[Iterator[bool]], bool]] = MappingProxyType(
    {"All": all, "Any": any, "OnlyOne": lambda found: sum(found) == 1, "None": lambda found: not any(found)}
)
ELEMENTS: Mapping[str, str] = MappingProxyType(
    {"AllElements": "All", "AnyElement": "Any", "OnlyOneElement": "OnlyOne", "NoElement": "None"}
)
SPECIFIERS = ("Key", "DeepKey", "KeyPath", "Enrichment")
KEYS = frozenset((*SPECIFIERS, "Condition", "Value", "Values", "Expressions"))


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression. test: raises nothing. condition: holds for every row on which the test may be true."""

    test: Predicate
    condition: Condition = True


ALWAYS = Expression(lambda event: True, True)


def read(value: Any, at: Path) -> tuple[Expression, list[Complaint]]:
    """The conjunction of a list of expressions (or a single one), and what is wrong with it."""
    reader = _Reader()
    items = value if isinstance(value, list) else [value]
    parts = [reader.expression(item, (*at, index)) for index, item in enumerate(items)]
    return _combined("All", parts), reader.complaints


def read_getter(value: Any, at: Path) -> tuple[Getter, list[Complaint]]:
    """What a key specifier ({Key}, {DeepKey}, {KeyPath} or {Enrichment}) gives of an event."""
    reader = _Reader()
    return reader.getter(value, at), reader.complaints


def path_getter(path: str) -> Getter | None:
    """The value at a dotted path, with [0] and ["a.b"] where needed; None for text that is no path."""
    steps: list[str | int] = []
    position = 0
    for match in TOKEN.finditer(path):
        if match.start() != position or match["index"] == "*":
            return None
        position = match.end()
        steps.append(int(match["index"]) if match["index"] is not None else match["name"] or match["quoted"])
    return _steps_getter(steps) if steps and position == len(path) else None


class _Reader:
    def __init__(self) -> None:
        self.complaints: list[Complaint] = []

    def expression(self, value: Any, at: Path) -> Expression:
        if not isinstance(value, Mapping):
            return self._wrong(at, "must be a match expression: a mapping with Key and Condition, or All, Any, …")
        combinator = next((name for name in COMBINATORS if name in value), None)
        if combinator is not None:
            return self._combinator(combinator, value, at)
        for key in value:
            if key not in KEYS:
                self._wrong((*at, key), f"a match expression has no key {key!r}{_nearest(key, (*KEYS, *COMBINATORS))}")
        name = value.get("Condition")
        if name in ("AlwaysTrue", "AlwaysFalse"):
            return Expression(lambda event: name == "AlwaysTrue", name == "AlwaysTrue")
        if name in ELEMENTS:
            return self._elements(str(name), value, at)
        return self._scalar(name, value, at)

    def _combinator(self, name: str, value: Mapping[str, Any], at: Path) -> Expression:
        if len(value) > 1:
            return self._wrong(at, f"{name} stands alone; put the other keys into expressions of their own")
        items = value[name]
        if not isinstance(items, list):
            return self._wrong((*at, name), "must be a list of match expressions")
        return _combined(name, [self.expression(item, (*at, name, index)) for index, item in enumerate(items)])

    def _elements(self, name: str, value: Mapping[str, Any], at: Path) -> Expression:
        items = value.get("Expressions")
        if not isinstance(items, list) or not items:
            return self._wrong((*at, "Expressions"), f"{name} needs a list of match expressions")
        parts = [self.expression(item, (*at, "Expressions", index)) for index, item in enumerate(items)]
        get, test, decide = self.getter(value, at), _combined("All", parts).test, COMBINATORS[ELEMENTS[name]]

        def holds(event: Any) -> bool:
            found = get(event)
            if isinstance(found, str | Mapping) or not isinstance(found, Sequence):
                return name == "NoElement"
            return decide(test(element) for element in found)

        return Expression(holds)

    def _scalar(self, name: Any, value: Mapping[str, Any], at: Path) -> Expression:
        operator = operators.find(name) if isinstance(name, str) else None
        if operator is None:
            known = (*operators.NAMES, *ELEMENTS, "AlwaysTrue", "AlwaysFalse")
            told = (
                f"{name!r} is no condition{_nearest(name, known)}" if "Condition" in value else "Condition is missing"
            )
            return self._wrong((*at, "Condition"), told)
        if operator.operand == "none":
            get, check = self.getter(value, at), operator.test
            return Expression(lambda event: check(get(event), None))
        if _compares_keys(value):
            return self._two_keys(operator, value, at)
        key = "Values" if operator.operand == "list" else "Value"
        wanted = value.get(key)
        if key not in value or (key == "Values" and not isinstance(wanted, list)):
            return self._wrong((*at, key), f"{name} needs {key}" + (", a list" if key == "Values" else ""))
        if operator.check and (problem := operator.check(wanted)):
            return self._wrong((*at, key), problem)
        get, check = self.getter(value, at), operator.test
        return Expression(lambda event: check(get(event), wanted), _condition(operator.name, value, wanted))

    def _two_keys(self, operator: operators.Operator, value: Mapping[str, Any], at: Path) -> Expression:
        if len(value["Values"]) != 2:
            return self._wrong((*at, "Values"), "two keys are compared, not more nor less")
        left, right = (self.getter(item, (*at, "Values", index)) for index, item in enumerate(value["Values"]))
        return Expression(lambda event: operator.test(left(event), right(event)))

    def getter(self, value: Any, at: Path) -> Getter:
        found = [name for name in SPECIFIERS if isinstance(value, Mapping) and name in value]
        if not found:
            return lambda element: element  # inside a list comprehension: the element itself
        if len(found) > 1:
            self._wrong((*at, found[1]), f"only one of {', '.join(found)} may stand here")
        name, given = found[0], value[found[0]]
        made = {"Key": _key, "DeepKey": _deep_key, "KeyPath": _key_path, "Enrichment": _enrichment}[name](given)
        if made is None:
            self._wrong((*at, name), f"{given!r} is no {SHAPES[name]}")
        return made or (lambda element: None)

    def _wrong(self, at: Path, message: str) -> Expression:
        self.complaints.append((at, message))
        return ALWAYS


SHAPES: Mapping[str, str] = MappingProxyType(
    {
        "Key": "name of a key",
        "DeepKey": "list of keys",
        "KeyPath": "path such as a.b[0].c",
        "Enrichment": "{Table, Selector, FieldPath}",
    }
)


def _key(given: Any) -> Getter | None:
    return (lambda event: _child(event, given)) if isinstance(given, str) else None


def _deep_key(given: Any) -> Getter | None:
    if not isinstance(given, list) or not given or not all(isinstance(step, str | int) for step in given):
        return None
    return _steps_getter(given)


def _key_path(given: Any) -> Getter | None:
    return path_getter(given) if isinstance(given, str) else None


def _enrichment(given: Any) -> Getter | None:
    if not isinstance(given, Mapping) or not all(isinstance(given.get(key), str) for key in ("Table", "Selector")):
        return None
    field = path_getter(given["FieldPath"]) if isinstance(given.get("FieldPath"), str) else None
    if field is None:
        return None
    chosen, table, selector = field, given["Table"], given["Selector"]
    return lambda event: chosen(event.lookup(table, selector)) if isinstance(event, PantherEvent) else None


def _steps_getter(steps: Sequence[str | int]) -> Getter:
    def get(event: Any) -> Any:
        for step in steps:
            event = _child(event, step)
        return event

    return get


def _child(value: Any, step: str | int) -> Any:
    if isinstance(value, Mapping):
        return value.get(step)
    if isinstance(step, int) and isinstance(value, Sequence) and not isinstance(value, str):
        return value[step] if -len(value) <= step < len(value) else None
    return None


def _compares_keys(value: Mapping[str, Any]) -> bool:
    keys = value.get("Values")
    return not any(name in value for name in SPECIFIERS) and isinstance(keys, list) and any(map(_specifies, keys))


def _specifies(value: Any) -> bool:
    return isinstance(value, Mapping) and any(name in value for name in SPECIFIERS)


def _nearest(name: Any, known: Sequence[str]) -> str:
    found = difflib.get_close_matches(str(name), known, n=1)
    return f"; did you mean {found[0]}?" if found else ""


def _combined(name: str, parts: Sequence[Expression]) -> Expression:
    decide, tests = COMBINATORS[name], [part.test for part in parts]
    if len(tests) == 1 and name in ("All", "Any"):
        return parts[0]
    conditions = [part.condition for part in parts]
    condition: Condition = True
    if name == "All":
        condition = all_of(*conditions)
    elif name in ("Any", "OnlyOne"):
        condition = any_of(*conditions)
    return Expression(lambda event: decide(test(event) for test in tests), condition)


def _condition(name: str, value: Mapping[str, Any], wanted: Any) -> Condition:
    """Rows on which a comparison of a top-level key with constants can hold."""
    if name not in ("Equals", "IsIn") or not isinstance(value.get("Key"), str):
        return True
    values = wanted if name == "IsIn" else [wanted]
    if not all(isinstance(each, str | int | float | bool | None) for each in values):
        return True
    scalars: frozenset[Scalar] = frozenset(values)
    return OneOf(value["Key"], scalars - {None}, missing=None in scalars)
