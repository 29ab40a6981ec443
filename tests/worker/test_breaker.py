"""Who refuses us is left alone, and comes back by itself; nobody else notices."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from headwater.cli import build
from headwater.cli.serve import make_worker
from headwater.errors import AccessDenied
from headwater.lake.query import query
from headwater.lake.tables import existing_tables
from headwater.model import Source
from headwater.pipeline import Store
from headwater.state import alerts as state_alerts
from headwater.state.breakers import LONGEST_PAUSE_S, list_breakers
from headwater.state.database import connect
from headwater.worker.breaker import PAUSED, Breakers
from headwater.worker.committer import utc_now
from support.world import (
    CUSTOMER,
    World,
    accounts_yml,
    client,
    cloudtrail_gz,
    read_policy,
    record,
    trust_policy,
)

START = datetime(2026, 2, 3, 4, 5, tzinfo=UTC)
OTHER = "444455556666"
ROLE = AccessDenied("assume the role: AccessDenied", "sts:AssumeRole in the trust policy", service="sts")
BUCKET = AccessDenied("get s3://b/k: AccessDenied", "s3:GetObject on s3://b/*", service="s3")
QUEUE = AccessDenied("receive from the queue: AccessDenied", "sqs:ReceiveMessage")


class Clock:
    """The time of a test."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def pass_s(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def source(account_id: str = CUSTOMER, name: str = "cloudtrail") -> Source:
    return Source(account_id, "payments", name, f"logs-{account_id}")


@pytest.fixture
def clock() -> Clock:
    return Clock()


def breakers(engine: Engine, clock: Clock, worker: str = "w") -> Breakers:
    return Breakers(Store(engine, None), worker, most=3, pause_s=60.0, now=clock)  # type: ignore[arg-type]


def test_role_that_refuses_three_times_pauses_the_account_alone(engine: Engine, clock: Clock) -> None:
    made = breakers(engine, clock)

    for _ in range(3):
        clock.pass_s(1)
        pause_s = made.refused(source(), "the same object", ROLE)

    assert pause_s == 60.0
    assert made.pause_s(source(name="vpc")) == 60.0
    assert made.pause_s(source(OTHER)) is None


def test_bucket_that_refuses_three_objects_pauses_its_source_alone(engine: Engine, clock: Clock) -> None:
    made = breakers(engine, clock)

    for number in range(3):
        made.refused(source(), f"object {number}", BUCKET)

    assert made.pause_s(source()) == 60.0
    assert made.pause_s(source(name="vpc")) is None


def test_one_object_that_is_refused_again_and_again_pauses_nothing(engine: Engine, clock: Clock) -> None:
    made = breakers(engine, clock)

    assert [made.refused(source(), "the same object", BUCKET) for _ in range(9)] == [None] * 9


def test_success_between_refusals_forgets_them(engine: Engine, clock: Clock) -> None:
    made = breakers(engine, clock)
    made.refused(source(), "a", BUCKET)
    made.refused(source(), "b", BUCKET)

    made.succeeded(source())

    assert made.refused(source(), "c", BUCKET) is None
    assert made.refused(source(), "d", BUCKET) is None


def test_refusal_that_is_none_of_a_customer_s_pauses_nobody(engine: Engine, clock: Clock) -> None:
    made = breakers(engine, clock)

    assert [made.refused(source(), str(n), QUEUE) for n in range(9)] == [None] * 9
    assert list_breakers(engine) == ()


def opened(engine: Engine, clock: Clock) -> Breakers:
    """The view of a worker that has paused an account."""
    made = breakers(engine, clock)
    for number in range(3):
        made.refused(source(), f"object {number}", BUCKET)
    return made


def test_other_workers_leave_it_alone_too_and_one_of_them_tries(engine: Engine, clock: Clock) -> None:
    opened(engine, clock)
    workers = [breakers(engine, clock, name) for name in "abc"]
    clock.pass_s(61)
    for worker in workers:
        worker.refresh()

    found = [worker.pause_s(source()) for worker in workers]

    assert found == [None, 60.0, 60.0]


