"""A worker killed at any step, and another one after it, leave what an undisturbed worker leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from headwater.cli import build
from headwater.lake.query import query
from headwater.state import alerts as state_alerts
from headwater.state.database import connect
from support.world import World, cloudtrail_gz, record, stop_logging

TESTS = Path(__file__).parents[1]
STEPS = (
    "claim",
    "open",
    "prepare",
    "append:logs.aws_cloudtrail",
    "append:monitor.rejects",
    "append:detections.matches",
    "finish",
    "acknowledge",
)
LEASE_OVER_MIN = 20  # longer than the lease of ten minutes, shorter than the hour of an alert's window


def run_worker(world: World, fatal: str, minutes: float = 0, **settings: str) -> int:
    """The exit code of a worker process."""
    names = ("home", "accounts_file", "queue_url", "dead_letter_queue_url", "state_url")
    values = {f"HEADWATER_{name.upper()}": str(getattr(world.settings, name)) for name in names}
    environment = {**os.environ, **values, "HEADWATER_VISIBILITY_TIMEOUT_S": "2", "HEADWATER_RETRY_S": "0"}
    environment |= {f"HEADWATER_{name.upper()}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "support.crash_worker", fatal, str(minutes)]
    return subprocess.run(command, cwd=TESTS, env=environment, check=False, capture_output=True, timeout=120).returncode


def feed(world: World) -> None:
    """Three objects: two that alert, one with a row that is rejected."""
    for number in range(3):
        records: list[Any] = [record(number * 10 + 1), stop_logging(number * 10 + 2), record(number * 10 + 3)]
        if number == 2:
            records[1] = {"eventVersion": "1.10", "eventName": "NoTimeAndNoSource"}
        world.notify(world.put(f"o{number}", cloudtrail_gz(records)))


def outcome(world: World) -> dict[str, Any]:
    """Rows, matches, rejects and alert counts, without what may differ between runs (ids, times of processing)."""
    catalog = build.catalog(world.settings)

    def rows(sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in query(catalog, sql).to_pylist()]

    found = state_alerts.list_alerts(connect(world.settings.resolved_state_url), limit=100)
    alert_ids = {alert.alert_id for alert in found}
    linked = rows("SELECT DISTINCT p_alert_id FROM detections.matches WHERE p_alert_id IS NOT NULL")
    return {
        "rows": rows("SELECT eventID, count(*) FROM logs.aws_cloudtrail GROUP BY 1 ORDER BY 1"),
        "matches": rows(
            "SELECT p_rule_id, count(*), count(DISTINCT p_match_id) FROM detections.matches GROUP BY 1 ORDER BY 1"
        ),
        "rejects": rows("SELECT count(*) FROM monitor.rejects"),
        "alerts": sorted((alert.rule_id, alert.match_count, alert.status) for alert in found),
        "matches of unknown alerts": [alert_id for (alert_id,) in linked if alert_id not in alert_ids],
        "delivered": world.settings.resolved_alerts_file.read_text().count("\n"),
    }


@pytest.fixture
def world_on(world: World, state_url: str) -> World:
    """The world with the state on SQLite or on PostgreSQL."""
    world.settings = world.settings.model_copy(update={"state_url": state_url})
    return world


EXPECTED = {
    "rows": [(f"00000000-0000-4000-8000-{n:012d}", 1) for n in (1, 2, 3, 11, 12, 13, 21, 23)],
    "rejects": [(1,)],
    "matches of unknown alerts": [],
    "delivered": 1,
}


def check(found: dict[str, Any]) -> None:
    """What an undisturbed run leaves; both events of one trail are one alert."""
    assert {name: found[name] for name in EXPECTED} == EXPECTED
    assert [(n, distinct) for _, n, distinct in found["matches"]] == [(2, 2)]
    assert [(n, status) for _, n, status in found["alerts"]] == [(2, "open")]


def test_undisturbed_worker_leaves_every_row_match_and_alert_once(world_on: World) -> None:
    feed(world_on)

    assert run_worker(world_on, "never") == 0

    check(outcome(world_on))


@pytest.mark.parametrize("step", STEPS)
def test_worker_killed_at_any_step_and_another_after_it_leave_the_same(world_on: World, step: str) -> None:
    feed(world_on)

    killed = run_worker(world_on, step)
    finished = run_worker(world_on, "never", LEASE_OVER_MIN)

    assert (killed, finished) == (-signal.SIGKILL, 0)
    check(outcome(world_on))


LARGE = {"batch_max_bytes": "700"}  # about one record, so that each object comes in pieces


@pytest.mark.parametrize("step", [step for step in STEPS if step in ("prepare", "finish") or step.startswith("append")])
def test_worker_killed_over_large_objects_and_another_after_it_leave_the_same(world_on: World, step: str) -> None:
    feed(world_on)

    killed = run_worker(world_on, step, **LARGE)
    finished = run_worker(world_on, "never", LEASE_OVER_MIN, **LARGE)

    assert (killed, finished) == (-signal.SIGKILL, 0)
    check(outcome(world_on))
