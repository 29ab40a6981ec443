"""headwater schema: the log types that are known, and files held against one of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import typer

from headwater.cli import build, schema_infer, schema_publish
from headwater.cli.output import Format, Output, console, emit_json, emit_rows, table
from headwater.errors import ConfigError
from headwater.ingest.check import Checked, check
from headwater.ingest.decode import decode
from headwater.model import LOCAL_BUCKET, ObjectRef, Source
from headwater.schema.describe import described, parser_name
from headwater.schema.load import load_library, load_schema
from headwater.schema.logtype import LogType
from headwater.worker.files import LOCAL_ACCOUNT, read_blocks

EXIT_UNMATCHED = 1
SHOWN_RAW = 160  # characters of a record that did not match

app = typer.Typer(help="List log types, and make, test and compare their schemas.", no_args_is_help=True)
app.command("infer")(schema_infer.infer)
app.command("diff")(schema_infer.diff)
app.command("publish")(schema_publish.publish)


@app.command("list")
def list_log_types(output: Output = Format.text) -> None:
    """List the log types: the built-in ones and those of HEADWATER_SCHEMAS."""
    rows = [
        {
            "name": each.name,
            "version": each.version,
            "parser": parser_name(each),
            "fields": len(each.fields),
            "description": each.description,
        }
        for each in sorted(_library().values(), key=lambda each: each.name)
    ]
    emit_rows(rows, output, empty="No log types.")


@app.command("show")
def show_log_type(
    name: Annotated[str, typer.Argument(help="Name of a log type.")], output: Output = Format.text
) -> None:
    """Show one log type with all its fields."""
    library = _library()
    if name not in library:
        near = get_close_matches(name, library, 1)
        fix = f"Did you mean {near[0]}?" if near else "headwater schema list shows all."
        raise ConfigError.one("NAME", f"no log type {name!r}", fix=fix)
    shown = described(library[name])
    if output is Format.json:
        emit_json(shown)
        return
    typer.echo(f"{name} (version {shown['version']}): {shown['description']}")
    for label in ("reference_url", "key_pattern", "parser"):
        if shown[label]:
            typer.echo(f"{label}: {shown[label]}")
    console().print(table(shown["fields"], ("name", "type", "required", "indicators", "description")))


@app.command("test")
def check_file(
    schema: Annotated[str, typer.Argument(help="A schema file, or the name of a log type.")],
    file: Annotated[Path, typer.Argument(help="A log file, as it is delivered.", exists=True, dir_okay=False)],
    output: Output = Format.text,
    limit: Annotated[int, typer.Option(min=0, help="How many rows of each kind to show.")] = 20,
) -> None:
    """Read a file by a schema and show which rows match, which do not, and why. Exit 1: some do not."""
    log_type = _log_type(schema)
    settings = build.settings(quiet=True)
    ref = ObjectRef(LOCAL_BUCKET, str(file.absolute()))
    source = Source(LOCAL_ACCOUNT, "local", "files", LOCAL_BUCKET)
    chunks = decode(read_blocks(file), max_bytes=settings.max_object_bytes, key=ref.key)
    checked = check(log_type, ref, source, chunks, datetime.now(UTC), limit)
    if output is Format.json:
        emit_json({"schema": log_type.name, "file": str(file), **_as_json(checked)})
    else:
        _print(log_type, checked)
    if checked.unmatched:
        raise typer.Exit(EXIT_UNMATCHED)


def _log_type(schema: str) -> LogType:
    """A schema file; the name of a log type where there is no such file."""
    path = Path(schema)
    if path.is_file() or path.suffix in (".yml", ".yaml"):
        return load_schema(path)
    library = _library()
    if schema in library:
        return library[schema]
    fix = "Name a file, or a log type of: headwater schema list."
    raise ConfigError.one("SCHEMA", f"neither a file nor a log type: {schema!r}", fix=fix)


def _library() -> Mapping[str, LogType]:
    return load_library(build.settings(quiet=True).schemas)


def _as_json(checked: Checked) -> dict[str, Any]:
    return {
        "matched": checked.matched,
        "unmatched": checked.unmatched,
        "rows": checked.events,
        "rejects": [{"row": each.row, "reason": each.reason, "raw": each.raw} for each in checked.rejects],
    }


def _print(log_type: LogType, checked: Checked) -> None:
    declared = [field.name for field in log_type.fields]
    if checked.events:
        rows = [{name: event.get(name) for name in ("p_event_time", *declared)} for event in checked.events]
        filled = [name for name in ("p_event_time", *declared) if any(row[name] is not None for row in rows)]
        console().print(table(rows, filled, title="Rows that match"))
    if checked.rejects:
        rows = [{"row": each.row, "reason": each.reason, "raw": each.raw[:SHOWN_RAW]} for each in checked.rejects]
        console().print(table(rows, title="Rows that do not match"))
    typer.echo(f"{checked.matched} rows match {log_type.name}, {checked.unmatched} do not.")
