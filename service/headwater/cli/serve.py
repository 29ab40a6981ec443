"""headwater run."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import typer

from headwater.accounts import Accounts
from headwater.aws import sns
from headwater.aws.session import Sessions
from headwater.aws.sqs import Queue
from headwater.backfill.watch import Watching
from headwater.cli import build, health
from headwater.cli.watch import make_watch
from headwater.errors import ConfigError
from headwater.pipeline import Step
from headwater.settings import Settings
from headwater.state import ledger
from headwater.worker.committer import utc_now
from headwater.worker.lookups import Refresher
from headwater.worker.loop import Worker
from headwater.worker.processes import Stopper, Supervisor, cores
from headwater.worker.tidy import Tidier

KILL_MARGIN_S = 2.0  # before the supervisor would kill it, a process gives back what it has, and ends


def run(
    once: Annotated[bool, typer.Option("--once", help="Stop when the queue is empty.")] = False,
    processes: Annotated[
        int | None,
        typer.Option(help="Worker processes; default: HEADWATER_PROCESSES, or the cores that it may use.", min=1),
    ] = None,
    child: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run the service: read notifications from SQS, ingest the objects they name, raise alerts.

    It starts a worker process for each core, and starts again what dies.
    SIGTERM and SIGINT stop it within HEADWATER_STOP_TIMEOUT_S: what is downloaded
    is finished, the rest goes back to the queue. A second one stops it at once.
    """
    settings = build.settings()
    count = processes or settings.processes or cores()
    if child is None and count > 1:
        raise typer.Exit(supervise(settings, count, once=once))
    work(settings, once=once, child=child)


def supervise(settings: Settings, count: int, *, once: bool) -> int:
    """Run so many processes; the exit code. What is wrong with the configuration is said here, once."""
    require_queue(settings)
    build.accounts(settings)
    database = build.database(settings)
    command = [sys.executable, "-m", "headwater.cli.app", "run", *(["--once"] if once else []), "--child"]
    supervisor = Supervisor(
        command,
        count,
        stop_timeout_s=settings.stop_timeout_s,
        once=once,
        on_death=lambda pid: ledger.abandon(database, f"{socket.gethostname()}:{pid}"),
    )
    with health.serving(settings, lambda: supervisor.pids):
        return supervisor.run()


def work(settings: Settings, *, once: bool, child: int | None) -> None:
    """Be one worker process. child: its number below a supervisor; the first does what one is enough for."""
    accounts = build.accounts(settings)
    worker = make_worker(settings, accounts, chores=not child)
    watch = None if child else make_watch(settings, accounts, polls_only=once)
    margin_s = 0.0 if child is None else KILL_MARGIN_S
    stopper = Stopper(worker.stop, worker.abandon, max(settings.stop_timeout_s - margin_s, 1.0))
    stopper.watch_signals()
    if child is not None:
        stopper.watch_parent()
    with health.serving(settings, (lambda: [os.getpid()]) if child is None else None):
        if watch is not None and once:
            watch.run()
        elif watch is not None:
            Watching(watch).start()
        worker.run(once=once)
    if not once:  # threads that hang at a destination or a query would hold up the end
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def make_worker(
    settings: Settings,
    accounts: Accounts,
    *,
    step: Step = lambda name: None,
    now: Callable[[], datetime] = utc_now,
    confirm: Callable[[str, str], None] = sns.confirm,
    chores: bool = True,
) -> Worker:
    """A worker with everything it needs, as the settings say. step: told each step of the protocol before it runs."""
    queue_url = require_queue(settings)
    tables = build.lookup_tables(settings)
    committer = build.committer(settings, step=step, now=now, lookups=tables)
    queue = Queue(queue_url, settings.dead_letter_queue_url, settings.region, settings.visibility_timeout_s)
    return Worker(
        settings,
        accounts,
        build.library(settings),
        committer,
        queue,
        Sessions(settings.region),
        build.destinations(settings),
        confirm,
        step,
        Refresher(tables, committer.store, committer.worker),
        build.evaluator(settings, committer.store, committer.detector) if chores else None,
        chores=chores,
        watch=health.watch(settings, accounts, committer.store, queue, committer.worker, now, looks=chores),
        tidier=Tidier(committer.store, settings, accounts, committer.worker) if chores else None,
    )


def require_queue(settings: Settings) -> str:
    """The queue's URL. Raises: ConfigError where none is set."""
    if not settings.queue_url:
        raise ConfigError.one(
            "environment",
            "no queue",
            key="HEADWATER_QUEUE_URL",
            fix="Set it to the queue_url output of terraform/modules/platform.",
        )
    return settings.queue_url
