"""IAM decisions: what trust policies, identity policies, bucket, key, queue, topic and bus policies say.

Covers what such documents use: Action/NotAction, Resource/NotResource, Principal, the condition operators below with
IfExists and ForAnyValue/ForAllValues, explicit Deny, and delegation to an account by its root principal.
Source: AWS IAM user guide, "Policy evaluation logic" and "IAM JSON policy elements: Condition operators".
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from headwater.errors import OnboardError

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: an assumed role's session (with the ARN of its role, path included) or an AWS service."""

    account_id: str = ""
    role_arn: str = ""
    session_arn: str = ""
    service: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One API call to decide on; context holds the condition keys that are present, names in any case."""

    principal: Principal
    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


class Decision(Enum):
    """What one document says. ALLOW_ACCOUNT: to the principal's account, whose own policies decide further."""

    DENY = "deny"
    ALLOW = "allow"
    ALLOW_ACCOUNT = "allow_account"
    NEUTRAL = "neutral"


def allowed(request: Request, identity: Sequence[Document], resource: Document | None, *, owner: str) -> bool:
    """Whether a call on a resource owned by account `owner` succeeds: the identity and the resource policies together.

    Within one account either side suffices; across accounts both must allow.
    """
    decisions = [evaluate(document, request) for document in identity]
    theirs = evaluate(resource, request, with_principal=True) if resource else Decision.NEUTRAL
    if Decision.DENY in (*decisions, theirs):
        return False
    ours = Decision.ALLOW in decisions
    if request.principal.account_id == owner:
        return ours or theirs is Decision.ALLOW
    return ours and theirs is not Decision.NEUTRAL


def allowed_by_key_or_trust(request: Request, identity: Sequence[Document], resource: Document, *, owner: str) -> bool:
    """The same for KMS keys and trust policies, which must always allow by themselves."""
    if evaluate(resource, request, with_principal=True) not in (Decision.ALLOW, Decision.ALLOW_ACCOUNT):
        return False
    return allowed(request, identity, resource, owner=owner)


def evaluate(document: Document | str, request: Request, *, with_principal: bool = False) -> Decision:
    """What one policy document says about a request; with_principal for resource policies and trust policies.

    Raises: OnboardError where a statement that matters has a condition operator that is not known here.
    """
    parsed = json.loads(document) if isinstance(document, str) else document
    result = Decision.NEUTRAL
    for statement in _list(parsed["Statement"]):
        decision = _statement(statement, request, with_principal)
        if decision is Decision.DENY:
            return decision
        if decision is Decision.ALLOW or result is Decision.NEUTRAL:
            result = decision
    return result


def _statement(statement: Document, request: Request, with_principal: bool) -> Decision:
    if not _applies(statement, request):
        return Decision.NEUTRAL
    match = _principal_matches(statement, request.principal) if with_principal else Decision.ALLOW
    if match is Decision.NEUTRAL or not conditions_hold(statement.get("Condition", {}), request.context):
        return Decision.NEUTRAL
    return Decision.DENY if statement["Effect"] == "Deny" else match


def _applies(statement: Document, request: Request) -> bool:
    if "NotAction" in statement:
        action = not _any_glob(statement["NotAction"], request.action.lower(), lower=True)
    else:
        action = _any_glob(statement["Action"], request.action.lower(), lower=True)
    if "NotResource" in statement:
        return action and not _any_glob(statement["NotResource"], request.resource)
    return action and _any_glob(statement.get("Resource", "*"), request.resource)


def _principal_matches(statement: Document, principal: Principal) -> Decision:
    if "NotPrincipal" in statement:
        inverted = _named(statement["NotPrincipal"], principal)
        return Decision.ALLOW if inverted is Decision.NEUTRAL else Decision.NEUTRAL
    return _named(statement.get("Principal", {}), principal)


def _named(principals: Any, principal: Principal) -> Decision:
    if principals == "*":
        return Decision.ALLOW
    if principal.service:
        return Decision.ALLOW if principal.service in _list(principals.get("Service", [])) else Decision.NEUTRAL
    arns = _list(principals.get("AWS", []))
    if "*" in arns or principal.role_arn in arns or principal.session_arn in arns:
        return Decision.ALLOW
    account = re.compile(rf"(?:arn:aws[\w-]*:iam::)?{principal.account_id}(?::root)?\Z")
    return Decision.ALLOW_ACCOUNT if any(account.match(arn) for arn in arns) else Decision.NEUTRAL


def conditions_hold(conditions: Document, context: Mapping[str, str]) -> bool:
    """Whether every condition of a statement holds in a request context."""
    present = {key.lower(): value for key, value in context.items()}
    return all(
        _condition(operator, [_text(value) for value in _list(expected)], present.get(key.lower()))
        for operator, keys in conditions.items()
        for key, expected in keys.items()
    )


def _condition(operator: str, expected: Sequence[str], actual: str | None) -> bool:
    quantifier, _, name = operator.rpartition(":")
    base = name.removesuffix("IfExists")
    if base == "Null":
        return (actual is None) == (expected[0] == "true")
    negated = "Not" in base
    test = OPERATORS.get(base.replace("Not", "", 1))
    if test is None:
        raise OnboardError(f"the condition operator {operator} is not understood")
    if actual is None:
        return negated or base != name or quantifier == "ForAllValues"
    return any(test(actual, value) for value in expected) != negated


OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda actual, expected: actual == expected,
    "StringEqualsIgnoreCase": lambda actual, expected: actual.lower() == expected.lower(),
    "StringLike": lambda actual, expected: glob(expected, actual),
    "ArnEquals": lambda actual, expected: glob(expected, actual),
    "ArnLike": lambda actual, expected: glob(expected, actual),
    "Bool": lambda actual, expected: actual.lower() == expected.lower(),
    "IpAddress": lambda actual, expected: ipaddress.ip_address(actual) in ipaddress.ip_network(expected, strict=False),
    "NumericEquals": lambda actual, expected: float(actual) == float(expected),
    "NumericLessThan": lambda actual, expected: float(actual) < float(expected),
    "NumericLessThanEquals": lambda actual, expected: float(actual) <= float(expected),
    "NumericGreaterThan": lambda actual, expected: float(actual) > float(expected),
    "NumericGreaterThanEquals": lambda actual, expected: float(actual) >= float(expected),
}


def glob(pattern: str, text: str) -> bool:
    """IAM's wildcards: `*` any run of characters, `?` any one."""
    parts = ({"*": ".*", "?": "."}.get(char) or re.escape(char) for char in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def _any_glob(patterns: Any, text: str, *, lower: bool = False) -> bool:
    return any(glob(pattern.lower() if lower else pattern, text) for pattern in _list(patterns))


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Iterable) and not isinstance(value, (str, Mapping)) else [value]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
