"""Every step between a customer's bucket and our queue can be broken, and the broken one is named with its remedy."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from headwater.accounts import load_accounts, parse_accounts
from headwater.cli.onboard import app as command
from headwater.onboard.arrival import Arrivals, Patience
from headwater.onboard.cloudformation import run
from headwater.onboard.driver import setup_for
from headwater.onboard.plan import plan
from headwater.onboard.sessions import Sessions
from headwater.onboard.subscriptions import subscribe, unsubscribe
from headwater.state import links as state_links
from headwater.state.database import Database, connect

from .conftest import ACCOUNTS, CENTRAL, PAYMENTS, QUEUE_POLICY, Cloud
from .linked import HASTY, QUEUE, TOPIC, Link, notify, queue_for, results

STEPS = (
    "notification trail",
    "notification access",
    "topic headwater-payments-logs from payments-logs",
    "subscription headwater-payments-logs",
    "queue from headwater-payments-logs",
    "arrival headwater-payments-logs",
)


@pytest.fixture(scope="module")
def onboarded(tmp_path_factory: pytest.TempPathFactory, cloud: Cloud) -> Iterator[Link]:
    """The customer with its role, topic, notification and subscription, made once."""
    folder = tmp_path_factory.mktemp("link")
    accounts_file = folder / "accounts.yml"
    accounts_file.write_text(ACCOUNTS.replace("KEY_ARN", cloud.key_arn))
    setup = setup_for(folder, accounts_file, cloud.sessions, environment={})
    plans = plan(load_accounts(accounts_file), {}, ["payments"])
    run("apply", plans, setup)
    yield Link(cloud, load_accounts(accounts_file), accounts_file)
    run("destroy", plans, setup)


@pytest.fixture
def link(onboarded: Link) -> Iterator[Link]:
    """The same, whole again after the test."""
    s3, sns = onboarded.client("s3"), onboarded.client("sns")
    notified = s3.get_bucket_notification_configuration(Bucket="payments-logs")
    topic = sns.get_topic_attributes(TopicArn=TOPIC)["Attributes"]
    onboarded.waiting()
    yield onboarded
    notified.pop("ResponseMetadata")
    for name, value in (("Policy", topic["Policy"]), ("KmsMasterKeyId", "")):
        sns.set_topic_attributes(TopicArn=TOPIC, AttributeName=name, AttributeValue=value)
    s3.put_bucket_notification_configuration(Bucket="payments-logs", NotificationConfiguration=notified)
    for found in sns.list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]:
        onboarded.cloud.client(found["Owner"], "sns").unsubscribe(SubscriptionArn=found["SubscriptionArn"])
    subscribe([TOPIC], onboarded.accounts.central, onboarded.cloud.sessions)
    onboarded.set_queue(Policy=QUEUE_POLICY, KmsMasterKeyId="")


def test_a_whole_link_is_proven_by_a_message_that_is_taken_out_again(link: Link) -> None:
    checks = link.check(Arrivals(patience=HASTY))

    assert results(checks) == dict.fromkeys(STEPS, "ok")
    assert checks["arrival headwater-payments-logs"].detail == "a test message was received from the queue"
    assert checks["subscription headwater-payments-logs"].detail == "confirmed, delivers raw"
    assert link.waiting() == []


def test_no_message_is_sent_when_none_is_wanted(link: Link) -> None:
    checks = link.check(None)

    assert results(checks) == dict.fromkeys(STEPS[:-1], "ok") | {STEPS[-1]: "not checked"}
    assert link.waiting() == []


def test_messages_of_others_are_left_in_the_queue(link: Link) -> None:
    other = json.dumps({"Records": []})
    link.client("sns").publish(TopicArn=TOPIC, Message=other)

    checks = link.check(Arrivals(patience=HASTY))

    assert checks["arrival headwater-payments-logs"].ok
    assert link.waiting() == [other]


def test_a_backlog_of_others_is_touched_three_times_at_most(link: Link) -> None:
    for number in range(40):
        link.client("sns").publish(TopicArn=TOPIC, Message=json.dumps({"Records": [], "n": number}))

    check = link.check(Arrivals(patience=Patience(0, 6, 0, lambda seconds: None)))["arrival headwater-payments-logs"]

    sqs = link.cloud.client(CENTRAL, "sqs")
    url = sqs.get_queue_url(QueueName="headwater-intake")["QueueUrl"]
    counts: dict[str, int] = {}
    while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"]).get("Messages"):
        counts |= {each["MessageId"]: int(each["Attributes"]["ApproximateReceiveCount"]) for each in batch}
        for each in batch:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
    assert (check.result, len(counts)) == ("FAILED", 41)
    assert "let a worker empty it" in check.fix
    assert max(counts.values()) <= 4  # three looks of ours, and this test's


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return connect(f"sqlite:///{tmp_path / 'state.db'}")


def test_a_message_that_a_worker_took_first_is_found_in_the_state_database(link: Link, database: Database) -> None:
    def worker(seconds: float) -> None:
        for body in link.waiting():
            nonce = json.loads(body)["HeadwaterNonce"]
            state_links.mark_received(database, nonce, worker="worker-1", now=datetime.now(UTC))

    check = link.check(Arrivals(database, Patience(3, 1, 0, worker)))["arrival headwater-payments-logs"]

    assert (check.result, check.detail) == ("ok", "a test message was received by the worker worker-1")


def test_with_a_state_database_but_no_worker_the_queue_is_looked_into(link: Link, database: Database) -> None:
    check = link.check(Arrivals(database, HASTY))["arrival headwater-payments-logs"]

    assert (check.result, check.detail) == ("ok", "a test message was received from the queue")


def break_nothing_but_events(link: Link) -> None:
    entry = {"Id": "headwater-trail", "TopicArn": TOPIC, "Events": ["s3:ObjectCreated:Put"]}
    other = {**entry, "Id": "headwater-access", "Events": ["s3:ObjectCreated:*"], **prefix_filter("access/")}
    notify(link, entry | prefix_filter("AWSLogs/"), other)


def prefix_filter(prefix: str) -> dict[str, Any]:
    return {"Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}}}


def topic_policy(link: Link, **condition: Any) -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "SNS:Publish"}
    text = json.dumps({"Statement": [{**statement, "Resource": TOPIC, "Condition": condition}]})
    link.client("sns").set_topic_attributes(TopicArn=TOPIC, AttributeName="Policy", AttributeValue=text)


def encrypt_topic(link: Link) -> None:
    """With a key whose policy lets S3 in only for another bucket."""
    link.client("sns").set_topic_attributes(
        TopicArn=TOPIC, AttributeName="KmsMasterKeyId", AttributeValue=link.cloud.key_arn
    )


def encrypt_queue(link: Link) -> None:
    key = link.cloud.client(CENTRAL, "kms").create_key()["KeyMetadata"]["KeyId"]
    link.set_queue(Policy=QUEUE_POLICY, KmsMasterKeyId=key)


def filter_subscription(link: Link) -> None:
    owner = link.cloud.client(CENTRAL, "sns")
    policy = json.dumps({"bucket": ["another"]})
    owner.set_subscription_attributes(
        SubscriptionArn=link.subscription, AttributeName="FilterPolicy", AttributeValue=policy
    )


def resubscribe_from_the_customer(link: Link) -> None:
    """Which the local AWS, as AWS, leaves pending."""
    link.cloud.client(CENTRAL, "sns").unsubscribe(SubscriptionArn=link.subscription)
    link.client("sns").subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=QUEUE)


BROKEN: Mapping[str, tuple[Callable[[Link], None], str, str]] = {
    "bucket notifies nobody": (notify, "notification trail", "headwater onboard apply"),
    "bucket notifies of single uploads alone": (
        break_nothing_but_events,
        "notification trail",
        "headwater onboard apply",
    ),
    "topic takes nothing from S3": (
        partial(topic_policy, StringEquals={"aws:SourceAccount": "444455556666"}),
        "topic headwater-payments-logs from payments-logs",
        r'add to it: .*"Principal": {"Service": "s3.amazonaws.com"}, "Action": "sns:Publish"',
    ),
    "topic's key keeps S3 out": (
        encrypt_topic,
        "topic headwater-payments-logs from payments-logs: key",
        r'add to it: .*"kms:GenerateDataKey".*arn:aws:s3:::payments-logs',
    ),
    "no subscription": (
        lambda link: link.cloud.client(CENTRAL, "sns").unsubscribe(SubscriptionArn=link.subscription),
        "subscription headwater-payments-logs",
        "headwater onboard apply",
    ),
    "subscription is pending": (
        resubscribe_from_the_customer,
        "subscription headwater-payments-logs",
        "start the worker, which confirms it",
    ),
    "subscription filters": (
        filter_subscription,
        "subscription headwater-payments-logs",
        "remove the subscription's filter policy",
    ),
    "queue takes nothing from the account": (
        lambda link: link.set_queue(
            Policy=queue_for(Condition={"StringEquals": {"aws:SourceOrgID": "o-anotherorgid"}})
        ),
        "queue from headwater-payments-logs",
        rf'add to it: .*"Action": "sqs:SendMessage".*{TOPIC}',
    ),
    "queue denies": (
        lambda link: link.set_queue(Policy=queue_for(Effect="Deny")),
        "queue from headwater-payments-logs",
        "add to it",
    ),
    "queue's key keeps SNS out": (
        encrypt_queue,
        "queue from headwater-payments-logs: key",
        r'add to it: .*"Service": "sns.amazonaws.com".*"kms:GenerateDataKey"',
    ),
    "queue is under AWS's own key": (
        lambda link: link.set_queue(Policy=QUEUE_POLICY, KmsMasterKeyId="alias/aws/sqs"),
        "queue from headwater-payments-logs: key",
        "nobody can edit the policy of AWS's key",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_step_is_named_and_nothing_is_sent(link: Link, name: str) -> None:
    breaks, step, fix = BROKEN[name]
    breaks(link)
    link.waiting()

    checks = link.check(Arrivals(patience=HASTY))

    failed = {check.name: check for check in checks.values() if not check.ok}
    assert step in failed
    assert len(failed) == 1 + (name == "bucket notifies nobody")  # both of its sources
    assert re.search(fix, failed[step].fix)
    assert checks["arrival headwater-payments-logs"].result == "not checked"
    assert link.waiting() == []


def test_a_message_that_is_lost_although_every_policy_allows_it_is_a_failure(link: Link) -> None:
    """As where SNS does not send the source's organisation: only the message itself can tell."""
    arrivals = Arrivals(patience=Patience(0, 0, 0, lambda seconds: None))

    check = link.check(arrivals)["arrival headwater-payments-logs"]

    assert not check.ok
    assert "did not arrive" in check.detail
    assert "HEADWATER_STATE_URL" in check.fix


