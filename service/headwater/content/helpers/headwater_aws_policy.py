"""What AWS policy documents allow, and to whom."""

import json
from collections.abc import Mapping
from urllib.parse import unquote

from headwater_aws import account_of, items, mappings

EVERYONE = "everyone"

# Condition keys that keep a statement for everyone from being public.
# Source: S3 user guide, "The meaning of public"; IAM user guide, "Global condition context keys".
NARROWING = (
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "aws:vpcsourceip",
    "kms:calleraccount",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
    "sts:externalid",
)
NARROWING_OPERATORS = ("stringequals", "stringlike", "stringequalsignorecase", "arnequals", "arnlike", "ipaddress")
ANY_VALUE = ("*", "0.0.0.0/0", "::/0", "arn:*", "arn:aws:*")
# Whoever may do one of these on everything can give themselves the rest.
ALL_ACTIONS = ("*", "*:*", "iam:*")


def document(value):
    """A policy as a mapping from what CloudTrail holds: a mapping, or JSON text, URL-encoded or not; {} otherwise."""
    if isinstance(value, Mapping):
        return value
    text = value if isinstance(value, str) else ""
    try:
        found = json.loads(unquote(text) if text.startswith("%7B") else text)
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}


def allowing(policy):
    """The Allow statements of a policy."""
    return [one for one in mappings(document(policy).get("Statement")) if one.get("Effect") == "Allow"]


def allows_everything(policy):
    """Whether a policy of an identity allows every action, or every IAM action, on everything."""
    return any(map(_is_unlimited, allowing(policy)))


def _is_unlimited(statement):
    actions = [str(action).lower() for action in items(statement.get("Action"))]
    return "*" in items(statement.get("Resource")) and any(action in ALL_ACTIONS for action in actions)


def opened_to(policy, account):
    """Who besides an account a policy of a resource or a role lets in: "everyone", account ids, "anyone of PROVIDER".

    Statements that a condition limits to an organization, account, network or source do not count as for everyone;
    accounts count under any condition.
    """
    return sorted({who for statement in allowing(policy) for who in _let_in(statement, account)})


def _let_in(statement, account):
    principal = statement.get("Principal")
    named = items(principal.get("AWS") if isinstance(principal, Mapping) else principal)
    if "*" in named and not is_narrowed(statement.get("Condition")):
        yield EVERYONE
    yield from (found for found in map(account_of, named) if found and found != account)
    if isinstance(principal, Mapping):
        federated = [str(one) for one in items(principal.get("Federated"))]
        yield from (f"anyone of {one}" for one in federated if _is_shared_provider(one) and not _says_who(statement))


def is_narrowed(condition):
    """Whether a statement's condition limits who can use it."""
    if not isinstance(condition, Mapping):
        return False
    return any(_narrows(str(operator), tests) for operator, tests in condition.items())


def _narrows(operator, tests):
    plain = operator.lower().removeprefix("foranyvalue:")  # ForAllValues holds where the key is absent
    if plain not in NARROWING_OPERATORS or not isinstance(tests, Mapping):
        return False
    return any(key.lower() in NARROWING and _limits(value) for key, value in tests.items())


def _limits(value):
    values = items(value)
    return bool(values) and not any(one in ANY_VALUE for one in values)


def _is_shared_provider(provider):
    """Whether an identity provider serves tenants besides its user, so that its tokens alone say little."""
    return provider.endswith(("token.actions.githubusercontent.com", "gitlab.com", "app.terraform.io"))


def _says_who(statement):
    """Whether a condition tests the token's subject for more than any value."""
    condition = statement.get("Condition")
    tests = [each for each in condition.values() if isinstance(each, Mapping)] if isinstance(condition, Mapping) else []
    return any(key.lower().endswith(":sub") and _limits(value) for each in tests for key, value in each.items())
