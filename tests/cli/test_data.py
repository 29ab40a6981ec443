"""ingest, parse, notice and query, as people and programs call them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.world import cloudtrail_gz, record, stop_logging

Headwater = Callable[..., Any]
SHARED = Path(os.environ.get("HEADWATER_SHARED", Path(__file__).parents[3] / "shared"))
REAL_ACCOUNT = SHARED / "samples" / "AWS.CloudTrail" / "invictus-ir-aws_dataset"


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A folder with two CloudTrail files, a VPC flow file and one file that is no log."""
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "one.json.gz").write_bytes(cloudtrail_gz([record(1), record(2), stop_logging(3)]))
    (folder / "two.json.gz").write_bytes(cloudtrail_gz([record(4)]))
    (folder / "flow.log").write_text(
        "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action "
        "log-status\n"
        "2 111122223333 eni-1 192.0.2.1 192.0.2.2 50000 443 6 1 40 1770091500 1770091560 ACCEPT OK\n"
    )
    (folder / "notes.txt").write_text("shopping list\n")
    return folder


def test_ingested_folder_can_be_queried_and_alerts(headwater: Headwater, logs: Path) -> None:
    ran = headwater("ingest", logs, "--output", "json")

    summary = ran.json
    assert ran.code == 0
    assert (summary["objects"], summary["rows_in"], summary["rows_out"], summary["rejects"]) == (4, 6, 5, 1)
    assert summary["alerts"] == 1
    rows = headwater(
        "query", "SELECT eventName, count(*) AS n FROM logs.aws_cloudtrail GROUP BY 1 ORDER BY 1", "-o", "json"
    )
    assert rows.json == [{"eventName": "DescribeInstances", "n": 3}, {"eventName": "StopLogging", "n": 1}]
    rejects = headwater("query", "SELECT raw, reason FROM monitor.rejects", "-o", "json").json
    assert [reject["raw"] for reject in rejects] == ["shopping list"]


def test_ingesting_the_same_folder_again_adds_nothing(headwater: Headwater, logs: Path) -> None:
    headwater("ingest", logs)

    again = headwater("ingest", logs, "-o", "json").json

    assert (again["objects"], again["skipped"], again["rows_out"], again["alerts"]) == (0, 4, 0, 0)
    count = headwater("query", "SELECT count(*) AS n FROM logs.aws_cloudtrail", "-o", "json").json
    assert count == [{"n": 4}]


def test_poisoned_file_fails_alone_and_the_exit_code_says_so(headwater: Headwater, logs: Path) -> None:
    (logs / "bad.json.gz").write_bytes(cloudtrail_gz([record(9)])[:-9])

    ran = headwater("ingest", logs, "-o", "json")

    assert ran.code == 3
    assert (ran.json["failed"], ran.json["rows_out"]) == (1, 5)


def test_run_that_was_killed_is_taken_over_by_the_next(headwater: Headwater, logs: Path, tmp_path: Path) -> None:
    script = (
        "import os, signal\n"
        "from headwater import pipeline\n"
        "from headwater.cli import app, build, data\n"
        "committer = build.committer\n"
        "def killer(name):\n"
        "    if name == 'finish': os.kill(os.getpid(), signal.SIGKILL)\n"
        "build.committer = lambda made, **options: committer(made, step=killer, **options)\n"
        f"data.ingest([__import__('pathlib').Path({str(logs)!r})])\n"
    )
    environment = {**os.environ, "HEADWATER_HOME": str(tmp_path / "home")}
    killed = subprocess.run([sys.executable, "-c", script], env=environment, check=False, timeout=120).returncode

    ran = headwater("ingest", logs, "-o", "json")

    assert killed == -signal.SIGKILL
    assert (ran.code, ran.json["rows_out"], ran.json["alerts"]) == (0, 5, 1)
    count = headwater(
        "query", "SELECT count(*) AS n, count(DISTINCT p_row_id) AS d FROM logs.aws_cloudtrail", "-o", "json"
    )
    assert count.json == [{"n": 4, "d": 4}]