def test_condition_that_is_not_understood_is_not_judged(link: Link) -> None:
    topic_policy(link, DateGreaterThan={"aws:CurrentTime": "2020-01-01T00:00:00Z"})

    check = link.check()["topic headwater-payments-logs from payments-logs"]

    assert (check.result, check.detail) == (
        "not checked",
        "the condition operator DateGreaterThan is not understood",
    )


def test_without_the_deploy_role_the_way_is_not_checked(link: Link) -> None:
    """In the worker's own task there is no way into the customer's administration."""
    worker = link.cloud.sessions.assume(
        link.cloud.sessions.ours(), f"arn:aws:iam::{CENTRAL}:role/headwater-worker", "test", "us-east-1"
    ).get_credentials()
    assert worker is not None
    base = {
        "aws_access_key_id": worker.access_key,
        "aws_secret_access_key": worker.secret_key,
        "aws_session_token": worker.token,
    }
    stranger = Link(link.cloud, parse_accounts(STRANGE, "accounts.yml"))

    checks = stranger.check(Arrivals(patience=HASTY), Sessions("us-east-1", base, link.cloud.aws.url))

    assert results(checks) == {"notifications": "not checked"}
    assert "cannot assume" in checks["notifications"].detail


STRANGE = f"""\
version: 1
central: {{account_id: "{CENTRAL}", region: us-east-1, lake_bucket: lake}}
accounts:
  - id: "{PAYMENTS}"
    name: payments
    deploy_role_name: no-such-role
    sources: [{{name: trail, bucket: payments-logs}}]
"""


