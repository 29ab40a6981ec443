"""What one text could be: a number, a time in some format, an address, a digest …; the facts that inference counts."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache

LONGEST = 1024  # characters of a text that is looked at; longer ones are plain text
NIL = "-"  # what AWS and web servers write for "no value"
INT64 = range(-(2**63), 2**63)
EXACT_FLOAT = 2**53  # whole numbers beyond lose digits in a double
UNIX_RANGE_S = range(946_684_800, 4_102_444_800)  # years 2000 to 2099; the units' ranges do not overlap
UNIX_UNITS = {"unix": 1, "unix_ms": 10**3, "unix_us": 10**6, "unix_ns": 10**9}

INT = re.compile(r"-?(?:0|[1-9][0-9]{0,19})", re.ASCII)
FLOAT = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,18}(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
RFC3339 = re.compile(
    r"\d{4}-[01]\d-[0-3]\d[T ][0-2]\d:[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-][0-2]\d:[0-5]\d)?", re.ASCII
)
PATTERNS = {
    "aws_arn": re.compile(r"arn:[^:\s]*:[^:\s]+:[^:\s]*:[^:\s]*:\S+"),
    "url": re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,15}://[^\s/]\S*"),
    "email": re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+"),
    "aws_account_id": re.compile(r"[0-9]{12}"),
    "aws_instance_id": re.compile(r"i-(?:[0-9a-f]{8}|[0-9a-f]{17})"),
    "md5": re.compile(r"[0-9a-fA-F]{32}"),
    "sha1": re.compile(r"[0-9a-fA-F]{40}"),
    "sha256": re.compile(r"[0-9a-fA-F]{64}"),
    "mac": re.compile(r"[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}"),
    "domain": re.compile(
        r"(?:[A-Za-z0-9_*](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)+(?P<last>[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9])\.?"
    ),
}
# Last parts of file names, which look like domains.
SUFFIX = re.compile(
    "html?|txt|json|log|gz|py|js|css|png|jpe?g|gif|php|xml|csv|ya?ml|exe|dll|sh|zip|tar|pdf|jar|jsp|aspx|md|ini|conf",
    re.I,
)

# strftime pattern → what its texts look like; a pattern is tried only on texts of its look.
_MONTH, _DAY = "[A-Z][a-z]{2}", "[A-Z][a-z]{2}"
_CLOCK = r"[0-2]?\d:\d\d:\d\d"
STRFTIME = {
    "%d/%b/%Y:%H:%M:%S %z": re.compile(rf"\d\d/{_MONTH}/\d{{4}}:{_CLOCK} [+-]\d{{4}}", re.ASCII),
    "%Y-%m-%dT%H:%M:%S%z": re.compile(rf"\d{{4}}-\d\d-\d\dT{_CLOCK}[+-]\d{{4}}", re.ASCII),
    "%Y-%m-%dT%H:%M:%S.%f%z": re.compile(rf"\d{{4}}-\d\d-\d\dT{_CLOCK}\.\d{{1,6}}[+-]\d{{4}}", re.ASCII),
    "%Y-%m-%d %H:%M:%S %z": re.compile(rf"\d{{4}}-\d\d-\d\d {_CLOCK} [+-]\d{{4}}", re.ASCII),
    "%Y-%m-%d %H:%M:%S UTC": re.compile(rf"\d{{4}}-\d\d-\d\d {_CLOCK} UTC", re.ASCII),
    "%Y-%m-%d %H:%M:%S,%f": re.compile(rf"\d{{4}}-\d\d-\d\d {_CLOCK},\d{{1,6}}", re.ASCII),
    "%Y/%m/%d %H:%M:%S": re.compile(rf"\d{{4}}/\d\d/\d\d {_CLOCK}", re.ASCII),
    "%Y/%m/%d %H:%M:%S.%f": re.compile(rf"\d{{4}}/\d\d/\d\d {_CLOCK}\.\d{{1,6}}", re.ASCII),
    "%d/%m/%Y %H:%M:%S": re.compile(rf"\d\d/\d\d/\d{{4}} {_CLOCK}", re.ASCII),
    "%m/%d/%Y %H:%M:%S": re.compile(rf"\d\d/\d\d/\d{{4}} {_CLOCK}", re.ASCII),
    "%m/%d/%Y %I:%M:%S %p": re.compile(rf"\d\d?/\d\d?/\d{{4}} {_CLOCK} [AP]M", re.ASCII),
    "%a %b %d %H:%M:%S %Y": re.compile(rf"{_DAY} {_MONTH} [ \d]\d {_CLOCK} \d{{4}}", re.ASCII),
    "%a, %d %b %Y %H:%M:%S GMT": re.compile(rf"{_DAY}, \d\d {_MONTH} \d{{4}} {_CLOCK} GMT", re.ASCII),
    "%a, %d %b %Y %H:%M:%S %z": re.compile(rf"{_DAY}, \d\d {_MONTH} \d{{4}} {_CLOCK} [+-]\d{{4}}", re.ASCII),
    "%d %b %Y %H:%M:%S": re.compile(rf"\d\d {_MONTH} \d{{4}} {_CLOCK}", re.ASCII),
    "%Y%m%dT%H%M%SZ": re.compile(r"\d{8}T\d{6}Z", re.ASCII),
    "%Y-%m-%d": re.compile(r"\d{4}-\d\d-\d\d", re.ASCII),
}
AMBIGUOUS = frozenset({"%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S"})  # where every day is below 13
DATES = frozenset({"%Y-%m-%d"})  # a time only under a name that says so: an API version looks the same
TIME_FORMATS = ("rfc3339", *UNIX_UNITS, *STRFTIME)
Kinds = frozenset[str]


@lru_cache(maxsize=65_536)
def kinds_of(text: str) -> Kinds:
    """Everything the text could be: nil, boolean, int, bigint, float, time formats, indicators; empty: just text."""
    if text in ("", NIL):
        return frozenset({"nil" if text else "empty"})
    if len(text) > LONGEST:
        return frozenset()
    return frozenset({*_number_kinds(text), *_time_kinds(text), *_indicator_kinds(text)})


def unix_kinds(value: float) -> Kinds:
    """The units in which a number is an instant of this century; zero, a time that was never set, in any of them."""
    if value == 0:
        return frozenset(UNIX_UNITS)
    return frozenset(unit for unit, per_s in UNIX_UNITS.items() if math.floor(value / per_s) in UNIX_RANGE_S)


def _number_kinds(text: str) -> Iterator[str]:
    if text in ("true", "false"):
        yield "boolean"
    elif INT.fullmatch(text) and int(text) in INT64 and text != "-0":
        yield "int" if -(2**31) <= int(text) < 2**31 else "bigint"
        if abs(int(text)) <= EXACT_FLOAT:
            yield "float"
        yield from unix_kinds(int(text))
    elif FLOAT.fullmatch(text) and math.isfinite(float(text)):
        yield "float"
        if abs(float(text)) >= UNIX_RANGE_S.start:
            yield from unix_kinds(float(text)) & {"unix"}


def _time_kinds(text: str) -> Iterator[str]:
    if RFC3339.fullmatch(text):
        try:
            datetime.fromisoformat(text)
        except ValueError:
            return
        yield "rfc3339"
        return
    for pattern, look in STRFTIME.items():
        if look.fullmatch(text):
            try:
                datetime.strptime(text, pattern)
            except ValueError:
                continue
            yield pattern


def _indicator_kinds(text: str) -> Iterator[str]:
    if _is_ip(text):
        yield "ip"
        return
    for name, pattern in PATTERNS.items():
        found = pattern.fullmatch(text)
        if found and not (name == "domain" and SUFFIX.fullmatch(found["last"])):
            yield name


def _is_ip(text: str) -> bool:
    if not text[0].isalnum() and text[0] != ":":
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