def test_parse_prints_events_and_writes_the_report(headwater: Headwater, logs: Path, tmp_path: Path) -> None:
    ran = headwater("parse", logs / "one.json.gz", "--report", tmp_path / "report.json")

    report = json.loads((tmp_path / "report.json").read_text())
    assert ran.code == 0
    assert [event["eventName"] for event in ran.lines] == ["DescribeInstances", "DescribeInstances", "StopLogging"]
    assert ran.lines[0]["userIdentity"]["type"] == "AssumedRole"
    assert report == {
        "rows": 3,
        "log_types": ["AWS.CloudTrail"],
        "rejects": [],
        "ignored": {},
        "warnings": [],
        "error": None,
    }


def test_parse_of_a_truncated_file_prints_no_event_and_exits_3(headwater: Headwater, tmp_path: Path) -> None:
    (tmp_path / "cut.json.gz").write_bytes(cloudtrail_gz([record(1)])[:-9])

    ran = headwater("parse", tmp_path / "cut.json.gz", "--report", tmp_path / "report.json")

    assert (ran.code, ran.out) == (3, "")
    assert json.loads((tmp_path / "report.json").read_text())["error"]["kind"] == "truncated"
    assert "cut.json.gz" in ran.err


def test_unknown_log_type_is_refused_with_those_that_exist(headwater: Headwater, logs: Path) -> None:
    ran = headwater("parse", logs / "one.json.gz", "--log-type", "AWS.Nope")

    assert ran.code == 2
    assert "AWS.CloudTrail" in ran.err


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            {"s3Bucket": "b", "s3ObjectKey": ["k"]},
            {"kind": "cloudtrail", "ack": True, "dead_letter": False},
            id="objects",
        ),
        pytest.param({"Event": "s3:TestEvent"}, {"kind": "test_event", "ack": True, "objects": []}, id="test event"),
        pytest.param(
            {"x": 1}, {"ack": False, "dead_letter": True, "reason": "not_a_notification"}, id="no notification"
        ),
    ],
)
def test_notice_says_what_a_body_means(
    headwater: Headwater, tmp_path: Path, body: Any, expected: dict[str, Any]
) -> None:
    (tmp_path / "body.json").write_text(json.dumps(body))

    told = headwater("notice", tmp_path / "body.json").json

    assert {name: told[name] for name in expected} == expected


def test_sql_that_is_no_select_is_refused(headwater: Headwater, logs: Path) -> None:
    headwater("ingest", logs)

    ran = headwater("query", "DROP TABLE logs.aws_cloudtrail")

    assert ran.code == 1
    assert ran.err.startswith("error: ")


def test_alert_is_listed_and_shown_by_the_beginning_of_its_id(headwater: Headwater, logs: Path) -> None:
    headwater("ingest", logs)

    (listed,) = headwater("alerts", "list", "-o", "json").json
    shown = headwater("alerts", "show", listed["alert_id"][:8], "-o", "json").json

    assert shown == {**listed, "history": shown["history"]}
    assert [entry["action"] for entry in shown["history"]] == ["opened"]
    assert shown["event"]["eventName"] == "StopLogging"
    assert listed["alert_id"][:8] in headwater("alerts", "list").out


def test_unknown_alert_is_an_error_that_says_what_to_do(headwater: Headwater) -> None:
    ran = headwater("alerts", "show", "feedbeef")

    assert ran.code == 1
    assert "headwater alerts list" in ran.err


@pytest.mark.skipif(not REAL_ACCOUNT.exists(), reason="the shared samples are not here")
def test_real_account_loses_no_row(headwater: Headwater) -> None:
    summary = headwater("ingest", REAL_ACCOUNT, "-o", "json").json

    assert (summary["objects"], summary["rows_in"], summary["rows_out"], summary["rejects"]) == (55, 2900, 2900, 0)
