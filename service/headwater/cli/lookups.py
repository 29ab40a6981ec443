"""headwater lookups."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from headwater.cli import build
from headwater.cli.output import Format, Output, emit_json, emit_rows
from headwater.errors import HeadwaterError
from headwater.worker.committer import utc_now
from headwater.worker.lookups import TableState

app = typer.Typer(help="Show the tables that enrich events.", no_args_is_help=True)
COLUMNS = ("name", "state", "rows", "skipped", "key", "matching", "bytes", "age_min", "log_types", "origin", "error")


@app.command("list")
def list_tables(output: Output = Format.text) -> None:
    """Load every enabled lookup table, from here, and show what became of it."""
    tables = build.lookup_tables(build.settings(quiet=True))
    now = utc_now()
    tables.refresh(now)
    rows = [_row(state, now) for state in sorted(tables.states, key=lambda state: state.spec.name)]
    emit_rows(rows, output, empty="No lookup tables.", columns=COLUMNS if output is Format.text else ())


@app.command("get")
def get(
    table: Annotated[str, typer.Argument(help="Name of a lookup table.")],
    key: Annotated[str, typer.Argument(help="A primary key; an address, where the keys are networks.")],
) -> None:
    """Print the row that events with this value are enriched with, as JSON. Exit 1: there is none."""
    tables = build.lookup_tables(build.settings(quiet=True))
    tables.refresh(utc_now(), lambda spec: spec.name == table)
    state = next((each for each in tables.states if each.spec.name == table), None)
    if state is None:
        names = ", ".join(sorted(each.spec.name for each in tables.states)) or "there are none"
        raise HeadwaterError(f"no lookup table {table!r}; use one of: {names}")
    if state.lookup is None:
        raise HeadwaterError(f"lookup table {table} is {state.health}" + (f": {state.error}" if state.error else ""))
    row = state.lookup.row(key)
    if row is None:
        raise HeadwaterError(f"lookup table {table} has no row for {key!r}")
    emit_json(row)


def _row(state: TableState, now: datetime) -> dict[str, Any]:
    lookup = state.lookup
    return {
        "name": state.spec.name,
        "state": state.health,
        "rows": len(lookup.table) if lookup else None,
        "skipped": lookup.skipped if lookup else None,
        "reason": lookup.reason if lookup else "",
        "key": state.spec.primary_key,
        "matching": lookup.table.matching if lookup else "",
        "bytes": lookup.size_bytes if lookup else None,
        "age_min": int((now - state.made_at).total_seconds() // 60) if state.made_at else None,
        "log_types": sorted(state.spec.selectors),
        "origin": state.spec.origin,
        "error": state.error,
    }
