"""Data models: names that mean the same in every log type, mapped to a path or a function of one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from headwater.detect.event import ImmutableCaseInsensitiveDict

TOKEN = re.compile(
    r"""\.?(?P<name>[^.\[\]]+)|\.?\[(?P<index>\d+|\*)\]|\.?\[(?P<quote>['"])(?P<quoted>.*?)(?P=quote)\]"""
)


@dataclass(frozen=True, slots=True)
class FieldPath:
    """A compiled `field`, `$.a.b` or `$.list[*].c`; case-sensitive. steps: keys, indices, None for `[*]`."""

    steps: tuple[str | int | None, ...]
    rooted: bool

    def __str__(self) -> str:
        parts = [step if isinstance(step, str) else f"[{'*' if step is None else step}]" for step in self.steps]
        return ".".join(["$", *parts] if self.rooted else parts)

    def values(self, raw: Any) -> Iterator[Any]:
        """Every value the path meets."""
        return _descend(raw, self.steps)


def compile_path(text: str) -> FieldPath:
    """The steps of a path. Raises: ValueError for a path that is not one."""
    rooted = text.startswith("$")
    rest = text.removeprefix("$")
    steps: list[str | int | None] = []
    position = 0
    for match in TOKEN.finditer(rest):
        if match.start() != position:
            break
        position = match.end()
        index = match["index"]
        steps.append(match["name"] or match["quoted"] if index is None else None if index == "*" else int(index))
    if not steps or position != len(rest):
        raise ValueError(f"{text!r} is no field name and no path like $.a.b")
    return FieldPath(tuple(steps), rooted)


def _descend(value: Any, steps: tuple[str | int | None, ...]) -> Iterator[Any]:
    if not steps:
        yield value
        return
    step, rest = steps[0], steps[1:]
    if isinstance(step, str):
        if isinstance(value, Mapping) and step in value:
            yield from _descend(value[step], rest)
    elif isinstance(value, list):
        chosen = value if step is None else value[step : step + 1]
        for item in chosen:
            yield from _descend(item, rest)


@dataclass(frozen=True, slots=True)
class DataModel:
    """One enabled data model. methods: functions of its module, called with the row."""

    id: str
    log_types: tuple[str, ...]
    paths: Mapping[str, FieldPath] = field(default_factory=dict)
    methods: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)

    def __contains__(self, name: object) -> bool:
        return name in self.paths or name in self.methods

    def find(self, name: str, raw: Mapping[str, Any]) -> tuple[bool, Any]:
        """Whether the mapping found something in the row, and what; exceptions of methods come through."""
        if name in self.methods:
            return True, self.methods[name](ImmutableCaseInsensitiveDict(raw))
        path = self.paths[name]
        values = list(path.values(raw))
        if len(values) > 1:
            raise Exception(f"JSONPath [{path}] in DataModel [{self.id}], matched multiple fields.")
        return (True, values[0]) if values else (False, None)

    def path_of(self, name: str, raw: Mapping[str, Any]) -> str | None:
        """The dotted path a mapping found, or the name of its method."""
        if name in self.methods:
            return getattr(self.methods[name], "__name__", name)
        if name not in self.paths or not any(True for _ in self.paths[name].values(raw)):
            return None
        return str(self.paths[name]).removeprefix("$.")
