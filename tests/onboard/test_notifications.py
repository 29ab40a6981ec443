from __future__ import annotations

from typing import Any

import pytest

from headwater.accounts import parse_accounts
from headwater.accounts.model import Account
from headwater.onboard import notifications

from .conftest import PAYMENTS, Cloud

EVENTS = ["s3:ObjectCreated:*"]
TOPIC = "arn:aws:sns:us-east-1:111122223333:audit"
QUEUE = "arn:aws:sqs:us-east-1:111122223333:audit"


def account(bucket: str, mode: str) -> Account:
    text = f"""\
version: 1
central: {{account_id: "999988887777", region: us-east-1, lake_bucket: lake}}
accounts:
  - {{id: "{PAYMENTS}", name: p, sources: [{{name: s, bucket: {bucket}, notifications: {mode}}}]}}
"""
    return parse_accounts(text, "accounts.yml").accounts[0]


@pytest.mark.parametrize(
    ("configuration", "mode", "expected"),
    [
        pytest.param({}, "sns", None, id="none"),
        pytest.param(
            {"TopicConfigurations": [{"Id": "headwater-x", "TopicArn": TOPIC, "Events": EVENTS}]},
            "sns",
            None,
            id="ours",
        ),
        pytest.param(
            {"TopicConfigurations": [{"TopicArn": TOPIC, "Events": EVENTS}]},
            "sns",
            f"notifications: existing_topic and topic_arn: {TOPIC}",
            id="topic",
        ),
        pytest.param(
            {"QueueConfigurations": [{"QueueArn": QUEUE, "Events": EVENTS}]},
            "sns",
            "notifications: eventbridge",
            id="queue",
        ),
        pytest.param({"EventBridgeConfiguration": {}}, "sns", "notifications: eventbridge", id="eventbridge"),
        pytest.param({"EventBridgeConfiguration": {}}, "eventbridge", None, id="eventbridge-wanted"),
        pytest.param({}, "eventbridge", "does not send its events to EventBridge", id="eventbridge-absent"),
        pytest.param({"QueueConfigurations": [{"QueueArn": QUEUE, "Events": EVENTS}]}, "none", None, id="polled"),
    ],
)
def test_what_the_bucket_notifies_already_decides(
    cloud: Cloud, configuration: dict[str, Any], mode: str, expected: str | None, request: pytest.FixtureRequest
) -> None:
    bucket = "notify-" + request.node.callspec.id
    s3 = cloud.client(PAYMENTS, "s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)

    problems = notifications.problems(account(bucket, mode), cloud.sessions)

    assert len(problems) == (expected is not None)
    assert expected is None or expected in problems[0]


def test_missing_bucket_is_named(cloud: Cloud) -> None:
    problems = notifications.problems(account("no-such-bucket", "sns"), cloud.sessions)

    assert problems == [
        "cannot read the notifications of bucket no-such-bucket: NoSuchBucket: The specified bucket does not exist"
    ]
