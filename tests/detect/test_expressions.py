"""Match expressions: what each condition says, what is wrong with a wrong one, and rows they cannot be true on."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.detect import expressions
from headwater.detect.conditions import OneOf
from headwater.detect.event import PantherEvent

EVENT: dict[str, Any] = {
    "action": "repo.archived",
    "count": 7,
    "flag": True,
    "nothing": None,
    "empty": [],
    "user": {"name": "Ann", "groups": ["dev", "ops"], "home.dir": "/home/ann"},
    "ips": ["192.0.2.1", "198.51.100.9"],
    "source": "10.1.2.3",
    "public": "8.8.8.8",
    "v6": "2001:db8::1",
    "people": [{"name": "Ann", "age": 40}, {"name": "Bob", "age": 20}],
    "copy": "repo.archived",
    "p_enrichment": {"owners": {"user": {"team": {"name": "payments"}}}},
}


def holds(*expression: Any) -> bool:
    made, wrong = expressions.read(list(expression), ())
    assert wrong == []
    return made.test(PantherEvent(EVENT))


@pytest.mark.parametrize(
    ("key", "condition", "operand", "expected"),
    [
        ("action", "Equals", "repo.archived", True),
        ("ACTION", "Equals", "repo.archived", True),
        ("action", "Equals", "Repo.Archived", False),
        ("action", "IEquals", "Repo.Archived", True),
        ("action", "DoesNotEqual", "repo.archived", False),
        ("absent", "DoesNotEqual", "x", True),
        ("action", "IDoesNotEqual", "REPO.ARCHIVED", False),
        ("count", "Equals", 7, True),
        ("flag", "Equals", True, True),
        ("flag", "Equals", 1, False),
        ("nothing", "Equals", None, True),
        ("action", "StartsWith", "repo", True),
        ("action", "IStartsWith", "REPO", True),
        ("action", "DoesNotStartWith", "repo", False),
        ("action", "EndsWith", "archived", True),
        ("action", "IDoesNotEndWith", "ARCHIVED", False),
        ("count", "StartsWith", "7", False),
        ("action", "Contains", ".arch", True),
        ("ips", "Contains", "192.0.2.1", True),
        ("ips", "DoesNotContain", "192.0.2.1", False),
        ("absent", "Contains", "x", False),
        ("action", "IContains", "ARCH", True),
        ("count", "IsGreaterThan", 6, True),
        ("count", "IsGreaterThan", 7, False),
        ("count", "IsGreaterThanOrEqual", 7, True),
        ("count", "IsLessThan", 8, True),
        ("count", "IsLessThanOrEqual", 6, False),
        ("absent", "IsGreaterThan", 1, False),
        ("action", "IsGreaterThan", 1, False),
        ("action", "IsIn", ["x", "repo.archived"], True),
        ("action", "IsNotIn", ["x"], True),
        ("user", "IsIn", ["x"], False),
        ("action", "Exists", ..., True),
        ("absent", "Exists", ..., False),
        ("absent", "DoesNotExist", ..., True),
        ("nothing", "IsNull", ..., True),
        ("action", "IsNotNull", ..., True),
        ("empty", "IsNullOrEmpty", ..., True),
        ("nothing", "IsNullOrEmpty", ..., True),
        ("action", "IsNullOrEmpty", ..., False),
        ("source", "IsIPAddress", ..., True),
        ("action", "IsIPAddress", ..., False),
        ("source", "IsIPv4Address", ..., True),
        ("v6", "IsIPv6Address", ..., True),
        ("public", "IsIPAddressPublic", ..., True),
        ("source", "IsIPAddressPublic", ..., False),
        ("source", "IsIPAddressPrivate", ..., True),
        ("source", "IsIPAddressInCIDR", "10.0.0.0/8", True),
        ("v6", "IsIPAddressInCIDR", "10.0.0.0/8", False),
        ("v6", "IsIPAddressInCIDR", "2001:db8::/32", True),
        ("absent", "AlwaysTrue", ..., True),
        ("action", "AlwaysFalse", ..., False),
    ],
)
def test_condition(key: str, condition: str, operand: Any, expected: bool) -> None:
    names = {} if operand is ... else {"Values" if isinstance(operand, list) else "Value": operand}

    assert holds({"Key": key, "Condition": condition, **names}) is expected


@pytest.mark.parametrize(
    "specifier",
    [
        {"DeepKey": ["user", "NAME"]},
        {"KeyPath": "user.name"},
        {"KeyPath": "people[0].name"},
        {"DeepKey": ["people", 0, "name"]},
        {"KeyPath": 'user["name"]'},
    ],
    ids=str,
)
def test_nested_values_are_found(specifier: dict[str, Any]) -> None:
    assert holds({**specifier, "Condition": "Equals", "Value": "Ann"})


def test_a_quoted_step_may_hold_dots() -> None:
    assert holds({"KeyPath": "user['home.dir']", "Condition": "StartsWith", "Value": "/home"})


def test_enrichment_is_looked_up() -> None:
    where = {"Table": "owners", "Selector": "user", "FieldPath": "team.name"}

    assert holds({"Enrichment": where, "Condition": "Equals", "Value": "payments"})
    assert not holds({"Enrichment": {**where, "Table": "others"}, "Condition": "Exists"})


YES: dict[str, Any] = {"Condition": "AlwaysTrue"}
NO: dict[str, Any] = {"Condition": "AlwaysFalse"}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ({"All": [YES, YES]}, True),
        ({"All": [YES, NO]}, False),
        ({"All": []}, True),
        ({"Any": [NO, YES]}, True),
        ({"Any": []}, False),
        ({"OnlyOne": [NO, YES]}, True),
        ({"OnlyOne": [YES, YES]}, False),
        ({"None": [NO, NO]}, True),
        ({"None": [NO]}, True),
        ({"None": [YES, NO]}, False),
        ({"Any": [{"All": [YES, NO]}, {"None": [NO]}]}, True),
    ],
    ids=str,
)
def test_combinators(expression: dict[str, Any], expected: bool) -> None:
    assert holds(expression) is expected


@pytest.mark.parametrize(
    ("condition", "age", "expected"),
    [
        ("AnyElement", 30, True),
        ("AllElements", 30, False),
        ("AllElements", 10, True),
        ("OnlyOneElement", 30, True),
        ("NoElement", 50, True),
        ("NoElement", 30, False),
    ],
)
def test_list_comprehensions(condition: str, age: int, expected: bool) -> None:
    older = [{"Key": "age", "Condition": "IsGreaterThan", "Value": age}]

    assert holds({"Key": "people", "Condition": condition, "Expressions": older}) is expected


def test_list_comprehension_over_plain_values_and_over_no_list() -> None:
    documentation = [{"Condition": "StartsWith", "Value": "192.0.2."}]

    assert holds({"Key": "ips", "Condition": "OnlyOneElement", "Expressions": documentation})
    assert not holds({"Key": "absent", "Condition": "AllElements", "Expressions": documentation})
    assert holds({"Key": "absent", "Condition": "NoElement", "Expressions": documentation})


def test_two_keys_are_compared() -> None:
    keys = [{"Key": "action"}, {"KeyPath": "copy"}]

    assert holds({"Condition": "Equals", "Values": keys})
    assert not holds({"Condition": "DoesNotEqual", "Values": keys})


@pytest.mark.parametrize(
    ("expression", "at", "message"),
    [
        ("x", (0,), "must be a match expression"),
        ({"Key": "a"}, (0, "Condition"), "Condition is missing"),
        ({"Key": "a", "Condition": "Equal", "Value": 1}, (0, "Condition"), "did you mean Equals?"),
        ({"Key": "a", "Condition": "Equals"}, (0, "Value"), "Equals needs Value"),
        ({"Key": "a", "Condition": "IsIn", "Values": "x"}, (0, "Values"), "IsIn needs Values, a list"),
        ({"key": "a", "Condition": "Exists"}, (0, "key"), "did you mean Key?"),
        ({"Key": "a", "KeyPath": "b", "Condition": "Exists"}, (0, "KeyPath"), "only one of Key, KeyPath"),
        ({"KeyPath": "a..[", "Condition": "Exists"}, (0, "KeyPath"), "is no path such as a.b[0].c"),
        ({"DeepKey": [], "Condition": "Exists"}, (0, "DeepKey"), "is no list of keys"),
        ({"Enrichment": {}, "Condition": "Exists"}, (0, "Enrichment"), "{Table, Selector, FieldPath}"),
        ({"All": [YES], "Key": "a"}, (0,), "All stands alone"),
        ({"Any": YES}, (0, "Any"), "must be a list"),
        ({"Any": [{"All": [1]}]}, (0, "Any", 0, "All", 0), "must be a match expression"),
        ({"Key": "a", "Condition": "AnyElement"}, (0, "Expressions"), "needs a list of match expressions"),
        ({"Key": "a", "Condition": "IsIPAddressInCIDR", "Value": "x"}, (0, "Value"), "is no CIDR"),
        ({"Condition": "Equals", "Values": [{"Key": "a"}]}, (0, "Values"), "two keys are compared"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_mistakes_name_their_place_and_the_way_out(expression: Any, at: tuple[Any, ...], message: str) -> None:
    _, wrong = expressions.read([expression], ())

    assert [place for place, _ in wrong] == [at]
    assert message in wrong[0][1]


scalars = st.one_of(st.none(), st.booleans(), st.integers(0, 3), st.sampled_from(["a", "b", ""]))
leaves = st.one_of(
    st.builds(lambda key, value: {"Key": key, "Condition": "Equals", "Value": value}, st.sampled_from("xyX"), scalars),
    st.builds(lambda values: {"Key": "x", "Condition": "IsIn", "Values": values}, st.lists(scalars, max_size=3)),
    st.builds(lambda value: {"Key": "y", "Condition": "DoesNotEqual", "Value": value}, scalars),
    st.builds(lambda value: {"Key": "y", "Condition": "IsGreaterThan", "Value": value}, scalars),
    st.sampled_from([YES, NO]),
)
trees = st.recursive(
    leaves,
    lambda inner: st.builds(
        lambda name, parts: {name: parts},
        st.sampled_from(["All", "Any", "OnlyOne", "None"]),
        st.lists(inner, max_size=3),
    ),
    max_leaves=8,
)


def excluded(condition: Any, row: dict[str, Any]) -> bool:
    """Whether a condition rules a row out; True and unknown tests rule nothing out."""
    if isinstance(condition, bool):
        return not condition
    if isinstance(condition, OneOf):
        value = next((row[key] for key in row if key.lower() == condition.key.lower()), None)
        return not (condition.missing if value is None else (value in condition.values) is not condition.negated)
    parts = [excluded(part, row) for part in condition.parts]
    return any(parts) if type(condition).__name__ == "AllOf" else all(parts)


@settings(max_examples=300)
@given(tree=trees, row=st.fixed_dictionaries({}, optional={"x": scalars, "y": scalars}))
def test_no_row_is_excluded_on_which_an_expression_holds(tree: Any, row: dict[str, Any]) -> None:
    made, wrong = expressions.read([tree], ())

    assert wrong == []
    assert not (made.test(PantherEvent(row)) and excluded(made.condition, row))
