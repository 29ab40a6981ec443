"""The outbox on its way out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import structlog

from headwater.destinations.destination import Destination
from headwater.destinations.message import message_of
from headwater.errors import DeliveryRefused, HeadwaterError
from headwater.state import outbox
from headwater.state.database import Database

LOG = structlog.get_logger()
MAX_DELIVERIES = 100


def deliver(database: Database, destinations: Mapping[str, Destination], now: datetime) -> int:
    """Send what is due; gives the number sent. A failure is kept for a later try and never stops the others."""
    sent = 0
    for delivery in outbox.due(database, now, MAX_DELIVERIES):
        destination = destinations.get(delivery.destination)
        try:
            if destination is None:
                raise HeadwaterError(f"destination {delivery.destination!r} is not configured")
            destination.send(message_of(delivery.alert, delivery.delivery_id))
        except (HeadwaterError, OSError) as error:
            refused = isinstance(error, DeliveryRefused)
            outbox.failed(database, delivery.delivery_id, str(error), now, permanent=refused)
            LOG.warning(
                "delivery_failed", alert_id=delivery.alert.alert_id, destination=delivery.destination, error=str(error)
            )
        else:
            outbox.sent(database, delivery.delivery_id, now)
            sent += 1
    return sent
