"""What correlation rules look for, the stored matches that they look at, and what they find."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Key = tuple[str, ...]  # one value for each criterion
Found = Mapping[str, Sequence["Occurrence"]]  # member id → its matches


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


def by_time(matches: Iterable[Occurrence]) -> tuple[Occurrence, ...]:
    """The matches in order of time, each once."""
    return tuple(sorted({one.match_id: one for one in matches}.values(), key=lambda one: (one.at, one.match_id)))


def keys_at(one: Occurrence, paths: Sequence[str]) -> Iterator[Key]:
    """Every combination of the values at some paths; none where a path has no value."""
    return itertools.product(*(one.values.get(path, ()) for path in paths))
