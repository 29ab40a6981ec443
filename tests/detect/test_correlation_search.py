"""Windows over stored matches: what a plain search of every window finds, whenever the matches were stored."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.detect.correlate import Finding, Member, Occurrence, Pattern, Transition
from headwater.detect.correlation_search import search

WINDOW_MIN, STEP_MIN, WAIT_MIN = 60, 30, 20
LATER = 1e9
VALUES = ("x", "y", "z")
Found = Mapping[str, Sequence[Occurrence]]


def made(entries: Sequence[tuple[int, Any]], name: str) -> list[Occurrence]:
    """Matches from (minute, values), in order of time, each with an id of its own."""
    numbered = sorted(enumerate(entries), key=lambda item: (item[1][0], item[0]))
    return [Occurrence(f"{name}{n}", minute * 60.0, {"p": frozenset(values)}) for n, (minute, values) in numbered]


def all_ids(found: Found) -> frozenset[str]:
    return frozenset(one.match_id for matches in found.values() for one in matches)


def values(findings: Sequence[Finding]) -> set[str]:
    return {finding.values[0] for finding in findings}


def group(least: int = 1, *, absence: bool = False) -> Pattern:
    members = [Member("A", "A", paths={"who": "p"}), Member("B", "B", least, paths={"who": "p"})]
    if absence:
        members.append(Member("C", "C", absent=True, paths={"who": "p"}))
    return Pattern("Group", tuple(members), criteria=("who",), window_s=WINDOW_MIN * 60)


def sequence(first: int = 1, least: int = 1, *, absence: bool = False) -> Pattern:
    members = [Member("A", "A", first), Member("B", "B", least)]
    steps = [Transition("A", "B", STEP_MIN * 60, (("p", "p"),))]
    if absence:
        members.append(Member("C", "C", absent=True))
        steps.append(Transition("B", "C", WAIT_MIN * 60, (("p", "p"),)))
    return Pattern("Sequence", tuple(members), tuple(steps), window_s=WINDOW_MIN * 60)


def of(found: Found, member: str, value: str, since_s: float, until_s: float) -> list[Occurrence]:
    return [one for one in found.get(member, ()) if since_s <= one.at <= until_s and value in one.values["p"]]


def plain_group(found: Found, value: str, least: int, now: float) -> bool:
    """Whether some window holds a group that nothing near it contradicts."""
    for end in {one.at for name in "AB" for one in found[name]}:
        lefts = of(found, "A", value, end - WINDOW_MIN * 60, end)
        rights = of(found, "B", value, end - WINDOW_MIN * 60, end)
        if lefts and len(rights) >= least:
            last = max(one.at for one in (*lefts, *rights))
            if not of(found, "C", value, last - WINDOW_MIN * 60, min(now, last + WINDOW_MIN * 60)):
                return True
    return False


def plain_sequence(found: Found, value: str, first: int) -> bool:
    """Whether some match follows enough others of its value in time, and nothing follows it."""
    for right in of(found, "B", value, 0, LATER):
        since = right.at - WINDOW_MIN * 60
        lefts = [one for one in of(found, "A", value, since, right.at) if one.at < right.at]
        in_time = [one for one in lefts if one.at >= right.at - STEP_MIN * 60]
        enough = bool(in_time) and sum(one.at <= in_time[-1].at for one in lefts) >= first
        until = right.at + WAIT_MIN * 60
        after = [each for each in right.values["p"] if of(found, "C", each, right.at, until)]
        if enough and not after:
            return True
    return False


def entries(most: int, minutes: int = 240, together: int = 2) -> st.SearchStrategy[list[tuple[int, Any]]]:
    some = st.sets(st.sampled_from(VALUES), min_size=1, max_size=together)
    return st.lists(st.tuples(st.integers(0, minutes), some), max_size=most)


@given(entries(12), entries(12), st.integers(1, 3))
def test_groups_are_those_of_any_window(left: Any, right: Any, least: int) -> None:
    found = {"A": made(left, "a"), "B": made(right, "b")}

    told = values(search(group(least), found, all_ids(found), LATER))

    assert told == {value for value in VALUES if plain_group(found, value, least, LATER)}


@given(entries(8), entries(8), entries(4), st.integers(0, 300))
def test_groups_with_absence_are_those_that_nothing_near_contradicts(
    left: Any, right: Any, absent: Any, minute: int
) -> None:
    now = minute * 60.0
    found = {
        name: [one for one in made(some, name.lower()) if one.at <= now]
        for name, some in (("A", left), ("B", right), ("C", absent))
    }

    told = values(search(group(absence=True), found, all_ids(found), now))

    assert told == {value for value in VALUES if plain_group(found, value, 1, now)}


@given(entries(14), entries(8), st.integers(1, 3))
def test_sequences_are_those_of_any_window(left: Any, right: Any, first: int) -> None:
    found = {"A": made(left, "a"), "B": made(right, "b")}

    told = values(search(sequence(first), found, all_ids(found), LATER))

    assert told == {value for value in VALUES if plain_sequence(found, value, first)}


@given(entries(8), entries(8), entries(4))
def test_sequences_that_end_in_silence_have_no_successor_of_any_common_value(
    left: Any, right: Any, absent: Any
) -> None:
    found = {"A": made(left, "a"), "B": made(right, "b"), "C": made(absent, "c")}

    told = values(search(sequence(absence=True), found, all_ids(found), LATER))

    assert told == {value for value in VALUES if plain_sequence(found, value, 1)}


@given(entries(6, 150), entries(6, 150), st.data())
@pytest.mark.parametrize("pattern", [group(), group(2), sequence(), sequence(2)], ids=["1", "2", "in order", "after 2"])
def test_whatever_the_order_of_arrival_nothing_is_missed(
    pattern: Pattern, left: Any, right: Any, data: st.DataObject
) -> None:
    found = {"A": made(left, "a"), "B": made(right, "b")}
    whole = values(search(pattern, found, all_ids(found), LATER))
    told: set[str] = set()
    stored: set[str] = set()

    for match_id in data.draw(st.permutations(sorted(all_ids(found)))):
        stored.add(match_id)
        here = {name: [one for one in matches if one.match_id in stored] for name, matches in found.items()}
        told |= values(search(pattern, here, {match_id}, LATER))

    assert told == whole


@given(entries(10), entries(10))
@pytest.mark.parametrize("pattern", [group(2), sequence(2)], ids=["group", "sequence"])
def test_findings_of_one_value_are_apart_and_no_longer_than_the_window(pattern: Pattern, left: Any, right: Any) -> None:
    found = {"A": made(left, "a"), "B": made(right, "b")}

    findings = search(pattern, found, all_ids(found), LATER)

    spans: dict[tuple[str, ...], list[tuple[float, float]]] = {}
    for finding in findings:
        spans.setdefault(finding.values, []).append((finding.matches[0].at, finding.matches[-1].at))
    for each in spans.values():
        assert all(last - first <= WINDOW_MIN * 60 for first, last in each)
        assert all(before[1] < after[0] for before, after in itertools.pairwise(each))


def crowd(pattern: Pattern) -> Found:
    """A finding as long as the window, and 200 further matches of its value a moment later."""
    first, last = Occurrence("first", 0.0, {"p": frozenset("x")}), Occurrence("last", 3600.0, {"p": frozenset("x")})
    others = [Occurrence(f"o{number}", 3601 + number / 10, {"p": frozenset("x")}) for number in range(200)]
    return {"A": [first, *others] if pattern.kind == "Sequence" else [first], "B": [last]}


def wide(pattern: Pattern) -> Pattern:
    steps = tuple(Transition(step.origin, step.to, 3600, step.on) for step in pattern.transitions)
    return Pattern(pattern.kind, pattern.members, steps, pattern.criteria, pattern.window_s)


@pytest.mark.parametrize("make", [group, sequence], ids=["group", "sequence"])
def test_a_finding_as_long_as_the_window_is_seen_in_a_crowd(make: Callable[[], Pattern]) -> None:
    pattern = wide(make())
    found = crowd(pattern)

    (finding,) = search(pattern, found, all_ids(found), LATER)

    assert [one.match_id for one in finding.matches] == ["first", "last"]


def test_a_sequence_names_all_matches_that_it_counts() -> None:
    found = {"A": made([(1, "x"), (2, "x"), (3, "x"), (4, "y")], "a"), "B": made([(5, "x")], "b")}

    (finding,) = search(sequence(3), found, all_ids(found), LATER)

    assert [one.match_id for one in finding.matches] == ["a0", "a1", "a2", "b0"]


def test_a_sequence_goes_on_by_the_value_of_which_there_are_enough() -> None:
    found = {"A": made([(1, "x"), (2, "x"), (3, "xy")], "a"), "B": made([(5, "y")], "b")}

    assert search(sequence(3), found, all_ids(found), LATER) == []


def test_all_pairs_of_a_transition_must_meet() -> None:
    step = Transition("A", "B", 600, (("who", "who"), ("ip", "ip")))
    pattern = Pattern("Sequence", (Member("A", "A"), Member("B", "B")), (step,), window_s=3600)

    def seen(match_id: str, at: float, who: str, ip: str) -> Occurrence:
        return Occurrence(match_id, at, {"who": frozenset((who,)), "ip": frozenset((ip,))})

    found = {
        "A": [seen("a1", 0, "ann", "1"), seen("a2", 1, "ann", "2")],
        "B": [seen("b1", 2, "ann", "1"), seen("b2", 3, "bob", "2")],
    }

    (finding,) = search(pattern, found, all_ids(found), LATER)

    assert (finding.values, [one.match_id for one in finding.matches]) == (("ann", "1"), ["a1", "b1"])


def test_criteria_that_only_some_members_share_hold_between_those() -> None:
    members = (
        Member("A", "A", paths={"who": "p"}),
        Member("B", "B", paths={"who": "p", "where": "q"}),
        Member("C", "C", paths={"where": "q"}),
    )
    pattern = Pattern("Group", members, criteria=("who", "where"), window_s=3600)

    def seen(match_id: str, p: str = "", q: str = "") -> Occurrence:
        return Occurrence(match_id, 1.0, {"p": frozenset(p), "q": frozenset(q)})

    found = {"A": [seen("a", "x")], "B": [seen("b1", "x", "1"), seen("b2", "x", "2")], "C": [seen("c", q="2")]}

    (finding,) = search(pattern, found, all_ids(found), LATER)

    assert (finding.values, [one.match_id for one in finding.matches]) == (("x", "2"), ["a", "b2", "c"])


def test_many_matches_of_few_values_are_told_in_few_findings() -> None:
    found = {"A": made([(n % 50, "xyz"[n % 3]) for n in range(3000)], "a"), "B": made([(50, "xyz")], "b")}

    findings = search(group(), found, all_ids(found), LATER)

    assert [len(finding.matches) for finding in findings] == [1001, 1001, 1001]


@pytest.mark.parametrize("pattern", [group(), sequence()], ids=["group", "sequence"])
def test_what_was_all_seen_before_is_not_told_again(pattern: Pattern) -> None:
    found = {"A": made([(1, "x"), (2, "y")], "a"), "B": made([(3, "xy")], "b")}

    assert values(search(pattern, found, {"a1"}, LATER)) == {"y"}


def test_a_sequence_that_must_not_go_on_waits_until_it_cannot() -> None:
    found = {"A": made([(1, "x")], "a"), "B": made([(5, "x")], "b"), "C": []}
    last = 5 * 60.0

    told = [
        len(search(sequence(absence=True), found, all_ids(found), last + wait)) for wait in (0, WAIT_MIN * 60 - 1, 1200)
    ]

    assert told == [0, 0, 1]


def test_of_two_ways_the_one_that_began_later_fits_the_window() -> None:
    steps = (Transition("A", "B", 3600, (("p", "p"),)), Transition("B", "C", 3600, (("q", "q"),)))
    pattern = Pattern("Sequence", (Member("A", "A"), Member("B", "B"), Member("C", "C")), steps, window_s=3600)

    def seen(match_id: str, minute: float, p: str, q: str) -> Occurrence:
        return Occurrence(match_id, minute * 60, {"p": frozenset(p), "q": frozenset(q)})

    found = {
        "A": [seen("early", 0, "x", ""), seen("late", 30, "y", "")],
        "B": [seen("of late", 31, "y", "1"), seen("of early", 32, "x", "1")],
        "C": [seen("end", 70, "", "1")],
    }

    (finding,) = search(pattern, found, all_ids(found), LATER)

    assert [one.match_id for one in finding.matches] == ["late", "of late", "end"]


@pytest.mark.parametrize(
    ("right", "window_min", "expected"),
    [
        ([5, 9], 69, ["a0", "b0", "b1"]),
        ([5], 69, []),
        ([5, 70], 69, ["a0", "b0", "a1", "b1"]),
        ([5, 70], 68, []),
    ],
    ids=["two follow", "one follows", "as long as the window", "longer than the window"],
)
def test_enough_must_follow_within_the_window(right: Sequence[int], window_min: int, expected: list[str]) -> None:
    window = Pattern("Sequence", sequence(1, 2).members, sequence().transitions, window_s=window_min * 60)
    found = {"A": made([(m, "x") for m in (1, 50)], "a"), "B": made([(m, "x") for m in right], "b")}

    findings = search(window, found, all_ids(found), LATER)

    assert [one.match_id for finding in findings for one in finding.matches] == expected


@pytest.mark.parametrize(
    ("before", "expected"), [([], 1), ([41], 0), ([29], 1), ([61], 1)], ids=["nothing", "in time", "too early", "after"]
)
def test_a_sequence_may_begin_with_silence(before: Sequence[int], expected: int) -> None:
    members = (Member("A", "A", absent=True), Member("B", "B"), Member("C", "C"))
    steps = (Transition("A", "B", 1800, (("p", "p"),)), Transition("B", "C", 1800, (("p", "p"),)))
    found = {
        "A": made([(minute, "x") for minute in before], "a"),
        "B": made([(60, "x")], "b"),
        "C": made([(65, "x")], "c"),
    }

    findings = search(Pattern("Sequence", members, steps, window_s=3600), found, all_ids(found), LATER)

    assert len(findings) == expected
