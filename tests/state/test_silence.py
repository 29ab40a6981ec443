"""A source is silent by its own history: its hours of the week, and its longest pause."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from headwater.state.silence import configured_silence, drop, drop_hours, learnt_silence, spoken

NOW = datetime(2026, 3, 25, 12, 30, tzinfo=UTC)  # a Wednesday
HOUR = timedelta(hours=1)
Rhythm = Callable[[datetime], int]


def history(rhythm: Rhythm, days: float, until: datetime = NOW) -> dict[datetime, int]:
    """Objects of each hour before a time, by a rhythm; hours without any are left out, as in the database."""
    first = (until - timedelta(days=days)).replace(minute=0)
    hours = [first + number * HOUR for number in range(int(days * 24))]
    return {hour: rhythm(hour) for hour in hours if rhythm(hour)}


def always(_hour: datetime) -> int:
    return 12


def in_office_hours(hour: datetime) -> int:
    return 40 if hour.weekday() < 5 and 8 <= hour.hour < 18 else 0


def nightly(hour: datetime) -> int:
    return int(hour.hour == 2)


def now_and_then(hour: datetime) -> int:
    """Bursts at odd hours: never the same hour of the week, up to 34 hours apart."""
    return 30 if hour.toordinal() * 24 % 7 == 0 and hour.hour == hour.toordinal() * 5 % 24 else 0


@pytest.mark.parametrize(
    ("rhythm", "days", "gap_h", "is_silent"),
    [
        pytest.param(always, 28, 0.5, False, id="an object every five minutes, half an hour ago"),
        pytest.param(always, 28, 2.6, True, id="an object every five minutes, two hours ago"),
        pytest.param(always, 6, 2.6, False, id="first week: two hours say nothing"),
        pytest.param(always, 6, 80, True, id="first week: more than a weekend says something"),
        pytest.param(always, 1, 20, False, id="first day says nothing"),
        pytest.param(nightly, 28, 10, False, id="nightly, ten hours ago"),
        pytest.param(nightly, 28, 60, True, id="nightly, two nights without"),
        pytest.param(now_and_then, 28, 40, False, id="bursts at odd hours, within their pauses"),
        pytest.param(now_and_then, 28, 400, True, id="bursts at odd hours, far longer than their pauses"),
    ],
)
def test_silence_is_told_by_the_sources_own_rhythm(rhythm: Rhythm, days: float, gap_h: float, is_silent: bool) -> None:
    last_seen = NOW - gap_h * HOUR
    hours = history(rhythm, days, last_seen)

    assert (learnt_silence(hours, last_seen, NOW) is not None) == is_silent


@pytest.mark.parametrize(
    ("now", "is_silent"),
    [
        (datetime(2026, 3, 21, 3, 0, tzinfo=UTC), False),
        (datetime(2026, 3, 22, 20, 0, tzinfo=UTC), False),
        (datetime(2026, 3, 23, 7, 30, tzinfo=UTC), False),
        (datetime(2026, 3, 23, 10, 5, tzinfo=UTC), True),
    ],
    ids=["Saturday night", "Sunday evening", "before work on Monday", "Monday morning"],
)
def test_weekend_of_an_office_is_no_silence_and_its_monday_is(now: datetime, is_silent: bool) -> None:
    last_seen = datetime(2026, 3, 20, 17, 55, tzinfo=UTC)
    hours = history(in_office_hours, 28, last_seen)

    assert (learnt_silence(hours, last_seen, now) is not None) == is_silent


def test_one_outage_of_the_past_is_forgiven() -> None:
    last_seen = NOW - 3 * HOUR
    hours = history(always, 28, last_seen)
    outage = [hour for hour in hours if timedelta(days=9) < last_seen - hour < timedelta(days=10)]

    found = learnt_silence({hour: count for hour, count in hours.items() if hour not in outage}, last_seen, NOW)

    assert found is not None
    assert found.missing > 20


def test_pauses_that_happen_again_and_again_are_no_silence() -> None:
    last_seen = NOW - 5 * HOUR
    hours = history(always, 28, last_seen)
    often = {hour: count for hour, count in hours.items() if hour.toordinal() % 3 or hour.hour > 5}

    assert learnt_silence(often, last_seen, NOW) is None


def test_source_without_history_is_not_called_silent() -> None:
    assert learnt_silence({}, NOW - timedelta(days=300), NOW) is None


def test_configured_time_is_taken_as_it_stands() -> None:
    last_seen = NOW - 7 * HOUR

    assert configured_silence(last_seen, NOW, 8 * HOUR) is None
    found = configured_silence(last_seen, NOW, 6 * HOUR)
    assert found is not None
    assert found.reason == "accounts.yml allows 6 h (silence_after)"


@pytest.mark.parametrize(
    ("last_rows", "days", "share", "is_dropped"),
    [
        pytest.param(900, 28, 0.05, False, id="a little less"),
        pytest.param(10, 28, 0.05, True, id="hardly any"),
        pytest.param(10, 3, 0.05, False, id="hardly any, in the first days"),
        pytest.param(10, 28, 0.0, False, id="hardly any, not wanted"),
    ],
)
def test_far_less_rows_than_usual_are_a_drop(last_rows: int, days: float, share: float, is_dropped: bool) -> None:
    hours = history(lambda hour: last_rows if NOW - hour < 4 * HOUR else 1000, days)

    found = drop({hour: hours[hour] for hour in drop_hours(NOW) if hour in hours}, NOW, share)

    assert (found is not None) == is_dropped
    assert found is None or (found.rows, found.usual) == (30, 3000)


def test_few_rows_cannot_drop() -> None:
    hours = history(lambda hour: 0 if NOW - hour < 4 * HOUR else 100, 28)

    assert drop({hour: hours.get(hour, 0) for hour in drop_hours(NOW)}, NOW, 0.05) is None


@pytest.mark.parametrize(
    ("minutes", "text"), [(0.5, "0 min"), (119, "119 min"), (120, "2 h"), (47 * 60, "47 h"), (49 * 60, "2 days")]
)
def test_times_are_spoken_plainly(minutes: float, text: str) -> None:
    assert spoken(timedelta(minutes=minutes)) == text
