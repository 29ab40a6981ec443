"""headwater sources."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from headwater.cli import build, health
from headwater.cli.output import Format, Output, emit_json, emit_rows
from headwater.errors import ConfigError, HeadwaterError
from headwater.model import Source
from headwater.settings import Settings
from headwater.state import activity
from headwater.state.activity import DEAD_LETTER, INTAKE, Hour
from headwater.state.database import Database
from headwater.state.silence import HOUR, hour_of, spoken
from headwater.state.sources import SourceCounters, source_totals
from headwater.state.status import WORST_FIRST, Judged, worst_first
from headwater.worker.committer import utc_now
from headwater.worker.health import Survey, survey

app = typer.Typer(help="How the log sources are: what they send, and what is wrong with them.", no_args_is_help=True)
EXIT_UNWELL = 4
SHOWN_HOURS = 48
SHOWN_FAILURES = 5
SHORT = 80
BARS = " ▁▂▃▄▅▆▇█"
NOT_AUTHORIZED = re.compile(r"not authorized to perform: ([A-Za-z0-9]+:[A-Za-z0-9]+)")
COLUMNS = ("account", "source", "status", "last_seen", "rows_h", "rejected", "lag", "backlog", "detail")
AccountOption = Annotated[str | None, typer.Option(help="Only sources of this account, by id or name.")]


@app.command("list")
def list_sources(
    output: Output = Format.text,
    account: AccountOption = None,
    status: Annotated[list[str] | None, typer.Option(help=f"Only these: {', '.join(WORST_FIRST)}.")] = None,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(help=f"Exit with {EXIT_UNWELL} if a listed source is so; `any`: if one is not ok."),
    ] = None,
) -> None:
    """List every source with how it is, the worst first."""
    settings, now = build.settings(quiet=True), utc_now()
    wanted, failing = _words(status, "--status"), _words(fail_on, "--fail-on", "any")
    sources = {source.source_id: source for source in _sources(settings, build.database(settings))}
    found = survey(build.database(settings), tuple(sources.values()), health.limits(settings), now)
    shown = [
        each
        for each in worst_first(found.judged)
        if (account is None or account in _account_names(sources[each.source_id]))
        and (not wanted or each.status in wanted)
    ]
    if output is Format.json:
        emit_json({"sources": [_json(each, sources[each.source_id], now) for each in shown], "queues": _queues(found)})
    else:
        rows = [_row(each, sources[each.source_id], now) for each in shown]
        emit_rows(rows, output, empty="No sources.", columns=COLUMNS)
        for line in _notes(found, now):
            typer.echo(line)
    if any(each.status in failing or ("any" in failing and each.status != "ok") for each in shown):
        raise typer.Exit(EXIT_UNWELL)


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="The source's name, account id/name or account/name.")],
    output: Output = Format.text,
) -> None:
    """Show one source: what it sends, hour by hour, what is wrong with it, and what to grant."""
    settings, now = build.settings(quiet=True), utc_now()
    database = build.database(settings)
    source = _find(_sources(settings, database), name)
    (judged,) = survey(database, (source,), health.limits(settings), now).judged
    hours = activity.hours(database, [source.source_id], now)[source.source_id]
    totals = source_totals(database, source.source_id)
    failures = activity.failures(database, source.source_id, SHOWN_FAILURES)
    if output is Format.json:
        fields = _json(judged, source, now) | {"hours": list(hours), "totals": list(totals), "failed_objects": failures}
        emit_json(fields)
        return
    for key, text in _facts(judged, source, now).items():
        typer.echo(f"{key:>14}  {text}")
    for line in (*_history(hours, now), *_totals(totals), *_failures(failures)):
        typer.echo(line)


def _sources(settings: Settings, database: Database) -> Sequence[Source]:
    """Those of accounts.yml; without such a file, those that something was ever read of."""
    if settings.accounts_file.startswith("s3://") or Path(settings.accounts_file).exists():
        return build.accounts(settings).sources
    known = (source_id.partition("/") for source_id in sorted(activity.activities(database, utc_now())))
    return [Source(account, account, name, "", silence_after_s=0) for account, _, name in known]


def _find(sources: Sequence[Source], name: str) -> Source:
    found = [each for each in sources if name in (each.name, each.source_id, each.label)]
    if len(found) == 1:
        return found[0]
    many = ", ".join(each.source_id for each in found)
    raise HeadwaterError(
        f"several sources are called {name}: {many}"
        if found
        else f"there is no source {name}; `headwater sources list` shows those there are"
    )


def _account_names(source: Source) -> tuple[str, str]:
    return source.account_id, source.account_name


def _words(given: Sequence[str] | None, option: str, *more: str) -> frozenset[str]:
    """The words of an option that may be repeated, or hold several with commas."""
    words = [word.strip().replace("-", " ") for text in given or () for word in text.split(",")]
    for word in words:
        if word not in (*WORST_FIRST, *more):
            raise ConfigError.one(option, f"{word!r} is no status", fix=f"Use {', '.join((*WORST_FIRST, *more))}.")
    return frozenset(words)


def _row(each: Judged, source: Source, now: datetime) -> dict[str, Any]:
    facts = each.activity
    failed = f", {facts.failed} failed" if facts.failed else ""
    refused = NOT_AUTHORIZED.search(each.detail) if each.status == "denied" else None
    detail = f"{refused[1]} is refused; `show` says what to grant" if refused else each.detail
    return {
        "account": source.account_name,
        "source": source.name,
        "status": each.status,
        "last_seen": _ago(facts.last_seen, now),
        "rows_h": facts.rows,
        "rejected": f"{facts.reject_share:.1%}" if facts.rows else "",
        "lag": spoken(now - facts.newest_event_at) if facts.newest_event_at else "",
        "backlog": f"{facts.waiting}{failed}",
        "detail": detail if len(detail) <= SHORT else f"{detail[: SHORT - 1]}…",
    }


def _json(each: Judged, source: Source, now: datetime) -> dict[str, Any]:
    facts = each.activity
    return {
        "account_id": source.account_id,
        "account": source.account_name,
        "source": source.name,
        "status": each.status,
        "faults": list(each.faults),
        "known_since": facts.known_since,
        "last_seen": facts.last_seen,
        "newest_event_at": facts.newest_event_at,
        "lag_s": int((now - facts.newest_event_at).total_seconds()) if facts.newest_event_at else None,
        "rows_per_hour": facts.rows,
        "objects_per_hour": facts.objects,
        "bytes_per_hour": facts.bytes_in,
        "reject_share": round(facts.reject_share, 4),
        "waiting": facts.waiting,
        "retrying": facts.retrying,
        "failed_within_a_day": facts.failed,
        "errors": facts.errors,
        "last_error": facts.last_error,
        "last_error_at": facts.last_error_at,
        "statement": facts.statement,
    }


def _queues(found: Survey) -> dict[str, Any]:
    return {"behind": found.behind, **found.queues}


def _notes(found: Survey, now: datetime) -> list[str]:
    """What the table cannot say: the queues."""
    lines: list[str] = []
    intake, dead = found.queues.get(INTAKE), found.queues.get(DEAD_LETTER)
    if intake is not None:
        age = f", the oldest for {spoken(timedelta(seconds=intake.oldest_s))}" if intake.waiting else ""
        lines.append(f"Queue: {intake.waiting} notifications wait{age}; seen {_ago(intake.seen_at, now)}.")
    if found.behind:
        lines.append("The service is behind, or does not run: nobody is called silent until the queue is read.")
    if dead is not None and dead.waiting:
        lines.append(f"Dead-letter queue: {dead.waiting} messages.")
    return lines


def _facts(judged: Judged, source: Source, now: datetime) -> dict[str, str]:
    facts = judged.activity
    last_error = f"{_ago(facts.last_error_at, now)}: {facts.last_error}" if facts.last_error_at else "none"
    found = {
        "source": f"{source.label} ({source.source_id})",
        "bucket": f"s3://{source.bucket}/{source.prefix}" if source.bucket else "",
        "status": judged.status,
        **{f"{fault.status} since": f"{_stamp(fault.since)}: {fault.detail}" for fault in judged.faults},
        "to grant": facts.statement if any(fault.status in ("denied", "paused") for fault in judged.faults) else "",
        "known since": _stamp(facts.known_since),
        "last seen": _stamp(facts.last_seen) if facts.last_seen else "never",
        "newest event": _stamp(facts.newest_event_at) if facts.newest_event_at else "none",
        "last hour": f"{facts.objects} objects, {facts.rows:,} rows, {facts.bytes_in:,} bytes",
        "rejected": f"{facts.rejects:,} rows of the last hour ({facts.reject_share:.1%})",
        "backlog": f"{facts.waiting} objects in work, {facts.retrying} of them again; {facts.failed} given up today",
        "errors": f"{facts.errors}",
        "last error": last_error,
        "silence": _allowed(source),
    }
    return {key: text for key, text in found.items() if text}


def _allowed(source: Source) -> str:
    if source.silence_after_s is None:
        return "told by the source's own history"
    return f"told after {spoken(timedelta(seconds=source.silence_after_s))}" if source.silence_after_s else "never told"


def _history(hours: Sequence[Hour], now: datetime) -> list[str]:
    """A bar for each of the last hours, by its rows."""
    rows = {hour.starts_at: hour.rows_in for hour in hours}
    last = hour_of(now)
    values = [rows.get(last - number * HOUR, 0) for number in reversed(range(SHOWN_HOURS))]
    most = max(values)
    bars = "".join(_bar(value, most) for value in values)
    return ["", f"Rows of the last {SHOWN_HOURS} hours, up to {most:,} an hour:", f"|{bars}|"]


def _bar(value: int, most: int) -> str:
    """At least the lowest bar for an hour that had rows."""
    return BARS[0] if not value else BARS[max(1, round(value / most * (len(BARS) - 1)))]


def _totals(totals: Sequence[SourceCounters]) -> list[str]:
    lines = [
        f"  {each.log_type or '(no log type)'}: {each.objects:,} objects, {each.rows_out:,} rows, "
        f"{each.rejects:,} rejects, {each.matches:,} matches"
        for each in totals
    ]
    return ["", "Since the beginning:", *lines] if lines else []


def _failures(failures: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [f"  {_stamp(each['failed_at'])} {each['object']}: {each['kind']}: {each['reason']}" for each in failures]
    return ["", "Objects given up last; `headwater requeue` tries them again:", *lines] if lines else []


def _ago(time: datetime | None, now: datetime) -> str:
    if time is None:
        return "never"
    return f"{spoken(now - time)} ago" if now - time >= timedelta(minutes=1) else "now"


def _stamp(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"
