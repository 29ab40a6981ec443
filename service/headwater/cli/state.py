"""headwater state."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from headwater.aws import rds
from headwater.cli import build
from headwater.cli.output import Format, Output, emit_json
from headwater.errors import ConfigError
from headwater.state import migrate as migrations
from headwater.state.database import Database, connect, open_database, query, upgrade
from headwater.state.login import as_user, create_login, user_of
from headwater.state.transfer import copy_all

app = typer.Typer(help="Prepare and migrate the state database.", no_args_is_help=True)
ADVICE = {
    "current": "Nothing to do.",
    "behind": "headwater state migrate brings it up to date; so does the next start, unless "
    "HEADWATER_STATE_MIGRATE=check.",
    "newer": "A newer release has migrated it; this release refuses it.",
}


@app.command()
def prepare(
    admin_secret: Annotated[
        str, typer.Option(metavar="ARN", help="Secret of the database's administrator: output admin_secret_arn.")
    ],
) -> None:
    """Create the login of HEADWATER_STATE_URL in a database of RDS, so that IAM logs the service in; safe to repeat."""
    settings = build.settings()
    user = user_of(settings.state_url) if settings.state_url else None
    if not settings.state_url or not user:
        raise ConfigError.one(
            "environment",
            "HEADWATER_STATE_URL names no user",
            fix="Set it to the output url of the state module: postgresql://headwater@host:5432/headwater?sslmode=require",
        )
    admin, password = rds.read_login(admin_secret, settings.region)
    is_new = create_login(open_database(as_user(settings.state_url, admin, password)), user)
    typer.echo(f"{'Created' if is_new else 'Found'} the login {user}; it logs in by IAM.")


@app.command()
def status(output: Output = Format.text) -> None:
    """Show which schema the state database has, and which one this release needs. Exit 1: they differ."""
    database = _open()
    found = query(database, migrations.status, patience_s=0)
    _show(database, found, output)
    if found.kind != "current":
        raise typer.Exit(1)


@app.command()
def migrate(output: Output = Format.text) -> None:
    """Bring the state database to the schema of this release; safe to repeat, and while workers run."""
    database = _open()
    before = upgrade(database)
    if output is Format.json:
        emit_json({"before": before.version, "was": before.kind, "version": before.head})
    elif before.kind == "current":
        typer.echo(f"The schema is {before.head} already; nothing to do.")
    else:
        typer.echo(f"Migrated the schema from {before.version or before.kind} to {before.head}.")


@app.command()
def copy(
    to: Annotated[str, typer.Option(metavar="URL", help="SQLAlchemy URL of an empty database: postgresql://…")],
    output: Output = Format.text,
) -> None:
    """Copy the state database into an empty one, to move from SQLite to PostgreSQL; stop all workers before."""
    made = build.settings()
    target = connect(to, rds.token_maker(to, made.region) if made.state_iam_auth else None)
    copied = {name: rows for name, rows in copy_all(build.database(made), target).items() if rows}
    if output is Format.json:
        emit_json(copied)
    else:
        typer.echo(f"Copied {sum(copied.values())} rows of {len(copied)} tables. Now set HEADWATER_STATE_URL to it.")


def _open() -> Database:
    made = build.settings()
    return open_database(made.resolved_state_url, build.state_password(made))


def _show(database: Database, found: migrations.SchemaStatus, output: Format) -> None:
    shown: dict[str, Any] = {
        "database": database.url.render_as_string(hide_password=True),
        "version": found.version,
        "needed": found.head,
        "state": found.kind,
    }
    if output is Format.json:
        emit_json(shown)
        return
    for name, value in shown.items():
        typer.echo(f"{name:<9} {value or '-'}")
    typer.echo(ADVICE.get(found.kind, ADVICE["behind"]))
