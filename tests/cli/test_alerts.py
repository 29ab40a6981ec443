"""headwater alerts and headwater destinations, as people and programs call them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from headwater.state import outbox
from headwater.state.alerts import list_alerts
from headwater.state.database import connect
from support.receivers.server import Reply, Request, running
from support.routing import accounts_of, config_of, webhook
from support.world import cloudtrail_gz, record, stop_logging

Headwater = Callable[..., Any]
MINE, OTHER = "111122223333", "444455556666"
DOCS = Path(__file__).parents[2] / "docs"
BY = ("--by", "ana")


@pytest.fixture
def alert_id(headwater: Headwater, tmp_path: Path) -> str:
    """A trail was stopped in one account, and the same person was at work in another."""
    mine = [record(1), stop_logging(2), record(3)]
    (tmp_path / "mine.json.gz").write_bytes(cloudtrail_gz(mine))
    (tmp_path / "other.json.gz").write_bytes(cloudtrail_gz([record(4)]))
    assert headwater("ingest", tmp_path / "mine.json.gz", "--account", MINE).code == 0
    assert headwater("ingest", tmp_path / "other.json.gz", "--account", OTHER).code == 0
    (alert,) = headwater("alerts", "list", "-o", "json").json
    return str(alert["alert_id"])


def test_an_alert_is_assigned_triaged_commented_resolved_and_reopened(headwater: Headwater, alert_id: str) -> None:
    short = alert_id[:8]
    for step in (
        ("assign", short, "bo"),
        ("triage", short),
        ("comment", short, "planned?"),
        ("resolve", short, "--reason", "benign", "-c", "planned"),
        ("reopen", short),
    ):
        assert headwater("alerts", *step, *BY).code == 0

    shown = headwater("alerts", "show", short, "-o", "json").json
    assert [(entry["by"], entry["action"]) for entry in shown["history"][1:]] == [
        ("ana", action) for action in ("assigned", "triaged", "commented", "resolved", "reopened")
    ]
    assert (shown["status"], shown["assignee"]) == ("open", "bo")
    assert "resolved benign by ana: planned" in headwater("alerts", "show", short).out
    assert [each["alert_id"] for each in headwater("alerts", "list", "--assignee", "bo", "-o", "json").json] == [
        alert_id
    ]


def test_a_reason_that_there_is_not_is_refused(headwater: Headwater, alert_id: str) -> None:
    ran = headwater("alerts", "resolve", alert_id, "--reason", "whatever", *BY)

    assert ran.code == 2
    assert "true_positive" in ran.err


def test_an_alert_that_there_is_not_is_told(headwater: Headwater, alert_id: str) -> None:
    ran = headwater("alerts", "triage", "ffffffffffff", *BY)

    assert (ran.code, ran.err.startswith("error: there is no alert")) == (1, True)


def test_events_are_those_that_the_detection_saw(headwater: Headwater, alert_id: str) -> None:
    (event,) = headwater("alerts", "events", alert_id, "-o", "json").json

    assert event["p_event"]["eventName"] == "StopLogging"


def test_a_pivot_shows_the_same_actor_in_the_same_account_alone(headwater: Headwater, alert_id: str) -> None:
    rows = headwater("alerts", "pivot", alert_id, "-o", "json").json
    everything = headwater("alerts", "pivot", alert_id, "--all", "-o", "json").json
    nobody = headwater("alerts", "pivot", alert_id, "--actor", "' OR true --", "--address", "192.0.2.99", "-o", "json")

    assert rows
    assert {row["event"]["p_account_id"] for row in (*rows, *everything)} == {MINE}
    assert len(everything) == 3
    assert {row["why"] for row in rows} <= {"actor", "address", "actor, address"}
    assert nobody.json == []


def test_deliveries_tell_what_was_sent_and_what_waits(headwater: Headwater, alert_id: str) -> None:
    headwater("alerts", "resolve", alert_id, "--reason", "benign", *BY)

    found = headwater("alerts", "deliveries", alert_id, "-o", "json").json

    assert [(each["destination"], each["action"], each["status"]) for each in found] == [
        ("file", "opened", "sent"),
        ("file", "resolved", "pending"),
    ]
    assert headwater("deliver", "--once").code == 0
    assert headwater("alerts", "deliveries", "--status", "pending", "-o", "json").json == []


def test_what_was_given_up_is_sent_again(headwater: Headwater, alert_id: str, tmp_path: Path) -> None:
    database = connect(f"sqlite:///{tmp_path / 'home' / 'state.db'}")
    (alert,) = list_alerts(database)
    headwater("alerts", "triage", alert_id, *BY)
    (found,) = outbox.due(database, alert.updated_at.replace(year=2100))
    outbox.failed(database, found.delivery_id, "refused", alert.updated_at, permanent=True)

    ran = headwater("alerts", "deliveries", "--retry", "--destination", "file", "-o", "json")

    assert "1 deliveries are due again" in ran.err
    assert {each["status"] for each in ran.json} == {"sent", "pending"}


def destinations_file(folder: Path, url: str) -> dict[str, str]:
    place = {"name": "hook", "type": "webhook", "accounts": "any", "config": {**webhook("x"), "url": url}}
    file = folder / "destinations.yml"
    file.write_text(json.dumps({"version": 1, "destinations": [place]}))
    return {"HEADWATER_DESTINATIONS_FILE": str(file), "HOOK_SECRET": "a-secret-of-this-test"}


def test_a_destination_is_tested_with_a_marked_message_that_is_resolved_again(
    headwater: Headwater, tmp_path: Path
) -> None:
    with running(lambda _request: Reply(200, {})) as receiver:
        ran = headwater("destinations", "test", "hook", **destinations_file(tmp_path, f"{receiver.url}/"))

    assert ran.code == 0, ran.err
    bodies = [request.json for request in receiver.requests]
    assert [(body["action"], body["title"].startswith("Sample")) for body in bodies] == [
        ("opened", True),
        ("resolved", True),
    ]


def test_what_a_destination_answers_is_told(headwater: Headwater, tmp_path: Path) -> None:
    def refuse(_request: Request) -> Reply:
        return Reply(401, {"error": "unknown signature"})

    with running(refuse) as receiver:
        ran = headwater("destinations", "test", "hook", **destinations_file(tmp_path, f"{receiver.url}/"))

    assert ran.code == 1
    assert "answered 401" in ran.err
    assert "unknown signature" in ran.err


def test_destinations_are_listed_with_whom_they_are_for(headwater: Headwater, tmp_path: Path) -> None:
    found = headwater(
        "destinations", "list", "-o", "json", **destinations_file(tmp_path, "https://hooks.example.com/x")
    )

    assert [(each["name"], each["type"], each["accounts"], each["state"]) for each in found.json] == [
        ("file", "built in", "any", "not used yet"),
        ("hook", "webhook", "any", "not used yet"),
    ]


def test_a_mistake_in_the_file_stops_check_with_its_line(headwater: Headwater, tmp_path: Path) -> None:
    environment = destinations_file(tmp_path, "ftp://example.com")

    ran = headwater("destinations", "check", **environment)

    assert ran.code == 2
    assert "destinations.yml:1:destinations[0].config.url: must begin with https://" in ran.err


def test_the_example_of_the_documentation_is_right() -> None:
    blocks = (DOCS / "alerts.md").read_text().split("```yaml\n")[1:]
    file, customer = (block.partition("```")[0] for block in blocks)
    own = yaml.safe_load(customer)["accounts"][0]["destinations"]

    accounts = accounts_of([{"id": MINE, "name": "payments", "destinations": own}])

    assert len(config_of(file, accounts).places) == 4


def test_a_worker_that_is_not_to_send_leaves_it_to_the_deliverer(headwater: Headwater, tmp_path: Path) -> None:
    (tmp_path / "trail.json.gz").write_bytes(cloudtrail_gz([stop_logging(1)]))
    headwater("ingest", tmp_path / "trail.json.gz", HEADWATER_DELIVER="off")
    waiting = headwater("alerts", "deliveries", "-o", "json").json

    headwater("deliver", "--once")

    assert [each["status"] for each in waiting] == ["pending"]
    assert [each["status"] for each in headwater("alerts", "deliveries", "-o", "json").json] == ["sent"]


RULE = """
def rule(event):
    return event.get("eventName") == "StopLogging"
