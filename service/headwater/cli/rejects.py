"""headwater rejects."""

from __future__ import annotations

import heapq
import socket
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from headwater.accounts import Accounts
from headwater.aws.session import Sessions
from headwater.cli import build
from headwater.cli.output import Format, Output, emit_json, emit_rows
from headwater.cli.since import since as parse_since
from headwater.errors import ConfigError, HeadwaterError
from headwater.lake.rejects import Stored, read_rejects
from headwater.model import Source, object_url
from headwater.pipeline import Store
from headwater.settings import Settings
from headwater.state import rejects as state
from headwater.worker.committer import utc_now
from headwater.worker.files import exclusive
from headwater.worker.rejects import Retrier, Summary
from headwater.worker.remake import Remaker
from headwater.worker.reread import Reread

app = typer.Typer(help="Look at rows that fit no schema, and try them again.", no_args_is_help=True)
GROUPS = ("rows", "source", "log_type", "reason", "objects", "first", "last", "example")
ROWS = ("id", "rejected_at", "source", "log_type", "reason", "object", "row")

SourceOption = Annotated[str | None, typer.Option(help="Only this source: its name, account id/name or account/name.")]
ReasonOption = Annotated[str | None, typer.Option(help="Only rejects whose reason contains this text.")]
SinceOption = Annotated[str | None, typer.Option(help="Only rejects since then: 30m, 2h, 7d, or an ISO 8601 time.")]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rejects are meant."""

    source: str | None = None
    log_type: str | None = None
    reason: str | None = None
    since: datetime | None = None
    ids: tuple[str, ...] = ()

    def __call__(self, stored: Stored) -> bool:
        """Whether this one is."""
        reject = stored.reject
        names = (reject.source_id, reject.source_label, reject.source_id.partition("/")[2])
        return (
            (self.source is None or self.source in names)
            and (self.log_type is None or self.log_type == (reject.log_type or ""))
            and (self.reason is None or self.reason.lower() in reject.reason.lower())
            and (self.since is None or stored.rejected_at >= self.since)
            and (not self.ids or reject.reject_id.startswith(self.ids))
        )


@app.command("list")
def list_rejects(
    output: Output = Format.text,
    source: SourceOption = None,
    log_type: Annotated[
        str | None, typer.Option(help='Only rejects that were read as this log type; "" for those of none.')
    ] = None,
    reason: ReasonOption = None,
    since: SinceOption = None,
    limit: Annotated[int, typer.Option(min=1, help="The most frequent N groups, or the latest N rows.")] = 100,
    rows: Annotated[bool, typer.Option("--rows", help="Every row, not groups of alike ones.")] = False,
    all_: Annotated[bool, typer.Option("--all", help="Those that were recovered too.")] = False,
) -> None:
    """List rejects by source, log type and reason, or one by one."""
    settings = build.settings()
    chosen = Filter(source, log_type, reason, parse_since(since, datetime.now(UTC)))
    found = _rejects(build.store(settings), chosen, raw=rows and output is Format.json, recovered_too=all_)
    if rows:
        latest = heapq.nlargest(limit, found, key=lambda item: (item[0].rejected_at, item[0].reject.reject_id))
        emit_rows([_row(*item, output) for item in latest], output, empty="No rejects.", columns=ROWS)
    else:
        emit_rows(_groups(found)[:limit], output, empty="No rejects.", columns=GROUPS)


@app.command("show")
def show(
    reject_id: Annotated[str, typer.Argument(help="Id from `rejects list`, or its beginning.")],
    output: Output = Format.text,
) -> None:
    """Show one reject: its text, why it fits no schema, and where it stands."""
    found = list(_rejects(build.store(build.settings()), Filter(ids=(reject_id,)), raw=True, recovered_too=True))
    if len(found) != 1:
        many = "several rejects begin with" if found else "there is no reject"
        raise HeadwaterError(f"{many} {reject_id}; `headwater rejects list --rows` shows those there are")
    told = _row(*found[0], Format.json)
    if output is Format.json:
        emit_json(told)
        return
    for name, value in told.items():
        typer.echo(f"{name:>11}  {str(value).replace(chr(10), chr(10) + ' ' * 13)}")


@app.command("retry")
def retry(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids, or their beginnings; default: every reject.")] = None,
    output: Output = Format.text,
    source: SourceOption = None,
    reason: ReasonOption = None,
    since: SinceOption = None,
    log_type: Annotated[
        str | None, typer.Option(help="Read them as this log type; default: as before, or as their content says.")
    ] = None,
    detect: Annotated[bool, typer.Option(help="Run the detections on the recovered rows.")] = True,
    alert: Annotated[bool, typer.Option("--alert", help="Let their matches open alerts.")] = False,
) -> None:
    """Read rejects again with the schemas of today; those that fit become rows of their log table, once.

    A second retry adds nothing, and one that was killed is finished by the next.
    """
    settings = build.settings(quiet=True)
    chosen = Filter(source, None, reason, parse_since(since, datetime.now(UTC)), tuple(ids or ()))
    with exclusive(settings.home, "rejects retry"):
        summary = _retrier(settings, log_type, detect=detect, alerting=alert).run(chosen)
    if output is Format.json:
        told = {each.name: getattr(summary, each.name) for each in fields(Summary)}
        emit_json({name: dict(value) if isinstance(value, Counter) else value for name, value in told.items()})
        return
    for line in _lines(summary):
        typer.echo(line)


def _retrier(settings: Settings, log_type: str | None, *, detect: bool, alerting: bool) -> Retrier:
    library = build.library(settings)
    if log_type is not None and log_type not in library:
        fix = f"Use one of: {', '.join(sorted(library))}."
        raise ConfigError.one("--log-type", f"no log type {log_type!r}", fix=fix)
    accounts = _accounts(settings)
    sources: dict[str, Source] = {each.source_id: each for each in accounts.sources} if accounts else {}
    store = build.store(settings)
    detector = build.detector(settings, store.database) if detect else None
    tables = build.lookup_tables(settings)
    tables.refresh(utc_now())
    return Retrier(
        store,
        Remaker(library, detector, sources, library[log_type] if log_type else None, lookups=tables.current()),
        Reread(sources, Sessions(settings.region) if accounts else None, settings.max_object_bytes),
        worker=f"rejects:{socket.gethostname()}",  # `exclusive` says that no other of this name is at work
        lease_s=settings.lease_s,
        alerting=alerting,
    )


def _accounts(settings: Settings) -> Accounts | None:
    name = settings.accounts_file
    return build.accounts(settings) if name.startswith("s3://") or Path(name).exists() else None


def _rejects(store: Store, chosen: Filter, *, raw: bool, recovered_too: bool) -> Iterator[tuple[Stored, bool]]:
    """The chosen rejects, and whether they are recovered."""
    for stored in read_rejects(store.catalog, chosen.since, raw=raw):
        found = {each.reject.reject_id: each for each in stored if chosen(each)}
        settled = state.settled(store.database, list(found))
        for reject_id, each in found.items():
            if recovered_too or not settled.get(reject_id):
                yield each, settled.get(reject_id, False)


def _row(stored: Stored, recovered: bool, output: Format) -> dict[str, Any]:
    reject = stored.reject
    row = {
        "id": reject.reject_id,
        "rejected_at": stored.rejected_at,
        "source": reject.source_label or reject.source_id,
        "source_id": reject.source_id,
        "account_id": reject.account_id,
        "log_type": reject.log_type,
        "reason": reject.reason,
        "object": object_url(reject.bucket, reject.key),
        "row": reject.row,
        "recovered": recovered,
        "context": dict(reject.context),
        "cut": reject.cut,
        "raw": reject.raw,
    }
    return row if output is Format.json else {name: row[name] for name in ROWS}


def _groups(found: Iterator[tuple[Stored, bool]]) -> list[dict[str, Any]]:
    """Alike rejects together, the most frequent first."""
    groups: dict[tuple[str, str, str], dict[str, Any]] = {}
    for stored, _ in found:
        reject = stored.reject
        key = (reject.source_label or reject.source_id, reject.log_type or "", reject.cause)
        group = groups.setdefault(
            key,
            {
                "rows": 0,
                "source": key[0],
                "log_type": key[1],
                "reason": key[2],
                "objects": set(),
                "first": stored.rejected_at,
                "last": stored.rejected_at,
                "example": reject.reject_id,
            },
        )
        group["rows"] += 1
        group["objects"].add(reject.object_id)
        group["first"] = min(group["first"], stored.rejected_at)
        group["last"] = max(group["last"], stored.rejected_at)
    ordered = sorted(groups.values(), key=lambda group: (-group["rows"], group["source"], group["reason"]))
    return [{**group, "objects": len(group["objects"])} for group in ordered]


def _lines(summary: Summary) -> Iterator[str]:
    """The summary for people."""
    still = summary.rejected.total()
    yield f"{summary.tried} rejects: {summary.recovered.total()} recovered, {still} fit no schema still"
    yield from (f"  {rows} rows of {name}" for name, rows in sorted(summary.recovered.items()))
    if summary.headers:
        yield f"  {summary.headers} lines that name columns"
    yield from (f"  {rows} still rejected: {reason}" for reason, rows in summary.rejected.most_common(10))
    yield from (f"  {rows} not tried: {reason}" for reason, rows in summary.not_retried.most_common())
    if summary.busy:
        yield f"  {summary.busy} belong to another retry that is at work, or was killed less than its lease ago"
    if summary.matches:
        yield f"{summary.matches} matches, {summary.alerts} new alerts"
