"""What failed goes back to work: through the service's queue, in the command, and out of the dead-letter queue."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from backfill.conftest import Bucket
from support.world import CUSTOMER, cloudtrail_gz, record

DAY = datetime(2026, 2, 3, tzinfo=UTC)


@pytest.fixture
def failed(bucket: Bucket) -> str:
    """A truncated object, in the dead-letter queue and in the ledger as failed."""
    key = bucket.put("a", DAY)
    good = cloudtrail_gz([record(1), record(2)])
    bucket.world.s3.put_object(Bucket=bucket.world.bucket, Key=key, Body=good[:-9])
    bucket.world.notify(bucket.event(key))
    bucket.world.run()
    assert [letter["reason"].split(":")[0] for letter in bucket.world.dead_letters()] == ["truncated"]
    return key


@pytest.fixture
def large(bucket: Bucket) -> str:
    """An object that was too large for a setting that is changed since."""
    key = bucket.put("a", DAY)
    bucket.world.settings = bucket.world.settings.model_copy(update={"max_object_bytes": 100})
    bucket.world.notify(bucket.event(key))
    bucket.world.run()
    bucket.world.settings = bucket.world.settings.model_copy(update={"max_object_bytes": 10_000_000})
    assert bucket.rows() == []
    return key


def test_failed_objects_go_through_the_queue_to_the_service(bucket: Bucket, large: str) -> None:
    told = bucket.run("requeue", "--account", "payments", "--output", "json").json
    bucket.world.run()

    assert (told["failed"], told["requeued"], told["ingested"]) == (1, 1, 0)
    assert bucket.rows() == [large] * 2
    assert bucket.alerts() == 1
    assert bucket.run("objects", "list", "--failed", "--output", "json").json == []


def test_failed_objects_are_read_by_the_command_itself(bucket: Bucket, large: str) -> None:
    told = bucket.run("requeue", large, "--here", "--output", "json").json

    assert (told["requeued"], told["ingested"]) == (0, 1)
    assert bucket.rows() == [large] * 2
    assert bucket.alerts() == 1


def test_objects_that_fail_again_keep_their_reason(bucket: Bucket, failed: str) -> None:
    ran = bucket.run("requeue", "--here", "--kind", "truncated", "--output", "json")

    assert (ran.code, ran.json["failed_again"]) == (3, 1)
    (listed,) = bucket.run("objects", "list", "--failed", "--output", "json").json
    assert listed["kind"] == "truncated"


def test_an_object_that_is_gone_stays_failed_and_says_so(bucket: Bucket, large: str) -> None:
    bucket.world.s3.delete_object(Bucket=bucket.world.bucket, Key=large)

    bucket.run("requeue", "--here")

    (listed,) = bucket.run("objects", "list", "--failed", "--output", "json").json
    assert listed["kind"] == "ObjectMissing"


def test_a_dry_run_and_another_account_leave_everything(bucket: Bucket, large: str) -> None:
    assert bucket.run("requeue", "--dry-run", "--output", "json").json["failed"] == 1
    assert bucket.run("requeue", "--account", CUSTOMER, "--since", "2099-01-01", "--output", "json").json["failed"] == 0
    assert bucket.rows() == []
    assert len(bucket.run("objects", "list", "--failed", "--output", "json").json) == 1


def test_dead_letters_that_have_a_chance_go_back_and_the_others_stay(bucket: Bucket, large: str) -> None:
    bucket.world.send("no notification at all")
    unknown = {**bucket.event(large), "s3": {"bucket": {"name": "other-bucket"}, "object": {"key": "x", "size": 5}}}
    bucket.world.notify(unknown)
    bucket.world.run()
    assert len(bucket.world.dead_letters()) == 3

    told = bucket.run("requeue", "--dead-letters", "--output", "json").json
    bucket.world.run()

    assert (told["letters"], told["moved"], told["objects"]) == (3, 1, 1)
    assert sum(told["left"].values()) == 2
    assert bucket.rows() == [large] * 2
    assert len(bucket.world.dead_letters()) == 2


def test_dead_letters_of_a_dry_run_stay_in_sight(bucket: Bucket, large: str) -> None:
    told = bucket.run("requeue", "--dead-letters", "--dry-run", "--output", "json").json

    assert (told["moved"], len(bucket.world.dead_letters())) == (1, 1)


def test_an_object_is_shown_with_its_reason(bucket: Bucket, large: str) -> None:
    shown = bucket.run("objects", "show", f"s3://{bucket.world.bucket}/{large}", "--output", "json").json

    assert (shown["status"], shown["kind"], shown["source_id"]) == ("failed", "too_large", f"{CUSTOMER}/cloudtrail")