def test_each_failed_try_doubles_the_pause_up_to_a_limit(engine: Engine, clock: Clock) -> None:
    made = opened(engine, clock)
    pauses: list[float | None] = []

    for number in range(6):
        clock.pass_s(LONGEST_PAUSE_S + 1)
        assert made.pause_s(source()) is None
        pauses.append(made.refused(source(), f"probe {number}", BUCKET))

    assert pauses == [120.0, 240.0, 480.0, 900.0, 900.0, 900.0]


def test_refusals_of_tries_that_were_on_their_way_do_not_lengthen_the_pause(engine: Engine, clock: Clock) -> None:
    made = opened(engine, clock)

    assert [made.refused(source(), f"late {number}", BUCKET) for number in range(5)] == [60.0] * 5


def test_try_of_a_worker_that_died_is_made_by_another(engine: Engine, clock: Clock) -> None:
    opened(engine, clock)
    clock.pass_s(61)
    first, second = breakers(engine, clock, "first"), breakers(engine, clock, "second")
    first.refresh()
    assert first.pause_s(source()) is None
    clock.pass_s(61)
    second.refresh()

    assert second.pause_s(source()) is None


def test_success_of_the_try_resumes_it_for_all(engine: Engine, clock: Clock) -> None:
    made = opened(engine, clock)
    other = breakers(engine, clock, "other")
    other.refresh()
    assert other.is_paused(source())
    clock.pass_s(61)
    made.pause_s(source())

    made.succeeded(source())
    other.refresh()

    assert not other.is_paused(source())
    assert list_breakers(engine) == ()
    assert [alert.status for alert in state_alerts.list_alerts(engine, status=None)] == ["resolved"]


def test_pause_is_told_once_with_the_statement_to_add_and_again_after_a_day(engine: Engine, clock: Clock) -> None:
    for name in "abc":
        made = opened(engine, clock) if name == "a" else breakers(engine, clock, name)
        made.refresh()
    told = state_alerts.list_alerts(engine, limit=10)
    clock.pass_s(86_500)
    breakers(engine, clock, "later").refresh()

    (alert,) = told
    assert (alert.kind, alert.rule_id, alert.account_id, alert.dedup) == (
        "HEALTH",
        PAUSED,
        CUSTOMER,
        f"{CUSTOMER}/cloudtrail",
    )
    assert "s3:GetObject on s3://b/*" in alert.runbook
    assert len(state_alerts.list_alerts(engine, limit=10)) == 2


def add_account(world: World) -> tuple[Any, str]:
    """A second customer with a bucket and a role of its own; gives its S3 client and the bucket."""
    s3, iam, bucket = client("s3", OTHER), client("iam", OTHER), f"other-{world.bucket}"
    s3.create_bucket(Bucket=bucket)
    role = reader(world)
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust_policy()))
    iam.put_role_policy(RoleName=role, PolicyName="read", PolicyDocument=json.dumps(read_policy(bucket)))
    entry = accounts_yml(bucket, role).partition("accounts:\n")[2].replace(CUSTOMER, OTHER).replace("payments", "shop")
    world.accounts_file.write_text(world.accounts_file.read_text() + entry)
    world.reload()
    return s3, bucket


def reader(world: World) -> str:
    """The name of the role that reads the customer's bucket."""
    return (world.accounts.sources[0].role_arn or "").rpartition("/")[2]


def counts(world: World) -> dict[str, int]:
    """Rows of each account."""
    sql = "SELECT p_account_id AS account, count(*) AS n FROM logs.aws_cloudtrail GROUP BY 1"
    catalog = build.catalog(world.settings)
    if "logs.aws_cloudtrail" not in existing_tables(catalog):
        return {}
    return {row["account"]: row["n"] for row in query(catalog, sql).to_pylist()}


