"""Amazon SQS: the alert as JSON, sent to a queue."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from pydantic import Field

from headwater.destinations.amazon import AwsSettings, api
from headwater.destinations.destination import Destination
from headwater.destinations.https import HttpsUrl
from headwater.destinations.kind import ResolveSecret
from headwater.destinations.kinds.sns import attributes, fifo
from headwater.destinations.message import Message, fitted, message_json
from headwater.destinations.text import ascii_json

MAX_MESSAGE = 262_144 - 4_096  # what a queue takes unless it is set up for less; the attributes included


class Settings(AwsSettings):
    """An SQS queue."""

    queue_url: HttpsUrl = Field(description="URL of the queue.")


class Sqs:
    """One queue."""

    def __init__(self, name: str, settings: Settings) -> None:
        self.name = name
        self._url = settings.queue_url
        self._api = api("sqs", settings, _region(settings.queue_url))

    def send(self, message: Message) -> None:
        """Send one message."""
        body = fitted(message, lambda shorter: ascii_json(message_json(shorter)), len, MAX_MESSAGE)
        arguments: dict[str, Any] = {"QueueUrl": self._url, "MessageBody": body}
        arguments["MessageAttributes"] = {
            name: {"DataType": "String", "StringValue": value} for name, value in attributes(message).items()
        }
        if self._url.endswith(".fifo"):
            arguments |= fifo(message)
        self._api("send_message", f"send to {self._url}", f"sqs:SendMessage on {self._url}", **arguments)


def make(name: str, config: Settings, _resolve_secret: ResolveSecret) -> Destination:
    """The destination of such settings."""
    return Sqs(name, config)


def _region(url: str) -> str:
    """`us-east-1` of https://sqs.us-east-1.amazonaws.com/…, which a VPC endpoint's address has as well."""
    parts = (urlsplit(url).hostname or "").split(".")
    return next((parts[at + 1] for at, part in enumerate(parts[:-1]) if part == "sqs"), "us-east-1")
