"""The queue's owner subscribes, so nothing waits for a confirmation."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from headwater.accounts import Accounts
from headwater.errors import OnboardError
from headwater.onboard.subscriptions import subscribe, unsubscribe

from .conftest import CENTRAL, PAYMENTS, Cloud

ALLOWED = {
    "Effect": "Allow",
    "Action": "sns:Subscribe",
    "Resource": "*",
    "Principal": {"AWS": f"arn:aws:iam::{CENTRAL}:root"},
    "Condition": {"StringEquals": {"sns:Endpoint": f"arn:aws:sqs:us-east-1:{CENTRAL}:headwater-intake"}},
}


@pytest.fixture
def topic_arn(cloud: Cloud) -> Iterator[str]:
    sns = cloud.client(PAYMENTS, "sns")
    arn = str(sns.create_topic(Name="objects")["TopicArn"])
    yield arn
    sns.delete_topic(TopicArn=arn)


def test_subscription_is_made_once_and_confirmed_at_once(cloud: Cloud, accounts: Accounts, topic_arn: str) -> None:
    sns = cloud.client(PAYMENTS, "sns")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [ALLOWED]})
    sns.set_topic_attributes(TopicArn=topic_arn, AttributeName="Policy", AttributeValue=policy)

    for _ in range(2):
        subscribe([topic_arn], accounts.central, cloud.sessions)

    made = sns.list_subscriptions_by_topic(TopicArn=topic_arn)["Subscriptions"]
    attributes = cloud.client(CENTRAL, "sns").get_subscription_attributes(SubscriptionArn=made[0]["SubscriptionArn"])
    assert [(each["Endpoint"], each["Owner"]) for each in made] == [(accounts.central.queue_arn, CENTRAL)]
    assert attributes["Attributes"]["PendingConfirmation"] == "false"
    assert attributes["Attributes"]["RawMessageDelivery"] == "true"


def test_subscription_is_removed_before_its_topic(cloud: Cloud, accounts: Accounts, topic_arn: str) -> None:
    sns = cloud.client(PAYMENTS, "sns")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [ALLOWED]})
    sns.set_topic_attributes(TopicArn=topic_arn, AttributeName="Policy", AttributeValue=policy)
    subscribe([topic_arn], accounts.central, cloud.sessions)

    unsubscribe([topic_arn], accounts.central, cloud.sessions)

    assert cloud.client(CENTRAL, "sns").list_subscriptions()["Subscriptions"] == []


def test_topic_that_does_not_allow_it_is_named(cloud: Cloud, accounts: Accounts, topic_arn: str) -> None:
    with pytest.raises(OnboardError, match=f"cannot subscribe .* to {topic_arn}: AccessDenied"):
        subscribe([topic_arn], accounts.central, cloud.sessions)


def test_no_topics_need_no_credentials(cloud: Cloud, accounts: Accounts) -> None:
    subscribe([], accounts.central, cloud.sessions)
