"""Correlation rules over stored matches in one window: groups with a common value, sequences, and what is absent.

Pure: occurrences in, findings out. Matches are looked up by value, so a window may hold many thousands of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter

from headwater.detect.correlation_groups import groups
from headwater.detect.correlation_pattern import Finding, Found, Key, Member, Occurrence, Pattern, Transition
from headwater.detect.correlation_sequences import Chain, chains

__all__ = ["Finding", "Found", "Key", "Member", "Occurrence", "Pattern", "Transition", "evaluate"]


def evaluate(pattern: Pattern, found: Found, until: float | None = None) -> list[Finding]:
    """Every way in which the pattern is met, one finding for each common value.

    found: member id → its matches, in any order. until: end of the window; None: the latest match.
    """
    end = until if until is not None else max((one.at for matches in found.values() for one in matches), default=0.0)
    inside = {
        member.id: sorted(
            (one for one in found.get(member.id, ()) if end - pattern.window_s <= one.at <= end), key=attrgetter("at")
        )
        for member in pattern.members
    }
    return list(_in_one_window(pattern, inside))


def _in_one_window(pattern: Pattern, inside: Found) -> Iterator[Finding]:
    if pattern.kind == "Group":
        for group in groups(pattern, inside):
            if not group.absent:
                yield Finding(group.values, group.matches)
        return
    firsts: dict[Key, Chain] = {}
    for chain in chains(pattern, inside):
        firsts.setdefault(chain.values, chain)
    yield from (Finding(values, chain.matches) for values, chain in firsts.items())
