"""Each process leaves signs of life; a loop that stands still is found by them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headwater.worker import vitals
from headwater.worker.meters import Meters
from headwater.worker.telemetry import Telemetry
from headwater.worker.vitals import Pulse

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
AFTER = timedelta(seconds=60)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def meters() -> Meters:
    made = Meters()
    made(None, "info", {"event": "object_processed", "account_id": "1", "source": "s", "log_types": [], "rows_in": 4})
    made.gauge("QueueWaiting", 2)
    made.time("CommitSeconds", 0.5)
    return made


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    Pulse(tmp_path / "run", 42).beat(NOW, meters().read())

    (found,) = vitals.read(tmp_path / "run")

    assert (found.pid, found.turned_at, found.reading) == (42, NOW, meters().read())


def test_a_pulse_beats_once_a_second(tmp_path: Path) -> None:
    pulse = Pulse(tmp_path, 42)
    for seconds in (0, 0.9, 1.0, 1.5):
        pulse.beat(later(seconds), meters().read())

    assert [each.turned_at for each in vitals.read(tmp_path)] == [later(1.0)]


@pytest.mark.parametrize(
    ("turned_s", "started_s", "now_s", "stalled"),
    [
        pytest.param(0, -500, 60, False, id="turned a minute ago"),
        pytest.param(0, -500, 61, True, id="turned longer ago"),
        pytest.param(None, 0, 60, False, id="just started, not turned yet"),
        pytest.param(None, 0, 61, True, id="started long ago, never turned"),
    ],
)
def test_loop_that_stands_still_is_found(
    tmp_path: Path, turned_s: float | None, started_s: float, now_s: float, stalled: bool
) -> None:
    if turned_s is not None:
        Pulse(tmp_path, 42).beat(later(turned_s), meters().read())

    found = vitals.stalled(vitals.read(tmp_path), {42: later(started_s)}, later(now_s), AFTER)

    assert found == ((42,) if stalled else ())


def test_process_that_ended_stalls_nobody_and_still_counts(tmp_path: Path) -> None:
    Pulse(tmp_path, 41).beat(NOW, meters().read())
    Pulse(tmp_path, 42).beat(later(500), meters().read())

    found = vitals.read(tmp_path)

    assert vitals.stalled(found, {42: NOW}, later(510), AFTER) == ()
    assert [each.pid for each in found] == [41, 42]


def test_process_has_not_begun_until_its_loop_turns(tmp_path: Path) -> None:
    Pulse(tmp_path, 42).beat(NOW, meters().read())

    assert vitals.not_turned(vitals.read(tmp_path), [42, 43]) == (43,)


def test_earlier_start_is_forgotten_and_rubbish_is_left_alone(tmp_path: Path) -> None:
    Pulse(tmp_path, 42).beat(NOW, meters().read())
    (tmp_path / "7.json").write_text('{"pid": 7}')

    assert [each.pid for each in vitals.read(tmp_path)] == [42]
    vitals.clear(tmp_path)
    assert vitals.read(tmp_path) == ()


def test_lines_are_written_once_an_interval_and_at_the_end() -> None:
    made, lines = meters(), list[bytes]()
    telemetry = Telemetry(made, emit=lines.append, every_s=60)

    counts = []
    for seconds in (0, 30, 60, 90):
        telemetry.turned(later(seconds))
        counts.append(len(lines))
    telemetry.stop(later(91))

    assert counts == [0, 0, 2, 2]
    assert len(lines) == 3  # the gauge that still stands


def test_folder_that_cannot_be_written_does_not_stop_the_service(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file, where the folder should be")

    Telemetry(meters(), Pulse(tmp_path / "run", 42)).turned(NOW)

    assert vitals.read(tmp_path / "run") == ()
