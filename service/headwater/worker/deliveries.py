"""Deliveries beside the worker's loop: a destination that does not answer holds up neither objects nor a stop."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as WaitTimeout
from datetime import datetime

import structlog

from headwater.destinations.deliver import deliver
from headwater.destinations.destination import Destination
from headwater.errors import TransientError
from headwater.state.database import Database

LOG = structlog.get_logger()


class Deliveries:
    """One round at a time."""

    def __init__(self, database: Database, destinations: Mapping[str, Destination]) -> None:
        self._database = database
        self._destinations = destinations
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="deliver")
        self._running: Future[int] | None = None

    def run(self, now: datetime) -> None:
        """Begin a round if none is at work; takes no time itself. Raises: TransientError of the one before."""
        if self._running is None or self._running.done():
            before, self._running = self._running, self._pool.submit(deliver, self._database, self._destinations, now)
            if before is not None:
                before.result()

    def stop(self, now: datetime, timeout_s: float | None) -> None:
        """One last round; what is not sent in time is sent by another worker, or the next one."""
        last = self._pool.submit(deliver, self._database, self._destinations, now)
        self._pool.shutdown(wait=False)
        try:
            last.result(timeout_s)
        except WaitTimeout:
            LOG.warning("deliveries_left")
        except TransientError as error:
            LOG.warning("deliveries_left", error=str(error))
