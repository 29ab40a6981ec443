"""The same accounts, by CloudFormation."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from headwater.accounts import Accounts, load_accounts
from headwater.accounts.lock import LockedAccount, read_lock
from headwater.errors import OnboardError
from headwater.onboard.arrival import Arrivals
from headwater.onboard.cloudformation import parameters, quick_create_link, run
from headwater.onboard.driver import Setup, run_verify, setup_for
from headwater.onboard.plan import plan

from .conftest import PAYMENTS, Cloud


@pytest.fixture
def stacks(tmp_path: Path, accounts_file: Path, cloud: Cloud) -> Setup:
    """The onboarding without Terraform."""
    return setup_for(tmp_path, accounts_file, cloud.sessions, environment={}, parallelism=2)


def test_two_accounts_by_stacks_from_apply_to_destroy(accounts_file: Path, stacks: Setup, cloud: Cloud) -> None:
    s3 = cloud.client(PAYMENTS, "s3")
    cloud.client(PAYMENTS, "sqs").create_queue(QueueName="audit")
    audit = {
        "Id": "audit",
        "QueueArn": f"arn:aws:sqs:us-east-1:{PAYMENTS}:audit",
        "Events": ["s3:ObjectRemoved:*"],
    }
    s3.put_bucket_notification_configuration(
        Bucket="payments-logs", NotificationConfiguration={"QueueConfigurations": [audit]}
    )
    plans = plan(load_accounts(accounts_file), {})

    applied = run("apply", plans, stacks)
    again = run("apply", plan(load_accounts(accounts_file), read_lock(stacks.lock_file)), stacks)
    accounts = load_accounts(accounts_file)
    verified = run_verify(accounts.accounts, accounts.central, stacks, Arrivals())
    notified = s3.get_bucket_notification_configuration(Bucket="payments-logs")
    run("destroy", plans, stacks)
    left = s3.get_bucket_notification_configuration(Bucket="payments-logs")
    s3.put_bucket_notification_configuration(Bucket="payments-logs", NotificationConfiguration={})

    assert [(row.account_name, row.outcome, row.detail) for row in applied] == [
        ("payments", "changed", "stack headwater-customer-account"),
        ("shop", "changed", "stack headwater-customer-account"),
    ]
    assert [row.outcome for row in again] == ["unchanged", "unchanged"]
    assert [row.detail for row in verified] == ["13 checks passed", "10 checks passed"]
    assert [entry["Id"] for entry in notified["TopicConfigurations"]] == ["headwater-access", "headwater-trail"]
    assert [entry["Id"] for entry in left["QueueConfigurations"]] == ["audit"]
    assert "TopicConfigurations" not in left
    assert read_lock(stacks.lock_file) == {}


def test_objects_are_announced_to_the_central_queue(accounts_file: Path, stacks: Setup, cloud: Cloud) -> None:
    sqs = cloud.client("999988887777", "sqs")
    url = sqs.get_queue_url(QueueName="headwater-intake")["QueueUrl"]
    allow = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    plans = plan(load_accounts(accounts_file), {}, ["shop"])

    run("apply", plans, stacks)
    sqs.purge_queue(QueueUrl=url)
    cloud.client(plans[0].account.id, "s3").put_object(Bucket="shop-logs", Key="flow/1", Body=b"x")
    found = sqs.receive_message(QueueUrl=url)["Messages"]
    run("destroy", plans, stacks)

    assert [json.loads(each["Body"])["Records"][0]["s3"]["object"]["key"] for each in found] == ["flow%2F1"]


@pytest.mark.parametrize(
    ("old", "new", "limit"),
    [
        pytest.param(
            "bucket: shop-logs", "bucket: shop-logs, region: eu-west-1", "sources of one region", id="regions"
        ),
        pytest.param("role_path: /corp/", "role_arn: arn:aws:iam::444455556666:role/x", "not role_arn", id="own-role"),
        pytest.param(
            "{name: flow, bucket: shop-logs}",
            "{name: flow, bucket: shop-logs}\n      - {name: b, bucket: shop-b, notifications: none}",
            "one mode of notifications",
            id="modes",
        ),
        pytest.param(
            "{name: flow, bucket: shop-logs}",
            "\n      - ".join(f"{{name: s{n}, bucket: shop-{n}}}" for n in range(4)),
            "3 sources",
            id="sources",
        ),
    ],
)
def test_what_the_template_cannot_express_is_refused(accounts_file: Path, old: str, new: str, limit: str) -> None:
    accounts_file.write_text(accounts_file.read_text().replace(old, new))

    with pytest.raises(OnboardError, match=rf"account shop: .*{limit}.*Use Terraform"):
        parameters(plan(load_accounts(accounts_file), {})[1])


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", "console.aws.amazon.com"),
        ("cn-north-1", "console.amazonaws.cn"),
        ("us-gov-west-1", "console.amazonaws-us-gov.com"),
    ],
)
def test_link_opens_the_console_with_the_stack_filled_in(accounts: Accounts, region: str, host: str) -> None:
    made = plan(accounts, {PAYMENTS: LockedAccount("exter=nal/id")})[0]
    made = replace(made, units=(replace(made.units[0], region=region),))

    link = urlsplit(quick_create_link(made, "https://templates.example.com/customer-account.yml"))
    fields = parse_qs(link.fragment.partition("?")[2])

    assert (link.netloc, parse_qs(link.query)) == (host, {"region": [region]})
    assert fields["templateURL"] == ["https://templates.example.com/customer-account.yml"]
    assert fields["param_ExternalId"] == ["exter=nal/id"]
    assert fields["param_Bucket1"] == ["payments-logs"]
