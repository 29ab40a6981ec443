"""headwater correlate, and the correlation that follows an ingest."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.world import record

Headwater = Callable[..., Any]

SIGNAL = """
AnalysisType: rule
RuleID: Signal.{name}
Enabled: true
CreateAlert: false
Severity: Info
LogTypes: [AWS.CloudTrail]
Detection:
  - Key: eventName
    Condition: Equals
    Value: {event}
"""
CORRELATION = """
AnalysisType: correlation_rule
RuleID: Stopped.Then.Read
DisplayName: Logging stopped, then a secret read
Enabled: true
Severity: High
Detection:
  - Sequence:
      - ID: stopped
        RuleID: Signal.Stop
      - ID: read
        RuleID: Signal.Read
    Transitions:
      - ID: then
        From: stopped
        To: read
        WithinTimeFrameMinutes: 30
        Match:
          - On: userIdentity.arn
    LookbackWindowMinutes: 30
    Schedule:
      RateMinutes: 15
      TimeoutMinutes: 5
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "stop.yml").write_text(SIGNAL.format(name="Stop", event="StopLogging"))
    (folder / "read.yml").write_text(SIGNAL.format(name="Read", event="GetSecretValue"))
    (folder / "both.yml").write_text(CORRELATION)
    return folder


def trail(folder: Path, name: str, minute: int, event: str) -> Path:
    file = folder / f"{name}.json"
    file.write_text(json.dumps({"Records": [record(minute, eventName=event)]}))
    return file


def test_ingest_correlates_what_came_at_different_times(headwater: Headwater, rules: Path, tmp_path: Path) -> None:
    known = {"HEADWATER_DETECTIONS": json.dumps([str(rules)])}

    first = headwater("ingest", trail(tmp_path, "a", 1, "StopLogging"), "-o", "json", **known)
    second = headwater("ingest", trail(tmp_path, "b", 20, "GetSecretValue"), "-o", "json", **known)

    assert (first.json["alerts"], second.json["alerts"]) == (0, 1)
    (alert,) = headwater("alerts", "list", "-o", "json", **known).json
    assert (alert["rule_id"], alert["severity"]) == ("Stopped.Then.Read", "HIGH")


def test_correlate_finds_nothing_new_after_an_ingest(headwater: Headwater, rules: Path, tmp_path: Path) -> None:
    known = {"HEADWATER_DETECTIONS": json.dumps([str(rules)])}
    trail(tmp_path, "b", 20, "GetSecretValue")
    headwater("ingest", trail(tmp_path, "a", 1, "StopLogging"), tmp_path / "b.json", **known)

    assert headwater("correlate", "-o", "json", **known).json == []


def test_correlate_looks_at_a_time_and_stores_nothing(headwater: Headwater, rules: Path, tmp_path: Path) -> None:
    known = {"HEADWATER_DETECTIONS": json.dumps([str(rules)])}
    headwater("ingest", trail(tmp_path, "a", 1, "StopLogging"), trail(tmp_path, "b", 20, "GetSecretValue"), **known)

    found = [
        headwater("correlate", "--at", f"2026-02-03T04:{at}:00Z", "-o", "json", **known).json for at in ("15", "25")
    ]

    assert [len(each) for each in found] == [0, 1]
    assert found[1][0]["rule_id"] == "Stopped.Then.Read"
    assert len(headwater("alerts", "list", "-o", "json", **known).json) == 1


def test_a_time_that_is_none_names_its_option(headwater: Headwater) -> None:
    refused = headwater("correlate", "--at", "soon")

    assert refused.code == 2
    assert "--at" in refused.err
