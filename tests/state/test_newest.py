"""The newest event of each source is found among its rows, and counts only as far as it can be true."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa

from headwater.model import Batch
from headwater.pipeline import newest_events

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def batch(*rows: tuple[str, int, bool]) -> Batch:
    """Rows of a source, an hour of that day, and whether the time is the parse time for want of one."""
    columns = {
        "p_source_id": pa.array([source for source, _, _ in rows]),
        "p_event_time": pa.array([NOW.replace(hour=hour) for _, hour, _ in rows], pa.timestamp("us", "UTC")),
        "p_event_time_missing": pa.array([missing for _, _, missing in rows]),
    }
    return Batch("AWS.CloudTrail", pa.table(columns))


def test_newest_event_of_each_source_over_all_batches() -> None:
    found = newest_events([batch(("a", 3, False), ("b", 5, False), ("a", 9, False)), batch(("a", 7, False))], NOW)

    assert found == {"a": NOW.replace(hour=9), "b": NOW.replace(hour=5)}


def test_times_of_the_future_and_rows_without_a_time_tell_nothing() -> None:
    found = newest_events([batch(("a", 3, False), ("a", 13, False), ("a", 11, True), ("b", 12, True))], NOW)

    assert found == {"a": NOW.replace(hour=3)}
