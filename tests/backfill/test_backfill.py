"""History is read once, quietly, and to its end, whatever happens in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backfill.conftest import Bucket, MakeBucket
from headwater.state import objects
from headwater.state.database import connect
from support.world import CUSTOMER, client, policy, record, stop_logging

TESTS = Path(__file__).parents[1]
DAY = datetime(2026, 2, 3, tzinfo=UTC)
FEBRUARY = ("--since", "2026-02-01", "--until", "0m")


def test_history_is_stored_with_its_matches_and_opens_no_alerts(bucket: Bucket) -> None:
    wanted = sorted([bucket.put("a", DAY), bucket.put("b", DAY)])
    bucket.put("too-old", datetime(2026, 1, 3, tzinfo=UTC))

    (told,) = bucket.run("backfill", *FEBRUARY, "--output", "json").json

    assert sorted(set(bucket.rows())) == wanted
    assert (told["listed"], told["ingested"], told["rows"], told["alerts"]) == (2, 2, 4, 0)
    assert (bucket.matches(), bucket.alerts()) == (2, 0)


def test_alerts_are_opened_when_asked_for(bucket: Bucket) -> None:
    bucket.put("a", DAY)

    assert bucket.run("backfill", *FEBRUARY, "--alerts").code == 0
    assert bucket.alerts() == 1
    assert bucket.world.settings.resolved_alerts_file.read_text().count("\n") == 1


def test_a_second_run_and_the_notifications_that_come_late_add_nothing(bucket: Bucket) -> None:
    keys = [bucket.put(name, DAY) for name in "abc"]
    bucket.run("backfill", *FEBRUARY)
    before = bucket.rows()

    (again,) = bucket.run("backfill", *FEBRUARY, "--output", "json").json
    bucket.world.notify(*(bucket.event(key) for key in keys))
    bucket.world.run()

    assert (again["known"], again["ingested"]) == (3, 0)
    assert bucket.rows() == before


@pytest.mark.parametrize("first", ["backfill", "notification"])
def test_versions_of_a_bucket_are_told_from_the_listing_too(bucket: Bucket, first: str) -> None:
    world = bucket.world
    world.s3.put_bucket_versioning(Bucket=world.bucket, VersioningConfiguration={"Status": "Enabled"})
    key = bucket.put("a", DAY)

    def notify() -> None:
        world.notify(bucket.event(key))
        world.run()

    steps = [lambda: bucket.run("backfill", *FEBRUARY), notify]
    for step in steps if first == "backfill" else reversed(steps):
        step()

    assert bucket.rows() == [key] * 2


def test_a_dry_run_reads_and_writes_nothing(bucket: Bucket) -> None:
    bucket.put("a", DAY)

    (told,) = bucket.run("backfill", *FEBRUARY, "--dry-run", "--output", "json").json

    assert (told["missing"], told["ingested"], bucket.rows()) == (1, 0, [])


def test_a_broken_object_fails_alone_and_requeue_tells_it_again(bucket: Bucket) -> None:
    good = bucket.put("good", DAY)
    bad = bucket.put("zbad", DAY)
    bucket.world.s3.put_object(Bucket=bucket.world.bucket, Key=bad, Body=b"\x1f\x8b\x08" + b"\xff" * 40)

    ran = bucket.run("backfill", *FEBRUARY, "--output", "json")

    assert (ran.code, ran.json[0]["failed"], set(bucket.rows())) == (3, 1, {good})
    (listed,) = bucket.run("objects", "list", "--failed", "--output", "json").json
    assert (listed["kind"], listed["object"]) == ("truncated", f"s3://{bucket.world.bucket}/{bad}")


def test_a_source_that_refuses_us_is_told_and_its_objects_stay_to_be_listed(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = bucket.put("a", DAY)
    wrong = bucket.world.accounts_file.read_text().replace("headwater-example-external-id", "wrong-external-id")
    other = bucket.world.accounts_file.with_name("wrong.yml")
    other.write_text(wrong)

    ran = bucket.run("backfill", *FEBRUARY, "--output", "json", HEADWATER_ACCOUNTS_FILE=str(other))

    assert ran.code == 1
    assert "sts:AssumeRole" in ran.json[0]["error"]
    bucket.run("backfill", *FEBRUARY)
    assert set(bucket.rows()) == {key}


def test_a_key_that_refuses_is_told_apart_and_once_it_opens_all_is_read(bucket: Bucket) -> None:
    world = bucket.world
    key_arn = client("kms", CUSTOMER).create_key()["KeyMetadata"]["Arn"]
    sealed = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key_arn}
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": sealed}]}
    world.s3.put_bucket_encryption(Bucket=world.bucket, ServerSideEncryptionConfiguration=rules)
    wanted = sorted(bucket.put(name, DAY) for name in "abc")

    refused = bucket.run("backfill", *FEBRUARY, "--output", "json")
    role = world.accounts.sources[0].role_arn.rpartition("/")[2]  # type: ignore[union-attr]
    document = json.dumps(policy("kms:Decrypt"))
    client("iam", CUSTOMER).put_role_policy(RoleName=role, PolicyName="key", PolicyDocument=document)
    opened = bucket.run("backfill", *FEBRUARY, "--output", "json")

    assert refused.code == 1
    assert f'"Action": "kms:Decrypt", "Resource": "{key_arn}"' in refused.json[0]["error"]
    assert (opened.code, opened.json[0]["ingested"]) == (0, 3)
    assert sorted(set(bucket.rows())) == wanted


def test_what_the_ledger_has_forgotten_is_not_doubled(bucket: Bucket) -> None:
    bucket.put("a", DAY)
    bucket.run("backfill", *FEBRUARY)
    engine = connect(bucket.world.settings.resolved_state_url)
    objects_before = objects.find(engine, objects.Chosen())
    forget_all(bucket)

    (told,) = bucket.run("backfill", *FEBRUARY, "--output", "json").json

    assert len(objects_before) == 1
    assert (told["forgotten"], told["ingested"], len(bucket.rows())) == (1, 0, 2)


def forget_all(bucket: Bucket) -> None:
    """As retention would, a long time from now."""
    from sqlalchemy import create_engine, text  # noqa: PLC0415

    engine = create_engine(bucket.world.settings.resolved_state_url)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM objects"))
        connection.execute(
            text("INSERT INTO forgotten VALUES ('111122223333/cloudtrail', '2099-01-01T00:00:00.000000Z')")
        )


@pytest.mark.parametrize("step", ["append:logs.aws_cloudtrail", pytest.param("finish", marks=pytest.mark.slow)])
def test_a_killed_run_is_continued_by_the_next(make_bucket: MakeBucket, state_url: str, step: str) -> None:
    bucket = make_bucket(state_url)
    keys = [bucket.put(f"o{n:02d}", DAY, record(n) if n % 5 else stop_logging(n)) for n in range(25)]
    command = [sys.executable, "-m", "support.killed_backfill", step]
    environment = {**os.environ, **bucket.environment, "HEADWATER_BATCH_MAX_ROWS": "7"}

    killed = subprocess.run(command, cwd=TESTS, env=environment, check=False, capture_output=True, timeout=120)
    again = bucket.run("backfill", *FEBRUARY, "--output", "json")

    assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]
    assert again.code == 0
    assert bucket.rows() == sorted(keys)
    assert bucket.alerts() == 0