def test_polled_source_needs_no_link(link: Link) -> None:
    polled = STRANGE.replace("bucket: payments-logs", "bucket: payments-logs, notifications: none")

    checks = Link(link.cloud, parse_accounts(polled, "accounts.yml")).check()

    assert results(checks) == {"notification trail": "ok"}
    assert checks["notification trail"].detail == "none: objects are polled"


def test_existing_topic_that_a_trail_announces_to_is_proven(onboarded: Link, cloud: Cloud) -> None:
    """The trail itself tells the topic of its objects; the bucket notifies nobody."""
    sns, trails = cloud.client(PAYMENTS, "sns"), cloud.client(PAYMENTS, "cloudtrail")
    arn = sns.create_topic(Name="trail")["TopicArn"]
    publish = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "SNS:Publish"}
    subscribe = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{CENTRAL}:root"}, "Action": "SNS:Subscribe"}
    policy = json.dumps({"Statement": [{**publish, "Resource": arn}, {**subscribe, "Resource": arn}]})
    sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
    trails.create_trail(Name="main", S3BucketName="payments-logs", SnsTopicName="trail")
    cloud.client(CENTRAL, "sns").subscribe(TopicArn=arn, Protocol="sqs", Endpoint=QUEUE)
    source = f"bucket: payments-logs, notifications: existing_topic, topic_arn: '{arn}'"
    text = STRANGE.replace("bucket: payments-logs", source).replace("    deploy_role_name: no-such-role\n", "")
    text = text.replace("lake_bucket: lake", "lake_bucket: lake, organization_id: o-exampleorgid")

    checks = Link(cloud, parse_accounts(text, "accounts.yml")).check(Arrivals(patience=HASTY))

    trails.delete_trail(Name="main")
    unsubscribe([arn], onboarded.accounts.central, cloud.sessions)
    sns.delete_topic(TopicArn=arn)
    assert {check.result for check in checks.values()} == {"ok"}
    assert "trail/main announces its objects" in checks["notification trail"].detail
    assert checks["subscription trail"].detail.endswith("in SNS's envelope")


@pytest.fixture
def verify_command(link: Link, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """`headwater onboard verify` of the customer."""
    settings = {"HEADWATER_HOME": str(tmp_path), "HEADWATER_ACCOUNTS_FILE": str(link.accounts_file)}
    for name, value in {**link.cloud.aws.environment, **settings}.items():
        monkeypatch.setenv(name, value)
    return lambda *options: CliRunner().invoke(command, ["verify", "payments", *options])


def test_command_tells_every_check(link: Link, verify_command: Callable[..., Result]) -> None:
    done = verify_command("--output", "json", "--no-send")

    assert done.exit_code == 0, done.output
    row = json.loads(done.stdout)[0]
    assert (row["outcome"], row["detail"]) == ("verified", "12 checks passed, 1 not checked")
    assert row["checks"][-1]["detail"] == "not sent: --no-send"
    assert link.waiting() == []


def test_command_fails_where_a_step_is_broken(link: Link, verify_command: Callable[..., Result]) -> None:
    link.set_queue(Policy=queue_for(Effect="Deny"))

    done = verify_command()

    assert done.exit_code == 1
    assert "FAILED" in done.stdout
    assert "not checked" in done.stdout
