"""Match expressions: what each condition says, what is wrong with a wrong one, and rows they cannot be true on."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.detect import expressions, operators
from headwater.detect.conditions import AllOf, AnyOf, Condition
from headwater.detect.event import PantherEvent, plain

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
    "network": "10.0.0.0/8",
    "numbers": [1, 2],
    "names": ["Ann", "Bob"],
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
        ("absent", "Equals", None, True),
        ("ips", "Equals", ["192.0.2.1", "198.51.100.9"], True),
        ("user", "Equals", "Ann", False),
        ("action", "StartsWith", "repo", True),
        ("action", "IStartsWith", "REPO", True),
        ("action", "IDoesNotStartWith", "REPO", False),
        ("action", "DoesNotStartWith", "repo", False),
        ("action", "EndsWith", "archived", True),
        ("action", "DoesNotEndWith", "archived", False),
        ("action", "IEndsWith", "ARCHIVED", True),
        ("action", "IDoesNotEndWith", "ARCHIVED", False),
        ("count", "StartsWith", "7", False),
        ("action", "Contains", ".arch", True),
        ("ips", "Contains", "192.0.2.1", True),
        ("ips", "DoesNotContain", "192.0.2.1", False),
        ("absent", "Contains", "x", False),
        ("absent", "DoesNotContain", "x", True),
        ("numbers", "Contains", 1, True),
        ("numbers", "Contains", True, False),
        ("action", "IContains", "ARCH", True),
        ("names", "IContains", "ann", True),
        ("action", "IDoesNotContain", "ARCH", False),
        ("count", "IsGreaterThan", 6, True),
        ("count", "IsGreaterThan", 7, False),
        ("count", "IsGreaterThanOrEqual", 7, True),
        ("count", "IsLessThan", 8, True),
        ("count", "IsLessThanOrEqual", 6, False),
        ("count", "IsLessThan", 7.5, True),
        ("source", "IsGreaterThanOrEqual", "10.0", True),
        ("flag", "IsGreaterThan", 0, False),
        ("absent", "IsGreaterThan", 1, False),
        ("action", "IsGreaterThan", 1, False),
        ("action", "IsIn", ["x", "repo.archived"], True),
        ("action", "IsIn", [], False),
        ("action", "IsNotIn", ["x"], True),
        ("absent", "IsNotIn", ["x"], True),
        ("absent", "IsIn", ["x", None], True),
        ("count", "IsIn", ["x", 7], True),
        ("action", "IIsIn", ["REPO.ARCHIVED"], True),
        ("action", "IIsNotIn", ["REPO.ARCHIVED"], False),
        ("user", "IsIn", ["x"], False),
        ("action", "Exists", ..., True),
        ("absent", "Exists", ..., False),
        ("absent", "DoesNotExist", ..., True),
        ("nothing", "IsNull", ..., True),
        ("action", "IsNotNull", ..., True),
        ("nothing", "Exists", ..., False),
        ("flag", "IsNullOrEmpty", ..., False),
        ("empty", "IsNotNullOrEmpty", ..., False),
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
        ("source", "IsIPAddressInCIDR", "10.1.2.3/8", True),
        ("action", "IsIPAddressInCIDR", "10.0.0.0/8", False),
        ("source", "IsIPAddressNotInCIDR", "10.0.0.0/8", False),
        ("absent", "AlwaysTrue", ..., True),
        ("action", "AlwaysFalse", ..., False),
    ],
)
def test_condition(key: str, condition: str, operand: Any, expected: bool) -> None:
    operator = operators.find(condition)
    key_of_operand = "Values" if operator and operator.operand == "list" else "Value"
    names = {} if operand is ... else {key_of_operand: operand}

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
    assert holds({"Condition": "IsIPAddressInCIDR", "Values": [{"Key": "source"}, {"Key": "network"}]})
    assert not holds({"Condition": "IsIPAddressInCIDR", "Values": [{"Key": "source"}, {"Key": "absent"}]})
    assert holds({"Condition": "IsIn", "Values": [{"KeyPath": "user.name"}, {"Key": "names"}]})
    assert not holds({"Condition": "IsGreaterThan", "Values": [{"Key": "count"}, {"Key": "absent"}]})


def test_a_number_as_step_meets_lists_alone() -> None:
    assert not holds({"KeyPath": "user[0].name", "Condition": "Exists"})
    assert not holds({"DeepKey": [0], "Condition": "Exists"})
    assert not holds({"KeyPath": "people[7].name", "Condition": "Exists"})


@pytest.mark.parametrize(
    ("expression", "at", "message"),
    [
        ("x", (0,), "must be a match expression"),
        ({"Key": "a"}, (0, "Condition"), "Condition is missing"),
        ({"Key": "a", "Condition": "Equal", "Value": 1}, (0, "Condition"), "did you mean Equals?"),
        ({"Key": "a", "Condition": "Equals"}, (0, "Value"), "Equals needs Value"),
        ({"Key": "a", "Condition": "IsIn", "Values": "x"}, (0, "Values"), "IsIn needs Values, a list"),
        ({"key": "a", "Condition": "Exists"}, (0, "key"), "did you mean Key?"),
        ({"Condition": "Exists"}, (0,), "Key, DeepKey, KeyPath or Enrichment must stand here"),
        ({"Key": "a", "Condition": "Exists", "Value": False}, (0, "Value"), "Exists takes no Value"),
        ({"Key": "a", "Condition": "IsIn", "Value": "x", "Values": []}, (0, "Value"), "IsIn takes no Value, it takes"),
        ({"Key": "a", "Condition": "StartsWith", "Value": 1}, (0, "Value"), "must be text, is 1"),
        ({"Key": "a", "Condition": "IsLessThan", "Value": True}, (0, "Value"), "must be a number or text"),
        ({"Condition": "AlwaysTrue", "Value": 1}, (0, "Value"), "AlwaysTrue takes no Value"),
        ({"Key": "a", "Condition": ["x"]}, (0, "Condition"), "['x'] is no condition"),
        ({"DeepKey": ["a", True], "Condition": "Exists"}, (0, "DeepKey"), "is no list of keys"),
        ({"Condition": "Equals", "Values": [{"Key": "a"}, "b"]}, (0, "Values", 1), "must be {Key}, {DeepKey}"),
        (
            {"Key": "a", "Condition": "AnyElement", "Expressions": [{"Enrichment": {}, "Condition": "Exists"}]},
            (0, "Expressions", 0, "Enrichment"),
            "belongs to the event",
        ),
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

    assert {place for place, _ in wrong} == {at}
    assert message in wrong[0][1]


ABSENT = object()
SAMPLES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    2,
    0.5,
    1.0,
    "",
    "a",
    "A",
    "ab",
    "ba",
    "ß",
    "SS",
    "10.0.0.1",
    "10.0.0.0/8",
]
SAMPLES += [[], ["a"], ["A", 1], [None], {}, {"a": 1}, {"A": "a"}, [["a"]]]
WHERE = ({"Key": "x"}, {"Key": "X"}, {"DeepKey": ["y", "x"]}, {"KeyPath": "y.X"}, {"KeyPath": "x[0]"})
values = st.sampled_from(SAMPLES)
rows = st.fixed_dictionaries(
    {}, optional={"x": values, "y": st.one_of(values, st.fixed_dictionaries({}, optional={"x": values, "X": values}))}
)


def comparison(where: dict[str, Any], name: str, operand: Any) -> dict[str, Any]:
    kind = operators.NAMES[name].operand
    if kind == "none":
        return {**where, "Condition": name}
    if kind == "list":
        return {**where, "Condition": name, "Values": operand if isinstance(operand, list) else [operand, "b"]}
    operand = "10.0.0.0/8" if "CIDR" in name else operand
    if operators.NAMES[name].check(operand):
        operand = "a"
    return {**where, "Condition": name, "Value": operand}


comparisons = st.builds(comparison, st.sampled_from(WHERE), st.sampled_from(sorted(operators.NAMES)), values)
keys = st.builds(
    lambda name, left, right: {"Condition": name, "Values": [left, right]},
    st.sampled_from(sorted(operators.NAMES)).filter(lambda name: operators.NAMES[name].operand != "none"),
    st.sampled_from(WHERE),
    st.sampled_from(WHERE),
)
elements = st.builds(
    lambda where, name, inner: {**where, "Condition": name, "Expressions": inner},
    st.sampled_from(WHERE),
    st.sampled_from(sorted(expressions.ELEMENTS)),
    st.lists(
        st.builds(comparison, st.just({}), st.sampled_from(sorted(operators.NAMES)), values), min_size=1, max_size=2
    ),
)
trees = st.recursive(
    st.one_of(comparisons, comparisons, comparisons, keys, elements, st.sampled_from([YES, NO])),
    lambda inner: st.builds(
        lambda name, parts: {name: parts}, st.sampled_from(expressions.COMBINATORS), st.lists(inner, max_size=3)
    ),
    max_leaves=6,
)


def may_hold(condition: Condition, row: dict[str, Any]) -> bool:
    """Whether a condition lets a row through."""
    if isinstance(condition, bool):
        return condition
    if isinstance(condition, AllOf):
        return all(may_hold(part, row) for part in condition.parts)
    if isinstance(condition, AnyOf):
        return any(may_hold(part, row) for part in condition.parts)
    value = plain(PantherEvent(row).deep_get(condition.key, *condition.inside))
    return condition.missing if value is None else condition.holds(value)


@pytest.mark.parametrize("name", sorted(operators.NAMES))
def test_no_value_is_ruled_out_on_which_a_comparison_holds_or_does_not(name: str) -> None:
    for where, operand in itertools.product(WHERE[1:4], SAMPLES):
        made, wrong = expressions.read([comparison(where, name, operand)], ())
        assert wrong == []
        for value in (ABSENT, *SAMPLES):
            inner = {} if value is ABSENT else {"x": value}
            row = inner if "Key" in where else {"y": inner}
            held = made.test(PantherEvent(row))
            assert may_hold(made.bounds.true if held else made.bounds.false, row), (where, operand, value)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(tree=trees, row=rows)
def test_no_row_is_ruled_out_on_which_an_expression_holds_or_does_not(tree: Any, row: dict[str, Any]) -> None:
    made, wrong = expressions.read([tree], ())
    held = made.test(PantherEvent(row))

    assert wrong == []
    assert may_hold(made.bounds.true if held else made.bounds.false, row)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(one=comparisons, row=rows)
def test_a_negated_comparison_is_the_plain_opposite(one: Any, row: dict[str, Any]) -> None:
    plainly, _ = expressions.read([one], ())
    negated, _ = expressions.read([{"None": [one]}], ())

    assert negated.test(PantherEvent(row)) is not plainly.test(PantherEvent(row))


@pytest.mark.parametrize(
    ("expression", "ruled_out", "let_through"),
    [
        ({"Key": "x", "Condition": "Equals", "Value": "a"}, {"x": "b"}, {"X": "a"}),
        ({"Key": "x", "Condition": "IEquals", "Value": "STRASSE"}, {"x": "b"}, {"x": "straße"}),
        ({"DeepKey": ["x", "y"], "Condition": "StartsWith", "Value": "a"}, {"x": {"y": "b"}}, {"x": {"Y": "ab"}}),
        ({"KeyPath": "x.y", "Condition": "IEndsWith", "Value": "B"}, {"x": 1}, {"x": {"y": "ab"}}),
        ({"Key": "x", "Condition": "DoesNotContain", "Value": "a"}, {"x": "cab"}, {}),
        ({"Key": "x", "Condition": "IsNotIn", "Values": ["a", None]}, {"x": None}, {"x": "b"}),
        ({"Key": "x", "Condition": "IsGreaterThan", "Value": 1}, {"x": "9"}, {"x": 0}),
        ({"Key": "x", "Condition": "Exists"}, {}, {"x": 0}),
        ({"Key": "x", "Condition": "IsNullOrEmpty"}, {"x": "a"}, {"x": []}),
        ({"Key": "x", "Condition": "IsIPAddress"}, {"x": 1}, {"x": "192.0.2.1"}),
        ({"Key": "x", "Condition": "AnyElement", "Expressions": [YES]}, {"x": "a"}, {"x": [1]}),
        ({"None": [{"Key": "x", "Condition": "Equals", "Value": "a"}]}, {"x": "a"}, {}),
        ({"OnlyOne": [{"Key": "x", "Condition": "Exists"}, {"Key": "y", "Condition": "Exists"}]}, {}, {"y": 1}),
    ],
    ids=lambda value: str(value)[:60],
)
def test_rows_on_which_an_expression_cannot_hold_are_ruled_out(
    expression: Any, ruled_out: dict[str, Any], let_through: dict[str, Any]
) -> None:
    condition = expressions.condition(expressions.read([expression], ())[0])

    assert (may_hold(condition, ruled_out), may_hold(condition, let_through)) == (False, True)
