"""Settings → the parts that commands run."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

import structlog
from pydantic import ValidationError
from pyiceberg.catalog import Catalog

from headwater import log
from headwater.accounts import Account, Accounts, load_accounts
from headwater.accounts.lock import lock_path
from headwater.aws import rds, s3, sns
from headwater.aws.session import Sessions
from headwater.destinations.config import DestinationsConfig, read_destinations
from headwater.destinations.destination import Destination
from headwater.destinations.json_lines import JsonLines
from headwater.destinations.kind import load_kinds
from headwater.destinations.outlets import Outlets, make_outlets
from headwater.destinations.secret import Secrets
from headwater.destinations.sns import Sns
from headwater.detect import packs
from headwater.detect.budget import Limits
from headwater.detect.correlation import correlations
from headwater.detect.engine import Detector, Engine
from headwater.detect.packs import Selection
from headwater.detect.sandbox import COSTLY, Sandbox
from headwater.detect.scheduled import scheduled_queries
from headwater.enrich.spec import LookupSpec, read_spec
from headwater.errors import ConfigError, ObjectMissing, Problem
from headwater.lake.catalog import open_catalog
from headwater.lake.query import query
from headwater.pipeline import Step, Store
from headwater.schema.load import load_library
from headwater.schema.logtype import LogType
from headwater.settings import MIB, Settings
from headwater.state import rule_health
from headwater.state.database import Database, connect
from headwater.state.health import RejectLimit
from headwater.state.kv import StateCache
from headwater.state.rule_health import RuleLimit
from headwater.state.storms import AlertPolicy
from headwater.worker import correlate, scheduled
from headwater.worker.committer import Committer, utc_now
from headwater.worker.evaluate import Evaluator, Task
from headwater.worker.lookups import Loader, LookupTables
from headwater.worker.scheduled import QueryTask

LOG = structlog.get_logger()


def settings(*, quiet: bool = False) -> Settings:
    """The settings of the environment, and logging set up by them; quiet: warnings only, where nothing else is set.

    Raises: ConfigError naming the variable.
    """
    try:
        made = Settings()
    except ValidationError as error:
        raise ConfigError(
            [
                Problem("environment", None, "HEADWATER_" + "_".join(map(str, item["loc"])).upper(), item["msg"])
                for item in error.errors()
            ]
        ) from error
    quiet = quiet and "log_level" not in made.model_fields_set
    log.configure(made.log_format, "warning" if quiet else made.log_level)
    return made


def accounts(made: Settings, file: Path | None = None) -> Accounts:
    """accounts.yml, from a file or from s3://."""
    name = str(file or made.accounts_file)
    if not name.startswith("s3://"):
        return load_accounts(Path(name))
    local = made.home / "config" / "accounts.yml"
    local.parent.mkdir(parents=True, exist_ok=True)
    local.write_text(s3.read_text(name, made.region))
    try:
        lock_path(local).write_text(s3.read_text(lock_url(name), made.region))
    except ObjectMissing:
        lock_path(local).unlink(missing_ok=True)  # every external id stands in accounts.yml itself
    return load_accounts(local)


def lock_url(accounts_url: str) -> str:
    """Where the lock of a published accounts.yml stands: beside it."""
    folder, _, name = accounts_url.rpartition("/")
    return f"{folder}/{lock_path(Path(name)).name}"


def database(made: Settings) -> Database:
    """The state database, migrated where the settings allow it."""
    return connect(made.resolved_state_url, state_password(made), migrate=made.state_migrate)


def state_password(made: Settings) -> Callable[[], str] | None:
    """What makes the password of each connection to the state database, where it is not in the URL."""
    return rds.token_maker(made.resolved_state_url, made.region) if made.state_iam_auth else None


def catalog(made: Settings) -> Catalog:
    """The lake."""
    return open_catalog(made.lake_catalog, made.resolved_warehouse, home=made.home, region=made.region)


def selection(made: Settings) -> Selection:
    """Which detections the service runs: the configured folders, or the built-in pack and the installed ones."""
    return packs.selection(made.home, made.detections)


def detector(made: Settings, state: Database, now: Callable[[], datetime] = utc_now) -> Detector:
    """The detections that the service runs, loaded; what they remember and who is suspended is in the state database.

    Raises: DetectionError.
    """
    chosen, cache, called = selection(made), StateCache(state, now), destinations(made).router.called
    if made.sandbox == "none":
        return Engine(chosen.load(cache), destinations=called, suspended=rule_health.suspended(state))
    limits = Limits(made.rule_budget_s, made.rule_batch_budget_s, made.rule_kill_s, made.rules_memory_mib)
    suspended = partial(rule_health.suspended, state)
    return Sandbox(chosen, destinations=called, limits=limits, cache=cache, suspended=suspended).start()


