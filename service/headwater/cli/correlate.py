"""headwater correlate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from headwater.cli import build
from headwater.cli.output import Format, Output, emit_rows
from headwater.cli.since import since
from headwater.destinations.deliver import deliver
from headwater.detect.correlation import correlations
from headwater.model import Match
from headwater.settings import Settings
from headwater.worker.committer import utc_now
from headwater.worker.correlate import tasks

COLUMNS = ("rule_id", "severity", "title", "account_id", "first_time", "last_time", "match_count")
EXIT_FAILED = 1


def correlate(
    at: Annotated[
        str | None, typer.Option(help="Only look, at the windows that end then: 2h ago as 2h, or an ISO 8601 time.")
    ] = None,
    output: Output = Format.text,
) -> None:
    """Evaluate every enabled correlation rule over the stored matches now, and print what was found.

    What is new becomes matches and alerts, as in the service; with --at nothing is stored.
    """
    settings = build.settings(quiet=True)
    if at is not None:
        _print(_look(settings, at), output)
        return
    store = build.store(settings)
    done = build.evaluator(settings, store).run_all(utc_now())
    deliver(store.database, build.destinations(settings), utc_now())
    _print(done.matches, output)
    if done.failed:
        typer.echo(f"error: not evaluated: {', '.join(done.failed)}", err=True)
        raise typer.Exit(EXIT_FAILED)


def _look(settings: Settings, at: str) -> list[Match]:
    moment = since(at, utc_now(), "--at") or utc_now()
    rules = tasks(correlations(build.selection(settings).specs()), build.catalog(settings))
    return [match for rule in rules for match in rule.look(moment)]


def _print(matches: Sequence[Match], output: Format) -> None:
    emit_rows([_row(match) for match in matches], output, empty="Nothing found.", columns=COLUMNS)


def _row(match: Match) -> dict[str, Any]:
    face = {"severity": match.severity, "title": match.title, "account_id": match.account_id, "dedup": match.dedup}
    return {"match_id": match.match_id, **match.event, **face}
