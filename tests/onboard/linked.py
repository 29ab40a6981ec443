"""A customer whose way to the queue a test may break."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.accounts import Accounts
from headwater.onboard.arrival import Arrivals, Patience
from headwater.onboard.link import links
from headwater.onboard.sessions import Sessions
from headwater.onboard.verify import Check

from .conftest import CENTRAL, PAYMENTS, QUEUE_POLICY, Cloud

TOPIC = f"arn:aws:sns:us-east-1:{PAYMENTS}:headwater-payments-logs"
QUEUE = f"arn:aws:sqs:us-east-1:{CENTRAL}:headwater-intake"
HASTY = Patience(worker_passes=3, queue_passes=1, long_poll_s=0, pause=lambda seconds: None)


@dataclass
class Link:
    """An onboarded customer whose way to the queue a test may break."""

    cloud: Cloud
    accounts: Accounts
    accounts_file: Path = Path("accounts.yml")

    def client(self, service: str) -> Any:
        """As the customer's administrator."""
        return self.cloud.client(PAYMENTS, service)

    def check(self, arrivals: Arrivals | None = None, sessions: Sessions | None = None) -> dict[str, Check]:
        """The checks of the customer, by name."""
        found = links(self.accounts.accounts[0], self.accounts.central, sessions or self.cloud.sessions, arrivals)
        return {check.name: check for check in found}

    @property
    def subscription(self) -> str:
        """The queue's subscription to the topic."""
        listed = self.client("sns").list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]
        return str(listed[0]["SubscriptionArn"])

    def waiting(self) -> list[str]:
        """Bodies of what is in the queue; they are taken out."""
        sqs = self.cloud.client(CENTRAL, "sqs")
        url = sqs.get_queue_url(QueueName="headwater-intake")["QueueUrl"]
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for each in found:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
        return [str(each["Body"]) for each in found]

    def set_queue(self, **attributes: str) -> None:
        """Change our queue."""
        sqs = self.cloud.client(CENTRAL, "sqs")
        url = sqs.get_queue_url(QueueName="headwater-intake")["QueueUrl"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)


def results(checks: Mapping[str, Check]) -> dict[str, str]:
    return {name: check.result for name, check in checks.items()}


def notify(link: Link, *entries: dict[str, Any]) -> None:
    configuration = {"TopicConfigurations": list(entries)} if entries else {}
    link.client("s3").put_bucket_notification_configuration(
        Bucket="payments-logs", NotificationConfiguration=configuration
    )


def queue_for(**statement: Any) -> str:
    policy = json.loads(QUEUE_POLICY)
    policy["Statement"][0].update(statement)
    return json.dumps(policy)
