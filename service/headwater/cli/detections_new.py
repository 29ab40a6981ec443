"""headwater detections new."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from headwater.cli.output import Format, Output, emit_json
from headwater.detect.scaffold import scaffold
from headwater.errors import HeadwaterError


def new(
    rule_id: Annotated[str, typer.Option("--id", help="Id of the new rule, such as Team.Topic.WhatHappened.")],
    log_type: Annotated[str, typer.Option(help="Log type of its events.")],
    sample: Annotated[
        Path,
        typer.Option("--from", help="A file whose first JSON object is an event that it should detect.", exists=True),
    ],
    folder: Annotated[Path, typer.Option("--dir", help="Where to write the files.")] = Path(),
    output: Output = Format.text,
) -> None:
    """Write a rule, its YAML and two tests from a sample event; never overwrites."""
    try:
        made = scaffold(rule_id, log_type, _first_event(sample))
    except ValueError as error:
        raise HeadwaterError(str(error)) from error
    files = {folder / f"{made.stem}.py": made.python, folder / f"{made.stem}.yml": made.yaml}
    taken = [str(path) for path in files if path.exists()]
    if taken:
        raise HeadwaterError(f"{', '.join(taken)} is there already; choose another --id or --dir")
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        path.write_text(text, "utf-8")
    if output is Format.json:
        emit_json({"rule_id": rule_id, "files": list(files)})
    else:
        typer.echo("\n".join(f"Wrote {path}" for path in files))
        typer.echo(f"Next: headwater detections test {folder}")


def _first_event(file: Path) -> dict[str, Any]:
    """The first event of a JSON document, of {"Records": […]}, of an array, or of JSON lines."""
    text = file.read_bytes()
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
    raise ValueError(f"{file} holds no JSON object")