@pytest.mark.parametrize("fault", ["the role is gone", "the role may read nothing"])
def test_broken_account_waits_and_comes_back_while_the_other_goes_on(world: World, fault: str) -> None:
    iam = client("iam", CUSTOMER)
    s3, bucket = add_account(world)
    world.settings = world.settings.model_copy(update={"breaker_pause_s": 0.01, "max_attempts": 2})
    here = [world.put(f"a{number}", cloudtrail_gz([record(number)])) for number in range(5)]
    there = [world.put(f"b{number}", cloudtrail_gz([record(number)])) for number in range(5)]
    for notice in there:
        key = notice["s3"]["object"]["key"].replace(CUSTOMER, OTHER)
        etag = s3.put_object(Bucket=bucket, Key=key, Body=cloudtrail_gz([record(7)]))["ETag"].strip('"')
        notice["s3"] = {"bucket": {"name": bucket}, "object": {"key": key, "size": 1, "eTag": etag}}
    iam.delete_role_policy(RoleName=reader(world), PolicyName="read")
    if fault == "the role is gone":
        iam.delete_role(RoleName=reader(world))
    for notice in [*here, *there]:
        world.notify(notice)

    world.run()
    without, letters = counts(world), world.dead_letters()
    if fault == "the role is gone":
        iam.create_role(RoleName=reader(world), AssumeRolePolicyDocument=json.dumps(trust_policy()))
    policy = json.dumps(read_policy(world.bucket))
    iam.put_role_policy(RoleName=reader(world), PolicyName="read", PolicyDocument=policy)
    world.notify(here[0])
    make_worker(world.settings, world.accounts, now=lambda: utc_now() + timedelta(hours=1)).run(once=True)

    assert (without, letters) == ({OTHER: 5}, [])
    assert counts(world) == {CUSTOMER: 5, OTHER: 5}
    assert world.dead_letters() == []
    engine = connect(world.settings.resolved_state_url)
    assert list_breakers(engine) == ()
    (paused,) = state_alerts.list_alerts(engine, status=None, rule_id=PAUSED)
    assert (paused.account_id, paused.status) == (CUSTOMER, "resolved")


class Killed(BaseException):
    """A worker that dies here."""


def wait_until(holds: Callable[[], bool], limit_s: float = 60.0) -> None:
    end = time.monotonic() + limit_s
    while not holds() and time.monotonic() < end:
        time.sleep(0.2)


def die_at(step: str) -> Any:
    def hook(name: str) -> None:
        if name.startswith(step):
            raise Killed

    return hook


def test_half_done_batch_of_a_customer_who_refuses_us_holds_up_nobody(world: World) -> None:
    iam = client("iam", CUSTOMER)
    s3, bucket = add_account(world)
    there = world.put("b", cloudtrail_gz([record(1)]))
    key = there["s3"]["object"]["key"].replace(CUSTOMER, OTHER)
    etag = s3.put_object(Bucket=bucket, Key=key, Body=cloudtrail_gz([record(7)]))["ETag"].strip('"')
    there["s3"] = {"bucket": {"name": bucket}, "object": {"key": key, "size": 1, "eTag": etag}}
    world.notify(world.put("a", cloudtrail_gz([record(0)])))
    with pytest.raises(Killed):
        make_worker(world.settings, world.accounts, step=die_at("append:")).run(once=True)
    iam.delete_role_policy(RoleName=reader(world), PolicyName="read")
    world.notify(there)

    worker = make_worker(world.settings, world.accounts, now=lambda: utc_now() + timedelta(hours=1))
    working = threading.Thread(target=worker.run)
    working.start()
    wait_until(lambda: OTHER in counts(world))
    worker.stop()
    working.join()
    without = counts(world)
    policy = json.dumps(read_policy(world.bucket))
    iam.put_role_policy(RoleName=reader(world), PolicyName="read", PolicyDocument=policy)
    make_worker(world.settings, world.accounts, now=lambda: utc_now() + timedelta(hours=2)).run(once=True)

    assert without == {OTHER: 1}
    assert counts(world) == {CUSTOMER: 1, OTHER: 1}
