"""headwater detections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from headwater.cli import build, detections_health, detections_new, detections_speed, detections_test
from headwater.cli.detections_test import Folder, Ids, Kinds, LogTypes, Severities, Tags, make_selector
from headwater.cli.output import Format, Output, emit_json, emit_rows
from headwater.detect.confined import ask
from headwater.detect.lint import CHECKS, Remark, remarks
from headwater.detect.listing import listed
from headwater.detect.packs import Selection
from headwater.errors import ConfigError, DetectionError, Problem

app = typer.Typer(help="Write, test, list and watch detections.", no_args_is_help=True)
COLUMNS = ("id", "kind", "severity", "enabled", "log_types", "tests", "pack", "name")


def _selection(path: Path | None) -> Selection:
    """The given folder, or what the service runs."""
    return Selection({path.name or str(path): path}) if path else build.selection(build.settings(quiet=True))


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
    column: Annotated[
        list[str] | None, typer.Option(help=f"Columns of the table: {', '.join(COLUMNS)}, file …")
    ] = None,
) -> None:
    """List detections, whether they run, and how many tests they have."""
    selection = _selection(path)
    selector = make_selector(ids, log_type, severity, tag, kind)
    rows = ask(selection, listed, selector, tuple(selection.folders))
    emit_rows(
        [row for row in rows if enabled in (None, row["enabled"])],
        output,
        empty="No detections.",
        columns=column or COLUMNS,
    )


@app.command()
def lint(
    path: Folder = None,
    output: Output = Format.text,
    ids: Ids = None,
    log_type: LogTypes = None,
    severity: Severities = None,
    tag: Tags = None,
    kind: Kinds = None,
    ignore: Annotated[list[str] | None, typer.Option(help=f"Checks to leave out: {', '.join(CHECKS)}.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 on warnings too.")] = False,
) -> None:
    """Check the files of detections, and what could be better about them. Exit 1: a file is wrong."""
    ignored = _known_checks(ignore or ())
    errors: list[Problem] = []
    found: list[Remark] = []
    selector = make_selector(ids, log_type, severity, tag, kind)
    known = tuple(build.library(build.settings(quiet=True)))
    try:
        for answer in ask(_selection(path), remarks, known, selector, ignored):
            found.append(Remark(answer["check"], Problem(**answer["problem"])))
    except DetectionError as error:
        errors = error.problems
    if output is Format.json:
        emit_json({"errors": errors, "warnings": [_row(remark) for remark in found]})
    else:
        _tell(errors, found)
    if errors or (strict and found):
        raise typer.Exit(1)


def _known_checks(names: Sequence[str]) -> tuple[str, ...]:
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        raise ConfigError.one("--ignore", f"no check {unknown[0]!r}", fix=f"Use one of: {', '.join(CHECKS)}.")
    return tuple(names)


def _row(remark: Remark) -> dict[str, Any]:
    problem = remark.problem
    place = {name: getattr(problem, name) for name in ("file", "line", "key", "message", "fix")}
    return {"check": remark.check, **place}


def _tell(errors: Sequence[Problem], found: Sequence[Remark]) -> None:
    for problem in errors:
        typer.echo(f"error: {problem}")
    for remark in found:
        typer.echo(f"warning: {remark}")
    told = ", ".join(f"{count} {check}" for check, count in Counter(remark.check for remark in found).most_common())
    typer.echo(f"{len(errors)} errors, {len(found)} warnings{f': {told}' if told else ''}")


app.command("test")(detections_test.run)
app.command("new")(detections_new.new)
app.command("explain")(detections_speed.explain)
app.command("bench")(detections_speed.bench)
app.command("status")(detections_health.status)
app.command("resume")(detections_health.resume)
