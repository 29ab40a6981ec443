"""The SQS loop against a local AWS: every message ends where it should, every object counts once."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from typing import Any

import pytest

from headwater.cli import build
from headwater.errors import QueryError
from headwater.lake.query import query
from headwater.state import alerts as state_alerts
from headwater.state import links
from headwater.state.breakers import list_breakers
from headwater.state.database import connect
from support.world import CUSTOMER, World, cloudtrail_gz, record, stop_logging

NONCE = "0123456789abcdef" * 2


def rows(world: World, sql: str) -> list[dict[str, Any]]:
    return query(build.catalog(world.settings), sql).to_pylist()


def count(world: World) -> int:
    return int(rows(world, "SELECT count(*) AS n FROM logs.aws_cloudtrail")[0]["n"])


def alert_counts(world: World) -> list[tuple[str, int]]:
    found = state_alerts.list_alerts(connect(world.settings.resolved_state_url), limit=100)
    return sorted((alert.rule_id, alert.match_count) for alert in found)


def test_object_goes_from_notification_to_lake_and_alert(world: World) -> None:
    world.notify(world.put("a", cloudtrail_gz([record(1), record(2), stop_logging(3)])))

    world.run()

    stored = rows(world, "SELECT eventID, p_account_id, p_source_file.key AS key FROM logs.aws_cloudtrail ORDER BY 1")
    assert [row["eventID"][-1] for row in stored] == ["1", "2", "3"]
    assert {row["p_account_id"] for row in stored} == {CUSTOMER}
    assert [n for _, n in alert_counts(world)] == [1]
    assert world.settings.resolved_alerts_file.read_text().count("\n") == 1
    assert world.dead_letters() == []


def test_redelivering_every_notification_three_times_changes_nothing(world: World) -> None:
    notifications = [world.put(name, cloudtrail_gz([record(n), stop_logging(n + 100)])) for n, name in enumerate("abc")]
    for notification in notifications:
        world.notify(notification)
    world.run()
    before = count(world), alert_counts(world), world.settings.resolved_alerts_file.read_text()

    for _ in range(3):
        for notification in notifications:
            world.notify(notification)
        world.run()

    assert (count(world), alert_counts(world), world.settings.resolved_alerts_file.read_text()) == before
    assert before[0] == 6


def test_same_notification_many_times_in_one_batch_counts_once(world: World) -> None:
    notification = world.put("a", cloudtrail_gz([record(1)]))
    for _ in range(10):
        world.notify(notification)

    world.run()

    assert count(world) == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(cloudtrail_gz([record(1)])[:-9], "truncated", id="truncated"),
        pytest.param(gzip.compress(b"x")[:10] + b"\xff" * 50, "corrupt", id="corrupt"),
        pytest.param(b"PK\x03\x04" + b"\0" * 100, "unsupported", id="unsupported"),
    ],
)
def test_poisoned_object_ends_in_the_dead_letter_queue_and_others_go_on(world: World, body: bytes, reason: str) -> None:
    world.notify(world.put("bad", body))
    world.notify(world.put("good", cloudtrail_gz([record(1)])))

    world.run()

    assert [letter["reason"].split(":")[0] for letter in world.dead_letters()] == [reason]
    assert count(world) == 1


def test_message_with_a_good_and_a_bad_object_keeps_the_good_one(world: World) -> None:
    bad, good = world.put("bad", b"\x1f\x8b\x08" + b"\xff" * 40), world.put("good", cloudtrail_gz([record(1)]))
    world.notify(bad, good)

    world.run()

    assert count(world) == 1
    assert len(world.dead_letters()) == 1


def test_missing_object_is_given_up_with_its_reason(world: World) -> None:
    gone = world.put("gone", cloudtrail_gz([record(1)]))
    world.s3.delete_object(Bucket=world.bucket, Key=gone["s3"]["object"]["key"])
    world.notify(gone)

    world.run()

    assert [letter["reason"].split(":")[0] for letter in world.dead_letters()] == ["ObjectMissing"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param("not json at all", "not_a_notification", id="not a notification"),
        pytest.param({"hello": "world"}, "not_a_notification", id="unknown shape"),
    ],
)
def test_body_that_is_no_notification_is_put_aside(world: World, body: Any, reason: str) -> None:
    world.send(body)

    world.run()

    assert [letter["reason"] for letter in world.dead_letters()] == [reason]


def test_object_of_an_unknown_bucket_is_put_aside_with_its_reason(world: World) -> None:
    notification = world.put("a", cloudtrail_gz([record(1)]))
    notification["s3"]["bucket"]["name"] = "example-not-onboarded"
    world.notify(notification)

    world.run()

    assert [letter["reason"].split(":")[0] for letter in world.dead_letters()] == ["unknown_source"]


def test_excluded_object_is_acknowledged_and_not_read(world: World) -> None:
    notification = world.put("a", cloudtrail_gz([record(1)]))
    notification["s3"]["object"]["key"] = f"AWSLogs/{CUSTOMER}/CloudTrail-Digest/us-east-1/d.json.gz"
    world.notify(notification)

    world.run()

    assert world.dead_letters() == []
    with pytest.raises(QueryError):
        count(world)


def test_cloudtrail_own_notification_and_the_s3_event_are_the_same_object(world: World) -> None:
    notification = world.put("a", cloudtrail_gz([record(1)]))
    world.notify(notification)
    world.send({"s3Bucket": world.bucket, "s3ObjectKey": [notification["s3"]["object"]["key"]]})

    world.run()

    assert count(world) == 1


def test_subscription_of_an_unexpected_topic_is_refused_and_reported(world: World) -> None:
    world.send(confirmation("arn:aws:sns:us-east-1:444455556666:stranger"))

    world.run()

    assert [letter["reason"] for letter in world.dead_letters()] == ["unexpected_subscription"]


def test_subscription_of_an_expected_topic_is_confirmed(world: World) -> None:
    confirmed: list[tuple[str, str]] = []
    arn = f"arn:aws:sns:us-east-1:{CUSTOMER}:log-events"
    world.send(confirmation(arn))

    world.run(confirm=lambda topic, token: confirmed.append((topic, token)))

    assert confirmed == [(arn, "EXAMPLE")]
    assert world.dead_letters() == []


def test_wrong_external_id_pauses_the_account_and_gives_no_object_up(world: World) -> None:
    world.notify(world.put("a", cloudtrail_gz([record(1)])))
    text = world.accounts_file.read_text().replace("headwater-example-external-id", "some-other-external-id")
    world.accounts_file.write_text(text)

    world.reload()
    world.run()

    assert world.dead_letters() == []
    (breaker,) = list_breakers(connect(world.settings.resolved_state_url))
    assert (breaker.subject, breaker.is_open) == (CUSTOMER, True)
    assert "sts:AssumeRole" in breaker.statement


def confirmation(arn: str) -> dict[str, str]:
    return {
        "Type": "SubscriptionConfirmation",
        "TopicArn": arn,
        "Token": "EXAMPLE",
        "SubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription",
        "Message": "You have chosen to subscribe",
    }


def test_object_that_cannot_be_identified_is_tried_again_before_it_is_given_up(world: World) -> None:
    world.settings = world.settings.model_copy(update={"max_attempts": 2})
    world.send({"s3Bucket": world.bucket, "s3ObjectKey": [f"AWSLogs/{CUSTOMER}/never-written.json.gz"]})

    world.run()

    (letter,) = world.dead_letters()
    assert letter["reason"].startswith("ObjectMissing")


def large(world: World) -> None:
    """Every object of the world is a large one from now on."""
    world.settings = world.settings.model_copy(update={"batch_max_bytes": 700})


def test_large_object_leaves_what_it_would_leave_as_a_whole(world: World) -> None:
    large(world)
    records = [record(n) for n in range(8)] + [stop_logging(n) for n in range(8, 12)] + [{"eventName": "NoTime"}]
    world.notify(world.put("a", cloudtrail_gz(records)), world.put("b", cloudtrail_gz([stop_logging(20)])))

    world.run()

    assert count(world) == 13
    assert [n for _, n in alert_counts(world)] == [5]
    linked = rows(world, "SELECT count(*) AS n, count(DISTINCT p_alert_id) AS alerts FROM detections.matches")
    assert linked == [{"n": 5, "alerts": 1}]
    assert rows(world, "SELECT count(*) AS n FROM monitor.rejects") == [{"n": 1}]
    assert world.settings.resolved_alerts_file.read_text().count("\n") == 1
    assert world.dead_letters() == []


def test_large_object_that_ends_early_leaves_nothing(world: World) -> None:
    large(world)
    text = gzip.decompress(cloudtrail_gz([record(n) for n in range(20)]))[:-10]
    world.notify(world.put("cut", gzip.compress(text)), world.put("whole", cloudtrail_gz([record(50)])))

    world.run()

    assert [row["eventID"][-2:] for row in rows(world, "SELECT eventID FROM logs.aws_cloudtrail")] == ["50"]
    (dead,) = world.dead_letters()
    assert dead["reason"].startswith("truncated")


def test_test_message_of_verify_is_noted_and_acknowledged(world: World) -> None:
    database = connect(world.settings.resolved_state_url)
    links.expect(database, NONCE, account_id=CUSTOMER, link="topic", now=datetime.now(UTC))
    for nonce in (NONCE, "0" * 32):  # nobody waits for the second
        world.send({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": world.bucket, "HeadwaterNonce": nonce})

    world.run()

    assert links.received_by(database, NONCE)
    assert links.received_by(database, "0" * 32) is None
    assert world.dead_letters() == []
