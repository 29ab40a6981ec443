"""headwater alerts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import orjson
import typer

from headwater.cli import alert_evidence, alert_life, build
from headwater.cli.alert_life import AlertId, the_alert
from headwater.cli.output import Format, Output, emit_json, emit_rows
from headwater.destinations.destination import alert_json
from headwater.model import Alert
from headwater.state import alerts as state_alerts
from headwater.state import lifecycle

app = typer.Typer(help="Look at alerts, say what becomes of them, and see where they were sent.", no_args_is_help=True)
SHORT_ID = 12  # digits that people see and type
COLUMNS = ("alert_id", "created_at", "status", "severity", "matches", "account_id", "rule_id", "title")


@app.command("list")
def list_alerts(
    output: Output = Format.text,
    limit: Annotated[int, typer.Option(min=1, help="The latest N alerts.")] = 100,
    status: Annotated[
        str | None, typer.Option(help="open, triaged, resolved or pending (below the detection's threshold).")
    ] = None,
    rule: Annotated[str | None, typer.Option(help="Only alerts of this detection.")] = None,
    account: Annotated[str | None, typer.Option(help="Only alerts of this account id.")] = None,
    severity: Annotated[str | None, typer.Option(help="INFO, LOW, MEDIUM, HIGH or CRITICAL.")] = None,
    assignee: Annotated[str | None, typer.Option(help="Only alerts that this person has.")] = None,
) -> None:
    """List alerts, the latest first."""
    database = build.database(build.settings())
    found = state_alerts.list_alerts(
        database,
        limit=limit,
        status=status,
        rule_id=rule,
        account_id=account,
        severity=severity.upper() if severity else None,
        assignee=assignee,
    )
    rows = [alert_json(alert) if output is Format.json else _row(alert) for alert in found]
    emit_rows(rows, output, empty="No alerts.", columns=COLUMNS)


def _row(alert: Alert) -> dict[str, Any]:
    return {**asdict(alert), "alert_id": alert.alert_id[:SHORT_ID], "matches": alert.match_count}


@app.command("show")
def show(alert_id: AlertId, output: Output = Format.text) -> None:
    """Show one alert: its context, the event that opened it, and what was done with it."""
    database = build.database(build.settings())
    alert = the_alert(database, alert_id)
    steps = [asdict(entry) for entry in lifecycle.history(database, alert.alert_id)]
    fields = alert_json(alert) | {"history": steps}
    if output is Format.json:
        emit_json(fields)
        return
    fields["history"] = "\n".join(_step(entry) for entry in lifecycle.history(database, alert.alert_id))
    for name, value in fields.items():
        text = value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
        typer.echo(f"{name:>15}  {text.replace(chr(10), chr(10) + ' ' * 17)}")


def _step(entry: lifecycle.Entry) -> str:
    what = " ".join(part for part in (entry.action, entry.detail) if part)
    return f"{entry.at:%Y-%m-%d %H:%M:%S}  {what} by {entry.by}" + (f": {entry.comment}" if entry.comment else "")


for life in (alert_life.assign, alert_life.comment, alert_life.triage, alert_life.resolve, alert_life.reopen):
    app.command(life.__name__)(life)
for evidence in (alert_evidence.events, alert_evidence.pivot, alert_evidence.deliveries):
    app.command(evidence.__name__)(evidence)
