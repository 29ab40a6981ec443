"""headwater queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from headwater.cli import build
from headwater.cli.output import Format, Output, emit_rows
from headwater.destinations.deliver import deliver
from headwater.detect.scheduled import ScheduledQuery, rules_by_query, scheduled_queries
from headwater.errors import HeadwaterError
from headwater.model import Match
from headwater.pipeline import Store
from headwater.settings import Settings
from headwater.state.evaluations import last_evaluated
from headwater.worker.committer import utc_now
from headwater.worker.evaluate import Evaluator
from headwater.worker.scheduled import QueryTask

app = typer.Typer(help="Show and run scheduled queries, whose rows scheduled rules look at.", no_args_is_help=True)
COLUMNS = ("rule_id", "kind", "severity", "title", "dedup", "event_time")
EXIT_FAILED = 1


@app.command("list")
def list_queries(output: Output = Format.text) -> None:
    """List scheduled queries: whether they run here, when, for which rules, and when they last did."""
    settings = build.settings(quiet=True)
    specs = build.selection(settings).specs()
    last, rules = last_evaluated(build.database(settings)), rules_by_query(specs)
    rows = [_listed(query, rules, last) for query in sorted(scheduled_queries(specs), key=lambda query: query.name)]
    emit_rows(rows, output, empty="No scheduled queries.")


def _listed(query: ScheduledQuery, rules: Mapping[str, Sequence[str]], last: Mapping[str, datetime]) -> dict[str, Any]:
    mine = list(rules.get(query.name, ()))
    unneeded = "" if mine else "no enabled rule names it"
    return {
        "name": query.name,
        "state": "disabled" if not query.enabled else "not run" if query.unfit or unneeded else "runs",
        "when": query.cron or f"every {query.rate_min} min",
        "rules": mine,
        "last_run": last.get(query.name),
        "reason": query.unfit or unneeded,
    }


@app.command("run")
def run(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of scheduled queries; default: all that run.")
    ] = None,
    look: Annotated[
        bool, typer.Option("--look", help="Only show what the rules say of the rows; store nothing.")
    ] = False,
    output: Output = Format.text,
) -> None:
    """Run scheduled queries over the lake now, whatever their schedule, and their rules on the rows.

    Matches and alerts are made as in the service; with --look nothing is stored. Exit 1: a query failed.
    """
    settings = build.settings(quiet=True)
    store = build.store(settings)
    tasks = _chosen(build.query_tasks(settings, store, build.detector(settings, store.database)), names or ())
    matches, failed = _looked(tasks) if look else _stored(settings, store, tasks)
    emit_rows([_row(match) for match in matches], output, empty="Nothing found.", columns=COLUMNS)
    if failed or any(match.kind == "HEALTH" for match in matches):
        raise typer.Exit(EXIT_FAILED)


def _chosen(tasks: Sequence[QueryTask], names: Sequence[str]) -> list[QueryTask]:
    known = {task.query.name for task in tasks}
    for name in names:
        if name not in known:
            raise HeadwaterError(f"no scheduled query {name!r} that runs; `headwater queries list` tells why")
    return [task for task in tasks if not names or task.query.name in names]


def _looked(tasks: Sequence[QueryTask]) -> tuple[list[Match], bool]:
    return [match for task in tasks for match in task.find(None, utc_now())], False


def _stored(settings: Settings, store: Store, tasks: Sequence[QueryTask]) -> tuple[list[Match], bool]:
    done = Evaluator(store, lambda: tasks, build.worker_id(), lease_s=settings.lease_s).run_all(utc_now())
    deliver(store.database, build.destinations(settings), utc_now())
    return list(done.matches), bool(done.failed)


def _row(match: Match) -> dict[str, Any]:
    names = ("match_id", "rule_id", "kind", "severity", "title", "dedup", "event_time", "account_id", "description")
    return {**{name: getattr(match, name) for name in names}, "event": match.event}
