"""headwater objects."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from headwater.cli import build
from headwater.cli.choose import AccountOption, SourceOption, choose
from headwater.cli.output import Format, Output, emit_json, emit_rows
from headwater.cli.since import since as parse_since
from headwater.errors import HeadwaterError
from headwater.settings import Settings
from headwater.state import objects
from headwater.state.objects import Chosen, Recorded
from headwater.worker.committer import utc_now

app = typer.Typer(help="Look at the log objects that the service knows.", no_args_is_help=True)
COLUMNS = ("id", "status", "updated_at", "source_id", "object", "kind", "reason", "rows")
SHORT = 12


@app.command("list")
def list_objects(
    text: Annotated[str | None, typer.Argument(help="Part of the key, or the beginning of an id.")] = None,
    output: Output = Format.text,
    failed: Annotated[bool, typer.Option("--failed", help="Only those that were given up.")] = False,
    account: AccountOption = None,
    source: SourceOption = None,
    kind: Annotated[str | None, typer.Option(help="Only those that failed so: truncated, AccessDenied …")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only those of since then: 30m, 2h, 7d, or an ISO 8601 time.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="The latest N.")] = 100,
) -> None:
    """List objects, the latest first, with what became of them."""
    settings = build.settings()
    chosen = chosen_objects(settings, failed or bool(kind), account, source, kind, since, text)
    rows = [_row(each) for each in objects.find(build.database(settings), chosen, limit)]
    emit_rows(rows, output, empty="No objects.", columns=COLUMNS)


@app.command("show")
def show(
    object_: Annotated[
        str, typer.Argument(metavar="OBJECT", help="The beginning of its id, its key, or s3://bucket/key.")
    ],
    output: Output = Format.text,
) -> None:
    """Show one object: where it lies, what became of it, and why it failed."""
    found = objects.find(build.database(build.settings()), Chosen(text=key_of(object_)), 2)
    if len(found) != 1:
        many = "several objects fit" if found else "there is no object"
        raise HeadwaterError(f"{many} {object_}; `headwater objects list {object_}` shows those there are")
    told = asdict(found[0]) | _row(found[0]) | {"id": found[0].ref.object_id}
    told = {name: value for name, value in told.items() if name not in ("ref", "rows")}
    if output is Format.json:
        emit_json(told)
        return
    for name, value in told.items():
        typer.echo(f"{name:>11}  {value}")


def chosen_objects(
    settings: Settings,
    failed: bool,
    account: str | None,
    source: str | None,
    kind: str | None,
    since: str | None,
    text: str | None = None,
) -> Chosen:
    """Which objects are meant by the options of a command."""
    wanted: tuple[str, ...] = ()
    if account or source:
        wanted = tuple(each.source_id for each in choose(build.accounts(settings), account, source))
    return Chosen(
        status="failed" if failed else None,
        source_ids=wanted,
        kind=kind or "",
        since=parse_since(since, utc_now()),
        text=key_of(text or ""),
    )


def key_of(text: str) -> str:
    """The key of an s3:// URL, or of a path; any other text as it is."""
    if text.startswith("s3://"):
        return text.removeprefix("s3://").partition("/")[2]
    return str(Path(text).absolute()) if text and Path(text).is_file() else text


def _row(each: Recorded) -> dict[str, Any]:
    return {
        "id": each.ref.object_id[:SHORT],
        "status": each.status,
        "updated_at": each.updated_at,
        "source_id": each.source_id,
        "object": each.ref.url,
        "version_id": each.ref.version_id,
        "etag": each.ref.etag,
        "size_bytes": each.ref.size_bytes,
        "kind": each.kind,
        "reason": each.reason,
        "attempts": each.attempts,
        "rows": each.rows_out,
    }
