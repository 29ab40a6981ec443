"""Records → what was seen in each field, counted; the same whatever the order of the records."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from headwater.schema.textkinds import EXACT_FLOAT, INT64, Kinds, kinds_of, unix_kinds

MAX_DEPTH = 5  # levels of fields; what lies deeper is JSON
MAX_MEMBERS = 100  # names in one nested object; one with more is a map, whose names are data
MAX_COLUMNS = 2_000
MAX_NODES = 20_000  # fields of all levels; with more, the deepest level is given up
MAX_NAME = 200  # characters of a field's name
UNREADABLE = frozenset('"\\')  # msgspec reads no name that JSON has to escape
SHOWN = 40  # characters of an example
# Long runs of letters and digits: keys, tokens, ids. They do not belong into a schema.
OPAQUE = re.compile(r"(?=[A-Za-z0-9+/=_-]*[0-9])(?=[A-Za-z0-9+/=_-]*[A-Za-z])[A-Za-z0-9+/=_-]{16,}")


@dataclass(slots=True)
class Observed:
    """Counts of the values of one field. members: of objects, by lower-case name. element: of arrays.

    least, most: of whole numbers. inexact: a float without end. numbers: what numbers could be as times.
    """

    nulls: int = 0
    booleans: int = 0
    ints: int = 0
    floats: int = 0
    objects: int = 0
    arrays: int = 0
    texts: Counter[Kinds] = field(default_factory=Counter)
    numbers: Counter[Kinds] = field(default_factory=Counter)
    least: int = 0
    most: int = 0
    inexact: bool = False
    example: str | None = None
    members: dict[str, Member] = field(default_factory=dict)
    is_map: bool = False
    element: Observed | None = None

    @property
    def strings(self) -> int:
        """Values that are texts."""
        return self.texts.total()

    @property
    def values(self) -> int:
        """Values that are not null."""
        return self.scalars + self.objects + self.arrays

    @property
    def scalars(self) -> int:
        """Values that are text, number, true or false."""
        return self.booleans + self.ints + self.floats + self.strings

    @property
    def fits_int64(self) -> bool:
        """Whether every whole number does."""
        return self.least in INT64 and self.most in INT64

    @property
    def fits_float(self) -> bool:
        """Whether no number loses digits that count."""
        return not self.inexact and self.least >= -EXACT_FLOAT and self.most <= EXACT_FLOAT

    def ordered(self) -> list[Member]:
        """The members in the order in which objects have them."""
        return sorted(self.members.values(), key=lambda member: (member.place, member.name))


@dataclass(slots=True)
class Member:
    """One name of an object. name: its least spelling. place: the foremost place it had in an object."""

    name: str
    place: int
    seen: Observed = field(default_factory=Observed)


def is_usable(name: str) -> bool:
    """Whether a field can have the name; others stay in p_unmapped."""
    return 0 < len(name) <= MAX_NAME and name.isprintable() and not UNREADABLE.intersection(name)


class Observations:
    """Takes records one by one; memory depends on their fields, not on their number."""

    def __init__(self) -> None:
        self.rows = 0
        self.empty_rows = 0  # rows that hold no value that a field could take
        self.root = Observed()
        self._depth = MAX_DEPTH
        self._nodes = 0

    def add(self, record: Mapping[str, Any]) -> None:
        """Count one record."""
        self.rows += 1
        self.empty_rows += all(value is None for name, value in record.items() if is_usable(name))
        self._object(self.root, record, 0)
        while self._nodes > MAX_NODES and self._depth > 1:
            self._depth -= 1
            _cut(self.root, self._depth)
            self._nodes = _count(self.root)

    @property
    def too_wide(self) -> bool:
        """Whether there are more top-level fields than a table may have columns."""
        return self.root.is_map

    def _object(self, seen: Observed, value: Mapping[str, Any], depth: int) -> None:
        seen.objects += 1
        if seen.is_map or depth >= self._depth:
            return
        for place, (name, part) in enumerate(value.items()):
            member = seen.members.get(name.lower())
            if member is None:
                if not is_usable(name):
                    continue
                member = seen.members[name.lower()] = Member(name, place)
                self._nodes += 1
            member.name, member.place = min(member.name, name), min(member.place, place)
            self._value(member.seen, part, depth + 1)
        if len(seen.members) > (MAX_MEMBERS if depth else MAX_COLUMNS):
            self._nodes -= _count(seen)
            seen.is_map = True
            seen.members.clear()

    def _value(self, seen: Observed, value: Any, depth: int) -> None:
        if value is None:
            seen.nulls += 1
        elif isinstance(value, dict):
            self._object(seen, value, depth)
        elif isinstance(value, list):
            seen.arrays += 1
            seen.element = seen.element or Observed()
            for item in value:
                self._value(seen.element, item, depth)
        else:
            _scalar(seen, value)


def _scalar(seen: Observed, value: Any) -> None:
    if isinstance(value, str):
        seen.texts[kinds_of(value)] += 1
        shown = value
    elif isinstance(value, bool):
        seen.booleans += 1
        shown = "true" if value else "false"
    elif isinstance(value, int):
        seen.least, seen.most = (min(seen.least, value), max(seen.most, value)) if seen.ints else (value, value)
        seen.ints += 1
        seen.numbers[unix_kinds(value) if value in INT64 else frozenset()] += 1
        shown = str(value)
    else:
        seen.floats += 1
        seen.inexact |= not math.isfinite(value)
        seen.numbers[unix_kinds(value) & {"unix"} if math.isfinite(value) else frozenset()] += 1
        shown = str(value)
    if 0 < len(shown) <= SHOWN and (seen.example is None or shown < seen.example) and _is_plain(shown):
        seen.example = shown


def _is_plain(shown: str) -> bool:
    return shown.isprintable() and not shown.isspace() and not OPAQUE.search(shown)


def _parts(seen: Observed) -> Iterator[tuple[Observed, int]]:
    """What lies directly inside, with how many levels deeper it counts."""
    if seen.element is not None:
        yield seen.element, 0
    for member in seen.members.values():
        yield member.seen, 1


def _count(seen: Observed) -> int:
    return sum(_count(part) + step for part, step in _parts(seen))


def _cut(seen: Observed, depth: int) -> None:
    """Forget the members below a depth."""
    if depth == 0:
        seen.members.clear()
    for part, step in _parts(seen):
        _cut(part, depth - step)
