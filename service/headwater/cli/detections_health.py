"""headwater detections status | resume."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from headwater.cli import build
from headwater.cli.output import Format, Output, emit_json, emit_rows
from headwater.errors import HeadwaterError
from headwater.state import rule_health
from headwater.state.rule_health import RuleHealth
from headwater.worker.committer import utc_now

COLUMNS = ("rule_id", "state", "errors", "recent_errors", "last_error_at", "last_error")


def status(output: Output = Format.text) -> None:
    """Show the detections that raised errors, and those that are suspended because of them."""
    found = rule_health.list_health(build.database(build.settings()))
    emit_rows([_row(health) for health in found], output, empty="No detection has raised an error.", columns=COLUMNS)


def resume(
    rules: Annotated[list[str], typer.Argument(help="Ids of suspended detections.")], output: Output = Format.text
) -> None:
    """Run suspended detections again. Exit 1: one of them was not suspended."""
    resumed = rule_health.resume(build.database(build.settings()), rules, utc_now())
    if output is Format.json:
        emit_json({"resumed": resumed})
    else:
        typer.echo(f"Resumed: {', '.join(resumed) or 'none'}. Running workers follow within a minute.")
    missing = sorted(set(rules) - set(resumed))
    if missing:
        raise HeadwaterError(f"not suspended: {', '.join(missing)}; `headwater detections status` shows those that are")


def _row(health: RuleHealth) -> dict[str, Any]:
    return {**asdict(health), "state": "suspended" if health.suspended_at else "running"}
