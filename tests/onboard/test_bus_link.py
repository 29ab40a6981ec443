"""The way over EventBridge, broken at every step."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from headwater.accounts import parse_accounts
from headwater.onboard.arrival import Arrivals

from .conftest import CENTRAL, PAYMENTS, QUEUE_POLICY, Cloud
from .linked import HASTY, QUEUE, Link, notify, queue_for, results

BUS = f"arn:aws:events:us-east-1:{CENTRAL}:event-bus/headwater"


@pytest.fixture
def bus_link(cloud: Cloud) -> Iterator[Link]:
    """A customer's bucket whose events go over EventBridge."""
    central, queue = cloud.client(CENTRAL, "events"), cloud.client(CENTRAL, "sqs")
    central.create_event_bus(Name="headwater")
    member = {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}
    central.put_permission(EventBusName="headwater", Policy=json.dumps(policy(put_events("*", member))))
    rule_of(central, "headwater-intake", PATTERN, QUEUE, EventBusName="headwater")
    sends = {
        "Principal": {"Service": "events.amazonaws.com"},
        "Condition": {
            "ArnEquals": {"aws:SourceArn": f"arn:aws:events:us-east-1:{CENTRAL}:rule/headwater/headwater-intake"}
        },
    }
    url = queue.get_queue_url(QueueName="headwater-intake")["QueueUrl"]
    queue.set_queue_attributes(QueueUrl=url, Attributes={"Policy": queue_for(**sends)})
    cloud.client(PAYMENTS, "s3").put_bucket_notification_configuration(
        Bucket="payments-logs", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    make_events_role(cloud.client(PAYMENTS, "iam"))
    bucket = {"detail": {"bucket": {"name": ["payments-logs"]}, "object": {"key": [{"prefix": "AWSLogs/"}]}}}
    rule_of(cloud.client(PAYMENTS, "events"), "headwater-payments-logs", PATTERN | bucket, BUS, RoleArn=EVENTS_ROLE)
    yield Link(cloud, parse_accounts(BY_BUS, "accounts.yml"))
    remove_bus(cloud)


PATTERN = {"source": ["aws.s3"], "detail-type": ["Object Created"]}
EVENTS_ROLE = f"arn:aws:iam::{PAYMENTS}:role/headwater-events"
BY_BUS = f"""\
version: 1
central: {{account_id: "{CENTRAL}", region: us-east-1, lake_bucket: lake, organization_id: o-exampleorgid}}
accounts:
  - id: "{PAYMENTS}"
    name: payments
    sources: [{{name: trail, bucket: payments-logs, prefix: AWSLogs/, notifications: eventbridge}}]
"""


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def put_events(principal: str, condition: dict[str, Any]) -> dict[str, Any]:
    allow = {"Sid": "Put", "Effect": "Allow", "Action": "events:PutEvents", "Resource": BUS}
    return {**allow, "Principal": principal, "Condition": condition}


def rule_of(events: Any, name: str, pattern: dict[str, Any], target: str, **place: str) -> None:
    role = {"RoleArn": place.pop("RoleArn")} if "RoleArn" in place else {}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern), State="ENABLED", **place)
    events.put_targets(Rule=name, Targets=[{"Id": "headwater", "Arn": target, **role}], **place)


def make_events_role(iam: Any) -> None:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "events.amazonaws.com"}}
    iam.create_role(RoleName="headwater-events", AssumeRolePolicyDocument=json.dumps(policy(trust)))
    forward = policy({"Effect": "Allow", "Action": "events:PutEvents", "Resource": BUS})
    iam.put_role_policy(RoleName="headwater-events", PolicyName="forward", PolicyDocument=json.dumps(forward))


