"""headwater alerts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import orjson
import typer

from headwater.cli import build
from headwater.cli.output import Format, Output, emit_json, emit_rows
from headwater.destinations.destination import alert_json
from headwater.errors import HeadwaterError
from headwater.model import Alert
from headwater.state import alerts as state_alerts

app = typer.Typer(help="List and show alerts.", no_args_is_help=True)
SHORT_ID = 12  # digits that people see and type
COLUMNS = ("alert_id", "created_at", "severity", "matches", "account_id", "rule_id", "title")


@app.command("list")
def list_alerts(
    output: Output = Format.text,
    limit: Annotated[int, typer.Option(min=1, help="The latest N alerts.")] = 100,
    status: Annotated[str | None, typer.Option(help="open or pending (below the detection's threshold).")] = None,
    rule: Annotated[str | None, typer.Option(help="Only alerts of this detection.")] = None,
    account: Annotated[str | None, typer.Option(help="Only alerts of this account id.")] = None,
    severity: Annotated[str | None, typer.Option(help="INFO, LOW, MEDIUM, HIGH or CRITICAL.")] = None,
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
    )
    rows = [alert_json(alert) if output is Format.json else _row(alert) for alert in found]
    emit_rows(rows, output, empty="No alerts.", columns=COLUMNS)


def _row(alert: Alert) -> dict[str, Any]:
    pending = " (pending)" if alert.status == "pending" else ""
    return {**asdict(alert), "alert_id": alert.alert_id[:SHORT_ID], "matches": f"{alert.match_count}{pending}"}


@app.command("show")
def show(
    alert_id: Annotated[str, typer.Argument(help="Id from `alerts list`, or its beginning.")],
    output: Output = Format.text,
) -> None:
    """Show one alert with its context and the event that opened it."""
    found = state_alerts.find_alerts(build.database(build.settings()), alert_id)
    if len(found) != 1:
        many = "several alerts begin with" if found else "there is no alert"
        raise HeadwaterError(f"{many} {alert_id}; `headwater alerts list` shows those there are")
    fields = alert_json(found[0])
    if output is Format.json:
        emit_json(fields)
        return
    for name, value in fields.items():
        text = value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
        typer.echo(f"{name:>15}  {text.replace(chr(10), chr(10) + ' ' * 17)}")
