"""A first version of a rule out of one event: its Python, its YAML with a firing and a silent test."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TELLING = ("eventName", "eventSource", "action", "operation", "eventType", "event_type", "type", "status", "name")
FIELDS_MAX = 2
VALUE_MAX = 80
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}\Z")


@dataclass(frozen=True, slots=True)
class Scaffold:
    """Two files. stem: their name without the ending."""

    stem: str
    python: str
    yaml: str


def scaffold(rule_id: str, log_type: str, event: Mapping[str, Any]) -> Scaffold:
    """The files of a rule that fires on events like this one. Raises: ValueError for an id that cannot be one."""
    if not ID.match(rule_id):
        raise ValueError(f"{rule_id!r} is no detection id: letters, digits, '.', '-' and '_'")
    stem = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", rule_id).lower()).strip("_")
    fields = tuple(_telling(event))
    return Scaffold(stem, _python(rule_id, fields), _yaml(rule_id, log_type, stem, event, fields))


def _telling(event: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The fields that say most of what happened; of an event without any of the usual names, its first short texts."""
    known = [(name, event[name]) for name in TELLING if _is_short(event.get(name))]
    others = [(name, value) for name, value in event.items() if not name.startswith("p_") and _is_short(value)]
    yield from (known or others)[:FIELDS_MAX]


def _is_short(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= VALUE_MAX


def _python(rule_id: str, fields: Sequence[tuple[str, Any]]) -> str:
    tests = " and ".join(f"event.get({json.dumps(name)}) == {json.dumps(value)}" for name, value in fields)
    shown = ", ".join(f"{name} {{event.get({name!r})}}" for name, _ in fields)
    title = f'f"{rule_id}: {shown}"' if fields else json.dumps(rule_id)
    return (
        f'"""{rule_id}: say here what it detects, and why that matters."""\n\n\n'
        f"def rule(event):\n    return {tests or 'False'}\n\n\n"
        f"def title(event):\n    return {title}\n\n\n"
        "def alert_context(event):\n"
        f"    return {{{', '.join(f'{json.dumps(name)}: event.get({json.dumps(name)})' for name, _ in fields)}}}\n"
    )


def _yaml(rule_id: str, log_type: str, stem: str, event: Mapping[str, Any], fields: Sequence[tuple[str, Any]]) -> str:
    name = fields[0][0] if fields else ""
    silent = {**event, name: "SomethingElse"} if name else event
    return f"""\
AnalysisType: rule
RuleID: {json.dumps(rule_id)}
DisplayName: {json.dumps(rule_id.replace(".", " "))}
Enabled: true
Filename: {stem}.py
LogTypes:
  - {log_type}
Severity: Medium
Description: What it detects, and why that matters.
Runbook: What to look at first, and what to do.
Tags: []
Tests:
  - Name: The event it was written for
    ExpectedResult: {"true" if fields else "false"}
    Log:
{_indented({**event, "p_log_type": log_type})}
  - Name: Another event
    ExpectedResult: false
    Log:
{_indented({**silent, "p_log_type": log_type})}
"""


def _indented(event: Mapping[str, Any]) -> str:
    """An event as YAML; JSON is YAML too, and can be pasted from anywhere."""
    lines = json.dumps(event, indent=2, ensure_ascii=False, default=str).splitlines()
    return "\n".join(f"      {line}" for line in lines)
