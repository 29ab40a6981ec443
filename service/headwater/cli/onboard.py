"""headwater onboard."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from headwater.accounts import Accounts
from headwater.accounts.lock import read_lock
from headwater.cli import build, onboard_adopt
from headwater.cli.output import Format, Output, emit_rows, steps
from headwater.errors import HeadwaterError
from headwater.onboard import cloudformation, driver
from headwater.onboard.arrival import Arrivals
from headwater.onboard.driver import Action, Progress, Row, Setup
from headwater.onboard.plan import AccountPlan, orphans, plan
from headwater.onboard.sessions import Sessions
from headwater.settings import Settings

app = typer.Typer(
    help="Make, check and remove the roles of the customer accounts in accounts.yml. One Terraform state per account.",
    no_args_is_help=True,
)
Accounts_ = Annotated[list[str] | None, typer.Argument(help="Account ids or names; default: all of accounts.yml.")]
Parallel = Annotated[int, typer.Option(min=1, max=32, help="Accounts at a time; each takes about 400 MB of memory.")]
Bucket = Annotated[
    str | None, typer.Option(help="S3 bucket of the Terraform states; default: files in HEADWATER_HOME.")
]
Template = Annotated[bool, typer.Option("--cloudformation", help="Use the CloudFormation stack instead of Terraform.")]
COLUMNS = ("account_id", "account_name", "outcome", "seconds", "detail")


def _setup(settings: Settings, accounts: Accounts, bucket: str | None, parallel: int, progress: Progress) -> Setup:
    return driver.setup_for(
        settings.home,
        Path(settings.accounts_file),
        Sessions(accounts.central.region),
        environment=os.environ,
        backend_bucket=bucket,
        progress=progress,
        parallelism=parallel,
    )


def _plans(settings: Settings, accounts: Accounts, only: list[str] | None, setup: Setup) -> tuple[AccountPlan, ...]:
    locked = read_lock(setup.lock_file)
    for account_id in orphans(accounts, locked):
        typer.echo(
            f"note: {account_id} is onboarded but not in {settings.accounts_file}; "
            "put it back and run `headwater onboard destroy` to remove it",
            err=True,
        )
    return plan(accounts, locked, only or ())


def _report(rows: Sequence[Row], output: Format) -> None:
    """The table of what became of each account. Exit 1: an account failed."""
    shown: list[dict[str, Any]] = [{**asdict(row), "seconds": round(row.elapsed_s, 1)} for row in rows]
    emit_rows(shown, output, empty="accounts.yml has no accounts.", columns=COLUMNS)
    if any(row.outcome == "failed" for row in rows):
        raise typer.Exit(1)


def _run(
    action: Action,
    only: list[str] | None,
    output: Format,
    bucket: str | None,
    parallel: int,
    *,
    stack: bool = False,
) -> None:
    settings = build.settings(quiet=True)
    accounts = build.accounts(settings)
    with steps() as progress:
        setup = _setup(settings, accounts, bucket, parallel, progress)
        plans = _plans(settings, accounts, only, setup)
        rows = (
            cloudformation.run(action, plans, setup)
            if stack and (action == "apply" or action == "destroy")
            else driver.run(action, plans, setup)
        )
    _report(rows, output)


@app.command("plan")
def plan_accounts(
    only: Accounts_ = None, output: Output = Format.text, state_bucket: Bucket = None, parallel: Parallel = 4
) -> None:
    """Show what Terraform would change in each account; changes nothing."""
    _run("plan", only, output, state_bucket, parallel)


@app.command()
def status(
    only: Accounts_ = None, output: Output = Format.text, state_bucket: Bucket = None, parallel: Parallel = 4
) -> None:
    """Show how each account differs from accounts.yml: what was changed by hand, and what was not applied yet."""
    _run("status", only, output, state_bucket, parallel)


@app.command("import")
def import_role(
    only: Annotated[list[str], typer.Argument(help="Account ids or names.")],
    output: Output = Format.text,
    state_bucket: Bucket = None,
    parallel: Parallel = 4,
) -> None:
    """Take reader roles that exist already into the accounts' Terraform states."""
    _run("import", only, output, state_bucket, parallel)


@app.command()
def apply(
    only: Accounts_ = None,
    output: Output = Format.text,
    state_bucket: Bucket = None,
    parallel: Parallel = 4,
    stack: Template = False,
) -> None:
    """Make or update the role and the notifications of each account; one that fails does not stop the others."""
    _run("apply", only, output, state_bucket, parallel, stack=stack)


@app.command()
def verify(
    only: Accounts_ = None,
    output: Output = Format.text,
    parallel: Parallel = 8,
    send: Annotated[bool, typer.Option("--send/--no-send", help="Send a test message through every topic.")] = True,
) -> None:
    """Prove each account: its role opens with its ExternalId and refuses any other, lists, reads and decrypts; and a
    new object would be announced to the queue, by every policy on the way and by a test message. Changes nothing."""
    settings = build.settings(quiet=True)
    accounts = build.accounts(settings)
    chosen = [account for account in accounts.accounts if not only or account.id in only or account.name in only]
    arrivals = Arrivals(build.database(settings) if settings.state_url else None) if send else None
    with steps() as progress:
        setup = _setup(settings, accounts, None, parallel, progress)
        rows = driver.run_verify(chosen, accounts.central, setup, arrivals)
    if output is Format.text:
        emit_rows(_checks(rows), output, empty="accounts.yml has no accounts.")
    _report(rows, output)


def _checks(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """A row for each thing that was tried."""
    return [
        {
            "account": row.account_name,
            "check": check.name,
            "result": check.result,
            "detail": check.detail,
            "fix": check.fix,
        }
        for row in rows
        for check in row.checks
    ]


@app.command()
def destroy(
    only: Annotated[list[str], typer.Argument(help="Account ids or names.")],
    output: Output = Format.text,
    state_bucket: Bucket = None,
    parallel: Parallel = 4,
    stack: Template = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove the role and the notifications of the named accounts; no other account is touched."""
    if not yes and not typer.confirm(f"Remove Headwater from {', '.join(only)}?"):
        raise HeadwaterError("nothing was removed")
    _run("destroy", only, output, state_bucket, parallel, stack=stack)


app.command("discover")(onboard_adopt.discover)
app.command("link")(onboard_adopt.link)
