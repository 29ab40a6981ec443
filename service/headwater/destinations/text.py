"""Text of strangers made harmless, and values made small."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import orjson

SHORTENED = "… (shortened)"
MAX_DEPTH = 32
MAX_STRING = 1000  # inside a value that is too large
MAX_ITEMS = 20
MAX_NUMBER = 2**63  # JSON has larger ones, and NaN; most readers do not
LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
LINE_END = re.compile(r"\r\n?|[\u0085\u2028\u2029]")
# Control characters, noncharacters, and what turns the direction of text: it makes one thing look like another.
HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff]")


def clean(text: str) -> str:
    """A text that every encoding and every reader takes: no lone surrogates, no control or direction characters."""
    return HIDDEN.sub("", LINE_END.sub("\n", LONE_SURROGATE.sub("\ufffd", text)))


def one_line(text: str) -> str:
    """A text without line ends, for titles and subjects."""
    return " ".join(clean(text).split())


def cut(text: str, limit: int) -> str:
    """A text of at most so many characters; a longer one ends with a mark."""
    if len(text) <= limit:
        return text
    return text[: limit - len(SHORTENED)].rstrip() + SHORTENED if limit > len(SHORTENED) else text[: max(limit, 0)]


def cut_bytes(text: str, limit: int) -> str:
    """The same for a limit in bytes of UTF-8."""
    if len(text.encode()) <= limit:
        return text
    room = limit - len(SHORTENED.encode())
    return text.encode()[:room].decode(errors="ignore").rstrip() + SHORTENED


def parsed(text: str) -> dict[str, Any]:
    """The cleaned fields of a JSON text; a text that is no JSON object stands under `text`."""
    try:
        value = json.loads(text or "{}")  # orjson refuses lone surrogates
    except (json.JSONDecodeError, RecursionError):
        return {"text": clean(text)}
    return (
        {clean(name): cleaned(field) for name, field in value.items()} if isinstance(value, dict) else {"value": value}
    )


def cleaned(value: Any, depth: int = 0) -> Any:
    """JSON types with every text in them cleaned; what lies too deep is left out."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value if -MAX_NUMBER < value < MAX_NUMBER else str(value)
    if depth > MAX_DEPTH and isinstance(value, dict | list):
        return SHORTENED
    if isinstance(value, dict):
        return {clean(name): cleaned(field, depth + 1) for name, field in value.items()}
    return [cleaned(item, depth + 1) for item in value] if isinstance(value, list) else value


def bounded(fields: Mapping[str, Any], limit: int) -> dict[str, Any]:
    """Fields that take at most so many bytes as JSON: long texts and lists cut, then the last fields left out."""
    if _size(fields) <= limit:
        return dict(fields)
    kept: dict[str, Any] = {}
    room = limit - 64  # for the mark
    for name, field in fields.items():
        small = _small(field)
        room -= _size({name: small})
        if room < 0:
            break
        kept[name] = small
    mark = {"_shortened": f"{len(kept)} of {len(fields)} fields, long values cut"}
    return {**kept, **mark} if limit > 64 else {}


def _small(value: Any) -> Any:
    if isinstance(value, str):
        return cut(value, MAX_STRING)
    if isinstance(value, dict):
        return {name: _small(field) for name, field in value.items()}
    if isinstance(value, list):
        return [_small(item) for item in value[:MAX_ITEMS]] + ([SHORTENED] if len(value) > MAX_ITEMS else [])
    return value


def _size(value: Mapping[str, Any]) -> int:
    return len(orjson.dumps(value))


def ascii_json(fields: Mapping[str, Any]) -> str:
    """JSON in ASCII, for services that refuse some characters."""
    return json.dumps(fields, separators=(",", ":"))
