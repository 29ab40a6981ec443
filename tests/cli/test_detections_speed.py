"""What rules run on, and how fast they are, on the command line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import Headwater

GUARDED = """\
def rule(event):
    if event.get('eventName') != 'StopLogging':
        return False
    return unknown(event)
"""
COUNTS = "SEEN = []\ndef rule(event):\n    SEEN.append(1)\n    return event.get('eventName') == 'StopLogging'\n"
EVENTS = [
    {"eventName": "StopLogging", "eventID": "e-0", "n": 1},
    {"eventName": "Other", "eventID": "e-1"},
    {"eventName": "StopLogging", "p_row_id": "row-2", "eventID": "e-2"},
    {"eventName": "StopLogging"},
]


def write_rule(folder: Path, rule_id: str, python: str, log_type: str = "AWS.CloudTrail") -> None:
    head = f"AnalysisType: rule\nRuleID: {rule_id}\nEnabled: true\nSeverity: Low\nLogTypes: [{log_type}]\n"
    (folder / f"{rule_id}.yml").write_text(f"{head}Filename: {rule_id}.py\n")
    (folder / f"{rule_id}.py").write_text(python)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "rules"
    made.mkdir()
    write_rule(made, "Guarded", GUARDED.replace("unknown(event)", "bool(event.get('eventID'))"))
    return made


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.ndjson"
    path.write_text("".join(json.dumps(event) + "\n" for event in EVENTS))
    return path


def test_explain_tells_the_rows_and_where_reading_ended(headwater: Headwater, folder: Path) -> None:
    write_rule(folder, "Calls", GUARDED)

    done = headwater("detections", "explain", "Calls", "--pack", str(folder))

    assert done.code == 0
    assert "runs on rows where\n    eventName = 'StopLogging'\n" in done.out
    assert "Calls.py:4 reads unknown, which may change: rows that get here are seen" in done.out


def test_explain_tells_why_a_rule_sees_every_row(headwater: Headwater, folder: Path) -> None:
    write_rule(folder, "Counts", COUNTS)

    (found,) = headwater("detections", "explain", "Counts", "--pack", str(folder), "--output", "json").json

    assert (found["rule_id"], found["log_types"], found["indexed"]) == ("Counts", ["AWS.CloudTrail"], False)
    assert found["stops"] == ["Counts.py:3 reads SEEN, which may change"]


def test_explain_knows_no_other_rule(headwater: Headwater, folder: Path) -> None:
    done = headwater("detections", "explain", "NoSuch", "--pack", str(folder))

    assert done.code != 0
    assert "no rule has the id 'NoSuch'" in done.err


@pytest.mark.parametrize("log_type", ["AWS.CloudTrail", "Team.Unknown"])
@pytest.mark.parametrize("prefilter", [True, False])
def test_bench_counts_and_writes_the_matches(
    headwater: Headwater, folder: Path, events: Path, tmp_path: Path, log_type: str, prefilter: bool
) -> None:
    write_rule(folder, "Guarded", GUARDED.replace("unknown(event)", "bool(event.get('eventID'))"), log_type)
    write_rule(folder, "Breaks", "def rule(event):\n    return event['n'] == 1\n", log_type)
    out = tmp_path / "matches.ndjson"

    report = bench(
        headwater, folder, events, log_type, "--matches", str(out), *([] if prefilter else ["--no-prefilter"])
    )

    assert {key: report[key] for key in ("events", "rules", "matches", "rule_errors", "prefilter")} == {
        "events": 4,
        "rules": 2,
        "matches": 3,
        "rule_errors": 3,
        "prefilter": prefilter,
    }
    assert report["pairs_run"] == (6 if prefilter else 8)
    assert report["rules_indexed"] == (2 if prefilter else 0)
    assert report["events_per_s"] > 0
    assert sorted(json.loads(line)["event_id"] for line in out.read_text().splitlines()) == ["e-0", "e-0", "row-2"]
    assert {json.loads(line)["row"] for line in out.read_text().splitlines()} == {0, 2}


def test_bench_reads_gzip(headwater: Headwater, folder: Path, events: Path, tmp_path: Path) -> None:
    packed = tmp_path / "events.ndjson.gz"
    packed.write_bytes(gzip.compress(events.read_bytes()))

    assert bench(headwater, folder, packed, "AWS.CloudTrail")["matches"] == 2


def test_bench_names_the_line_that_is_no_event(headwater: Headwater, folder: Path, events: Path) -> None:
    events.write_text('{"a": 1}\n[1]\n')

    done = headwater("detections", "bench", str(folder), "--events", str(events), "--log-type", "T")

    assert done.code != 0
    assert "events.ndjson:2" in done.err


def bench(headwater: Headwater, folder: Path, events: Path, log_type: str, *more: str) -> Any:
    options = ["--events", str(events), "--log-type", log_type, "--output", "json"]
    done = headwater("detections", "bench", str(folder), *options, *more)
    assert done.code == 0, done.err
    return done.json
