"""headwater run."""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import datetime
from types import FrameType
from typing import Annotated

import typer

from headwater.accounts import Accounts
from headwater.aws import sns
from headwater.aws.session import Sessions
from headwater.aws.sqs import Queue
from headwater.cli import build
from headwater.errors import ConfigError
from headwater.pipeline import Step
from headwater.settings import Settings
from headwater.worker.committer import utc_now
from headwater.worker.lookups import Refresher
from headwater.worker.loop import Worker


def run(
    once: Annotated[bool, typer.Option("--once", help="Stop when the queue is empty.")] = False,
) -> None:
    """Run the service: read notifications from SQS, ingest the objects they name, raise alerts.

    Stops on SIGTERM and SIGINT after finishing what it holds.
    """
    settings = build.settings()
    worker = make_worker(settings, build.accounts(settings))

    def stop(_number: int, _frame: FrameType | None) -> None:
        worker.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    worker.run(once=once)


def make_worker(
    settings: Settings,
    accounts: Accounts,
    *,
    step: Step = lambda name: None,
    now: Callable[[], datetime] = utc_now,
    confirm: Callable[[str, str], None] = sns.confirm,
) -> Worker:
    """A worker with everything it needs, as the settings say. step: told each step of the protocol before it runs."""
    if not settings.queue_url:
        raise ConfigError.one(
            "environment",
            "no queue",
            key="HEADWATER_QUEUE_URL",
            fix="Set it to the queue_url output of terraform/modules/platform.",
        )
    tables = build.lookup_tables(settings)
    committer = build.committer(settings, step=step, now=now, lookups=tables)
    return Worker(
        settings,
        accounts,
        build.library(settings),
        committer,
        Queue(settings.queue_url, settings.dead_letter_queue_url, settings.region, settings.visibility_timeout_s),
        Sessions(settings.region),
        build.destinations(settings),
        confirm,
        step,
        Refresher(tables, committer.store, committer.worker),
        build.evaluator(settings, committer.store, committer.detector),
    )
