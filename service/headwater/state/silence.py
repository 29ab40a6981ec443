"""Whether a source has fallen silent, judged by its own history of whole hours."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
WEEKS = 4
HISTORY = WEEKS * WEEK
LEARNING = timedelta(days=8)  # a whole week and some more: from then on the hours of the week are known
GAP_MIN_HISTORY = timedelta(hours=48)
GAP_MIN_LEARNING, GAP_MIN = timedelta(hours=72), timedelta(hours=24)  # a weekend may come that no history shows yet
GAP_TIMES = 2.0
MISSING_MIN = 3.0  # objects
MISSING_TIMES = 1.5
DROP_HOURS = 3
DROP_MIN_ROWS = 1000

Hours = Mapping[datetime, int]  # beginning of an hour → objects, or rows, of it; hours without any may be left out


@dataclass(frozen=True, slots=True)
class Silence:
    """since: when something came last. missing: how many objects usually come in such a time; 0: it is not known."""

    since: datetime
    missing: int
    reason: str


@dataclass(frozen=True, slots=True)
class Drop:
    """Rows of the last whole hours, and how many there usually are."""

    rows: int
    usual: int


def hour_of(time: datetime) -> datetime:
    """The beginning of the time's hour."""
    return time.replace(minute=0, second=0, microsecond=0)


def configured_silence(last_seen: datetime, now: datetime, after: timedelta) -> Silence | None:
    """Whether nothing came for longer than accounts.yml allows."""
    if now - last_seen <= after:
        return None
    return Silence(last_seen, 0, f"accounts.yml allows {spoken(after)} (silence_after)")


def learnt_silence(objects: Hours, last_seen: datetime, now: datetime) -> Silence | None:
    """Whether nothing came for longer than the source's own history makes likely.

    Two ways, the first after eight days of history: the objects that usually come in these hours of the week are more
    than ever were missed before (one outage forgiven); or the gap is twice as long as the longest before.
    """
    if not objects:
        return None
    first, today = min(objects), hour_of(now)
    gap = now - last_seen
    missing = sum(usual(objects, hour, first) for hour in _whole_hours(last_seen, today))
    gaps = list(_gaps(objects, first))
    if now - first >= LEARNING and gap >= HOUR:
        misses = sorted(sum(usual(objects, hour, first) for hour in _between(*each)) for each in gaps)
        known = misses[-2] if len(misses) > 1 else 0.0
        if missing >= max(MISSING_MIN, MISSING_TIMES * known):
            return Silence(last_seen, round(missing), f"usually {missing:.0f} objects come in this time")
    longest = max((end - start for start, end in gaps), default=HOUR)
    least = GAP_MIN if now - first >= LEARNING else GAP_MIN_LEARNING
    if now - first >= GAP_MIN_HISTORY and gap > max(least, GAP_TIMES * longest):
        return Silence(last_seen, round(missing), f"its longest pause before was {spoken(longest)}")
    return None


def usual(counts: Hours, hour: datetime, first: datetime) -> float:
    """What usually comes in this hour of the week; 0 where no week before is known."""
    before = [hour - week * WEEK for week in range(1, WEEKS + 1)]
    known = [counts.get(each, 0) for each in before if each >= first]
    return statistics.median(known) if known else 0.0


def drop(rows: Hours, now: datetime, share: float) -> Drop | None:
    """Whether the rows of the last whole hours are less than this share of the usual ones.

    rows: has the last hours and the same hours of the weeks before (see drop_hours).
    """
    today = hour_of(now)
    recent = [today - number * HOUR for number in range(1, DROP_HOURS + 1)]
    if not rows or now - min(rows) < LEARNING - DAY:
        return None
    expected = sum(usual(rows, hour, min(rows)) for hour in recent)
    came = sum(rows.get(hour, 0) for hour in recent)
    return Drop(came, round(expected)) if expected >= DROP_MIN_ROWS and came < share * expected else None


def drop_hours(now: datetime) -> list[datetime]:
    """The hours that `drop` looks at."""
    today = hour_of(now)
    return [today - number * HOUR - week * WEEK for week in range(WEEKS + 1) for number in range(1, DROP_HOURS + 1)]


def spoken(time: timedelta) -> str:
    """A time as people say it: 45 min, 6 h, 3 days."""
    minutes = int(time.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"


def _whole_hours(last_seen: datetime, end: datetime) -> Iterator[datetime]:
    """The hours after the one in which something came, without the one that goes on."""
    return _between(hour_of(last_seen), end)


def _between(start: datetime, end: datetime) -> Iterator[datetime]:
    """The hours between two."""
    hour = start + HOUR
    while hour < end:
        yield hour
        hour += HOUR


def _gaps(objects: Hours, first: datetime) -> Sequence[tuple[datetime, datetime]]:
    """Pauses of the past: the hours with objects on both sides of hours without any."""
    active = sorted(hour for hour, count in objects.items() if count and hour >= first)
    return [(start, end) for start, end in pairwise(active) if end - start > HOUR]
