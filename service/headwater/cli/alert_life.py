"""headwater alerts: who does what with them."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from headwater.cli import build
from headwater.cli.output import Format, Output, emit_json
from headwater.destinations.destination import alert_json
from headwater.errors import HeadwaterError
from headwater.model import Alert
from headwater.state import lifecycle
from headwater.state.alerts import find_alerts
from headwater.state.database import Database
from headwater.worker.committer import utc_now

AlertId = Annotated[str, typer.Argument(help="Id from `alerts list`, or its beginning.")]
By = Annotated[
    str, typer.Option("--by", help="Who does it; default: your user on this machine.", default_factory=getpass.getuser)
]
Comment = Annotated[str, typer.Option("--comment", "-c", help="Why; kept in the history, and sent along.")]


def the_alert(database: Database, alert_id: str) -> Alert:
    """The one alert whose id begins so. Raises: HeadwaterError where there is none, or several."""
    found = find_alerts(database, alert_id)
    if len(found) != 1:
        many = "several alerts begin with" if found else "there is no alert"
        raise HeadwaterError(f"{many} {alert_id}; `headwater alerts list` shows those there are")
    return found[0]


def assign(
    alert_id: AlertId,
    by: By,
    assignee: Annotated[str, typer.Argument(help="Who is to look at it; empty: nobody.")] = "",
    output: Output = Format.text,
) -> None:
    """Give an alert to somebody."""
    database = build.database(build.settings())
    alert = lifecycle.assign(database, the_alert(database, alert_id).alert_id, assignee, by=by, now=utc_now())
    _tell(alert, f"assigned to {assignee}" if assignee else "assigned to nobody", output)


def comment(
    alert_id: AlertId,
    by: By,
    text: Annotated[str, typer.Argument(help="What to note.")],
    output: Output = Format.text,
) -> None:
    """Add a comment to an alert."""
    database = build.database(build.settings())
    alert = lifecycle.comment(database, the_alert(database, alert_id).alert_id, text, by=by, now=utc_now())
    _tell(alert, "commented", output)


def triage(alert_id: AlertId, by: By, comment: Comment = "", output: Output = Format.text) -> None:
    """Say that somebody looks at an alert; destinations that page acknowledge it."""
    database = build.database(build.settings())
    alert = lifecycle.triage(database, the_alert(database, alert_id).alert_id, by=by, now=utc_now(), text=comment)
    _tell(alert, "triaged", output)


def resolve(
    alert_id: AlertId,
    by: By,
    reason: Annotated[lifecycle.Resolution, typer.Option("--reason", "-r", help="What it turned out to be.")],
    comment: Comment = "",
    output: Output = Format.text,
) -> None:
    """Close an alert, here and at the destinations that were told of it.

    Later matches open another alert, or this one again (HEADWATER_ALERT_REOPEN).
    """
    settings = build.settings()
    database = build.database(settings)
    alert = lifecycle.resolve(
        database,
        the_alert(database, alert_id).alert_id,
        reason,
        by=by,
        now=utc_now(),
        reopens=settings.alert_reopen == "reopen",
        text=comment,
    )
    _tell(alert, f"resolved: {reason}", output)


def reopen(alert_id: AlertId, by: By, comment: Comment = "", output: Output = Format.text) -> None:
    """Open an alert again."""
    database = build.database(build.settings())
    alert = lifecycle.reopen(database, the_alert(database, alert_id).alert_id, by=by, now=utc_now(), text=comment)
    _tell(alert, "open again", output)


def _tell(alert: Alert, what: str, output: Format) -> None:
    if output is Format.json:
        emit_json(alert_json(alert))
    else:
        typer.echo(f"{alert.alert_id[:12]} {what}: {alert.title}")
