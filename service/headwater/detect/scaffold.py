"""A first version of a rule out of one event: its Python, its YAML with a firing and a silent test."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headwater.schema.yamltext import yaml_text

Path = tuple[str, ...]
Fields = Sequence[tuple[Path, Any]]

# What says most of what happened, by log type and by habit; the first two that an event has are compared.
TELLING = (
    *("eventSource", "eventName", "detail-type", "verb", "objectRef.resource", "operation", "query_name"),
    *("terminatingRuleId", "dstPort", "changeType", "resourceType", "requestUrl", "elbStatusCode"),
    *("action", "event_type", "eventType", "type", "httpstatus", "status", "name"),
)
ACTORS = (
    *("userIdentity.arn", "userIdentity.userName", "userIdentity.invokedBy", "user.username", "requester"),
    *("srcAddr", "srcaddr", "clientIp", "httpRequest.clientIp", "sourceIPAddress"),
)
FIELDS_MAX = 2
VALUE_MAX = 80
KEPT = ("p_log_type", "p_event_time")  # of the standard columns: the others are made anew for every row
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}\Z")
OTHER = "SomethingElse"


@dataclass(frozen=True, slots=True)
class Scaffold:
    """Two files. stem: their name without the ending."""

    stem: str
    python: str
    yaml: str


def scaffold(rule_id: str, log_type: str, event: Mapping[str, Any]) -> Scaffold:
    """The files of a rule that fires on events like this one.

    Raises: ValueError for an id that cannot be one, and for an event that has nothing to compare.
    """
    if not ID.match(rule_id):
        raise ValueError(f"{rule_id!r} is no detection id: letters, digits, '.', '-' and '_'")
    kept = {name: value for name, value in event.items() if not name.startswith("p_") or name in KEPT}
    kept["p_log_type"] = log_type
    fields = tuple(_telling(kept))
    if not fields:
        raise ValueError("the event has no field with a short text or number to begin with")
    stem = re.sub(r"[^a-z0-9]+", "_", "_".join(_words(rule_id)).lower()).strip("_")
    return Scaffold(stem, _python(rule_id, kept, fields), _yaml(rule_id, log_type, stem, kept, fields))


def _telling(event: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """The fields that say most of what happened; of an event without any of the usual names, its first short ones."""
    paths = [tuple(name.split(".")) for name in TELLING]
    known = [(path, _at(event, path)) for path in paths if _is_short(_at(event, path))]
    others = [((name,), value) for name, value in event.items() if not name.startswith("p_") and _is_short(value)]
    yield from (known or others)[:FIELDS_MAX]


def _at(event: Mapping[str, Any], path: Path) -> Any:
    value: Any = event
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _is_short(value: Any) -> bool:
    if isinstance(value, str):
        return 0 < len(value) <= VALUE_MAX and value.isprintable()
    return isinstance(value, int) and not isinstance(value, bool)


def _python(rule_id: str, event: Mapping[str, Any], fields: Fields) -> str:
    tests = " and ".join(f"{_get(path)} == {_literal(value)}" for path, value in fields)
    actor = next((path for path in (tuple(name.split(".")) for name in ACTORS) if _is_short(_at(event, path))), None)
    who = f'    who = {_get(actor)} or "somebody"\n' if actor else ""
    told = _display_name(rule_id)
    title = f'{who}    return f"{told} by {{who}}"' if actor else f'    return "{told}"'
    context = "".join(f"        {_literal(path[-1])}: {_get(path)},\n" for path, _ in fields)
    return (
        f'"""{told}: say here why that matters."""\n\n\n'
        f"def rule(event):\n    return {tests}\n\n\n"
        f"def title(event):\n{title}\n\n\n"
        f"def alert_context(event):\n    return {{\n{context}    }}\n"
    )


def _get(path: Path) -> str:
    return f"event.{'get' if len(path) == 1 else 'deep_get'}({', '.join(map(_literal, path))})"


def _literal(value: Any) -> str:
    """A text or whole number as Python; JSON writes both alike, with the quotes that formatters want."""
    return json.dumps(value, ensure_ascii=False)


def _words(rule_id: str) -> list[str]:
    """The words of an id: at dots, at underscores, and where capitals begin."""
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[A-Z]", rule_id)


def _display_name(rule_id: str) -> str:
    words = _words(rule_id.rpartition(".")[2]) or [rule_id]
    return " ".join([words[0], *(word if word.isupper() else word.lower() for word in words[1:])])


def _yaml(rule_id: str, log_type: str, stem: str, event: Mapping[str, Any], fields: Fields) -> str:
    head = {
        "AnalysisType": "rule",
        "RuleID": rule_id,
        "DisplayName": _display_name(rule_id),
        "Enabled": True,
        "Filename": f"{stem}.py",
        "LogTypes": [log_type],
        "Severity": "Medium",
        "Description": "What it detects, and why that matters.",
        "Runbook": "What to look at first, and what to do.",
        "DedupPeriodMinutes": 60,
        "Threshold": 1,
        "Tests": [
            {"Name": "The event it was written for", "ExpectedResult": True, "Log": event},
            {"Name": "Another event", "ExpectedResult": False, "Log": _other(event, *fields[-1])},
        ],
    }
    return yaml_text(head)


def _other(event: Mapping[str, Any], path: Path, value: Any) -> Mapping[str, Any]:
    """The event with another value in one place."""
    made: dict[str, Any] = copy.deepcopy(dict(event))
    inner = made
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = OTHER if isinstance(value, str) else value + 1
    return made