def destinations(event):
    return [NAME]
"""
SPEC = {"AnalysisType": "rule", "RuleID": "Named", "Filename": "named.py", "Enabled": True, "Severity": "High"} | {
    "LogTypes": ["AWS.CloudTrail"]
}


@pytest.mark.parametrize(
    ("named", "reached"),
    [("hook", {"hook"}), (f"{MINE}/own", {f"{MINE}/own"}), ("own", {f"{MINE}/own"}), ("gone", {"file", "hook", "own"})],
)
def test_a_detection_names_destinations_by_what_people_call_them(
    headwater: Headwater, tmp_path: Path, named: str, reached: set[str]
) -> None:
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "named.py").write_text(RULE.replace("NAME", repr(named)))
    (pack / "named.yml").write_text(json.dumps(SPEC))
    (tmp_path / "trail.json.gz").write_bytes(cloudtrail_gz([stop_logging(1)]))
    own = {"name": "own", "type": "webhook", "config": webhook("own")}
    central = {"account_id": "999988887777", "region": "us-east-1", "lake_bucket": "headwater-lake"}
    account = {
        "id": MINE,
        "name": "payments",
        "destinations": [own],
        "sources": [{"name": "a", "bucket": "payments-logs"}],
    }
    (tmp_path / "accounts.yml").write_text(json.dumps({"version": 1, "central": central, "accounts": [account]}))
    environment = destinations_file(tmp_path, "https://hooks.example.com/x") | {
        "HEADWATER_DETECTIONS": json.dumps([str(pack)]),
        "HEADWATER_DELIVER": "off",
    }

    headwater("ingest", tmp_path / "trail.json.gz", "--account", MINE, **environment)

    found = headwater("alerts", "deliveries", "-o", "json", **environment).json
    assert {each["destination"] for each in found} == {name if name != "own" else f"{MINE}/own" for name in reached}
