"""headwater detections."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from headwater.cli import build, detections_health, detections_new, detections_test
from headwater.cli.detections_test import Folder, Ids, Kinds, LogTypes, Severities, Tags, make_selector
from headwater.cli.output import Format, Output, emit_json, emit_rows
from headwater.detect.correlation import Correlation
from headwater.detect.lint import remarks
from headwater.detect.load import Detection, Pack, load_pack
from headwater.detect.unit_tests import testable
from headwater.errors import DetectionError, Problem

app = typer.Typer(help="Write, test, list and watch detections.", no_args_is_help=True)
COLUMNS = ("id", "kind", "severity", "enabled", "log_types", "tests", "name")


def _pack(path: Path | None) -> Pack:
    if path is not None:
        return load_pack((path,))
    return build.selection(build.settings(quiet=True)).load()


@app.command("list")
def list_detections(
    path: Folder = None,
    output: Output = Format.text,
    ids: Ids = None,
    log_type: LogTypes = None,
    severity: Severities = None,
    tag: Tags = None,
    kind: Kinds = None,
    enabled: Annotated[
        bool | None, typer.Option("--enabled/--disabled", help="Only those that run, or do not.")
    ] = None,
) -> None:
    """List detections."""
    found = testable(_pack(path), make_selector(ids, log_type, severity, tag, kind))
    rows = [_row(one) for one in sorted(found, key=lambda one: one.rule_id) if enabled in (None, one.enabled)]
    emit_rows(rows, output, empty="No detections.", columns=COLUMNS)


def _row(one: Detection | Correlation) -> dict[str, Any]:
    return {
        "id": one.rule_id,
        "kind": one.spec.kind,
        "severity": one.severity,
        "enabled": one.enabled,
        "log_types": list(one.log_types) if isinstance(one, Detection) else [],
        "tests": len(one.tests),
        "name": one.spec.data.get("DisplayName") or "",
        "tags": list(one.tags),
        "file": str(one.spec.file),
        "inputs": sorted(one.inputs) if isinstance(one, Correlation) else [],
    }


@app.command()
def lint(
    path: Folder = None,
    output: Output = Format.text,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 on warnings too.")] = False,
) -> None:
    """Check the files of detections and how they are written. Exit 1: a file is wrong."""
    errors: list[Problem] = []
    warnings: tuple[Problem, ...] = ()
    try:
        warnings = remarks(_pack(path), build.library(build.settings(quiet=True)))
    except DetectionError as error:
        errors = error.problems
    if output is Format.json:
        emit_json({"errors": [str(each) for each in errors], "warnings": [str(each) for each in warnings]})
    else:
        for level, found in (("error", errors), ("warning", warnings)):
            for problem in found:
                typer.echo(f"{level}: {problem}")
        typer.echo(f"{len(errors)} errors, {len(warnings)} warnings")
    if errors or (strict and warnings):
        raise typer.Exit(1)


app.command("test")(detections_test.run)
app.command("new")(detections_new.new)
app.command("status")(detections_health.status)
app.command("resume")(detections_health.resume)
