"""headwater lake."""

from __future__ import annotations

import getpass
import time
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from headwater.accounts import Accounts
from headwater.cli import build
from headwater.cli.output import Format, Output, emit_json, emit_rows
from headwater.errors import ConfigError
from headwater.lake.compact import compact as compact_tables
from headwater.lake.files import clean_up
from headwater.lake.retention import retain
from headwater.lake.status import status as lake_status
from headwater.lake.tables import table_names
from headwater.settings import Settings
from headwater.state import chores
from headwater.worker.committer import utc_now
from headwater.worker.erase import Report, Request, erase_account
from headwater.worker.tidy import lake_turn, next_runs, orphans_before

app = typer.Typer(help="Look at the tables of the lake, tidy them up, delete an account's data.", no_args_is_help=True)
EXIT_INCOMPLETE = 3
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")]
STATUS = ("table", "rows", "files", "MB", "average_MB", "snapshots", "oldest", "newest", "to_compact")


@app.command()
def status(output: Output = Format.text) -> None:
    """What the tables hold, what a compaction would join, and when the service tidies up next."""
    settings = build.settings()
    now = utc_now()
    tables = [asdict(each) for each in lake_status(build.catalog(settings), now)]
    last = chores.last_done(build.database(settings))
    mine = {f"lake.{name}" for name in settings.lake_upkeep}
    runs = [
        {"upkeep": name, "last": last.get(name), "next": at if name in mine else None}
        for name, at in next_runs(last, now).items()
    ]
    if output is Format.json:
        emit_json({"tables": tables, "upkeep": runs})
        return
    emit_rows([_readable(each) for each in tables], output, empty="The lake has no tables yet.", columns=STATUS)
    emit_rows([_told(each, now) for each in runs], output, empty="")


def _readable(table: dict[str, Any]) -> dict[str, Any]:
    return table | {"MB": round(table["size_bytes"] / 1e6, 1), "average_MB": round(table["average_bytes"] / 1e6, 2)}


def _told(run: dict[str, Any], now: datetime) -> dict[str, Any]:
    at = run["next"]
    told = "never: HEADWATER_LAKE_UPKEEP" if at is None else "when a worker is idle" if at <= now else at
    return run | {"last": run["last"] or "never", "next": told}


@app.command("compact")
def compact_command(
    table: Annotated[list[str] | None, typer.Option(help="Only this table, such as logs.aws_cloudtrail.")] = None,
    minutes: Annotated[float, typer.Option(min=0, help="Stop after so long; the rest is left.")] = 60,
    dry_run: DryRun = False,
    output: Output = Format.text,
) -> None:
    """Join small files of an hour into large ones, sorted by time. No row changes; writers need not stop."""
    settings = build.settings(quiet=True)
    store = build.store(settings)
    names = _known(table or [], table_names(store.catalog))
    until = time.monotonic() + 60 * minutes
    with lake_turn(store, build.worker_id(), utc_now) as renew:
        made = compact_tables(
            store.catalog,
            utc_now(),
            tables=names,
            dry_run=dry_run,
            go_on=lambda: time.monotonic() < until and renew(),
        )
    emit_rows([asdict(each) for each in made], output, empty="The lake has no tables yet.")


def _known(wanted: list[str], there: tuple[str, ...]) -> list[str]:
    for name in wanted:
        if name not in there:
            raise ConfigError.one("--table", f"no table {name!r}", fix=f"Use one of: {', '.join(there)}.")
    return wanted


@app.command()
def orphans(
    delete: Annotated[bool, typer.Option("--delete", help="Delete them; without it they are only listed.")] = False,
    older_than_h: Annotated[
        float | None, typer.Option(min=1, help="Only files this many hours old; default: HEADWATER_LAKE_ORPHAN_H.")
    ] = None,
    output: Output = Format.text,
) -> None:
    """Files under the tables that no snapshot names: of writers that were killed, and of forgotten snapshots.

    Files of batches that are being written are never among them.
    """
    settings = build.settings(quiet=True)
    store, now = build.store(settings), utc_now()
    before = orphans_before(store, older_than_h or settings.lake_orphan_h, now)
    with lake_turn(store, build.worker_id(), utc_now) as renew:
        found = clean_up(store.catalog, before, dry_run=not delete, go_on=renew)
    emit_rows([asdict(each) for each in found], output, empty="No such files.")


@app.command()
def retention(dry_run: DryRun = False, output: Output = Format.text) -> None:
    """Drop the rows that are older than accounts.yml wants them kept; the service does the same every six hours."""
    settings = build.settings(quiet=True)
    store, accounts = build.store(settings), build.accounts(settings)
    with lake_turn(store, build.worker_id(), utc_now) as renew:
        dropped = retain(store.catalog, accounts, utc_now(), go_on=renew, dry_run=dry_run)
    emit_rows([asdict(each) for each in dropped], output, empty="accounts.yml limits nothing: rows are kept for ever.")


@app.command("delete-account")
def delete_account(
    account: Annotated[str, typer.Argument(help="Id of the account: 12 digits.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it; there is no way back.")] = False,
    dry_run: DryRun = False,
    still_collected: Annotated[
        bool, typer.Option("--still-collected", help="Also where accounts.yml has the account: new rows will follow.")
    ] = False,
    everything_remembered: Annotated[
        bool,
        typer.Option("--everything-remembered", help="Forget what detections remember, of all accounts."),
    ] = False,
    by: Annotated[str | None, typer.Option(help="Who does this, for the report; default: the login name.")] = None,
    wait_s: Annotated[float, typer.Option(min=0, help="How long to wait for objects that are being written.")] = 60,
    report: Annotated[Path | None, typer.Option(help="Write the report to this file too.")] = None,
) -> None:
    """Delete all data of one account: rows, matches, rejects, alerts, state, and every file that held them.

    Take the account out of accounts.yml first. Prints the report as JSON. Exit 3: something is left; run it again.
    """
    settings = build.settings(quiet=True)
    if not yes and not dry_run:
        raise ConfigError.one("--yes", f"this deletes all data of account {account}", fix="Add --yes, or --dry-run.")
    if not (account.isdecimal() and len(account) == 12):
        raise ConfigError.one("ACCOUNT", f"{account!r} is not an account id", fix="Use its 12 digits.")
    if not still_collected and not dry_run:
        _require_gone(account, settings)
    wanted = Request(account, by or getpass.getuser(), build.worker_id(), everything_remembered, dry_run)
    made = erase_account(build.store(settings), settings.resolved_alerts_file, wanted, wait_s=wait_s)
    _print(made, report)
    if not made.complete and not dry_run:
        raise typer.Exit(EXIT_INCOMPLETE)


def _require_gone(account: str, settings: Settings) -> None:
    accounts: Accounts | None = None
    if settings.accounts_file.startswith("s3://") or Path(settings.accounts_file).exists():
        accounts = build.accounts(settings)
    if accounts is not None and accounts.account(account) is not None:
        raise ConfigError.one(
            settings.accounts_file,
            f"account {account} is still collected",
            fix="Take it out (`headwater onboard destroy`), publish, restart the service; or add --still-collected.",
        )


def _print(made: Report, path: Path | None) -> None:
    emit_json(made.json())
    if path is not None:
        path.write_bytes(orjson.dumps(made.json(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
