"""Detections that raise are shown, and a suspended one can be resumed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.conftest import Headwater
from headwater.model import Match
from headwater.state import rule_health
from headwater.state.database import connect, run
from headwater.state.rule_health import RuleLimit

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def suspended_rule(tmp_path: Path) -> str:
    """A detection with three errors where two are allowed."""
    engine = connect(f"sqlite:///{tmp_path / 'home' / 'state.db'}")
    error = Match("RULE_ERROR", "Team.Broken", "AWS.ALB", "r1", NOW, "", "KeyError('x')", "KeyError", "LOW", {})
    run(engine, lambda connection: rule_health.observe(connection, [error] * 3, RuleLimit(errors=2), NOW))
    engine.dispose()
    return error.rule_id


def test_nothing_is_shown_where_nothing_is_broken(headwater: Headwater) -> None:
    assert headwater("detections", "status").out == "No detection has raised an error.\n"


def test_a_suspended_detection_is_shown_and_resumed(headwater: Headwater, suspended_rule: str) -> None:
    (before,) = headwater("detections", "status", "-o", "json").json
    resumed = headwater("detections", "resume", suspended_rule)
    (after,) = headwater("detections", "status", "-o", "json").json

    assert (before["rule_id"], before["state"], before["errors"]) == (suspended_rule, "suspended", 3)
    assert resumed.out.startswith(f"Resumed: {suspended_rule}.")
    assert (after["state"], after["errors"], after["recent_errors"]) == ("running", 3, 0)


def test_resuming_what_is_not_suspended_says_so(headwater: Headwater) -> None:
    done = headwater("detections", "resume", "Team.Fine")

    assert done.code == 1
    assert "not suspended: Team.Fine" in done.err
