"""Correlation rules over stored matches: groups of matches with a common value, sequences of them, and what is absent.

Pure: occurrences in, findings out. Matches are looked up by value, so a window may hold many thousands of them.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Key = tuple[str, ...]  # one value for each criterion
ANY = ""  # the value where nothing has to be equal


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One stored match. at: seconds since 1970. values: path → the values there (several where it holds a list)."""

    match_id: str
    at: float
    values: Mapping[str, frozenset[str]] = field(default_factory=dict)
    account_id: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """One part of a correlation. paths: criterion → where its value stands in this member's matches."""

    id: str
    rule_id: str
    min_count: int = 1
    absent: bool = False
    paths: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Transition:
    """`to` after `origin`, within a time. on: pairs of paths whose values must meet."""

    origin: str
    to: str
    within_s: float
    on: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a correlation rule looks for. window_s: how far back from the latest match or from now."""

    kind: Literal["Group", "Sequence"]
    members: tuple[Member, ...]
    transitions: tuple[Transition, ...] = ()
    criteria: tuple[str, ...] = ()
    window_s: float = 900


@dataclass(frozen=True, slots=True)
class Finding:
    """Matches that together meet a pattern. values: what they have in common."""

    values: Key
    matches: tuple[Occurrence, ...]


def evaluate(pattern: Pattern, found: Mapping[str, Sequence[Occurrence]], until: float | None = None) -> list[Finding]:
    """Every way in which the pattern is met, one finding for each common value.

    found: member id → its matches, in any order. until: end of the window; None: the latest match.
    """
    times = [one.at for matches in found.values() for one in matches]
    end = until if until is not None else max(times, default=0.0)
    inside = {
        member.id: sorted(
            (one for one in found.get(member.id, ()) if end - pattern.window_s <= one.at <= end), key=_time_of
        )
        for member in pattern.members
    }
    return list(_groups(pattern, inside) if pattern.kind == "Group" else _sequences(pattern, inside))


def _time_of(occurrence: Occurrence) -> float:
    return occurrence.at


def _groups(pattern: Pattern, inside: Mapping[str, Sequence[Occurrence]]) -> Iterator[Finding]:
    indexes = {member.id: _by_key(pattern, member, inside[member.id]) for member in pattern.members}
    wanted = [member for member in pattern.members if not member.absent]
    if not wanted:
        return
    fullest = max(wanted, key=lambda member: len(member.paths))
    for key in sorted(indexes[fullest.id]):
        matches: list[Occurrence] = []
        for member in pattern.members:
            mine = _with_key(indexes[member.id], key)
            if (len(mine) > 0) if member.absent else (len(mine) < member.min_count):
                break
            matches += mine
        else:
            yield Finding(tuple(value for value in key if value != ANY), tuple(sorted(matches, key=_time_of)))


def _by_key(pattern: Pattern, member: Member, matches: Sequence[Occurrence]) -> dict[Key, list[Occurrence]]:
    index: dict[Key, list[Occurrence]] = defaultdict(list)
    for one in matches:
        parts = [
            one.values.get(member.paths[name], frozenset()) if name in member.paths else (ANY,)
            for name in pattern.criteria
        ]
        for key in itertools.product(*parts):
            index[key].append(one)
    return index


def _with_key(index: Mapping[Key, Sequence[Occurrence]], key: Key) -> Sequence[Occurrence]:
    """The matches of a key; a member that lacks a criterion has ANY in its place."""
    if key in index:
        return index[key]
    partial = [known for known in index if ANY in known or ANY in key]
    return [one for known in partial if _agree(known, key) for one in index[known]]


def _agree(one: Key, other: Key) -> bool:
    return all(ANY in pair or pair[0] == pair[1] for pair in zip(one, other, strict=True))


@dataclass(frozen=True, slots=True)
class _Chain:
    """Matches that led to the last one. value: what the last transition had in common."""

    matches: tuple[Occurrence, ...]
    value: str = ANY

    @property
    def at(self) -> float:
        return self.matches[-1].at


def _sequences(pattern: Pattern, inside: Mapping[str, Sequence[Occurrence]]) -> Iterator[Finding]:
    members = {member.id: member for member in pattern.members}
    if not pattern.transitions:
        return
    first = members[pattern.transitions[0].origin]
    chains = [_Chain((one,)) for one in inside[first.id]]
    chains = _counted(chains, first.min_count, [origin for origin, _ in pattern.transitions[0].on])
    for transition in pattern.transitions:
        to = members[transition.to]
        chains = (_without if to.absent else _followed)(chains, inside[to.id], transition, to.min_count)
    seen: set[str] = set()
    for chain in chains:
        if chain.value not in seen:
            seen.add(chain.value)
            yield Finding((chain.value,) if chain.value != ANY else (), chain.matches)


def _counted(chains: Sequence[_Chain], least: int, paths: Sequence[str]) -> list[_Chain]:
    """The chains that end at the least-th match or later of some value."""
    if least <= 1:
        return list(chains)
    seen: dict[str, int] = defaultdict(int)
    kept = []
    for chain in chains:
        values = _values(chain.matches[-1], paths)
        for value in values:
            seen[value] += 1
        if any(seen[value] >= least for value in values):
            kept.append(chain)
    return kept


def _values(one: Occurrence, paths: Sequence[str]) -> frozenset[str]:
    return one.values.get(paths[0], frozenset()) if paths else frozenset((ANY,))


def _pairs(one: Occurrence, other: Occurrence, transition: Transition) -> bool:
    """Whether all pairs of paths but the first, by which the matches were found, meet as well."""
    return all(
        one.values.get(left, frozenset()) & other.values.get(right, frozenset()) for left, right in transition.on[1:]
    )


def _followed(
    chains: Sequence[_Chain], nexts: Sequence[Occurrence], transition: Transition, least: int
) -> list[_Chain]:
    lefts, rights = [left for left, _ in transition.on], [right for _, right in transition.on]
    by_value: dict[str, list[_Chain]] = defaultdict(list)
    for chain in sorted(chains, key=lambda chain: chain.at):
        for value in _values(chain.matches[-1], lefts):
            by_value[value].append(chain)
    made: list[_Chain] = []
    reached: dict[str, int] = defaultdict(int)
    for one in nexts:
        for value in sorted(_values(one, rights)):
            before = _latest(by_value.get(value, ()), one, transition)
            if before is not None:
                reached[value] += 1
                if reached[value] >= least:
                    made.append(_Chain((*before.matches, one), value))
    return made


def _latest(chains: Sequence[_Chain], one: Occurrence, transition: Transition) -> _Chain | None:
    """The latest chain before a match and near enough to it; chains are in order of time."""
    for index in range(bisect_left(chains, one.at, key=lambda chain: chain.at) - 1, -1, -1):
        if one.at - chains[index].at > transition.within_s:
            return None
        if _pairs(chains[index].matches[-1], one, transition):
            return chains[index]
    return None


def _without(
    chains: Sequence[_Chain], nexts: Sequence[Occurrence], transition: Transition, _least: int
) -> list[_Chain]:
    """The chains that nothing follows in time."""
    lefts, rights = [left for left, _ in transition.on], [right for _, right in transition.on]
    times: dict[str, list[float]] = defaultdict(list)
    for one in nexts:
        for value in _values(one, rights):
            times[value].append(one.at)
    kept = []
    for chain in chains:
        for value in sorted(_values(chain.matches[-1], lefts)):
            later = times.get(value, [])
            index = bisect_left(later, chain.at)
            if index == len(later) or later[index] > chain.at + transition.within_s:
                kept.append(_Chain(chain.matches, value))
                break
    return kept
