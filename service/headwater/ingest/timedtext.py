"""A message of CloudWatch Logs with the time that came beside it."""

from __future__ import annotations

LAST_MS = 253_402_300_799_999  # the end of the year 9999


class Timed(bytes):
    """A record like any other; time_ms: milliseconds since 1970, for a line that does not tell its own time."""

    time_ms: int


def timed(record: bytes, time_ms: object) -> bytes:
    """The record with its time, where that is one."""
    if not isinstance(time_ms, int) or not 0 < time_ms <= LAST_MS:
        return record
    with_time = Timed(record)
    with_time.time_ms = time_ms
    return with_time
