"""Conditions mean the same however they are simplified, and say of columns what they say of values."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.detect.columns import value_at
from headwater.detect.conditions import (
    KINDS,
    AllOf,
    AnyOf,
    Asked,
    Condition,
    Kind,
    OneOf,
    Test,
    Text,
    Than,
    Truthy,
    absent,
    all_of,
    any_of,
    present,
    required,
)
from headwater.detect.explain import in_words
from headwater.detect.selection import Selector

SUBJECTS = [("a", ()), ("o", ()), ("o", ("x",)), ("o", ("x", "y"))]
VALUES: list[Any] = [
    "a",
    "b",
    "ab",
    "",
    0,
    1,
    True,
    1.5,
    {},
    {"y": "a"},
    {"y": None},
    {"x": "a"},
    {"x": {"y": "b"}},
    [],
]
SCALARS = ["a", "b", "", 0, 1, True]


def half(value: Any) -> bool:
    """True, false or an error, for values of every kind."""
    return len(value) < 2 if not isinstance(value, str) else value > "a"


def some_test() -> st.SearchStrategy[Test]:
    place = st.sampled_from(SUBJECTS)
    flag = st.booleans()
    scalars = st.frozensets(st.sampled_from(SCALARS), max_size=2)
    texts = st.frozensets(st.sampled_from(["a", "b"]), min_size=1, max_size=2)
    hows = st.sampled_from(["startswith", "endswith", "contains"])
    kinds = st.frozensets(st.sampled_from(sorted(KINDS)), min_size=1)
    orders = st.sampled_from(["<", "<=", ">", ">="])
    answers = st.sampled_from(["true", "false", "error"])
    return st.one_of(
        st.builds(lambda at, v, n, m: OneOf(at[0], v, n, m, at[1]), place, scalars, flag, flag),
        st.builds(lambda at, h, t, n, m: Text(at[0], h, t, n, m, at[1]), place, hows, texts, flag, flag),
        st.builds(lambda at, n, m: Truthy(at[0], n, m, at[1]), place, flag, flag),
        st.builds(lambda at, k, m: Kind(at[0], k, m, at[1]), place, kinds, flag),
        st.builds(lambda at, o, n, m: Than(at[0], o, n, m, at[1]), place, orders, st.sampled_from([0, 1, 1.5]), flag),
        st.builds(lambda at, a, m: Asked(at[0], half, a, (), m, at[1]), place, answers, flag),
    )


# A condition as it is written, before anything is simplified.
Plain = Test | tuple[str, "list[Plain]"]
plains = st.recursive(
    some_test(),
    lambda inner: st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=1, max_size=4)),
    max_leaves=8,
)
rows = st.fixed_dictionaries({}, optional={"a": st.sampled_from(VALUES), "o": st.sampled_from(VALUES)})


def simplified(plain: Any) -> Condition:
    if not isinstance(plain, tuple):
        return plain
    word, parts = plain
    return (all_of if word == "and" else any_of)(*map(simplified, parts))


def holds(plain: Any, row: dict[str, Any]) -> bool:
    if isinstance(plain, tuple):
        word, parts = plain
        return (all if word == "and" else any)(holds(part, row) for part in parts)
    if isinstance(plain, bool):
        return plain
    if isinstance(plain, AllOf | AnyOf):
        return (all if isinstance(plain, AllOf) else any)(holds(part, row) for part in plain.parts)
    value = value_at(row.get(plain.key), plain.inside)
    return plain.missing if value is None else plain.holds(value)


@given(plain=plains, row=rows)
@settings(max_examples=1500, deadline=None, derandomize=True)
def test_a_simplified_condition_holds_on_the_same_rows(plain: Any, row: dict[str, Any]) -> None:
    assert holds(simplified(plain), row) == holds(plain, row)


@given(plain=plains, some=st.lists(rows, min_size=1, max_size=6))
@settings(max_examples=400, deadline=None, derandomize=True)
def test_columns_hold_what_values_hold(plain: Any, some: list[dict[str, Any]]) -> None:
    field = {b"json": b"true"}
    columns = {name: [json.dumps(row[name]) if name in row else None for row in some] for name in ("a", "o")}
    schema = pa.schema([pa.field(name, pa.string(), metadata=field) for name in columns])

    found = Selector([(simplified(plain), "rule")]).select(pa.table(columns, schema=schema))

    assert list(found) == [number for number, row in enumerate(some) if holds(plain, row)]


@given(plain=plains, row=rows)
@settings(max_examples=500, deadline=None, derandomize=True)
def test_where_a_condition_holds_one_of_its_required_tests_does(plain: Any, row: dict[str, Any]) -> None:
    condition = simplified(plain)

    for found in required(condition).values():
        assert not holds(condition, row) or any(holds(test, row) for test in found)


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (True, "every row"),
        (OneOf("k", frozenset({"a"})), "k = 'a'"),
        (Than("k", ">=", 2), "k >= 2"),
        (Asked("k", half, "true"), "half(k)"),
        (Asked("k", half, "false", ("a", 1), missing=True), "(not half(k, …, …) or is absent)"),
        (Asked("k", half, "error"), "half(k) raises"),
        (OneOf("k", frozenset({"a", "b"}), inside=("x",)), "k.x in {'a', 'b'}"),
        (OneOf("k", frozenset({"a"}), True, True), "(k != 'a' or is absent)"),
        (absent("k"), "k is absent"),
        (present("k"), "k is there"),
        (Text("k", "startswith", frozenset({"a"}), via=("lower",)), "k.lower() begins with 'a'"),
        (Text("k", "contains", frozenset({"a"}), True), "k does not contain 'a'"),
        (Truthy("k"), "k is neither empty nor 0 nor false"),
        (Kind("k", frozenset({"int", "float", "list"})), "k is a list or a number"),
        (
            all_of(present("k"), any_of(present("l"), OneOf("m", frozenset({1})))),
            "k is there and (l is there or m = 1)",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_conditions_in_words(condition: Condition, words: str) -> None:
    assert in_words(condition) == words
