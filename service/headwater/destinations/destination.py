"""What every destination offers, and the one JSON form of an alert."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any, Protocol

import orjson

from headwater.destinations.message import Message
from headwater.model import Alert


class Destination(Protocol):
    """A place that receives alerts."""

    name: str

    def send(self, message: Message) -> None:
        """Deliver one message; the same idempotency key again makes no second alert where the receiver can tell.

        Raises: DeliveryRefused if no further try can help, DeliveryFailed or another HeadwaterError if one may.
        """


def alert_json(alert: Alert) -> dict[str, Any]:
    """An alert as JSON types: context and event as objects, times as RFC 3339 text."""
    fields = asdict(alert)
    fields["context"] = orjson.loads(alert.context or "{}")
    fields["event"] = orjson.loads(alert.event or "{}")
    return {name: _plain(value) for name, value in fields.items() if value is not None}


def _plain(value: Any) -> Any:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
