"""headwater deliver."""

from __future__ import annotations

import os
import signal
import threading
from typing import Annotated

import structlog
import typer

from headwater.cli import build, health
from headwater.destinations.deliver import Deliverer
from headwater.errors import TransientError
from headwater.settings import Settings
from headwater.worker.committer import utc_now

LOG = structlog.get_logger()
ROUND_S = 1.0
PAUSE_S = 5.0  # after a fault of the database


def deliver(
    once: Annotated[bool, typer.Option("--once", help="Stop when nothing more is due.")] = False,
) -> None:
    """Send alerts: a service of its own, so that the workers need no right to any destination.

    Set HEADWATER_DELIVER=off for the workers. Several may run at once. SIGTERM and SIGINT
    stop it after the messages that are being sent.
    """
    settings = build.settings()
    deliverer = Deliverer(build.database(settings), build.destinations(settings), utc_now)
    if once:
        while deliverer.round() and deliverer.wait():  # what is left waits for its time, or its destination
            pass
        deliverer.stop()
        return
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    with health.serving(settings, lambda: [os.getpid()]):
        _run(settings, deliverer, stop)


def _run(settings: Settings, deliverer: Deliverer, stop: threading.Event) -> None:
    told = health.telemetry(settings)
    LOG.info("deliverer_started")
    while not stop.is_set():
        try:
            deliverer.round()
            told.turned(utc_now())
            stop.wait(ROUND_S)
        except TransientError as error:
            LOG.warning("round_failed", error=str(error), retry_in_s=PAUSE_S)
            stop.wait(PAUSE_S)
    deliverer.stop(settings.stop_timeout_s)
    LOG.info("deliverer_stopped")
