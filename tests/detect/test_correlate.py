"""Correlation: common values, order, time limits, absence; and the same findings as a plain search would give."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.detect.correlate import Finding, Member, Occurrence, Pattern, Transition, evaluate


def at(minute: float, match_id: str = "m", **values: str | Sequence[str]) -> Occurrence:
    found = {path: frozenset((value,) if isinstance(value, str) else value) for path, value in values.items()}
    return Occurrence(f"{match_id}{minute}", minute * 60, found)


def group(**changes: Any) -> Pattern:
    members = (Member("A", "Rule.A", paths={"who": "actor"}), Member("B", "Rule.B", paths={"who": "user"}))
    return Pattern(**{"kind": "Group", "members": members, "criteria": ("who",), "window_s": 3600, **changes})


def sequence(on: str | None = "actor", within_min: float = 30, **to: Any) -> Pattern:
    step = Transition("A", "B", within_min * 60, ((on, on),) if on else ())
    members = (Member("A", "Rule.A"), Member("B", "Rule.B", **to))
    return Pattern("Sequence", members, (step,), window_s=3600)


def values(findings: Sequence[Finding]) -> list[tuple[str, ...]]:
    return [finding.values for finding in findings]


def test_a_group_needs_every_member_with_the_same_value_in_any_order() -> None:
    found = {"A": [at(9, actor="ann"), at(1, actor="eve")], "B": [at(5, user="ann"), at(2, user="bob")]}

    assert values(evaluate(group(), found)) == [("ann",)]


def test_lists_meet_by_intersection() -> None:
    found = {"A": [at(1, actor=["x", "ann"])], "B": [at(2, user=["ann", "y"])]}

    assert values(evaluate(group(), found)) == [("ann",)]


def test_a_group_without_criteria_needs_every_member() -> None:
    pattern = group(criteria=(), members=(Member("A", "Rule.A"), Member("B", "Rule.B")))

    assert values(evaluate(pattern, {"A": [at(1)], "B": [at(2)]})) == [()]
    assert evaluate(pattern, {"A": [at(1)]}) == []


def test_a_member_without_the_criterion_joins_any_value() -> None:
    pattern = group(members=(Member("A", "Rule.A", paths={"who": "actor"}), Member("B", "Rule.B")))

    assert values(evaluate(pattern, {"A": [at(1, actor="ann")], "B": [at(2)]})) == [("ann",)]


@pytest.mark.parametrize(("count", "fires"), [(1, False), (2, True), (3, True)])
def test_the_least_number_of_matches(count: int, fires: bool) -> None:
    members = (Member("A", "Rule.A", paths={"who": "actor"}), Member("B", "Rule.B", 2, paths={"who": "user"}))
    found = {"A": [at(1, actor="ann")], "B": [at(2 + number, user="ann") for number in range(count)]}

    assert bool(evaluate(group(members=members), found)) is fires


@pytest.mark.parametrize(("user", "fires"), [("ann", False), ("bob", True)])
def test_absence_is_of_the_same_value(user: str, fires: bool) -> None:
    members = (Member("A", "Rule.A", paths={"who": "actor"}), Member("B", "Rule.B", absent=True, paths={"who": "user"}))

    assert bool(evaluate(group(members=members), {"A": [at(1, actor="ann")], "B": [at(2, user=user)]})) is fires


def test_matches_before_the_window_do_not_count() -> None:
    found = {"A": [at(0, actor="ann")], "B": [at(61, user="ann")]}

    assert evaluate(group(), found) == []
    assert evaluate(group(), {**found, "B": [at(60, user="ann")]}) != []
    assert evaluate(group(), {**found, "B": [at(30, user="ann")]}, until=100 * 60) == []


@pytest.mark.parametrize(
    ("first", "second", "fires"),
    [(10, 20, True), (20, 10, False), (10, 10, False), (10, 40, True), (10, 41, False)],
    ids=["in order", "reversed", "at once", "at the limit", "too late"],
)
def test_a_sequence_is_in_order_and_in_time(first: int, second: int, fires: bool) -> None:
    found = {"A": [at(first, actor="ann")], "B": [at(second, actor="ann")]}

    assert bool(evaluate(sequence(), found)) is fires


def test_a_sequence_is_of_one_value() -> None:
    assert evaluate(sequence(), {"A": [at(1, actor="ann")], "B": [at(2, actor="bob")]}) == []
    assert values(evaluate(sequence(on=None), {"A": [at(1, actor="ann")], "B": [at(2, actor="bob")]})) == [()]


def test_a_sequence_of_three_names_the_matches_that_made_it() -> None:
    steps = (Transition("A", "B", 600, (("x", "x"),)), Transition("B", "C", 600, (("y", "y"),)))
    pattern = Pattern("Sequence", (Member("A", "a"), Member("B", "b"), Member("C", "c")), steps, window_s=3600)
    found = {
        "A": [at(1, "a", x="1")],
        "B": [at(2, "b", x="1", y="2"), at(3, "b", x="9", y="2")],
        "C": [at(4, "c", y="2")],
    }

    (finding,) = evaluate(pattern, found)

    assert [one.match_id for one in finding.matches] == ["a1", "b2", "c4"]


def test_a_sequence_may_end_in_silence() -> None:
    pattern = sequence(absent=True)

    assert values(evaluate(pattern, {"A": [at(1, actor="ann")]})) == [("ann",)]
    assert evaluate(pattern, {"A": [at(1, actor="ann")], "B": [at(9, actor="ann")]}) == []
    assert values(evaluate(pattern, {"A": [at(1, actor="ann")], "B": [at(50, actor="ann")]})) == [("ann",)]


def test_the_least_number_in_a_sequence() -> None:
    pattern = sequence(min_count=2)

    assert evaluate(pattern, {"A": [at(1, actor="ann")], "B": [at(2, actor="ann")]}) == []
    assert evaluate(pattern, {"A": [at(1, actor="ann")], "B": [at(2, actor="ann"), at(3, actor="ann")]}) != []


minutes = st.lists(st.tuples(st.integers(0, 90), st.sampled_from(["x", "y", "z"])), max_size=8)


@given(first=minutes, second=minutes)
def test_groups_are_those_of_a_plain_search(first: Sequence[Any], second: Sequence[Any]) -> None:
    found = {"A": [at(m, "a", actor=v) for m, v in first], "B": [at(m, "b", user=v) for m, v in second]}
    latest = max((m for m, _ in (*first, *second)), default=0)

    expected = {v for (m, v), (n, w) in itertools.product(first, second) if v == w and min(m, n) >= latest - 60}

    assert {value for (value,) in values(evaluate(group(), found))} == expected


@given(first=minutes, second=minutes)
def test_sequences_are_those_of_a_plain_search(first: Sequence[Any], second: Sequence[Any]) -> None:
    found: Mapping[str, Sequence[Occurrence]] = {
        "A": [at(m, "a", actor=v) for m, v in first],
        "B": [at(m, "b", actor=v) for m, v in second],
    }
    latest = max((m for m, _ in (*first, *second)), default=0)

    expected = {
        v for (m, v), (n, w) in itertools.product(first, second) if v == w and m < n <= m + 30 and m >= latest - 60
    }

    assert {value for (value,) in values(evaluate(sequence(), found))} == expected
