"""Walking through a schema file: each part is checked where it is read, and every mistake noted with its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, cast

import re2

from headwater.errors import Problem
from headwater.schema.keys import Keys
from headwater.yamlfile import Document
from headwater.yamlfile import Path as At


class Walk:
    """Reads one document; a wrong part is noted in `problems` and replaced by a harmless value, to go on."""

    def __init__(self, file: str, document: Document) -> None:
        self.file = file
        self.document = document
        self.problems: list[Problem] = []

    def mapping(self, data: Any, at: At, keys: Keys) -> Mapping[str, Any]:
        """A mapping that has no other keys than these, and all that are required."""
        if not isinstance(data, dict):
            self.problem(at, "must be a mapping", f"Its keys may be {', '.join(keys)}." if keys else "")
            return {}
        for key in data.keys() - set(keys):
            self.unknown_key((*at, key), tuple(keys))
        for key, known in keys.items():
            if known.is_required and data.get(key) in (None, "", [], {}):
                self.problem(at, f"{key} is missing", f"Add {key}: …")
        return cast(Mapping[str, Any], data)

    def part(self, data: Mapping[str, Any], key: str, at: At, keys: Keys) -> Mapping[str, Any] | None:
        """The mapping under a key, or None where there is none."""
        return self.mapping(data[key], (*at, key), keys) if key in data else None

    def text(self, data: Mapping[str, Any], key: str, at: At) -> str:
        """A text; empty where it is absent."""
        value = data.get(key)
        if value is None or isinstance(value, str):
            return value or ""
        self.problem((*at, key), "must be text", "Put it in quotes.")
        return ""

    def texts(self, data: Mapping[str, Any], key: str, at: At) -> tuple[str, ...]:
        """A list of texts; a single text is a list of one."""
        value = data.get(key)
        values = [] if value is None else [value] if isinstance(value, str) else value
        if isinstance(values, list) and all(isinstance(each, str) for each in values):
            return tuple(values)
        self.problem((*at, key), "must be a list of texts", 'Write for example ["-"].')
        return ()

    def named_texts(self, data: Mapping[str, Any], key: str, at: At) -> dict[str, str]:
        """Texts by name."""
        value = data.get(key) or {}
        if isinstance(value, dict) and all(isinstance(each, str) for each in value.values()):
            return value
        self.problem((*at, key), "must be texts by name", f"Write for example {key}: {{NAME: 'text'}}.")
        return {}

    def flag(self, data: Mapping[str, Any], key: str, at: At, *, default: bool = False) -> bool:
        """True or false."""
        value = data.get(key, default)
        if isinstance(value, bool):
            return value
        self.problem((*at, key), "must be true or false")
        return default

    def count(self, data: Mapping[str, Any], key: str, at: At, default: int = 0) -> int:
        """A whole number from 0."""
        value = data.get(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        self.problem((*at, key), "must be a whole number")
        return default

    def choice(self, value: Any, at: At, allowed: Iterable[str], default: str) -> str:
        """One of several words."""
        allowed = tuple(allowed)
        if isinstance(value, str) and value in allowed:
            return value
        self.problem(at, f"{value!r} is unknown", _did_you_mean(str(value), allowed))
        return default

    def character(self, data: Mapping[str, Any], key: str, at: At, default: str = "") -> str:
        """One ASCII character, or the default where it is absent."""
        value = self.text(data, key, at) or default
        if len(value.encode()) > 1:
            self.problem((*at, key), "must be one ASCII character", f'Write for example {key}: "|".')
            return default
        return value

    def pattern(self, data: Mapping[str, Any], key: str, at: At) -> str:
        """An RE2 pattern, written as one text or as a list of its pieces."""
        return self.checked("".join(self.texts(data, key, at)), (*at, key))

    def checked(self, pattern: str, at: At) -> str:
        """The pattern; empty where RE2 does not take it."""
        try:
            re2.compile(pattern, _quiet())
        except re2.error as error:
            self.problem(at, f"not an RE2 pattern: {_reason(error)}", "RE2 has no look-around.")
            return ""
        return pattern

    def unknown_key(self, at: At, allowed: tuple[str, ...]) -> None:
        """Note a key that nobody knows."""
        self.problem(at, "unknown key", _did_you_mean(str(at[-1]), allowed))

    def problem(self, at: At, message: str, fix: str = "") -> None:
        """Note a mistake."""
        line, column = self.document.place(at)
        key = ".".join(str(part) for part in at)
        self.problems.append(Problem(self.file, line, key, message, fix, column))


def _did_you_mean(word: str, allowed: tuple[str, ...]) -> str:
    near = get_close_matches(word, allowed, 1)
    return f"Did you mean {near[0]}?" if near else f"Use {', '.join(allowed)}."


def _quiet() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    return options


def _reason(error: re2.error) -> str:
    reason = error.args[0] if error.args else b""
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
