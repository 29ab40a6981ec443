"""Groups: matches of several rules with the same values, in any order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headwater.detect.correlation_pattern import Found, Key, Member, Occurrence, Pattern, by_time, keys_at

UNBOUND = ""  # in place of a value that no member has chosen yet


@dataclass(frozen=True, slots=True)
class Group:
    """The matches with the same values. of: those of each member that must be there, its least number at least.

    absent: those that contradict it.
    """

    values: Key
    of: tuple[Sequence[Occurrence], ...]
    absent: Sequence[Occurrence]

    @property
    def matches(self) -> tuple[Occurrence, ...]:
        """The matches of all members, in order of time."""
        return by_time(one for matches in self.of for one in matches)


def groups(pattern: Pattern, found: Found) -> Iterator[Group]:
    """Matches that agree in every criterion that two of them have, in order of their values.

    found: member id → its matches, in order of time.
    """
    wanted = [member for member in pattern.members if not member.absent]
    places = {member.id: _places(pattern, member) for member in pattern.members}
    indexes = {member.id: _by_key(pattern, member, found.get(member.id, ())) for member in wanted}
    bound = frozenset(place for member in wanted for place in places[member.id])
    absent = [_Absent(pattern, member, bound, found.get(member.id, ())) for member in pattern.members if member.absent]
    for key in sorted(_agreeing(pattern, wanted, indexes)):
        yield Group(
            tuple(value for place, value in enumerate(key) if place in bound),
            tuple(indexes[member.id][_part(key, places[member.id])] for member in wanted),
            [one for each in absent for one in each.matches(key)],
        )


def _places(pattern: Pattern, member: Member) -> tuple[int, ...]:
    """The numbers of the criteria that a member has."""
    return tuple(place for place, name in enumerate(pattern.criteria) if name in member.paths)


def _part(key: Key, places: Sequence[int]) -> Key:
    return tuple(key[place] for place in places)


def _by_key(
    pattern: Pattern, member: Member, matches: Sequence[Occurrence], places: Sequence[int] | None = None
) -> dict[Key, list[Occurrence]]:
    """Matches by their values of the criteria at some places; without: of all that the member has."""
    places = _places(pattern, member) if places is None else places
    paths = [member.paths[pattern.criteria[place]] for place in places]
    index: dict[Key, list[Occurrence]] = defaultdict(list)
    for one in matches:
        for key in keys_at(one, paths):
            index[key].append(one)
    return index


def _agreeing(pattern: Pattern, wanted: Sequence[Member], indexes: Mapping[str, Mapping[Key, Any]]) -> set[Key]:
    """The values that every member has often enough, those of its own criteria; the members are joined by value."""
    keys: set[Key] = {(UNBOUND,) * len(pattern.criteria)} if wanted else set()
    left, bound = list(wanted), frozenset[int]()
    while left:
        member = max(left, key=lambda each: (len(bound.intersection(_places(pattern, each))), len(each.paths)))
        left.remove(member)
        places = _places(pattern, member)
        shared = [place for place in places if place in bound]
        fitting: dict[Key, list[Key]] = defaultdict(list)
        for mine, matches in indexes[member.id].items():
            if len(matches) >= member.min_count:
                fitting[tuple(value for place, value in zip(places, mine, strict=True) if place in bound)].append(mine)
        keys = {_with(key, places, mine) for key in keys for mine in fitting.get(_part(key, shared), ())}
        bound |= set(places)
    return keys


def _with(key: Key, places: Sequence[int], values: Key) -> Key:
    changed = dict(zip(places, values, strict=True))
    return tuple(changed.get(place, value) for place, value in enumerate(key))


class _Absent:
    """The matches of a member that must be absent, by the criteria that it shares with others."""

    def __init__(self, pattern: Pattern, member: Member, bound: Collection[int], matches: Sequence[Occurrence]) -> None:
        self._places = [place for place in _places(pattern, member) if place in bound]
        self._index = _by_key(pattern, member, matches, self._places)

    def matches(self, key: Key) -> Sequence[Occurrence]:
        """Those with these values."""
        return self._index.get(_part(key, self._places), ())
