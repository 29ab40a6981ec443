"""Text and numbers that mean an instant → UTC timestamps in microseconds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from headwater.schema.logtype import TIMESTAMP

UNIX_PER_S = {"unix": 1, "unix_ms": 1_000, "unix_us": 1_000_000, "unix_ns": 1_000_000_000}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_S, LAST_S = -62_135_596_800, 253_402_300_799  # years 1 to 9999, what datetime can hold


def to_timestamps(values: pa.Array, formats: Sequence[str]) -> pa.Array:
    """The instants of N texts or integers, null where there is none or the value is no time in any of the formats.

    formats: rfc3339, unix, unix_ms, unix_us, unix_ns or strptime patterns; a text without zone is UTC.
    """
    if pa.types.is_integer(values.type):
        unit = next((each for each in formats if each in UNIX_PER_S), "unix")
        return _from_unix(values, UNIX_PER_S[unit])
    if formats[0] == "rfc3339":
        try:
            return pc.cast(values, TIMESTAMP)
        except pa.ArrowInvalid:
            pass  # another spelling among them: look at each distinct text
    distinct = values.dictionary_encode()
    instants = [None if text is None else instant(text, formats) for text in distinct.dictionary.to_pylist()]
    return pa.array(instants, TIMESTAMP).take(distinct.indices)


def instant(text: str, formats: Sequence[str]) -> datetime | None:
    """The instant of one text, or None when it is no time in any of the formats."""
    for each in formats:
        try:
            found = _read(text, each)
        except (ValueError, OverflowError):
            continue
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    return None


def _read(text: str, form: str) -> datetime:
    """Raises: ValueError, OverflowError."""
    if form == "rfc3339":
        return datetime.fromisoformat(text)
    if form in UNIX_PER_S:
        is_whole = text.removeprefix("-").isdecimal()
        micros = int(text) * 1_000_000 // UNIX_PER_S[form] if is_whole else float(text) * 1_000_000 / UNIX_PER_S[form]
        return EPOCH + timedelta(microseconds=micros)
    return datetime.strptime(text, form)


def _from_unix(values: pa.Array, per_s: int) -> pa.Array:
    if per_s > 1_000_000:  # 64 bits of nanoseconds end in the year 2262
        return pc.divide(values.cast(pa.int64()), per_s // 1_000_000).cast(TIMESTAMP)
    inside = pc.and_(pc.greater_equal(values, FIRST_S * per_s), pc.less_equal(values, LAST_S * per_s))
    known = pc.if_else(inside, values, pa.scalar(None, values.type)).cast(pa.int64())
    return pc.multiply(known, 1_000_000 // per_s).cast(TIMESTAMP)
