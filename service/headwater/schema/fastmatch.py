"""Patterns of fastmatch, %{field} between literal texts, as RE2."""

from __future__ import annotations

import re

from headwater.schema.grok import group_of
from headwater.schema.template import parts_of

QUOTES = ('"', "'")


class FastmatchError(ValueError):
    """A pattern without sense; its text says why."""


def compiled(pattern: str, names: dict[str, str], quoted: set[str]) -> str:
    """The RE2 pattern of whole lines. names: gets the wire name of each group. quoted: gets those that stand in quotes.

    A field ends where the text behind it begins, so that it can never hold that text itself; in quotes, a backslash
    hides a quote. The last field takes the rest of the line.

    Raises: FastmatchError.
    """
    parts = list(parts_of(pattern))
    literals = [literal for literal, _ in parts]
    if len(parts) == 1:
        raise FastmatchError("names no field")
    pieces = ["(?s)^"]
    for number, (literal, name) in enumerate(parts[:-1]):
        after, is_last = literals[number + 1], number == len(parts) - 2
        if not after and not is_last:
            raise FastmatchError(f"has no text between %{{{name}}} and the next field")
        quote = literal[-1:] if literal[-1:] in QUOTES and after[:1] == literal[-1:] else ""
        pieces += [re.escape(literal), _field(name or "", after, quote, names, quoted)]
    return "".join([*pieces, re.escape(literals[-1]), "$"])


def _field(name: str, after: str, quote: str, names: dict[str, str], quoted: set[str]) -> str:
    if quote:
        inner = rf"(?:[^{quote}\\]|\\.)*"
    elif not after:
        inner = ".*"
    else:
        inner = f"[^{_in_class(after)}]*" if len(after.encode()) == 1 else ".*?"
    if not name:
        return f"(?:{inner})"
    group = group_of(name, names)
    if quote:
        quoted.add(group)
    return f"(?P<{group}>{inner})"


def _in_class(character: str) -> str:
    return f"\\{character}" if character in "]\\^-[" else character
