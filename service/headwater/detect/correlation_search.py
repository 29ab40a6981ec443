"""Where in time a pattern is met: windows over stored matches, however late the matches were stored.

A window may end anywhere. One that slides over the matches of a value from the latest to the earliest sees each of
them twice, so many thousands of matches are no more than a few seconds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence

from headwater.detect.correlation_groups import Group, groups
from headwater.detect.correlation_pattern import Finding, Found, Key, Occurrence, Pattern, by_time
from headwater.detect.correlation_sequences import chains

Timeline = Sequence[tuple[int, Occurrence]]  # number of the member, match; in order of time


def search(pattern: Pattern, found: Found, fresh: Collection[str], at: float) -> list[Finding]:
    """Every way in which a pattern is met that a fresh match has a part in, oldest first.

    found: member id → its matches, in order of time. fresh: ids of the matches that no search has seen before.
    at: now. What has to be absent is looked for on both sides of a group, up to now; a sequence waits for it.
    Findings of one value do not overlap in time: of those that would, the latest is given.
    """
    made = _groups(pattern, found, fresh, at) if pattern.kind == "Group" else _sequences(pattern, found, fresh, at)
    return sorted(made, key=lambda finding: (finding.matches[-1].at, finding.values))


def _groups(pattern: Pattern, found: Found, fresh: Collection[str], at: float) -> Iterator[Finding]:
    least = [member.min_count for member in pattern.members if not member.absent]
    for group in groups(pattern, found):
        timeline = _timeline(group)
        times = sorted(one.at for one in group.absent)
        for start, end in _windows(timeline, least, pattern.window_s, fresh, _Near(times, pattern.window_s, at)):
            yield Finding(group.values, by_time(one for _, one in timeline[start:end]))


def _timeline(group: Group) -> Timeline:
    return sorted(
        ((number, one) for number, matches in enumerate(group.of) for one in matches), key=lambda entry: entry[1].at
    )


class _Near:
    """Whether one of some times is at most a window's length away from a time, up to now."""

    def __init__(self, times: Sequence[float], window_s: float, at: float) -> None:
        self._times, self._window_s, self._now = times, window_s, at

    def __call__(self, time: float) -> bool:
        index = bisect_left(self._times, time - self._window_s)
        return index < len(self._times) and self._times[index] <= min(self._now, time + self._window_s)


def _windows(
    timeline: Timeline,
    least: Sequence[int],
    window_s: float,
    fresh: Collection[str],
    contradicted: Callable[[float], bool],
) -> Iterator[tuple[int, int]]:
    """Parts of a timeline, latest first, in which every member has its least number and one match is fresh."""
    inside = Counter[int]()
    news, start, end = 0, len(timeline), len(timeline)
    while end:
        last = timeline[end - 1][1]
        while start and timeline[start - 1][1].at >= last.at - window_s:
            start -= 1
            inside[timeline[start][0]] += 1
            news += timeline[start][1].match_id in fresh
        if news and all(inside[number] >= count for number, count in enumerate(least)) and not contradicted(last.at):
            yield start, end
            inside.clear()
            news, end = 0, start
            continue
        end -= 1
        inside[timeline[end][0]] -= 1
        news -= timeline[end][1].match_id in fresh


def _sequences(pattern: Pattern, found: Found, fresh: Collection[str], at: float) -> Iterator[Finding]:
    begun: dict[Key, float] = {}
    for chain in reversed(chains(pattern, found, pattern.window_s, at)):
        if chain.at < begun.get(chain.values, float("inf")):
            matches = chain.matches
            if any(one.match_id in fresh for one in matches):
                begun[chain.values] = matches[0].at
                yield Finding(chain.values, matches)
