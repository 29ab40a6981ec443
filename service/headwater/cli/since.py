"""Times as people type them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from headwater.errors import ConfigError

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def since(text: str | None, now: datetime, option: str = "--since") -> datetime | None:
    """`30m`, `2h`, `7d` or `1w` before now, or an ISO 8601 time, in UTC where it names no zone.

    Raises: ConfigError for any other text.
    """
    if text is None:
        return None
    if found := re.fullmatch(r"(\d{1,6})([mhdw])", text.strip()):
        return now - timedelta(**{UNITS[found[2]]: int(found[1])})
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ConfigError.one(
            option, f"{text!r} is no time", fix="Use 30m, 2h, 7d, or a time like 2026-03-01T12:00:00Z."
        ) from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)
