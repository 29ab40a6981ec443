"""SNS: confirm subscriptions of the customers' topics, publish alerts."""

from __future__ import annotations

from collections.abc import Callable

import boto3
from botocore import UNSIGNED
from botocore.config import Config

from headwater.aws.errors import translated


def confirm(topic_arn: str, token: str) -> None:
    """Confirm the subscription of our queue to a customer's topic, in the topic's own region.

    The call is not signed: the token proves that we own the queue, and no policy of the topic need name our role.
    """
    unsigned = Config(signature_version=UNSIGNED)
    client = boto3.Session().client("sns", region_name=topic_arn.split(":")[3], config=unsigned)
    with translated(f"confirm the subscription to {topic_arn}"):
        client.confirm_subscription(TopicArn=topic_arn, Token=token)


def publisher(topic_arn: str) -> Callable[[str, str], None]:
    """A function (subject, body) that publishes to one topic."""
    client = boto3.Session().client("sns", region_name=topic_arn.split(":")[3])

    def publish(subject: str, body: str) -> None:
        with translated(f"publish to {topic_arn}", f"sns:Publish on {topic_arn}"):
            client.publish(TopicArn=topic_arn, Subject=subject, Message=body)

    return publish
