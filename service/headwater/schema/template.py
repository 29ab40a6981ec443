"""Templates: texts with %{name} in them, for the patterns of fastmatch and for expandFields."""

from __future__ import annotations

import re
from collections.abc import Iterator

PLACE = re.compile(r"%\{(?P<name>[^{}]*)\}")


def parts_of(template: str) -> Iterator[tuple[str, str | None]]:
    """The literals of a template, each with the name behind it; None behind the last."""
    start = 0
    for found in PLACE.finditer(template):
        yield template[start : found.start()], found["name"].strip()
        start = found.end()
    yield template[start:], None


def names_of(template: str) -> tuple[str, ...]:
    """The names in a template."""
    return tuple(name for _, name in parts_of(template) if name)
