"""Detections written in YAML alone, as modules with the functions that Python detections have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

from headwater.detect import expressions
from headwater.detect.expressions import ALWAYS, Expression, Getter

FIELD = re.compile(r"\{([^{}]+)\}")
SEVERITIES = ("INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL")
Complaint = expressions.Complaint
NO_FILTERS: tuple[Any, ...] = (None, [], [{"All": []}])


def complaints(data: Mapping[str, Any]) -> Iterator[Complaint]:
    """What is wrong with the expressions of a rule: Detection, InlineFilters and the keys that only YAML rules have."""
    if isinstance(data.get("Detection"), list):
        yield from expressions.read(data["Detection"], ("Detection",))[1]
    elif data.get("Detection") is not None:
        yield ("Detection",), "must be a list of match expressions"
    if data.get("InlineFilters") is not None:
        yield from expressions.read(data["InlineFilters"], ("InlineFilters",))[1]
    for index, entry in enumerate(_list(data.get("AlertContext"))):
        yield from _context(entry, index)[2]
    for index, entry in enumerate(_list(data.get("GroupBy"))):
        yield from expressions.read_getter(entry, ("GroupBy", index))[1]
    for index, entry in enumerate(_list(data.get("DynamicSeverities"))):
        yield from _severity(entry, index)[2]
    for name in FIELD.findall(str(data.get("AlertTitle") or "")):
        if expressions.path_getter(name) is None:
            yield ("AlertTitle",), f"{{{name}}} is no path such as {{user.name}}"


def inline_filter(data: Mapping[str, Any]) -> Expression | None:
    """The InlineFilters of a rule; None without any."""
    if data.get("InlineFilters") in NO_FILTERS:
        return None
    return expressions.read(data["InlineFilters"], ("InlineFilters",))[0]


def detection(data: Mapping[str, Any]) -> Expression:
    """The match expression of a YAML rule."""
    return expressions.read(data.get("Detection") or [], ("Detection",))[0]


def make_module(name: str, matcher: str, data: Mapping[str, Any]) -> ModuleType:
    """A module whose matcher is the Detection, with title, dedup, context and severity as the YAML says."""
    module = ModuleType(name)
    test = detection(data).test
    setattr(module, matcher, lambda event: bool(test(event)))
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


def _title(template: Any) -> Any:
    if not template:
        return None
    getters = {name: expressions.path_getter(name) for name in FIELD.findall(template)}

    def shown(event: Any, name: str) -> str:
        get = getters[name]
        value = get(event) if get else None
        return f"<{name} not found>" if value is None else str(value)

    return lambda event: FIELD.sub(lambda found: shown(event, found[1]), template)


def _dedup(entries: Sequence[Any]) -> Any:
    getters = [expressions.read_getter(entry, ())[0] for entry in entries]
    return (lambda event: ":".join(str(get(event)) for get in getters)) if getters else None


def _alert_context(entries: Sequence[Any]) -> Any:
    pairs = [_context(entry, index)[:2] for index, entry in enumerate(entries)]
    return (lambda event: {name: get(event) for name, get in pairs}) if pairs else None


def _context(entry: Any, index: int) -> tuple[str, Getter, list[Complaint]]:
    at = ("AlertContext", index)
    if not isinstance(entry, Mapping) or not isinstance(entry.get("KeyName"), str):
        return "", lambda event: None, [(at, "must be {KeyName, KeyValue: {Key | DeepKey | KeyPath}}")]
    get, wrong = expressions.read_getter(entry.get("KeyValue"), (*at, "KeyValue"))
    if not isinstance(entry.get("KeyValue"), Mapping):
        wrong = [((*at, "KeyValue"), "must be {Key}, {DeepKey}, {KeyPath} or {Enrichment}")]
    return entry["KeyName"], get, wrong


def _dynamic_severity(entries: Sequence[Any]) -> Any:
    changes = [_severity(entry, index)[:2] for index, entry in enumerate(entries)]
    if not changes:
        return None
    return lambda event: next((to for to, expression in changes if expression.test(event)), "DEFAULT")


def _severity(entry: Any, index: int) -> tuple[str, Expression, list[Complaint]]:
    at = ("DynamicSeverities", index)
    if not isinstance(entry, Mapping) or str(entry.get("ChangeTo")).upper() not in SEVERITIES:
        return "DEFAULT", ALWAYS, [(at, "must be {ChangeTo: Info|Low|Medium|High|Critical, Conditions: […]}")]
    expression, wrong = expressions.read(entry.get("Conditions"), (*at, "Conditions"))
    return str(entry["ChangeTo"]).upper(), expression, wrong
