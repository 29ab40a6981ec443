"""headwater detections new, registered by cli/detections.py."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from headwater.cli import build
from headwater.cli.output import Format, Output, emit_json
from headwater.detect.scaffold import scaffold
from headwater.errors import ConfigError, HeadwaterError, ObjectError
from headwater.ingest.rows import row_dicts
from headwater.model import LOCAL_BUCKET, ObjectRef, Source
from headwater.pipeline import digest, open_object
from headwater.schema.logtype import LogType
from headwater.settings import Settings
from headwater.worker.files import LOCAL_ACCOUNT, read_blocks


def new(
    rule_id: Annotated[str, typer.Option("--id", help="Id of the new rule, such as Team.Topic.WhatHappened.")],
    log_type: Annotated[str, typer.Option(help="Log type of its events.")],
    sample: Annotated[
        Path,
        typer.Option("--from", help="A log file whose first event the rule is to detect.", exists=True, dir_okay=False),
    ],
    folder: Annotated[Path, typer.Option("--dir", help="Where to write the files.", file_okay=False)] = Path(),
    output: Output = Format.text,
) -> None:
    """Write a rule, its YAML and two tests from a sample event, as a point to start from; never overwrites.

    The sample is read as the service reads logs of that type, compressed or not.
    """
    try:
        made = scaffold(rule_id, log_type, _event(sample, log_type))
    except ValueError as error:
        raise ConfigError.one(str(sample), str(error)) from error
    files = {folder / f"{made.stem}.py": made.python, folder / f"{made.stem}.yml": made.yaml}
    taken = [str(path) for path in files if path.exists()]
    if taken:
        raise HeadwaterError(f"{', '.join(taken)} is there already; choose another --id or --dir")
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    if output is Format.json:
        emit_json({"rule_id": rule_id, "files": [str(path) for path in files]})
    else:
        typer.echo("\n".join(f"Wrote {path}" for path in files))
        typer.echo(f"Next: headwater detections test {folder}")


def _event(sample: Path, log_type: str) -> dict[str, Any]:
    """The first row of the sample; where that cannot be had, its first JSON object, with a warning."""
    settings = build.settings(quiet=True)
    known = build.library(settings).get(log_type)
    if known is None:
        why = f"the service knows no log type {log_type!r}"
    else:
        rows, why = _rows(sample, known, settings)
        if rows:
            return rows[0]
    event = _first_object(sample.read_bytes())
    typer.echo(f"warning: {sample}: {why}; its first JSON object is taken as it stands", err=True)
    return event


def _rows(sample: Path, log_type: LogType, settings: Settings) -> tuple[list[dict[str, Any]], str]:
    """The rows of a file of one log type, or why there are none."""
    library = build.library(settings)
    source = Source(LOCAL_ACCOUNT, "local", "files", LOCAL_BUCKET, log_types=(log_type.name,))
    ref = ObjectRef(LOCAL_BUCKET, str(sample.absolute()), etag=sample.name)
    try:
        opened = open_object(ref, source, read_blocks(sample), library, max_bytes=settings.max_object_bytes)
    except ObjectError as error:
        return [], str(error)
    made = digest([opened], library, None, datetime.now(UTC))
    rows = [row for batch in made.batches if batch.log_type == log_type.name for row in row_dicts(batch.table, [0])]
    reasons = [reject.reason for reject in made.rejects]
    return rows, f"no row of {log_type.name}" + (f" ({reasons[0]})" if reasons else "")


def _first_object(text: bytes) -> dict[str, Any]:
    """The first event of a JSON document, of {"Records": […]}, of an array, or of JSON lines."""
    for candidate in (text, text.split(b"\n", 1)[0]):
        try:
            value = orjson.loads(candidate)
        except orjson.JSONDecodeError:
            continue
        if isinstance(value, dict) and isinstance(value.get("Records"), list):
            value = value["Records"]
        if isinstance(value, list):
            value = value[0] if value else None
        if isinstance(value, dict):
            return value
    raise ValueError("holds no event of that log type and no JSON object")
