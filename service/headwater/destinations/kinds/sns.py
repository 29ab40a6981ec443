"""Amazon SNS: the alert as JSON, published to a topic."""

from __future__ import annotations

import hashlib
from typing import Any

from pydantic import Field

from headwater.destinations.amazon import AwsSettings, api
from headwater.destinations.destination import Destination
from headwater.destinations.kind import ResolveSecret
from headwater.destinations.message import Message, fitted, message_json
from headwater.destinations.sns import subject
from headwater.destinations.text import ascii_json

MAX_MESSAGE = 262_144 - 4_096  # Publish: 256 KiB, the attributes included


class Settings(AwsSettings):
    """An SNS topic."""

    topic_arn: str = Field(
        pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+(\.fifo)?$", description="ARN of the topic."
    )


class Sns:
    """One topic."""

    def __init__(self, name: str, settings: Settings) -> None:
        self.name = name
        self._arn = settings.topic_arn
        self._api = api("sns", settings, settings.topic_arn.split(":")[3])

    def send(self, message: Message) -> None:
        """Publish one message."""
        body = fitted(message, lambda shorter: ascii_json(message_json(shorter)), len, MAX_MESSAGE)
        arguments: dict[str, Any] = {"TopicArn": self._arn, "Subject": subject(message), "Message": body}
        arguments["MessageAttributes"] = {
            name: {"DataType": "String", "StringValue": value} for name, value in attributes(message).items()
        }
        if self._arn.endswith(".fifo"):
            arguments |= fifo(message)
        self._api("publish", f"publish to {self._arn}", f"sns:Publish on {self._arn}", **arguments)


def make(name: str, config: Settings, _resolve_secret: ResolveSecret) -> Destination:
    """The destination of such settings."""
    return Sns(name, config)


def attributes(message: Message) -> dict[str, str]:
    """What a subscription's filter policy, or a consumer, can choose by without reading the body."""
    named = {
        "action": message.action,
        "severity": message.severity,
        "account_id": message.account_id,
        "rule_id": message.rule_id[:256],
        "alert_id": message.alert_id,
        "idempotency_key": message.idempotency_key[:256],
    }
    return {name: value for name, value in named.items() if value}


def fifo(message: Message) -> dict[str, str]:
    """Order within an alert, and one copy of a message that is sent twice within five minutes."""
    key = hashlib.sha256(message.idempotency_key.encode()).hexdigest()
    return {"MessageGroupId": message.alert_id[:128], "MessageDeduplicationId": key}
