"""headwater queries: what runs, what does not and why, and runs by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.world import record

Headwater = Callable[..., Any]

QUERY = """
AnalysisType: scheduled_query
QueryName: {name}
Enabled: true
{language}: "SELECT eventSource AS source, count(*) AS calls FROM {table} GROUP BY 1"
Schedule:
  {schedule}
  TimeoutMinutes: 1
"""
RULE = """
AnalysisType: scheduled_rule
RuleID: Many.Calls
Enabled: true
Severity: Low
ScheduledQueries: [Calls, Elsewhere]
Detection:
  - Key: calls
    Condition: IsGreaterThan
    Value: 1
AlertTitle: "{source} had {calls} calls"
"""


@pytest.fixture
def known(tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "rules"
    folder.mkdir()
    every = "RateMinutes: 30"
    (folder / "rule.yml").write_text(RULE)
    (folder / "a.yml").write_text(
        QUERY.format(name="Calls", language="Query", table="logs.aws_cloudtrail", schedule=every)
    )
    (folder / "b.yml").write_text(
        QUERY.format(name="Elsewhere", language="SnowflakeQuery", table="x", schedule='CronExpression: "0 4 * * *"')
    )
    (folder / "c.yml").write_text(QUERY.format(name="Unneeded", language="Query", table="x", schedule=every))
    return {"HEADWATER_DETECTIONS": json.dumps([str(folder)])}


def ingest(headwater: Headwater, folder: Path, known: dict[str, str]) -> None:
    file = folder / "trail.json"
    file.write_text(json.dumps({"Records": [record(1), record(2)]}))
    assert headwater("ingest", file, **known).code == 0


def test_list_tells_what_runs_and_why_the_others_do_not(headwater: Headwater, known: dict[str, str]) -> None:
    listed = headwater("queries", "list", "-o", "json", **known).json

    assert [(each["name"], each["state"], each["when"], each["reason"]) for each in listed] == [
        ("Calls", "runs", "every 30 min", ""),
        ("Elsewhere", "not run", "0 4 * * *", "it is written for Snowflake"),
        ("Unneeded", "not run", "every 30 min", "no enabled rule names it"),
    ]


def test_a_run_raises_the_alerts_of_its_rules(headwater: Headwater, known: dict[str, str], tmp_path: Path) -> None:
    ingest(headwater, tmp_path, known)

    (found,) = headwater("queries", "run", "Calls", "-o", "json", **known).json

    (alert,) = headwater("alerts", "list", "-o", "json", **known).json
    assert alert["rule_id"] == found["rule_id"] == "Many.Calls"
    assert alert["title"] == found["title"]
    assert found["title"].endswith(" had 2 calls")
    assert headwater("queries", "list", "-o", "json", **known).json[0]["last_run"] is not None


def test_a_look_stores_nothing(headwater: Headwater, known: dict[str, str], tmp_path: Path) -> None:
    ingest(headwater, tmp_path, known)

    (found,) = headwater("queries", "run", "--look", "-o", "json", **known).json

    assert found["event"]["calls"] == 2
    assert headwater("alerts", "list", "-o", "json", **known).json == []


def test_a_query_that_does_not_run_is_refused_by_its_name(headwater: Headwater, known: dict[str, str]) -> None:
    refused = headwater("queries", "run", "Elsewhere", **known)

    assert refused.code == 1
    assert "Elsewhere" in refused.err


def test_lint_tells_of_queries_that_are_not_there_or_do_not_run(headwater: Headwater, known: dict[str, str]) -> None:
    (folder,) = json.loads(known["HEADWATER_DETECTIONS"])
    (Path(folder) / "a.yml").unlink()

    warnings = headwater("detections", "lint", folder, "-o", "json").json["warnings"]

    told = {warning["check"]: warning["message"] for warning in warnings}
    assert told["unknown-query"] == "there is no scheduled query 'Calls'"
    assert told["unfit-query"] == "the query 'Elsewhere' does not run here: it is written for Snowflake"
