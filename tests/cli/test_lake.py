"""headwater lake, as people and programs call it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from support.customers_lake import places_of
from support.world import cloudtrail_gz, record, stop_logging

Headwater = Callable[..., Any]
MINE, OTHER = "111122223333", "444455556666"
MARKER = "marker-of-the-deleted"
ROWS = "SELECT p_row_id, eventID, userAgent, p_account_id FROM logs.aws_cloudtrail ORDER BY 1"
ACCOUNTS = f"""
version: 1
central: {{account_id: "999988887777", region: us-east-1, lake_bucket: headwater-lake-999988887777}}
retention: {{days: 30}}
accounts:
  - id: "{MINE}"
    name: payments
    sources: [{{name: trail, bucket: payments-logs}}]
"""


RULE = """
AnalysisType: rule
RuleID: Stop.Logging
Enabled: true
LogTypes: [AWS.CloudTrail]
Severity: High
Detection:
  - {Key: eventName, Condition: Equals, Value: StopLogging}
"""


@pytest.fixture
def filled(headwater: Headwater, tmp_path: Path) -> Path:
    """Two batches of each account, with alerts and rejects: the folder of all local data."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "stop.yml").write_text(RULE)
    fast = {"HEADWATER_DETECTIONS": orjson.dumps([str(tmp_path / "rules")]).decode(), "HEADWATER_SANDBOX": "none"}
    for account, agent in ((MINE, MARKER), (OTHER, "other")):
        for number in range(2):
            records = [
                record(number, userAgent=agent, recipientAccountId=account),
                stop_logging(10 + number) | {"userAgent": agent, "recipientAccountId": account},
                record(20 + number, eventTime=None, userAgent=agent, recipientAccountId=account),
            ]
            file = tmp_path / agent / f"{number}.json.gz"
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(cloudtrail_gz(records))
            ran = headwater("ingest", file, "--account", account, "-o", "json", **fast)
            assert (ran.json["rows_out"], ran.json["rejects"], ran.json["matches"]) == (2, 1, 1), ran.err
    return tmp_path / "home"


def test_status_tells_what_the_tables_hold(headwater: Headwater, filled: Path) -> None:
    told = headwater("lake", "status", "-o", "json").json

    trail = next(table for table in told["tables"] if table["table"] == "logs.aws_cloudtrail")
    assert (trail["rows"], trail["files"], trail["to_compact"]) == (8, 4, 4)
    assert [run["upkeep"] for run in told["upkeep"]] == ["lake.compaction", "lake.retention", "lake.orphans"]
    shown = headwater("lake", "status", HEADWATER_LAKE_UPKEEP='["compaction"]').out
    assert "logs.aws_cloudtrail" in shown
    assert "never: HEADWATER_LAKE_UPKEEP" in shown


def test_compact_joins_the_files_and_keeps_the_rows(headwater: Headwater, filled: Path) -> None:
    before = headwater("query", ROWS, "-o", "json").json

    planned = headwater("lake", "compact", "--dry-run", "--table", "logs.aws_cloudtrail", "-o", "json").json
    done = headwater("lake", "compact", "--table", "logs.aws_cloudtrail", "-o", "json").json

    assert [(each["left"], each["files_after"]) for each in planned + done] == [(1, 0), (0, 1)]
    assert headwater("query", ROWS, "-o", "json").json == before
    wrong = headwater("lake", "compact", "--table", "logs.nothing")
    assert (wrong.code, "logs.aws_cloudtrail" in wrong.err) == (2, True)


def test_orphans_are_listed_before_they_are_deleted(headwater: Headwater, filled: Path) -> None:
    assert headwater("lake", "orphans").out == "No such files.\n"


def test_retention_follows_accounts_yml(headwater: Headwater, filled: Path, tmp_path: Path) -> None:
    (tmp_path / "accounts.yml").write_text(ACCOUNTS)

    planned = headwater("lake", "retention", "--dry-run", "-o", "json").json
    done = headwater("lake", "retention", "-o", "json").json

    assert {each["table"]: each["rows"] for each in done} == {each["table"]: each["rows"] for each in planned}
    assert next(each["rows"] for each in done if each["table"] == "logs.aws_cloudtrail") == 8
    assert headwater("query", ROWS, "-o", "json").json == []


def test_delete_account_leaves_no_byte_of_it_and_all_of_the_others(headwater: Headwater, filled: Path) -> None:
    headwater("lake", "compact")
    before = [row for row in headwater("query", ROWS, "-o", "json").json if row["p_account_id"] == OTHER]
    alerts = {alert["account_id"] for alert in headwater("alerts", "list", "-o", "json").json}
    assert alerts == {MINE, OTHER}
    assert {place.split("/")[0] for place in places_of(MARKER, filled)} >= {"lake", "alerts.jsonl"}

    report = filled.parent / "report.json"
    ran = headwater("lake", "delete-account", MINE, "--yes", "--by", "dpo@example.com", "--report", report)

    assert (ran.code, ran.json["complete"], ran.json["by"]) == (0, True, "dpo@example.com"), ran.err
    rows = {table["table"]: table["rows"] for table in ran.json["tables"]}
    assert rows == {"logs.aws_cloudtrail": 4, "monitor.rejects": 2, "detections.matches": 2}
    assert ran.json["state"]["objects"] == 2
    assert ran.json["alert_lines"] > 0
    assert orjson.loads(report.read_bytes()) == ran.json
    assert places_of(MARKER, filled) == []
    assert places_of(f"{MINE}/local", filled) == []  # its source; rows of others may name its id
    assert headwater("query", ROWS, "-o", "json").json == before
    assert {alert["account_id"] for alert in headwater("alerts", "list", "-o", "json").json} == {OTHER}


def test_the_audit_log_says_who_deleted_what_without_the_data(headwater: Headwater, filled: Path) -> None:
    headwater("lake", "delete-account", MINE, "--yes", "--by", "dpo@example.com")

    (row,) = headwater("query", "SELECT action, subject, actor, detail FROM monitor.audit", "-o", "json").json

    assert (row["action"], row["subject"], row["actor"]) == ("account_deleted", MINE, "dpo@example.com")
    detail = orjson.loads(row["detail"])
    assert (detail["complete"], detail["rows"]["logs.aws_cloudtrail"]) == (True, 4)


def test_a_dry_run_counts_and_deletes_nothing(headwater: Headwater, filled: Path) -> None:
    before = headwater("query", ROWS, "-o", "json").json

    ran = headwater("lake", "delete-account", MINE, "--dry-run")

    assert (ran.code, ran.json["rows"], ran.json["state"]["objects"]) == (0, 8, 2)
    assert headwater("query", ROWS, "-o", "json").json == before
    assert len(headwater("alerts", "list", "-o", "json").json) > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [((MINE,), "--yes"), (("1234", "--yes"), "12 digits"), ((MINE, "--yes"), "still collected")],
    ids=["without yes", "no account id", "still collected"],
)
def test_what_cannot_be_meant_is_refused(
    headwater: Headwater, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    (tmp_path / "accounts.yml").write_text(ACCOUNTS)

    ran = headwater("lake", "delete-account", *arguments)

    assert (ran.code, said in ran.err) == (2, True)


def test_an_account_that_is_still_collected_is_deleted_on_demand(
    headwater: Headwater, filled: Path, tmp_path: Path
) -> None:
    (tmp_path / "accounts.yml").write_text(ACCOUNTS)

    assert headwater("lake", "delete-account", MINE, "--yes", "--still-collected").json["complete"]
