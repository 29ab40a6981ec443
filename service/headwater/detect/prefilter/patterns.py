"""Searches for regular expressions, by the texts that every match contains."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from headwater.detect.conditions import Condition, all_of, any_of
from headwater.detect.prefilter.values import AnyText, Const, Frame, Read, Result, Truth, Value, choice, options

SPECIAL = frozenset(".^$*+?{}[]|()\\")
GIVE_UP = frozenset("|()?")  # alternatives, groups, and flags inside groups
CODES = re.compile(r"\\[xuUN0-9]")  # a character by its number or name
LEAST = 2  # characters of a text that is worth looking for


def search(frame: Frame, node: ast.Call, pattern: str | re.Pattern[str], value: Value) -> Result:
    """A search for a constant pattern."""
    found: list[tuple[Condition, Value]] = []
    seen: list[Condition] = []
    for condition, text in options(value):
        match text:
            case Read():
                needed = [text.text("contains", part) for part in literals(pattern)]
                found.append((condition, Truth(all_of(text.kind("text"), *needed), True, boolean=False)))
                seen.append(all_of(condition, False if text.via else text.not_kind("text")))
            case AnyText() | Const(str()):
                found.append((condition, Truth(True, True, boolean=False)))
            case _:
                return frame.stop(node, "searches in a value that may be no text")
    return Result(choice(*found), any_of(*seen))


def literals(pattern: str | re.Pattern[str]) -> tuple[str, ...]:
    """The texts, none where the pattern is not simple enough to be sure."""
    text = pattern.pattern if isinstance(pattern, re.Pattern) else pattern
    flags = pattern.flags & ~re.UNICODE if isinstance(pattern, re.Pattern) else 0
    if not isinstance(text, str) or flags or any(letter in GIVE_UP for letter in text) or CODES.search(text):
        return ()
    return tuple(run for run in _runs(text) if len(run) >= LEAST)


def _runs(text: str) -> Iterator[str]:
    run = ""
    position = 0
    while position < len(text):
        letter = text[position]
        width = _width(text, position)
        after = text[position + width : position + width + 1]
        if letter in SPECIAL or (after and after in "*{"):
            yield run
            run = ""
        elif after == "+":
            yield run + letter
            run = ""
        else:
            run += letter
        position += width
    yield run


def _width(text: str, position: int) -> int:
    """How many characters one element of a pattern takes."""
    match text[position]:
        case "\\":
            return 2
        case "[":
            end = text.find("]", position + 2 + (text[position + 1 : position + 2] == "^"))
            return len(text) - position if end < 0 else end - position + 1
        case "{":
            end = text.find("}", position)
            return 1 if end < 0 else end - position + 1
        case _:
            return 1
