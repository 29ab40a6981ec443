"""Detections written in YAML alone, as modules with the functions that Python detections have."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

from headwater.detect import expressions
from headwater.detect.expressions import ALWAYS, Complaint, Expression
from headwater.detect.getters import NOWHERE, Getter, path_getter
from headwater.yamlfile import Path

FIELD = re.compile(r"\{([^{}]+)\}")
SEVERITIES = ("INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL")
NO_FILTERS: tuple[Any, ...] = (None, [], [{"All": []}])


def complaints(data: Mapping[str, Any]) -> Iterator[Complaint]:
    """What is wrong with the expressions of a rule: Detection, InlineFilters and the keys that only YAML rules have."""
    for key in ("Detection", "InlineFilters"):
        if isinstance(data.get(key), list):
            yield from expressions.read(data[key], (key,))[1]
    if data.get("Detection") == [] and "Filename" not in data:
        yield ("Detection",), "must not be empty: it would match every row; to mean that, write {Condition: AlwaysTrue}"
    for index, entry in enumerate(_list(data.get("AlertContext"))):
        yield from _context(entry, index)[2]
    for index, entry in enumerate(_list(data.get("GroupBy"))):
        yield from expressions.read_getter(entry, ("GroupBy", index))[1]
    for index, entry in enumerate(_list(data.get("DynamicSeverities"))):
        yield from _severity(entry, index)[2]
    if "Filename" not in data:
        yield from _title_complaints(data.get("AlertTitle"))


def inline_filter(data: Mapping[str, Any]) -> Expression | None:
    """The InlineFilters of a rule; None without any."""
    if data.get("InlineFilters") in NO_FILTERS:
        return None
    return expressions.read(data["InlineFilters"], ("InlineFilters",))[0]


def detection(data: Mapping[str, Any]) -> Expression:
    """The match expression of a YAML rule."""
    return expressions.read(data.get("Detection") or [], ("Detection",))[0]


def make_module(name: str, matcher: str, test: Callable[[Any], bool], data: Mapping[str, Any]) -> ModuleType:
    """A module with this matcher, and title, dedup, context and severity as the YAML says."""
    module = ModuleType(name)
    setattr(module, matcher, test)
    functions = {
        "title": _title(data.get("AlertTitle")),
        "dedup": _dedup(_list(data.get("GroupBy"))),
        "alert_context": _alert_context(_list(data.get("AlertContext"))),
        "severity": _dynamic_severity(_list(data.get("DynamicSeverities"))),
    }
    vars(module).update({key: function for key, function in functions.items() if function})
    return module


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else []


def _title_complaints(template: Any) -> Iterator[Complaint]:
    for name in FIELD.findall(template) if isinstance(template, str) else ():
        if path_getter(name) is None:
            yield ("AlertTitle",), f"{{{name}}} is no path such as {{user.name}}"


def _title(template: Any) -> Any:
    if not template:
        return None
    gets = {name: (path_getter(name) or NOWHERE).get for name in FIELD.findall(template)}

    def shown(event: Any, name: str) -> str:
        value = gets[name](event)
        return f"<{name} not found>" if value is None else str(value)

    return lambda event: FIELD.sub(lambda found: shown(event, found[1]), template)


def _dedup(entries: Sequence[Any]) -> Any:
    gets = [expressions.read_getter(entry, ())[0].get for entry in entries]
    return (lambda event: ":".join(str(get(event)) for get in gets)) if gets else None


def _alert_context(entries: Sequence[Any]) -> Any:
    named = [_context(entry, index)[:2] for index, entry in enumerate(entries)]
    return (lambda event: {name: found.get(event) for name, found in named}) if named else None


def _context(entry: Any, index: int) -> tuple[str, Getter, list[Complaint]]:
    at = ("AlertContext", index)
    if not isinstance(entry, Mapping) or not isinstance(entry.get("KeyName"), str):
        return "", NOWHERE, [(at, "must be {KeyName, KeyValue: {Key | DeepKey | KeyPath | Enrichment}}")]
    found, wrong = expressions.read_getter(entry.get("KeyValue"), (*at, "KeyValue"))
    return entry["KeyName"], found, [*wrong, *_unknown(entry, ("KeyName", "KeyValue"), at)]


def _dynamic_severity(entries: Sequence[Any]) -> Any:
    changes = [_severity(entry, index)[:2] for index, entry in enumerate(entries)]
    if not changes:
        return None
    return lambda event: next((to for to, expression in changes if expression.test(event)), "DEFAULT")


def _severity(entry: Any, index: int) -> tuple[str, Expression, list[Complaint]]:
    at = ("DynamicSeverities", index)
    if not isinstance(entry, Mapping) or str(entry.get("ChangeTo")).upper() not in SEVERITIES:
        return "DEFAULT", ALWAYS, [(at, "must be {ChangeTo: Info|Low|Medium|High|Critical, Conditions: […]}")]
    wrong = list(_unknown(entry, ("ChangeTo", "Conditions"), at))
    if not isinstance(entry.get("Conditions"), list) or not entry["Conditions"]:
        return "DEFAULT", ALWAYS, [*wrong, ((*at, "Conditions"), "must be a list of match expressions")]
    expression, told = expressions.read(entry["Conditions"], (*at, "Conditions"))
    return str(entry["ChangeTo"]).upper(), expression, [*wrong, *told]


def _unknown(entry: Mapping[str, Any], known: tuple[str, ...], at: Path) -> Iterator[Complaint]:
    for key in entry:
        if key not in known:
            yield (*at, key), f"there is no key {key!r} here{expressions.nearest(key, known)}"