def lookup_tables(made: Settings) -> LookupTables:
    """The lookup tables of those detections, not loaded yet; what is wrong with their files is logged, and no more."""
    specs: list[LookupSpec] = []
    for spec in selection(made).specs():
        if spec.kind == "lookup_table":
            try:
                specs.append(read_spec(spec.data, spec.file, spec.root))
            except ConfigError as error:
                LOG.warning("lookup_ignored", table=spec.id, error=str(error))
    sessions, max_bytes = Sessions(made.region), made.lookup_max_mib * MIB
    return LookupTables(specs, Loader(library(made), sessions, lambda sql: query(catalog(made), sql), max_bytes))


def destinations(made: Settings) -> Outlets:
    """Where alerts go: the local file, the SNS topic where one is set, and what destinations.yml and accounts.yml say.

    Raises: ConfigError with every mistake of those files.
    """
    built_in: list[Destination] = [JsonLines(made.resolved_alerts_file)]
    if made.alerts_topic_arn:
        built_in.append(Sns(sns.publisher(made.alerts_topic_arn)))
    known = known_accounts(made)
    sends = made.deliver == "worker"
    secrets = Secrets(made.region)
    return make_outlets(routes(made, known), known, built_in, secrets, sends=sends, console_url=made.console_url)


def known_accounts(made: Settings) -> tuple[Account, ...]:
    """The accounts of accounts.yml, where there is one: files can be ingested without."""
    name = str(made.accounts_file)
    is_there = name.startswith("s3://") or Path(name).exists()
    return accounts(made).accounts if is_there else ()


def routes(made: Settings, known: Sequence[Account]) -> DestinationsConfig:
    """What destinations.yml and accounts.yml say of destinations, checked."""
    name = made.destinations_file
    text = None if name is None else _destinations_text(name, made.region)
    return read_destinations(text, name or "destinations.yml", known, str(made.accounts_file), load_kinds())


def _destinations_text(name: str, region: str) -> str:
    if name.startswith("s3://"):
        return s3.read_text(name, region)
    try:
        return Path(name).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        fix = "write one (docs/alerts.md has an example), or unset HEADWATER_DESTINATIONS_FILE"
        raise ConfigError.one(name, "no such file", fix=fix) from error


def library(made: Settings) -> Mapping[str, LogType]:
    """The log types that the service knows."""
    return load_library(made.schemas)


def store(made: Settings) -> Store:
    """Where commits go."""
    rule_limit = RuleLimit(made.rule_errors_max, COSTLY)
    policy = AlertPolicy(made.storm_alerts_per_hour, made.alert_reopen == "reopen")
    router = destinations(made).router
    return Store(database(made), catalog(made), router, reject_limit(made), rule_limit, policy=policy)


def reject_limit(made: Settings) -> RejectLimit:
    """When a source is alerted on because of its rejects."""
    return RejectLimit(made.reject_share_limit, made.reject_share_min_rows)


def query_tasks(made: Settings, to: Store, detector: Detector) -> list[QueryTask]:
    """The scheduled queries that rules of the detector name; those that cannot run here are told in the log."""
    return scheduled.tasks(scheduled_queries(selection(made).specs()), partial(query, to.catalog), detector)


def evaluator(
    made: Settings,
    to: Store,
    detector: Detector | None = None,
    worker: str | None = None,
    *,
    step: Step = lambda name: None,
) -> Evaluator:
    """What evaluates rules over stored data: correlation rules and, with a detector, those of scheduled queries."""
    found: list[Task] = [*correlate.tasks(correlations(selection(made).specs()), to.catalog)]
    found += query_tasks(made, to, detector) if detector else ()
    return Evaluator(to, lambda: found, worker or worker_id(), lease_s=made.lease_s, step=step)


def worker_id() -> str:
    """Host and process."""
    return f"{socket.gethostname()}:{os.getpid()}"


def committer(
    made: Settings,
    *,
    step: Step = lambda name: None,
    now: Callable[[], datetime] = utc_now,
    detect: bool = True,
    worker: str | None = None,
    lookups: LookupTables | None = None,
) -> Committer:
    """Everything between opened objects and the lake. lookups: kept fresh by the caller; None: loaded here, once."""
    if lookups is None:
        lookups = lookup_tables(made)
        lookups.refresh(now())
    target = store(made)
    return Committer(
        target,
        library(made),
        detector(made, target.database, now) if detect else None,
        made,
        worker or worker_id(),
        now=now,
        step=step,
        lookups=lookups.current,
    )