def remove_bus(cloud: Cloud) -> None:
    central, events, iam = (
        cloud.client(CENTRAL, "events"),
        cloud.client(PAYMENTS, "events"),
        cloud.client(PAYMENTS, "iam"),
    )
    central.remove_targets(Rule="headwater-intake", EventBusName="headwater", Ids=["headwater"])
    central.delete_rule(Name="headwater-intake", EventBusName="headwater")
    central.delete_event_bus(Name="headwater")
    events.remove_targets(Rule="headwater-payments-logs", Ids=["headwater"])
    events.delete_rule(Name="headwater-payments-logs")
    for name in iam.list_role_policies(RoleName="headwater-events")["PolicyNames"]:
        iam.delete_role_policy(RoleName="headwater-events", PolicyName=name)
    iam.delete_role(RoleName="headwater-events")
    cloud.client(PAYMENTS, "s3").put_bucket_notification_configuration(
        Bucket="payments-logs", NotificationConfiguration={}
    )
    queue = cloud.client(CENTRAL, "sqs")
    url = queue.get_queue_url(QueueName="headwater-intake")["QueueUrl"]
    queue.set_queue_attributes(QueueUrl=url, Attributes={"Policy": QUEUE_POLICY})


BUS_STEPS = (
    "notification payments-logs",
    "rule of payments-logs",
    "role of payments-logs's rule",
    "bus from payments-logs",
    "central rule for payments-logs",
    "queue from bus for payments-logs",
)


def test_a_way_over_eventbridge_is_judged_step_by_step_and_nothing_is_sent(bus_link: Link) -> None:
    checks = bus_link.check(Arrivals(patience=HASTY))

    assert results(checks) == dict.fromkeys(BUS_STEPS, "ok") | {"arrival payments-logs": "not checked"}
    assert "lets S3 alone send events of aws.s3" in checks["arrival payments-logs"].detail
    assert bus_link.waiting() == []


BROKEN_BUS: Mapping[str, tuple[Callable[[Link], object], str, str]] = {
    "bucket sends no events": (notify, "notification payments-logs", "switch that on in the bucket's properties"),
    "rule takes other objects": (
        lambda link: link.client("events").put_rule(
            Name="headwater-payments-logs",
            EventPattern=json.dumps(PATTERN | {"detail": {"bucket": {"name": ["another"]}}}),
        ),
        "rule of payments-logs",
        "headwater onboard apply",
    ),
    "rule is switched off": (
        lambda link: link.client("events").disable_rule(Name="headwater-payments-logs"),
        "rule of payments-logs",
        "enable-rule --name headwater-payments-logs",
    ),
    "role may not put events": (
        lambda link: link.client("iam").delete_role_policy(RoleName="headwater-events", PolicyName="forward"),
        "role of payments-logs's rule",
        "headwater onboard apply",
    ),
    "bus takes nothing from the account": (
        lambda link: link.cloud.client(CENTRAL, "events").put_permission(
            EventBusName="headwater",
            Policy=json.dumps(policy(put_events("*", {"StringEquals": {"aws:PrincipalOrgID": "o-anotherorgid"}}))),
        ),
        "bus from payments-logs",
        "eventbridge_account_ids",
    ),
    "central rule is gone": (
        lambda link: link.cloud.client(CENTRAL, "events").disable_rule(
            Name="headwater-intake", EventBusName="headwater"
        ),
        "central rule for payments-logs",
        "apply the platform module again",
    ),
    "queue takes nothing from the rule": (
        lambda link: link.set_queue(Policy=QUEUE_POLICY),
        "queue from bus for payments-logs",
        r'add to it: .*"Service": "events.amazonaws.com"',
    ),
}


@pytest.mark.parametrize("name", BROKEN_BUS)
def test_broken_step_over_eventbridge_is_named(bus_link: Link, name: str) -> None:
    breaks, step, fix = BROKEN_BUS[name]
    breaks(bus_link)

    failed = [check for check in bus_link.check().values() if not check.ok]

    assert [check.name for check in failed] == [step]
    assert re.search(fix, failed[0].fix)
