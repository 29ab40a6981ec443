"""Settings → what looks after the sources, and the HTTP endpoint of a task."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from pyiceberg.catalog import Catalog

from headwater import log
from headwater.accounts import Accounts
from headwater.aws.sqs import Queue
from headwater.cli import build
from headwater.lake.faults import translated
from headwater.lake.tables import existing_tables
from headwater.pipeline import Store
from headwater.settings import Settings
from headwater.state import activity
from headwater.state.database import Database, open_database
from headwater.state.status import SourceLimits
from headwater.worker import prometheus, vitals
from headwater.worker.committer import utc_now
from headwater.worker.endpoint import Answer, Answers, Checks, Endpoint, report
from headwater.worker.health import Watch
from headwater.worker.meters import Meters
from headwater.worker.telemetry import Telemetry, to_stdout
from headwater.worker.vitals import Pulse

Started = Callable[[], Mapping[int, datetime]]  # when each process that should live was seen first, by its id


def limits(made: Settings) -> SourceLimits:
    """When a source is not well."""
    return SourceLimits(build.reject_limit(made), made.lag_limit_s, made.never_seen_limit_s, made.drop_share_limit)


def vitals_folder(made: Settings) -> Path:
    """Where the processes of a task leave their signs of life."""
    return made.home / "run"


def watch(
    made: Settings,
    accounts: Accounts,
    store: Store,
    queue: Queue,
    worker: str,
    now: Callable[[], datetime],
    looks: bool = True,
) -> Watch:
    """What looks after the sources of the accounts. looks: whether this process does, or leaves it to another."""
    told = telemetry(made)
    every_s = made.health_check_s
    return Watch(store, accounts.sources, queue, limits(made), worker, told, every_s=every_s, looks=looks, now=now)


def telemetry(made: Settings) -> Telemetry:
    """What this process tells of itself; with metrics, they are counted from its log from now on."""
    meters = Meters(made.metrics_max_sources)
    if made.metrics != "none":
        log.observe(meters, made.log_level)
    emit = to_stdout if made.metrics in ("emf", "both") else None
    pulse = Pulse(vitals_folder(made)) if made.http_port else None
    return Telemetry(meters, pulse, emit, every_s=made.metrics_interval_s)


@contextmanager
def serving(made: Settings, pids: Callable[[], Sequence[int]] | None) -> Iterator[None]:
    """The HTTP endpoint of this task, if one is wanted. pids: of its worker processes; None: it is another's."""
    if not made.http_port or pids is None:
        yield
        return
    vitals.clear(vitals_folder(made))
    endpoint = Endpoint(made.http_host, made.http_port, answers(made, first_seen(pids)))
    endpoint.start()
    try:
        yield
    finally:
        endpoint.stop()


def first_seen(pids: Callable[[], Sequence[int]], now: Callable[[], datetime] = utc_now) -> Started:
    """Since when each of the processes is known."""
    known: dict[int, datetime] = {}

    def look() -> Mapping[int, datetime]:
        alive, time = pids(), now()
        for pid in alive:
            known.setdefault(pid, time)
        return {pid: known[pid] for pid in alive}

    return look


def answers(made: Settings, started: Started, now: Callable[[], datetime] = utc_now) -> Answers:
    """What each path of the endpoint answers."""
    folder = vitals_folder(made)

    def healthz() -> Answer:
        alive = started()
        stalled = vitals.stalled(vitals.read(folder), alive, now(), timedelta(seconds=made.stalled_after_s))
        well = "ok" if alive else "no process"
        return report({"loop": f"{len(stalled)} of {len(alive)} processes stalled" if stalled else well})

    def metrics() -> Answer:
        page = prometheus.page(each.reading for each in vitals.read(folder))
        return Answer(report({}).status, page.encode(), prometheus.CONTENT_TYPE)

    found: dict[str, Callable[[], Answer]] = {"/healthz": healthz, "/readyz": Checks(_checks(made, folder, started))}
    return found | ({"/metrics": metrics} if made.metrics in ("prometheus", "both") else {})


def _checks(made: Settings, folder: Path, started: Started) -> Mapping[str, Callable[[], object]]:
    """Whether what the service needs answers; connections are made with the first question."""

    @cache
    def database() -> Database:
        return open_database(made.resolved_state_url, build.state_password(made))

    @cache
    def queue() -> Queue:
        return Queue(made.queue_url or "", None, made.region, made.visibility_timeout_s)

    @cache
    def catalog() -> Catalog:
        return build.catalog(made)

    def lake() -> None:
        with translated("list the tables"):
            existing_tables(catalog())

    def turned() -> None:
        waiting = vitals.not_turned(vitals.read(folder), started())
        if waiting:
            raise OSError(f"processes {waiting} have not begun: schemas and detections are not loaded yet")

    return {
        "database": lambda: activity.queues(database()),
        "queue": lambda: queue().depth(),
        "lake": lake,
        "worker": turned,
    }
