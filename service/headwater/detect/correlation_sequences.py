"""Sequences: matches one after the other, each with the next by a common value and within a time."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from headwater.detect.correlation_pattern import (
    Found,
    Key,
    Member,
    Occurrence,
    Pattern,
    Transition,
    by_time,
    keys_at,
)

Links = Callable[["Chain", Sequence[str]], Iterable[Key]]  # chain, paths → the values by which it goes on


@dataclass(frozen=True, slots=True)
class Chain:
    """Matches in order. values: what the last two have in common. start: since when all that it counts happened.

    before: the chain that the last match follows. beside: chains that end like this one, and count to the least number.
    """

    last: Occurrence
    values: Key
    start: float
    before: Chain | None = None
    beside: tuple[Chain, ...] = ()

    @property
    def at(self) -> float:
        """When its last match happened."""
        return self.last.at

    @property
    def matches(self) -> tuple[Occurrence, ...]:
        """All matches that count, in order of time."""
        return by_time(self._counted())

    def _counted(self) -> Iterator[Occurrence]:
        yield self.last
        for chain in (*self.beside, *((self.before,) if self.before else ())):
            yield from chain._counted()


def chains(pattern: Pattern, found: Found, within_s: float = math.inf, at: float = math.inf) -> list[Chain]:
    """For each match that ends a sequence, and each value, the chain that began last; in order of time.

    found: member id → its matches, in order of time. within_s: from first to last. at: now, until which something that
    must not follow is waited for.
    """
    members = {member.id: member for member in pattern.members}
    links: Links = _chosen
    made: list[Chain] = []
    for number, step in enumerate(pattern.transitions):
        origin, to, nexts = members[step.origin], members[step.to], found.get(step.to, ())
        if not number and origin.absent:
            made = _origins(to, _unpreceded(found.get(origin.id, ()), nexts, step), _rights(step))
            links = _values_of_last
            continue
        made = made if number else _origins(origin, found.get(origin.id, ()), _lefts(step))
        made = _unfollowed(made, nexts, step, at) if to.absent else _followed(made, nexts, step, to.min_count, links)
        made = [chain for chain in made if chain.at - chain.start <= within_s]
        links = _values_of_last
    return made


def _lefts(step: Transition) -> list[str]:
    return [left for left, _ in step.on]


def _rights(step: Transition) -> list[str]:
    return [right for _, right in step.on]


def _origins(member: Member, matches: Sequence[Occurrence], paths: Sequence[str]) -> list[Chain]:
    """The matches that a sequence can begin with: those with enough of their value before them."""
    least = member.min_count
    alike: dict[Key, list[Chain]] = defaultdict(list)
    made = []
    for one in matches:
        for key in sorted(keys_at(one, paths)):
            alike[key].append(Chain(one, key, one.at))
            counted = alike[key][-least:]
            if len(counted) == least:
                made.append(Chain(one, key, counted[0].at, beside=tuple(counted[:-1])))
    return made


def _chosen(chain: Chain, _paths: Sequence[str]) -> Iterable[Key]:
    """A first match goes on by the value of which there are enough."""
    return (chain.values,)


def _values_of_last(chain: Chain, paths: Sequence[str]) -> Iterable[Key]:
    return keys_at(chain.last, paths)


def _followed(
    made: Sequence[Chain],
    nexts: Sequence[Occurrence],
    step: Transition,
    least: int,
    links: Links,
) -> list[Chain]:
    by_key: dict[Key, list[Chain]] = defaultdict(list)
    for chain in made:
        for key in links(chain, _lefts(step)):
            by_key[key].append(chain)
    latest = {key: _Latest(of_key, step.within_s) for key, of_key in by_key.items()}
    reached: dict[Key, list[Chain]] = defaultdict(list)
    longer = []
    for one in nexts:
        for key in sorted(keys_at(one, _rights(step))):
            before = latest[key].before(one.at) if key in latest else None
            if before is not None:
                chain = Chain(one, key, before.start, before)
                longer += _counted(chain, reached[key], least)
    return longer


def _counted(chain: Chain, reached: list[Chain], least: int) -> list[Chain]:
    """The chain with those that it needs beside it, the ones that began last, if there are so many; it joins them."""
    beside = tuple(reached[len(reached) - least + 1 :]) if least > 1 else ()
    enough = len(beside) == least - 1
    if least > 1:
        insort(reached, chain, key=lambda each: each.start)
        del reached[: max(len(reached) - least + 1, 0)]
    start = min([chain.start, *(each.start for each in beside)])
    return [replace(chain, start=start, beside=beside)] if enough else []


class _Latest:
    """Of chains in order of time, the one that began last among those that ended shortly before a time."""

    def __init__(self, made: Sequence[Chain], within_s: float) -> None:
        self._within_s = within_s
        self._coming = deque(made)
        self._best: deque[Chain] = deque()  # each began later than those after it

    def before(self, at: float) -> Chain | None:
        """The chain; times must not decrease from call to call."""
        while self._coming and self._coming[0].at < at:
            chain = self._coming.popleft()
            while self._best and self._best[-1].start <= chain.start:
                self._best.pop()
            self._best.append(chain)
        while self._best and self._best[0].at < at - self._within_s:
            self._best.popleft()
        return self._best[0] if self._best else None


def _unfollowed(made: Sequence[Chain], nexts: Sequence[Occurrence], step: Transition, at: float) -> list[Chain]:
    """The chains that nothing follows in time, once that is certain; one for each last match that has no other before
    it."""
    times = _times(nexts, _rights(step))
    alone: set[str] = set()
    kept = []
    for chain in made:
        end = chain.at + step.within_s
        if end > at or any(_has(times.get(key, ()), chain.at, end) for key in keys_at(chain.last, _lefts(step))):
            continue
        if chain.before is not None or chain.last.match_id not in alone:
            kept.append(chain)
            alone.add(chain.last.match_id)
    return kept


def _unpreceded(befores: Sequence[Occurrence], nexts: Sequence[Occurrence], step: Transition) -> list[Occurrence]:
    """Those of the next matches that nothing precedes in time."""
    times = _times(befores, _lefts(step))
    return [
        one
        for one in nexts
        if not any(_has(times.get(key, ()), one.at - step.within_s, one.at) for key in keys_at(one, _rights(step)))
    ]


def _times(matches: Sequence[Occurrence], paths: Sequence[str]) -> Mapping[Key, Sequence[float]]:
    """When each value was seen, in order of time."""
    times: dict[Key, list[float]] = defaultdict(list)
    for one in matches:
        for key in keys_at(one, paths):
            times[key].append(one.at)
    return times


def _has(times: Sequence[float], since: float, until: float) -> bool:
    index = bisect_left(times, since)
    return index < len(times) and times[index] <= until
