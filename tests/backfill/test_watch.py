"""The service lists polled sources, and finds what notifications missed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from backfill.conftest import Bucket, MakeBucket
from headwater.backfill.find import Finder
from headwater.backfill.layout import Window
from headwater.cli import build
from headwater.cli.backfill import make_reading
from headwater.cli.watch import make_watch
from headwater.worker.committer import utc_now

MINUTE = timedelta(minutes=1)


class Clock:
    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


def watched(bucket: Bucket, clock: Clock) -> Any:
    return make_watch(bucket.world.settings, bucket.world.accounts, now=clock)


def waiting(bucket: Bucket) -> list[str]:
    """The keys of the messages in the queue, which go back."""
    keys = []
    while found := bucket.world.sqs.receive_message(
        QueueUrl=bucket.world.settings.queue_url, MaxNumberOfMessages=10, VisibilityTimeout=1
    ).get("Messages"):
        keys += [json.loads(message["Body"])["Records"][0]["s3"]["object"]["key"] for message in found]
        if len(keys) >= 10:
            break
    return keys


def test_a_polled_source_is_ingested_with_its_alerts(make_bucket: MakeBucket) -> None:
    bucket = make_bucket(notifications="none")
    first = bucket.put("a")
    clock = Clock()
    watch = watched(bucket, clock)

    watch.run()
    bucket.world.run()
    second = bucket.put("b")
    clock.ahead = 6 * MINUTE
    watch.run()
    bucket.world.run()

    assert bucket.rows() == [first] * 2 + [second] * 2
    assert bucket.alerts() == 1


def test_a_source_is_polled_as_often_as_the_setting_says_and_announced_once(make_bucket: MakeBucket) -> None:
    bucket = make_bucket(notifications="none")
    bucket.put("a")
    clock = Clock()
    first, second = watched(bucket, clock), watched(bucket, clock)

    first.run()
    first.run()
    second.run()
    clock.ahead = 6 * MINUTE
    second.run()  # the object is still in the queue

    assert len(waiting(bucket)) == 1


def test_a_polled_source_of_a_service_that_was_down_for_days_loses_nothing(make_bucket: MakeBucket) -> None:
    bucket = make_bucket(notifications="none")
    clock = Clock()
    watched(bucket, clock).run()
    key = bucket.put("a")

    clock.ahead = timedelta(days=3)
    watched(bucket, clock).run()
    bucket.world.run()

    assert bucket.rows() == [key] * 2


def test_a_source_that_refuses_us_does_not_keep_the_others_and_is_not_asked_all_the_time(
    make_bucket: MakeBucket,
) -> None:
    bucket = make_bucket(notifications="none")
    text = bucket.world.accounts_file.read_text()
    broken = text[text.index("  - id:") :].replace("111122223333", "444455556666").replace("payments", "shop")
    bucket.world.accounts_file.write_text(text.rstrip() + "\n" + broken.replace(bucket.world.bucket, "nobodys-bucket"))
    bucket.world.reload()
    bucket.put("a")
    clock = Clock()
    watch = watched(bucket, clock)

    watch.run()
    asked = bucket.world.accounts.sources
    watch.run()

    assert len(asked) == 2
    assert len(waiting(bucket)) == 1


def test_what_no_notification_announced_is_found_and_sent_with_its_version(bucket: Bucket) -> None:
    world = bucket.world
    world.s3.put_bucket_versioning(Bucket=world.bucket, VersioningConfiguration={"Status": "Enabled"})
    announced, missed = bucket.put("announced"), bucket.put("missed")
    world.notify(bucket.event(announced))
    world.run()
    clock = Clock()
    watch = watched(bucket, clock)

    watch.run()
    before = bucket.rows()
    clock.ahead = timedelta(days=1, hours=2)
    watch.run()
    world.run()
    world.notify(bucket.event(missed))  # late, but it comes
    world.run()

    assert before == [announced] * 2
    assert bucket.rows() == sorted([announced] * 2 + [missed] * 2)


def test_reconcile_counts_and_repairs(bucket: Bucket) -> None:
    announced, missed = bucket.put("announced"), bucket.put("missed")
    bucket.world.notify(bucket.event(announced))
    bucket.world.run()
    accounts = bucket.world.accounts
    window = Window(datetime.now(UTC) - timedelta(days=2), datetime.now(UTC) + MINUTE)
    reading = make_reading(bucket.world.settings)
    finder = Finder(reading.sessions, accounts, build.database(bucket.world.settings))

    (seen,) = reading.sources(finder, accounts.sources, window, dry_run=True)
    (repaired,) = reading.sources(finder, accounts.sources, window)

    assert (seen.found.listed, seen.found.known, seen.found.missing, seen.done.objects) == (2, 1, 1, 0)
    assert repaired.done.objects == 1
    assert bucket.rows() == sorted([announced] * 2 + [missed] * 2)
    assert bucket.alerts() == 1


def test_objects_of_the_last_hour_are_no_concern_of_reconcile(bucket: Bucket) -> None:
    bucket.put("a")

    (told,) = bucket.run("reconcile", "--output", "json").json

    assert (told["listed"], told["missing"]) == (0, 0)
