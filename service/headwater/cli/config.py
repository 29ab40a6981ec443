"""headwater config."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headwater.accounts.describe import describe
from headwater.accounts.lock import lock_path
from headwater.aws import s3
from headwater.cli import build
from headwater.cli.output import Format, Output, emit_json, emit_rows

app = typer.Typer(help="Check and publish accounts.yml.", no_args_is_help=True)


@app.command("check")
def check(
    file: Annotated[Path | None, typer.Argument(help="accounts.yml; default: HEADWATER_ACCOUNTS_FILE.")] = None,
    output: Output = Format.text,
) -> None:
    """Check accounts.yml and print what it resolves to. Exit 2: problems, each with file:line:key and the fix."""
    settings = build.settings()
    accounts = build.accounts(settings, file)
    if output is Format.json:
        emit_json(describe(accounts))
        return
    rows = [
        {
            "account": f"{source.account_name} ({source.account_id})",
            "source": source.name,
            "bucket": f"s3://{source.bucket}/{source.prefix}",
            "region": source.region,
            "log_types": ", ".join(source.log_types) or "automatic",
            "role": source.role_arn,
            "external_id": "set" if source.external_id else "made by onboarding",
        }
        for source in accounts.sources
    ]
    emit_rows(rows, output, empty="accounts.yml has no sources.")
    typer.echo(f"OK: {len(accounts.accounts)} accounts, {len(accounts.sources)} sources.")


@app.command("publish")
def publish(
    url: Annotated[str, typer.Argument(help="s3:// URL; the accounts_file output of terraform/modules/platform.")],
    file: Annotated[Path, typer.Option(help="The accounts.yml to publish.", exists=True)] = Path("accounts.yml"),
) -> None:
    """Check accounts.yml and put it, with its lock file, where the service reads it."""
    settings = build.settings()
    accounts = build.accounts(settings, file)
    s3.write_text(url, file.read_text(), settings.region)
    lock = lock_path(file)
    if lock.exists():
        s3.write_text(build.lock_url(url), lock.read_text(), settings.region)
    typer.echo(f"Published {len(accounts.accounts)} accounts to {url}. Restart the service to use them.")
