"""Subscribe the central queue to the topics of customers, from the central account.

A subscription that the customer's account makes must be confirmed by the queue's owner, and Terraform's AWS provider
gives up after two minutes without that. One that the queue's owner makes needs no confirmation; the topic's policy
allows it for this queue alone.
"""

from __future__ import annotations

from collections.abc import Collection

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from headwater.accounts.model import Central
from headwater.errors import OnboardError
from headwater.onboard.sessions import Sessions, reason


def subscribe(topic_arns: Collection[str], central: Central, sessions: Sessions) -> None:
    """Subscribe the queue to each topic; topics that have it already stay as they are.

    Raises: OnboardError where the central account refuses us or a topic refuses the central account.
    """
    if not topic_arns:
        return
    session = central_session(central, sessions)
    for topic_arn in sorted(topic_arns):
        client = sessions.client(session, "sns", topic_arn.split(":")[3])
        try:
            client.subscribe(
                TopicArn=topic_arn,
                Protocol="sqs",
                Endpoint=central.queue_arn,
                Attributes={"RawMessageDelivery": "true"},
                ReturnSubscriptionArn=True,
            )
        except (ClientError, BotoCoreError) as error:
            raise OnboardError(
                f"cannot subscribe {central.queue_arn} to {topic_arn}: {reason(error)}. Our credentials in account"
                f" {central.account_id} need sns:Subscribe on it."
            ) from error


def unsubscribe(topic_arns: Collection[str], central: Central, sessions: Sessions) -> None:
    """Remove the queue's subscriptions to these topics; a deleted topic would leave ours behind as orphans.

    Raises: OnboardError where the central account refuses us.
    """
    if not topic_arns:
        return
    session = central_session(central, sessions)
    try:
        for region in sorted({topic_arn.split(":")[3] for topic_arn in topic_arns}):
            client = sessions.client(session, "sns", region)
            for page in client.get_paginator("list_subscriptions").paginate():
                for found in page["Subscriptions"]:
                    if found["TopicArn"] in topic_arns and found["Endpoint"] == central.queue_arn:
                        client.unsubscribe(SubscriptionArn=found["SubscriptionArn"])
    except (ClientError, BotoCoreError) as error:
        raise OnboardError(f"cannot remove subscriptions of {central.queue_arn}: {reason(error)}") from error


def central_session(central: Central, sessions: Sessions) -> boto3.Session:
    """Our own session if it acts in the central account, else that account's deploy role."""
    ours = sessions.ours()
    try:
        if sessions.client(ours, "sts").get_caller_identity()["Account"] == central.account_id:
            return ours
        return sessions.assume(ours, central.deploy_role_arn, "headwater-onboard", central.region)
    except (ClientError, BotoCoreError) as error:
        raise OnboardError(
            f"cannot act in the central account {central.account_id}: {reason(error)}."
            f" Use credentials of that account, or let {central.deploy_role_arn} trust yours."
        ) from error
