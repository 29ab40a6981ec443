"""A detection that raises too often stops, is told of, and goes on when a person says so; the others never stop."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.conftest import Headwater

RULE = """\
AnalysisType: rule
RuleID: {id}
Enabled: true
Severity: Low
LogTypes: [AWS.CloudTrail]
Filename: {stem}.py
"""
SETTINGS = {"HEADWATER_DETECTIONS": '["detections"]', "HEADWATER_RULE_ERRORS_MAX": "20"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A rule that always raises and one that always matches."""
    made = tmp_path / "detections"
    made.mkdir()
    for stem, body in (("broken", "event['nowhere']"), ("good", "True")):
        (made / f"{stem}.yml").write_text(RULE.format(id=f"Team.{stem.title()}", stem=stem))
        (made / f"{stem}.py").write_text(f"def rule(event):\n    return {body}\n")
    return made


def write_log(folder: Path, number: int) -> Path:
    records = [
        {
            "eventVersion": "1.08",
            "eventTime": "2026-01-02T03:04:05Z",
            "eventName": "GetObject",
            "eventSource": "s3.amazonaws.com",
            "eventID": f"{number}-{row}",
            "recipientAccountId": "111122223333",
        }
        for row in range(30)
    ]
    file = folder / f"111122223333_CloudTrail_us-east-1_{number}.json"
    file.write_text(json.dumps({"Records": records}))
    return file


def matches(headwater: Headwater, rule_id: str) -> int:
    alerts = headwater("alerts", "list", "--rule", rule_id, "-o", "json").json
    return sum(alert["match_count"] for alert in alerts)


def test_a_detection_is_suspended_after_its_errors_and_resumed(
    headwater: Headwater, folder: Path, tmp_path: Path
) -> None:
    first = headwater("ingest", write_log(tmp_path, 1), **SETTINGS)
    (status,) = headwater("detections", "status", "-o", "json").json
    headwater("ingest", write_log(tmp_path, 2), **SETTINGS)
    while_suspended = matches(headwater, "Team.Broken")
    headwater("detections", "resume", "Team.Broken")
    headwater("ingest", write_log(tmp_path, 3), **SETTINGS)

    assert "detection_suspended" in first.err
    assert (status["rule_id"], status["state"], status["errors"]) == ("Team.Broken", "suspended", 30)
    assert "Team.Broken is suspended" in headwater("alerts", "list", "--rule", "Headwater.RuleSuspended").out
    assert (while_suspended, matches(headwater, "Team.Broken")) == (30, 60)
    assert matches(headwater, "Team.Good") == 90
