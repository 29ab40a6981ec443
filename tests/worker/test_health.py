"""Sources that fall silent, refuse us or never began are found by the first poll, told once, and resolved."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs
from typer.testing import CliRunner

from headwater.cli import build, health
from headwater.cli.app import app
from headwater.cli.serve import make_worker
from headwater.state.alerts import list_alerts
from headwater.state.status import Judged
from headwater.worker.health import survey
from support.world import CUSTOMER, World, client, cloudtrail_gz, record

ID = f"{CUSTOMER}/"
RULE = """
AnalysisType: rule
RuleID: Example.Never
Enabled: true
LogTypes: [AWS.CloudTrail]
Severity: Info
Detection:
  - KeyPath: eventName
    Condition: Equals
    Value: never
"""
MORE = """
      - name: sealed
        bucket: {bucket}
        prefix: sealed/
        notifications: existing_topic
        topic_arn: arn:aws:sns:us-east-1:{account}:log-events
      - name: unused
        bucket: {bucket}
        prefix: unused/
        notifications: existing_topic
        topic_arn: arn:aws:sns:us-east-1:{account}:log-events
"""


@pytest.fixture
def three(world: World, tmp_path: Path) -> World:
    """Three sources: cloudtrail, which may be silent for an hour; sealed, which we may not read; unused."""
    text = world.accounts_file.read_text().replace("prefix: AWSLogs/", "prefix: AWSLogs/\n        silence_after: 1h")
    world.accounts_file.write_text(text + MORE.format(bucket=world.bucket, account=CUSTOMER))
    world.reload()
    rules = tmp_path / "rules"  # one: the built-in ones take a second to load
    rules.mkdir()
    (rules / "rule.yml").write_text(RULE)
    changes = {"max_attempts": 1, "breaker_refusals": 100, "detections": (rules,)}
    world.settings = world.settings.model_copy(update=changes)
    return world


def put(world: World, key: str, *numbers: int) -> None:
    """An object of records of now, and its notification."""
    stamp = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    put_body(world, key, cloudtrail_gz([record(number, eventTime=stamp) for number in numbers]))


def put_body(world: World, key: str, body: bytes) -> None:
    """An object, and its notification."""
    etag = world.s3.put_object(Bucket=world.bucket, Key=key, Body=body)["ETag"].strip('"')
    event = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "awsRegion": "us-east-1"}
    world.notify({**event, "s3": {"bucket": {"name": world.bucket}, "object": {"key": key, "size": 9, "eTag": etag}}})


def run(world: World, hours_ago: float = 0) -> None:
    """Run a worker until the queue is empty, at a time of the past."""
    make_worker(world.settings, world.accounts, now=lambda: datetime.now(UTC) - timedelta(hours=hours_ago)).run(
        once=True
    )


def statuses(world: World) -> dict[str, str]:
    return {each.source_id.removeprefix(ID): each.status for each in judged(world)}


def judged(world: World) -> tuple[Judged, ...]:
    database = build.database(world.settings)
    return survey(database, world.accounts.sources, health.limits(world.settings), datetime.now(UTC)).judged


def told(world: World, status: str = "open") -> list[tuple[str, str]]:
    """Rules and sources of the health alerts."""
    found = list_alerts(build.database(world.settings), status=status)
    return sorted((alert.rule_id.removeprefix("Headwater."), alert.dedup.removeprefix(ID)) for alert in found)


def grant(world: World) -> None:
    """Let the role read all of the bucket."""
    role = world.accounts.accounts[0].role_arn.rpartition("/")[2]
    allow = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": f"arn:aws:s3:::{world.bucket}/*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    client("iam", CUSTOMER).put_role_policy(RoleName=role, PolicyName="read", PolicyDocument=document)


def sources(world: World, *arguments: str) -> tuple[int, str]:
    """headwater sources …: its exit code and what it prints."""
    environment = {
        "HEADWATER_HOME": str(world.settings.home),
        "HEADWATER_ACCOUNTS_FILE": str(world.accounts_file),
        "HEADWATER_STATE_URL": world.settings.resolved_state_url,
    }
    ran = CliRunner().invoke(app, ["sources", *arguments], env=environment)
    structlog.reset_defaults()  # the logger would go on writing to a stream of the runner
    return ran.exit_code, ran.stdout


def test_silent_and_refused_sources_are_shown_for_what_they_are_after_one_poll(three: World) -> None:
    put(three, "AWSLogs/1.json.gz", 1)
    run(three, hours_ago=3)
    put(three, "sealed/2.json.gz", 2)

    run(three, hours_ago=0.2)

    code, text = sources(three, "list", "--output", "json")
    found = {each["source"]: each for each in json.loads(text)["sources"]}
    assert (code, {name: each["status"] for name, each in found.items()}) == (
        0,
        {"sealed": "denied", "unused": "never seen", "cloudtrail": "silent"},
    )
    assert "nothing came for 3 h; accounts.yml allows 60 min" in found["cloudtrail"]["faults"][0]["detail"]
    assert '"Action": "s3:GetObject"' in found["sealed"]["statement"]
    assert told(three) == [("DeadLetters", "dead_letter"), ("SourceSilent", "cloudtrail")]


def test_refusal_that_pauses_nobody_is_told_after_five_minutes(three: World) -> None:
    put(three, "sealed/2.json.gz", 2)
    run(three, hours_ago=1)
    first = told(three)

    run(three, hours_ago=0.9)

    assert (first, told(three)) == (
        [("DeadLetters", "dead_letter")],
        [("DeadLetters", "dead_letter"), ("SourceDenied", "sealed")],
    )


def test_list_is_a_table_for_people_and_an_exit_code_for_monitoring(three: World) -> None:
    put(three, "AWSLogs/1.json.gz", 1, 2, 3)
    put(three, "sealed/2.json.gz", 2)
    run(three)

    code, text = sources(three, "list")

    lines = [line.split() for line in text.splitlines()]
    assert (code, [line[1] for line in lines if line[:1] == ["payments"]]) == (0, ["sealed", "unused", "cloudtrail"])
    assert "Dead-letter queue: 1 messages." in text
    assert sources(three, "list", "--status", "silent")[1].startswith("No sources.")
    assert sources(three, "list", "--account", "payments", "--fail-on", "silent,lagging")[0] == 0
    assert sources(three, "list", "--fail-on", "denied")[0] == 4
    assert sources(three, "list", "--status", "ok", "--fail-on", "any")[0] == 0


def test_source_is_shown_with_its_history_and_what_to_grant(three: World) -> None:
    put(three, "AWSLogs/1.json.gz", 1, 2, 3)
    put(three, "sealed/2.json.gz", 2)
    run(three)

    _, well = sources(three, "show", "payments/cloudtrail")
    _, sealed = sources(three, "show", "sealed")

    assert "1 objects, 3 rows" in well
    assert "█|" in well
    assert "AWS.CloudTrail: 1 objects, 3 rows, 0 rejects" in well
    assert "denied since" in sealed
    assert 'to grant  in the role\'s policy: {"Effect": "Allow", "Action": "s3:GetObject"' in sealed
    assert f"s3://{three.bucket}/sealed/2.json.gz: AccessDenied" in sealed


def test_source_that_is_well_again_is_resolved_and_its_relapse_told_again(three: World) -> None:
    put(three, "AWSLogs/1.json.gz", 1)
    run(three, hours_ago=30)
    put(three, "sealed/2.json.gz", 2)
    run(three, hours_ago=28.5)
    run(three, hours_ago=28)
    before = told(three)

    grant(three)
    put(three, "AWSLogs/3.json.gz", 3)
    put(three, "sealed/4.json.gz", 4)
    run(three, hours_ago=27)
    well = told(three)
    run(three)

    assert ("SourceDenied", "sealed") in before
    assert ("SourceSilent", "cloudtrail") in before
    assert well == [("DeadLetters", "dead_letter")]
    assert ("SourceSilent", "cloudtrail") in told(three)
    assert ("SourceNeverSeen", "unused") in told(three)
    assert told(three, "resolved") == [("SourceDenied", "sealed"), ("SourceSilent", "cloudtrail")]


def test_account_that_refuses_us_is_paused_and_told_once(three: World) -> None:
    three.settings = three.settings.model_copy(update={"breaker_refusals": 2, "max_attempts": 5})
    for number in range(2):
        put(three, f"sealed/{number}.json.gz", number)
    worker = make_worker(three.settings, three.accounts)
    thread = threading.Thread(target=worker.run)

    with _Running(worker, thread):
        _wait_until(lambda: any(rule == "SourcePaused" for rule, _ in told(three)))

    assert statuses(three)["sealed"] == "denied"
    (sealed,) = (each for each in judged(three) if each.source_id == f"{ID}sealed")
    assert [fault.status for fault in sealed.faults] == ["denied", "paused"]
    assert told(three) == [("SourcePaused", "sealed")]


class _Running:
    """A worker that runs meanwhile."""

    def __init__(self, worker: Any, thread: threading.Thread) -> None:
        self._worker, self._thread = worker, thread

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._worker.stop()
        self._thread.join(60)


def _wait_until(is_so: Any) -> None:
    for _ in range(600):
        if is_so():
            return
        threading.Event().wait(0.1)
    raise AssertionError("not within a minute")


def test_service_that_was_away_calls_nobody_silent_before_it_has_caught_up(three: World) -> None:
    put(three, "AWSLogs/1.json.gz", 1)
    run(three, hours_ago=30)
    database = build.database(three.settings)

    before = survey(database, three.accounts.sources, health.limits(three.settings), datetime.now(UTC))
    run(three)

    assert before.behind
    assert {each.status for each in before.judged} == {"ok", "never seen"}
    assert statuses(three)["cloudtrail"] == "silent"


FINDING = {"account_id": CUSTOMER, "finding_id": "f1", "finding_type": "Recon:EC2/PortProbeUnprotectedPort"}


def test_source_whose_rows_would_all_be_empty_is_not_called_connected(three: World) -> None:
    text = three.accounts_file.read_text().replace(
        "prefix: unused/", "prefix: AWSLogs2/\n        log_types: [AWS.GuardDuty]"
    )
    three.accounts_file.write_text(text)
    three.reload()
    grant(three)
    body = gzip.compress("\n".join([json.dumps(FINDING)] * 120).encode())
    put_body(three, "AWSLogs2/findings.jsonl.gz", body)

    run(three)

    assert statuses(three)["unused"] == "rejecting"
    assert ("RejectShare", "unused") in told(three)


@pytest.fixture
def _own_log() -> Iterator[None]:
    """A log whose observers go with the test."""
    yield
    structlog.reset_defaults()


@pytest.mark.usefixtures("_own_log")
def test_worker_writes_one_line_an_interval_for_cloudwatch(
    three: World, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    three.settings = three.settings.model_copy(update={"metrics": "emf"})
    for number in range(20):
        put(three, f"AWSLogs/{number}.json.gz", number)
    run(three)

    lines = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines() if b'"_aws"' in line]

    assert [
        line["ObjectsProcessed"] for line in lines if line.get("source") == "cloudtrail" and "log_type" in line
    ] == [20]
    total = next(line for line in lines if line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [[]])
    assert (total["RowsIn"], total["SourcesUnwell"], total["DeadLetters"], total["QueueWaiting"]) == (20, 2, 0, 0)
    assert len(total["CommitSeconds"]) >= 1
    assert len(lines) <= 4


def test_look_that_fails_is_logged_and_stops_nothing(three: World) -> None:
    three.sqs.delete_queue(QueueUrl=three.settings.dead_letter_queue_url)
    put(three, "AWSLogs/1.json.gz", 1)

    with capture_logs() as lines:
        run(three)

    assert "health_check_failed" in {line["event"] for line in lines}
    assert statuses(three)["cloudtrail"] == "ok"
