"""Deliveries beside the worker's loop: a destination that does not answer holds up neither objects nor a stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as WaitTimeout
from datetime import datetime

import structlog

from headwater.destinations.deliver import Deliverer
from headwater.destinations.outlets import Outlets
from headwater.errors import TransientError
from headwater.state.database import Database

LOG = structlog.get_logger()


class Deliveries:
    """One round at a time, and what it began."""

    def __init__(self, database: Database, outlets: Outlets, clock: Callable[[], datetime]) -> None:
        self._deliverer = Deliverer(database, outlets, clock)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="dispatch")
        self._running: Future[int] | None = None

    def run(self) -> None:
        """Begin a round if none is at work; takes no time itself. Raises: TransientError of the one before."""
        if self._running is None or self._running.done():
            before, self._running = self._running, self._pool.submit(self._deliverer.round)
            if before is not None:
                before.result()

    def stop(self, timeout_s: float | None) -> None:
        """One last round; what is not sent in time is sent by another worker, or the next one."""
        until = None if timeout_s is None else time.monotonic() + timeout_s
        last = self._pool.submit(self._deliverer.round)
        self._pool.shutdown(wait=False)
        try:
            last.result(timeout_s)
            self._deliverer.wait(None if until is None else max(until - time.monotonic(), 0.0))
        except WaitTimeout:
            LOG.warning("deliveries_left")
        except TransientError as error:
            LOG.warning("deliveries_left", error=str(error))
        self._deliverer.stop(0.0 if until is None else max(until - time.monotonic(), 0.0))
