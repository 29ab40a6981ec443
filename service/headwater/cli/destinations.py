"""headwater destinations: what is set up, whether it is right, and what each answers."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from headwater.cli import build
from headwater.cli.output import Format, Output, emit_rows
from headwater.destinations.config import Place
from headwater.destinations.kind import load_kinds
from headwater.destinations.message import message_of
from headwater.destinations.sample import sample_alert
from headwater.errors import HeadwaterError
from headwater.state import destinations as state_destinations
from headwater.state.database import random_id
from headwater.state.destinations import DestinationHealth
from headwater.worker.committer import utc_now

app = typer.Typer(help="Where alerts go: list, check and test destinations.", no_args_is_help=True)
COLUMNS = ("name", "type", "accounts", "state", "last_sent_at", "last_error")


@app.command("list")
def list_destinations(output: Output = Format.text) -> None:
    """List the destinations, who they are for, and how they are."""
    settings = build.settings()
    known = build.known_accounts(settings)
    places = {place.name: place for place in build.routes(settings, known).places}
    health = {each.name: each for each in state_destinations.list_health(build.database(settings))}
    names = build.destinations(settings).by_name
    rows = [_row(name, places.get(name), health.get(name)) for name in names]
    emit_rows(rows, output, empty="No destinations.", columns=COLUMNS)


def _row(name: str, place: Place | None, health: DestinationHealth | None) -> dict[str, Any]:
    return {
        "name": name,
        "type": place.kind.name if place else "built in",
        "accounts": _audience(place),
        "state": "left alone" if health and health.opened_at else "well" if health else "not used yet",
        "left_alone_since": health.opened_at if health else None,
        "next_try_at": health.probe_at if health else None,
        "last_sent_at": health.last_sent_at if health else None,
        "last_error": health.last_error if health and health.failures else "",
    }


def _audience(place: Place | None) -> str:
    if place is None or place.accounts is None:
        return "any"
    return ", ".join(sorted(place.accounts)) or "platform"


@app.command("kinds")
def kinds(output: Output = Format.text) -> None:
    """List the types that a destination can have."""
    rows = [{"type": kind.name, "what": kind.summary} for kind in load_kinds().values()]
    emit_rows(rows, output, empty="None.")


@app.command("check")
def check() -> None:
    """Check destinations.yml and the destinations in accounts.yml; exit 2 with every mistake and its line."""
    settings = build.settings()
    found = build.routes(settings, build.known_accounts(settings))
    typer.echo(f"{len(found.places)} destinations and {len(found.routes)} routes are right.")
    if not settings.destinations_file:
        typer.echo("HEADWATER_DESTINATIONS_FILE is not set: alerts go to the built-in destinations.", err=True)


@app.command("test")
def test(name: Annotated[str, typer.Argument(help="A destination of `destinations list`.")]) -> None:
    """Send a sample alert, marked as such, and a second message that resolves it; says what the destination answers.

    Exit 1 where it does not take them.
    """
    settings = build.settings()
    outlets = build.destinations(settings)
    destination = outlets.by_name.get(name)
    if destination is None:
        raise HeadwaterError(f"there is no destination {name}; `headwater destinations list` shows those there are")
    places = build.routes(settings, build.known_accounts(settings)).places
    place = next((place for place in places if place.name == name), None)
    account = next(iter(sorted(place.accounts or ())), "") if place else ""
    alert = sample_alert(f"test{random_id()[:28]}", utc_now(), account)
    named = outlets.router.account_name(account)
    destination.send(message_of(alert, f"{alert.alert_id}:{name}", account_name=named))
    typer.echo(f"{name} has taken alert {alert.alert_id}.")
    note = "This was a test."
    destination.send(message_of(alert, f"{alert.alert_id}:{name}:1", "resolved", account_name=named, note=note))
    typer.echo(f"{name} has taken its resolution.")
    state_destinations.forgive(build.database(settings), name)
