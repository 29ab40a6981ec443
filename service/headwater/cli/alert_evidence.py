"""headwater alerts: the events behind them and around them, and where they were sent."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

import orjson
import typer

from headwater.cli import build
from headwater.cli.alert_life import AlertId, the_alert
from headwater.cli.output import Format, Output, emit_rows
from headwater.destinations.message import message_of
from headwater.lake import evidence
from headwater.lake.evidence import Clues
from headwater.model import Alert
from headwater.state import deliveries as state_deliveries
from headwater.state import destinations as state_destinations
from headwater.worker.committer import utc_now

EVENT_COLUMNS = ("p_event_time", "p_log_type", "p_title", "p_row_id", "p_event")
PIVOT_COLUMNS = ("p_event_time", "why", "p_log_type", "p_source_label", "event")
DELIVERY_COLUMNS = ("alert_id", "destination", "action", "status", "attempts", "updated_at", "next_at", "last_error")
SECOND = timedelta(seconds=1)
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="The latest N.")]


def events(alert_id: AlertId, output: Output = Format.text, limit: Limit = 100) -> None:
    """Show the events behind an alert, as its detection saw them; from the lake."""
    settings = build.settings()
    alert = the_alert(build.database(settings), alert_id)
    first, last = alert.first_event_at - SECOND, alert.last_event_at + SECOND
    rows = evidence.events(build.catalog(settings), alert.alert_id, first, last, limit)
    emit_rows(_shown(rows, output, "p_event"), output, empty="The lake has no events of it.", columns=EVENT_COLUMNS)


def pivot(
    alert_id: AlertId,
    output: Output = Format.text,
    limit: Limit = 200,
    minutes: Annotated[int, typer.Option(min=1, max=1440, help="How far to look before and after.")] = 60,
    actor: Annotated[str | None, typer.Option(help="Instead of the actor of the alert's event.")] = None,
    address: Annotated[str | None, typer.Option(help="Instead of its IP address.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All events of the account, whoever did it.")] = False,
) -> None:
    """Show what the same actor, and the same IP address, did in the account an hour before and after an alert."""
    settings = build.settings()
    alert = the_alert(build.database(settings), alert_id)
    clues = _clues(alert, timedelta(minutes=minutes), "" if everything else actor, "" if everything else address)
    rows = evidence.pivot(build.catalog(settings), clues, limit)
    emit_rows(_shown(rows, output, "event"), output, empty="The lake has no such events.", columns=PIVOT_COLUMNS)


def deliveries(
    alert_id: Annotated[str | None, typer.Argument(help="Only those of this alert.")] = None,
    output: Output = Format.text,
    status: Annotated[str | None, typer.Option(help="pending, sent or dead (given up).")] = None,
    destination: Annotated[str | None, typer.Option(help="Only those to this destination.")] = None,
    limit: Limit = 100,
    retry: Annotated[bool, typer.Option("--retry", help="Send again what was given up.")] = False,
) -> None:
    """Show what was sent to whom, what waits, and why; --retry sends again what was given up."""
    database = build.database(build.settings())
    alert = the_alert(database, alert_id).alert_id if alert_id else None
    if retry:
        again = state_deliveries.retry(database, utc_now(), alert_id=alert, destination=destination)
        for name in sorted(set(again)):
            state_destinations.forgive(database, name)
        typer.echo(f"{len(again)} deliveries are due again.", err=True)
    statuses = (status,) if status else state_deliveries.STATUSES
    found = state_deliveries.list_deliveries(
        database, statuses=statuses, alert_id=alert, destination=destination, limit=limit
    )
    rows = [asdict(each) | ({} if output is Format.json else {"alert_id": each.alert_id[:12]}) for each in found]
    emit_rows(rows, output, empty="No deliveries.", columns=DELIVERY_COLUMNS)


def _clues(alert: Alert, around: timedelta, actor: str | None, address: str | None) -> Clues:
    """Of the alert's event, where nothing else is given."""
    found = message_of(alert, "")
    return Clues(
        alert.account_id,
        found.actor if actor is None else actor,
        found.address if address is None else address,
        alert.first_event_at - around,
        alert.last_event_at + around,
    )


def _shown(rows: list[dict[str, Any]], output: Format, event: str) -> list[dict[str, Any]]:
    """For people the event as one line, without what a table of its own columns shows."""
    if output is Format.json:
        return rows
    return [{**row, event: orjson.dumps(_without_nulls(row[event])).decode()} for row in rows]


def _without_nulls(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None and not name.startswith("p_")}
