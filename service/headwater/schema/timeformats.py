"""Time formats of schemas: five built-in ones, and strftime patterns, which Python reads by a narrower alphabet."""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache

BUILT_IN = ("rfc3339", "unix", "unix_ms", "unix_us", "unix_ns")
# What C and Go know and Python's strptime does not. Its %d and %H take a blank in place of the first digit.
SPELT_OUT = {
    "%e": "%d",
    "%k": "%H",
    "%l": "%I",
    "%h": "%b",
    "%T": "%H:%M:%S",
    "%R": "%H:%M",
    "%F": "%Y-%m-%d",
    "%D": "%m/%d/%y",
    "%r": "%I:%M:%S %p",
    "%L": "%f",
    "%N": "%f",
    "%n": " ",
    "%t": " ",
}
DIRECTIVE = re.compile(r"%-?.", re.DOTALL)
YEARS = re.compile(r"%(?:Y|y|c|x|G)")


@cache
def strptime_format(form: str) -> str:
    """A strftime pattern in the words of Python's strptime."""
    return DIRECTIVE.sub(_spelt_out, form)


def _spelt_out(found: re.Match[str]) -> str:
    directive = found[0].replace("-", "")
    return SPELT_OUT.get(directive, directive)


def has_year(form: str) -> bool:
    """Whether a strftime pattern tells the year."""
    return YEARS.search(strptime_format(form)) is not None


def problem_of(form: str) -> str | None:
    """What is wrong with a time format, or None."""
    if form in BUILT_IN:
        return None
    if "%" not in form:
        return "is no time format"
    try:
        datetime.strptime("", strptime_format(form))
    except (ValueError, re.error) as error:
        text = str(error)
        if "does not match" in text or "does not match format" in text:
            return None
        return f"is no time format: {text}"
    return None
