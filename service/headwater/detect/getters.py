"""Where match expressions look: a key, a path of keys or a row of enrichment, as functions of the event."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from headwater.detect.bounds import Place
from headwater.detect.datamodel import TOKEN
from headwater.detect.event import PantherEvent
from headwater.detect.operators import LISTS, MAPPINGS

Steps = Sequence[str | int]


@dataclass(frozen=True, slots=True)
class Getter:
    """get: event or element of a list → value, None where it is absent. place: where that is in a row, if it is one."""

    get: Callable[[Any], Any]
    place: Place | None = None


ITSELF = Getter(lambda element: element)
NOWHERE = Getter(lambda element: None)


def getter(specifier: str, given: Any) -> Getter | None:
    """What a key specifier gives; None where `given` is not of its shape."""
    return MAKERS[specifier](given)


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


def _key(given: Any) -> Getter | None:
    return _steps_getter([given]) if isinstance(given, str) and given else None


def _deep_key(given: Any) -> Getter | None:
    is_path = isinstance(given, list) and given and all(type(step) in (str, int) for step in given)
    return _steps_getter(given) if is_path else None


def _key_path(given: Any) -> Getter | None:
    return path_getter(given) if isinstance(given, str) else None


def _enrichment(given: Any) -> Getter | None:
    texts = ("Table", "Selector", "FieldPath")
    if (
        not isinstance(given, Mapping)
        or set(given) != set(texts)
        or not all(isinstance(given[key], str) for key in texts)
    ):
        return None
    field = path_getter(given["FieldPath"])
    if field is None:
        return None
    get, table, selector = field.get, given["Table"], given["Selector"]
    return Getter(lambda event: get(event.lookup(table, selector)) if isinstance(event, PantherEvent) else None)


def _steps_getter(steps: Steps) -> Getter:
    keys = tuple(step for step in steps if isinstance(step, str))
    place = Place(keys[0], keys[1:]) if len(keys) == len(steps) else None
    if len(steps) == 1:
        first = steps[0]
        return Getter(lambda event: _child(event, first), place)

    def get(event: Any) -> Any:
        for step in steps:
            event = _child(event, step)
        return event

    return Getter(get, place)


def _child(value: Any, step: str | int) -> Any:
    if isinstance(step, str):
        return value.get(step) if isinstance(value, MAPPINGS) else None
    if isinstance(value, LISTS) and -len(value) <= step < len(value):
        return value[step]
    return None


MAKERS: Mapping[str, Callable[[Any], Getter | None]] = MappingProxyType(
    {"Key": _key, "DeepKey": _deep_key, "KeyPath": _key_path, "Enrichment": _enrichment}
)
SHAPES: Mapping[str, str] = MappingProxyType(
    {
        "Key": "name of a key",
        "DeepKey": "list of keys",
        "KeyPath": "path such as a.b[0].c",
        "Enrichment": "{Table, Selector, FieldPath}",
    }
)
