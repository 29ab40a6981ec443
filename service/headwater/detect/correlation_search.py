"""Where in time a pattern is met: windows over stored matches, however late the matches were stored."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from headwater.detect.correlate import Finding, Key, Member, Occurrence, Pattern, Transition, evaluate

PLACES = 64  # where a window may end within its own length; where fewer matches are, it ends at each of them

Found = Mapping[str, Sequence[Occurrence]]


def search(pattern: Pattern, found: Found, fresh: Collection[str], at: float) -> list[Finding]:
    """Every way in which a pattern is met that a fresh match has a part in, oldest first.

    found: member id → its matches, in order of time. fresh: ids of the matches that no search has seen before.
    at: now. What has to be absent is looked for on both sides of a group, up to now; a sequence waits for it.
    """
    anywhere = replace(_without_absence(pattern), window_s=float("inf"))
    if not anywhere.members or (anywhere.kind == "Sequence" and not pattern.transitions):
        return []
    if anywhere.transitions or anywhere.kind == "Group":
        candidates = evaluate(anywhere, found)
        if not candidates:
            return []
        if anywhere.kind == "Group":
            return _ordered(finding for each in candidates for finding in _groups(pattern, found, each, fresh, at))
    return _ordered(_sequences(pattern, found, fresh, at))


def _ordered(findings: Iterator[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: (finding.matches[-1].at, finding.values))


def _without_absence(pattern: Pattern) -> Pattern:
    absent = {member.id for member in pattern.members if member.absent}
    return replace(
        pattern,
        members=tuple(member for member in pattern.members if not member.absent),
        transitions=tuple(step for step in pattern.transitions if step.to not in absent and step.origin not in absent),
    )


def _groups(pattern: Pattern, found: Found, candidate: Finding, fresh: Collection[str], at: float) -> Iterator[Finding]:
    """The windows in which a candidate, whose matches lie anywhere in time, is a finding."""
    present = _without_absence(pattern)
    mine = {match.match_id for match in candidate.matches}
    only = {m.id: [one for one in found.get(m.id, ()) if one.match_id in mine] for m in present.members}
    absent = tuple(member for member in pattern.members if member.absent)
    for finding in _latest_first(present, only, [match.at for match in candidate.matches], fresh):
        if finding.values == candidate.values and not _contradicted(pattern, found, finding, absent, at):
            yield finding


def _contradicted(pattern: Pattern, found: Found, finding: Finding, absent: Sequence[Member], at: float) -> bool:
    """Whether what must be absent is near a finding: in a window before its end, or in one after it, up to now."""
    end = finding.matches[-1].at
    until = min(at, end + pattern.window_s)
    near = {m.id: _between(found.get(m.id, ()), end - pattern.window_s, until) for m in absent}
    wanted = {m.id: finding.matches for m in pattern.members if not m.absent}
    whole = replace(pattern, window_s=until - end + pattern.window_s)
    rules = {m.id: _of_member(found.get(m.id, ()), wanted[m.id]) for m in pattern.members if not m.absent}
    return bool(absent) and not any(each.values == finding.values for each in evaluate(whole, {**rules, **near}, until))


def _of_member(matches: Sequence[Occurrence], chosen: Sequence[Occurrence]) -> list[Occurrence]:
    ids = {one.match_id for one in chosen}
    return [one for one in matches if one.match_id in ids]


def _sequences(pattern: Pattern, found: Found, fresh: Collection[str], at: float) -> Iterator[Finding]:
    waits = {step.to: step for step in pattern.transitions if _absent(pattern, step)}
    times = [one.at for member in pattern.members if not member.absent for one in found.get(member.id, ())]
    if not waits:
        return _latest_first(pattern, found, times, fresh)
    wait_s = max(step.within_s for step in waits.values())
    decided = {member.id: found.get(member.id, ()) for member in pattern.members}
    return _latest_first(
        replace(pattern, window_s=pattern.window_s + wait_s), decided, [time + wait_s for time in times], fresh, at
    )


def _absent(pattern: Pattern, step: Transition) -> bool:
    return any(member.absent for member in pattern.members if member.id == step.to)


def _latest_first(
    pattern: Pattern, found: Found, times: Sequence[float], fresh: Collection[str], at: float = float("inf")
) -> Iterator[Finding]:
    """Findings of windows that end at some of the times; those that share time with a later one of its values are left
    out."""
    begun: dict[Key, float] = {}
    for end in _ends([time for time in times if time <= at], pattern.window_s):
        inside = {m.id: _between(found.get(m.id, ()), end - pattern.window_s, end) for m in pattern.members}
        if not any(one.match_id in fresh for matches in inside.values() for one in matches):
            continue
        for finding in evaluate(pattern, inside, end):
            first, last = finding.matches[0].at, finding.matches[-1].at
            is_new = any(match.match_id in fresh for match in finding.matches)
            if is_new and last < begun.get(finding.values, float("inf")):
                begun[finding.values] = first
                yield finding


def _between(matches: Sequence[Occurrence], since: float, until: float) -> Sequence[Occurrence]:
    first = bisect_left(matches, since, key=lambda one: one.at)
    return matches[first : bisect_right(matches, until, key=lambda one: one.at)]


def _ends(times: Sequence[float], window_s: float) -> list[float]:
    """The times, latest first; where there are many, the last within each of `PLACES` parts of a window."""
    distinct = sorted(set(times), reverse=True)
    if len(distinct) <= PLACES or window_s <= 0:
        return distinct
    part_s = window_s / PLACES
    last_of: dict[int, float] = {}
    for time in distinct:
        last_of.setdefault(int(time // part_s), time)
    return list(last_of.values())
