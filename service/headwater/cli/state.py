"""headwater state."""

from __future__ import annotations

from typing import Annotated

import typer

from headwater.aws import rds
from headwater.cli import build
from headwater.errors import ConfigError
from headwater.state.database import open_database
from headwater.state.login import as_user, create_login, user_of

app = typer.Typer(help="Prepare the state database.", no_args_is_help=True)


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
