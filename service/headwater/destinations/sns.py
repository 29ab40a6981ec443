"""Alerts published to an SNS topic as JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from headwater.destinations.destination import alert_json
from headwater.model import Alert

MAX_SUBJECT = 100  # SNS Publish: Subject, ASCII, no control characters
MAX_MESSAGE = 262_144  # SNS Publish: Message, bytes
TRIMMABLE = ("event", "context", "description", "runbook")  # dropped in this order until the message fits


class Sns:
    """One topic. publish: the function (subject, body) that sends."""

    name = "sns"

    def __init__(self, publish: Callable[[str, str], None]) -> None:
        self._publish = publish

    def send(self, alert: Alert, idempotency_key: str) -> None:
        """Publish one alert, trimmed to the topic's limits."""
        self._publish(_subject(alert), _body({"idempotency_key": idempotency_key, **alert_json(alert)}))


def _subject(alert: Alert) -> str:
    text = f"[{alert.severity}] {alert.title}"
    return "".join(char if 32 <= ord(char) < 127 else "?" for char in text)[:MAX_SUBJECT]


def _body(fields: dict[str, Any]) -> str:
    body = orjson.dumps(fields)
    for name in TRIMMABLE:
        if len(body) <= MAX_MESSAGE:
            break
        body = orjson.dumps(fields := {**fields, name: "(too large for this destination)"})
    return body.decode()
