"""Alerts published to an SNS topic as JSON."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from headwater.destinations.message import Message, fitted, message_json

MAX_SUBJECT = 100  # SNS Publish: Subject, ASCII, no control characters
MAX_MESSAGE = 262_144  # SNS Publish: Message, bytes


class Sns:
    """One topic. publish: the function (subject, body) that sends."""

    name = "sns"

    def __init__(self, publish: Callable[[str, str], None]) -> None:
        self._publish = publish

    def send(self, message: Message) -> None:
        """Publish one alert, trimmed to the topic's limits."""
        body = fitted(message, lambda shorter: orjson.dumps(message_json(shorter)), len, MAX_MESSAGE)
        self._publish(subject(message), body.decode())


def subject(message: Message) -> str:
    """One line of ASCII."""
    text = f"[{message.severity}] {message.title}"
    return "".join(char if 32 <= ord(char) < 127 else "?" for char in text)[:MAX_SUBJECT]
