"""headwater demo."""

from __future__ import annotations

import time
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from headwater.accounts import Accounts
from headwater.cli import build
from headwater.cli.output import console, table
from headwater.cli.serve import make_worker
from headwater.demo.run import Summary, run_demo
from headwater.lake.query import query
from headwater.settings import Settings
from headwater.state import alerts as state_alerts
from headwater.state.sources import source_totals

TRY = "SELECT eventName, count(*) AS n FROM logs.aws_cloudtrail GROUP BY 1 ORDER BY 2 DESC"


def demo(
    no_terraform: Annotated[
        bool, typer.Option("--no-terraform", help="Make the roles through the CloudFormation templates.")
    ] = False,
) -> None:
    """Run the main job end to end against a local AWS of three accounts; about two minutes, nothing leaves the machine.

    Needs the extra `demo` (pip install 'headwater[demo]') and, without --no-terraform, Terraform.
    """
    started = time.monotonic()
    settings = build.settings(quiet=True)
    screen = console(pipe_width=140)
    summary = run_demo(settings.home, use_terraform=not no_terraform, console=screen, drain=_drain)
    totals = _report(summary, screen)
    typer.echo(orjson.dumps({**totals, "seconds": round(time.monotonic() - started, 1)}).decode())


def _drain(settings: Settings, accounts: Accounts) -> None:
    make_worker(settings, accounts).run(once=True)


def _report(summary: Summary, screen: Console) -> dict[str, Any]:
    """Print what came of it; gives the totals."""
    database = build.database(summary.settings)
    names = {source.source_id: source.account_name for source in summary.accounts.sources}
    counters = source_totals(database)
    screen.print(table([
        {
            "account": f"{names[counter.source_id]} ({counter.source_id.split('/')[0]})",
            "log type": counter.log_type,
            "objects": counter.objects,
            "rows": counter.rows_out,
            "rejects": counter.rejects,
        }
        for counter in counters
    ], title="What the lake holds"))  # fmt: skip
    alerts = state_alerts.list_alerts(database, limit=100)
    screen.print(table([
        {"severity": a.severity, "account": a.account_id, "matches": a.match_count, "alert": a.title} for a in alerts
    ], title="Alerts"))  # fmt: skip
    rejects = query(build.catalog(summary.settings), "SELECT key, row, reason FROM monitor.rejects").to_pylist()
    for reject in rejects:
        screen.print(f"Rejected: {reject['key']} row {reject['row']}: {reject['reason']}", markup=False)
    home = summary.settings.home
    screen.print(f"\nThe lake lies in {summary.settings.resolved_warehouse}. Try:", markup=False, soft_wrap=True)
    screen.print(f'  HEADWATER_HOME={home} headwater query "{TRY}"\n', markup=False, soft_wrap=True)
    return {
        "accounts": len(summary.accounts.accounts),
        "objects": sum(counter.objects for counter in counters),
        "rows_in": sum(counter.rows_in for counter in counters),
        "rows_out": sum(counter.rows_out for counter in counters),
        "rejects": sum(counter.rejects for counter in counters),
        "alerts": len(alerts),
    }
