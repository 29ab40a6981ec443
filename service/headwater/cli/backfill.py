"""headwater backfill, reconcile."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from headwater.aws.session import FETCH_THREADS, Sessions
from headwater.backfill.find import Finder
from headwater.backfill.layout import Window
from headwater.backfill.run import Reading, Report, Track
from headwater.backfill.watch import GRACE
from headwater.cli import build
from headwater.cli.choose import AccountOption, SourceOption, choose
from headwater.cli.output import Format, Output, emit_json, emit_rows
from headwater.cli.since import since as parse_since
from headwater.destinations.deliver import deliver
from headwater.errors import ConfigError
from headwater.pipeline import Step
from headwater.settings import Settings
from headwater.worker.committer import utc_now
from headwater.worker.files import exclusive

EXIT_FAILED, EXIT_POISON = 1, 3
TOLD_EVERY_S = 30.0
BACKFILLED = ("source", "listed", "known", "ingested", "rows", "rejects", "matches", "failed", "busy")
RECONCILED = ("source", "listed", "known", "missing", "repaired", "failed")
IF_ANY = ("failed_before", "gone", "archived", "forgotten", "alerts", "error")

DryRun = Annotated[bool, typer.Option("--dry-run", help="List and compare only; read and write nothing.")]
Parallel = Annotated[int, typer.Option(min=1, max=256, help="Objects that are downloaded at a time.")]


def backfill(
    since: Annotated[str, typer.Option(help="From then on: 30d, 12w, or an ISO 8601 date or time.")],
    until: Annotated[str, typer.Option(help="Before then; default: an hour ago, for newer objects are news.")] = "1h",
    account: AccountOption = None,
    source: SourceOption = None,
    output: Output = Format.text,
    dry_run: DryRun = False,
    parallel: Parallel = FETCH_THREADS,
    alerts: Annotated[bool, typer.Option("--alerts", help="Let old events open alerts.")] = False,
    forgotten: Annotated[
        bool,
        typer.Option("--forgotten", help="Also what is older than the ledger's memory; doubles what was ingested."),
    ] = False,
) -> None:
    """Read the history of buckets: objects that were there before the account was onboarded, or were missed.

    Lists the buckets with the customers' roles (only the days that are wanted, where the keys have dates), skips what
    was ingested before, and reads the rest like new objects. Their rows and matches are stored; alerts are opened only
    with --alerts. A run that was stopped or killed is continued by the same command.
    """
    settings = build.settings(quiet=True)
    accounts = build.accounts(settings)
    window = Window(*_times(since, until), by_day=True)
    chosen = choose(accounts, account, source)
    with exclusive(settings.home, "backfill"), tracking() as track:
        reading = make_reading(settings, parallel, track, is_live=False, alerting=alerts)
        finder = Finder(reading.sessions, accounts, reading.committer.store.database, remembers=not forgotten)
        reports = list(reading.sources(finder, chosen, window, dry_run=dry_run))
        if alerts:
            deliver(reading.committer.store.database, build.destinations(settings), utc_now())
    _tell(reports, output, BACKFILLED if not dry_run else ("source", "listed", "known", "missing", "missing_bytes"))


def reconcile(
    since: Annotated[str, typer.Option(help="Compare from then on: 2d, 12h, or an ISO 8601 date or time.")] = "2d",
    account: AccountOption = None,
    source: SourceOption = None,
    output: Output = Format.text,
    repair: Annotated[bool, typer.Option("--repair", help="Ingest what is missing, with alerts.")] = False,
    parallel: Parallel = FETCH_THREADS,
) -> None:
    """Compare buckets with what was ingested: which objects did no notification announce?

    Objects of the last hour are left out: their notifications may be on their way. The service does the same by itself
    (HEADWATER_RECONCILE_H).
    """
    settings = build.settings(quiet=True)
    accounts = build.accounts(settings)
    chosen = choose(accounts, account, source)
    with exclusive(settings.home, "backfill"), tracking() as track:
        begin, _ = _times(since, "0m")
        reading = make_reading(settings, parallel, track)
        finder = Finder(reading.sessions, accounts, reading.committer.store.database)
        reports = list(reading.sources(finder, chosen, Window(begin, utc_now() - GRACE), dry_run=not repair))
        if repair:
            deliver(reading.committer.store.database, build.destinations(settings), utc_now())
    _tell(reports, output, RECONCILED)


def worker_name() -> str:
    """`exclusive` says that no other of this name is at work."""
    return f"backfill:{socket.gethostname()}"


def make_reading(
    settings: Settings,
    parallel: int = FETCH_THREADS,
    track: Track = lambda report: None,
    *,
    is_live: bool = True,
    alerting: bool = True,
    step: Step = lambda name: None,
) -> Reading:
    """What reads the objects of sources. is_live: they are news. alerting: their matches open alerts."""
    committer = build.committer(settings, worker=worker_name(), step=step)
    committer.store = replace(committer.store, is_live=is_live, alerting=alerting)
    return Reading(Sessions(settings.region, "headwater-backfill"), committer, settings, parallel, track)


def _times(since: str, until: str) -> tuple[datetime, datetime]:
    now = utc_now()
    begin, end = parse_since(since, now), parse_since(until, now, "--until")
    if begin is None or end is None or begin >= end:
        raise ConfigError.one("--since", f"{since} is not before {until}", fix="Give the earlier time to --since.")
    return begin, end


def _tell(reports: Sequence[Report], output: Format, columns: Sequence[str]) -> None:
    rows = [each.as_row() | {"repaired": each.done.objects} for each in reports]
    if output is Format.json:
        emit_json(rows)
    else:
        also = [name for name in IF_ANY if any(row[name] for row in rows)]
        emit_rows(rows, output, empty="No sources.", columns=(*columns, *also))
        for line in _hints(reports):
            typer.echo(line)
    if any(each.error for each in reports):
        raise typer.Exit(EXIT_FAILED)
    if any(each.done.failed for each in reports):
        raise typer.Exit(EXIT_POISON)


def _hints(reports: Sequence[Report]) -> Iterator[str]:
    if any(each.done.failed or each.found.failed for each in reports):
        yield "`headwater objects list --failed` says why objects failed; `headwater requeue` tries them again."
    if any(each.done.busy for each in reports):
        yield "Some objects are in the hands of another worker; run this again later to be sure of them."
    if any(each.found.archived for each in reports):
        yield "Archived objects (Glacier) have to be restored before they can be read."
    if any(each.found.forgotten for each in reports):
        yield "Forgotten objects are older than the ledger's memory (HEADWATER_LEDGER_DAYS); see docs/backfill.md."


@contextmanager
def tracking() -> Iterator[Track]:
    """A bar on stderr for a terminal, a line now and then elsewhere."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, int] = {}

        def track(report: Report) -> None:
            source_id = report.source.source_id
            if source_id not in tasks:
                tasks[source_id] = bar.add_task(report.source.label, total=None)
            bar.update(
                tasks[source_id],  # type: ignore[arg-type]  # a NewType of int
                description=_described(report),
                completed=_through(report),
                total=report.found.missing or None,
            )

        yield track


def _described(report: Report) -> str:
    return f"{report.source.label}: {report.found.listed:,} listed, {report.done.bytes_in / 1e6:,.1f} MB read"


def _lines() -> Track:
    last = time.monotonic()

    def track(report: Report) -> None:
        nonlocal last
        if time.monotonic() - last >= TOLD_EVERY_S:
            last = time.monotonic()
            told = f"{_through(report)} of {report.found.missing} objects, {report.found.listed} listed"
            typer.echo(f"{report.source.label}: {told}", err=True)

    return track


def _through(report: Report) -> int:
    done = report.done
    return done.objects + done.skipped + done.failed + done.missing + done.busy
