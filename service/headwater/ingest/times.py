"""Text and numbers that mean an instant → UTC timestamps in microseconds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from headwater.schema.logtype import TIMESTAMP
from headwater.schema.timeformats import has_year, strptime_format

UNIX_PER_S = {"unix": 1, "unix_ms": 1_000, "unix_us": 1_000_000, "unix_ns": 1_000_000_000}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_S, LAST_S = -62_135_596_800, 253_402_300_799  # years 1 to 9999, what datetime can hold
ZONE = re.compile(r"(?P<time>.*[0-9])\s*(?:(?P<utc>UTC|GMT|Z)|(?P<offset>[+-][0-9]{2}:?[0-9]{2}))\Z", re.I | re.S)
FRACTION = re.compile(r"([.,][0-9]{6})[0-9]+")
LEAP_YEARS = 8  # from one 29 February to the next, at most
LONGEST = 200  # characters; no time is longer


def to_timestamps(values: pa.Array, formats: Sequence[str], now: datetime | None = None) -> pa.Array:
    """The instants of N texts or numbers, null where there is none or the value is no time in any of the formats.

    formats: rfc3339, unix, unix_ms, unix_us, unix_ns or strftime patterns, tried in that order; a text without zone is
    UTC, and one without year is of the latest year that does not put it more than a day after `now`.
    """
    if not pa.types.is_string(values.type):
        units = [each for each in formats if each in UNIX_PER_S] or ["unix"]
        return pc.coalesce(*(_from_unix(values, UNIX_PER_S[unit]) for unit in units))
    if formats[0] == "rfc3339":
        try:
            return pc.cast(values, TIMESTAMP)
        except pa.ArrowInvalid:
            pass  # another spelling among them: look at each distinct text
    distinct = values.dictionary_encode()
    instants = [None if text is None else instant(text, formats, now) for text in distinct.dictionary.to_pylist()]
    return pa.array(instants, TIMESTAMP).take(distinct.indices)


def instant(text: str, formats: Sequence[str], now: datetime | None = None) -> datetime | None:
    """The instant of one text, or None when it is no time in any of the formats."""
    for each in formats if len(text) <= LONGEST else ():
        try:
            found = _read(text, each, now)
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            continue
    return None


def _read(text: str, form: str, now: datetime | None) -> datetime:
    """Raises: ValueError, OverflowError."""
    if form == "rfc3339":
        return _iso(text)
    if form in UNIX_PER_S:
        is_whole = text.removeprefix("-").isdecimal()
        micros = int(text) * 1_000_000 // UNIX_PER_S[form] if is_whole else float(text) * 1_000_000 / UNIX_PER_S[form]
        return EPOCH + timedelta(microseconds=micros)
    pattern = strptime_format(form)
    if "%f" in pattern:
        text = FRACTION.sub(r"\1", text)  # Python reads six digits
    return datetime.strptime(text, pattern) if has_year(form) or now is None else _in_year(text, pattern, now)


def _iso(text: str) -> datetime:
    """ISO 8601, and what people write for it: a blank before the zone, UTC in letters, an offset without colon.

    Raises: ValueError.
    """
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        parts = ZONE.match(text)
        if parts is None:
            raise
        return datetime.fromisoformat(parts["time"] + (parts["offset"] or "+00:00"))


def _in_year(text: str, pattern: str, now: datetime) -> datetime:
    """A time without year.

    Raises: ValueError.
    """
    for year in range(now.year + 1, now.year - LEAP_YEARS, -1):
        try:
            found = datetime.strptime(f"{year:04} {text}", f"%Y {pattern}")
        except ValueError:
            if "29" in text:  # a 29 February, which not every year has
                continue
            raise
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        if found <= now + timedelta(days=1):
            return found
    raise ValueError(text)


def _from_unix(values: pa.Array, per_s: int) -> pa.Array:
    """Numbers since 1970; null beyond the years 1 to 9999."""
    if pa.types.is_floating(values.type):
        inside = pc.and_(pc.greater_equal(values, FIRST_S * per_s), pc.less_equal(values, LAST_S * per_s))
        known = pc.if_else(inside, values, pa.scalar(None, values.type))
        return pc.round(pc.multiply(known, 1_000_000 / per_s)).cast(pa.int64()).cast(TIMESTAMP)
    if per_s > 1_000_000:  # 64 bits of nanoseconds end in the year 2262
        return pc.divide(values.cast(pa.int64()), per_s // 1_000_000).cast(TIMESTAMP)
    inside = pc.and_(pc.greater_equal(values, FIRST_S * per_s), pc.less_equal(values, LAST_S * per_s))
    known = pc.if_else(inside, values, pa.scalar(None, values.type)).cast(pa.int64())
    return pc.multiply(known, 1_000_000 // per_s).cast(TIMESTAMP)
