"""IAM decisions for tests: does a policy document let this request through?

Written for the documents we ship, apart from the local AWS's own evaluator, so that neither checks itself.
Source: IAM user guide, "Policy evaluation logic" and "Condition operators".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

Document = Mapping[str, Any]
Atom = tuple[str, str, str, str, frozenset[tuple[str, str, str]]]


@dataclass(frozen=True)
class Request:
    """One call. principal: ARN of the calling role, or the name of a service; context: condition keys."""

    action: str
    resource: str
    principal: str = ""
    context: Mapping[str, str] = field(default_factory=dict)


def is_allowed(document: Document, request: Request) -> bool:
    """Whether some statement allows the request and none denies it."""
    effects = {s["Effect"] for s in listed(document["Statement"]) if _matches(s, request)}
    return "Allow" in effects and "Deny" not in effects


def atoms(document: Document, *, effect: str = "Allow") -> set[Atom]:
    """The document cut into (effect, principal, action, resource, conditions), one value each.

    Two documents with equal atoms allow the same requests, however their statements are grouped.
    """
    found: set[Atom] = set()
    for statement in listed(document["Statement"]):
        if statement["Effect"] != effect:
            continue
        parts = (_principals(statement), listed(statement["Action"]), listed(statement.get("Resource", "*")))
        for principal, action, resource in product(*parts):
            found |= {
                (effect, principal, action, resource, conditions)
                for conditions in _condition_choices(statement.get("Condition", {}))
            }
    return found


def listed(value: Any) -> list[Any]:
    """A policy's single values and lists alike, as a list."""
    return list(value) if isinstance(value, list | tuple) else [value]


def _matches(statement: Document, request: Request) -> bool:
    return (
        any(_glob(pattern.lower(), request.action.lower()) for pattern in listed(statement["Action"]))
        and any(_glob(pattern, request.resource) for pattern in listed(statement.get("Resource", request.resource)))
        and _principal_matches(statement, request.principal)
        and all(
            _condition(operator, key, listed(values), request.context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def _principal_matches(statement: Document, principal: str) -> bool:
    if "Principal" not in statement:
        return True
    names = _principals(statement)
    if "*" in names or principal in names:
        return True
    account = principal.split(":")[4] if principal.startswith("arn:") else None
    return any(re.fullmatch(rf"(arn:aws[a-z-]*:iam::)?{account}(:root)?", name) for name in names)


def _principals(statement: Document) -> list[str]:
    named = statement.get("Principal", "")
    values: Iterable[Any] = named.values() if isinstance(named, Mapping) else [named]
    return [name for value in values for name in listed(value)]


def _condition(operator: str, key: str, values: Sequence[str], context: Mapping[str, str]) -> bool:
    actual = {name.lower(): value for name, value in context.items()}.get(key.lower())
    if operator == "Null":
        return (actual is None) == (_text(values[0]) == "true")
    if operator == "StringNotEqualsIfExists":
        return actual not in values
    return actual is not None and any(OPERATORS[operator](_text(value), actual) for value in values)


def _condition_choices(conditions: Mapping[str, Mapping[str, Any]]) -> set[frozenset[tuple[str, str, str]]]:
    """Several values of one key are alternatives: one choice of a value per key each."""
    keys = [(operator, key, listed(values)) for operator, pair in conditions.items() for key, values in pair.items()]
    choices = product(*([(operator, key, _text(value)) for value in values] for operator, key, values in keys))
    return {frozenset(choice) for choice in choices}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _glob(pattern: str, text: str) -> bool:
    parts = (".*" if char == "*" else "." if char == "?" else re.escape(char) for char in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def _arn(pattern: str, text: str) -> bool:
    expected, actual = pattern.split(":", 5), text.split(":", 5)
    return len(expected) == len(actual) == 6 and all(map(_glob, expected, actual))


OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda expected, actual: expected == actual,
    "StringLike": _glob,
    "ArnEquals": _arn,  # ArnEquals takes wildcards exactly as ArnLike does
    "ArnLike": _arn,
    "Bool": lambda expected, actual: expected.lower() == actual.lower(),
}
