"""headwater detections."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headwater.cli import build, detections_health
from headwater.cli.output import Format, Output, emit_json, emit_rows
from headwater.detect.load import Pack, builtin_path, load_pack
from headwater.detect.unit_tests import run_tests

app = typer.Typer(help="List and test detections.", no_args_is_help=True)
Folder = Annotated[Path | None, typer.Argument(help="A folder of detections; default: the built-in pack.", exists=True)]


def _pack(path: Path | None) -> Pack:
    settings = build.settings()
    pack = load_pack((path,) if path else settings.detections or (builtin_path(),))
    for warning in pack.warnings:
        typer.echo(f"warning: {warning}", err=True)
    return pack


@app.command("test")
def run_unit_tests(
    path: Folder = None,
    output: Output = Format.text,
    rule: Annotated[list[str] | None, typer.Option(help="Only these detection ids.")] = None,
) -> None:
    """Run the unit tests of detections. Exit 1: a test failed."""
    results = run_tests(_pack(path), only=tuple(rule or ()))
    failed = [result for result in results if not result.passed]
    if output is Format.json:
        tests = {"passed": len(results) - len(failed), "failed": len(failed)}
        emit_json({"summary": {"tests": tests}, "results": [result.as_json() for result in results]})
    else:
        for result in failed:
            typer.echo(f"FAIL  {result.rule_id}: {result.test_name}")
            for reason in result.reasons:
                typer.echo(f"      {reason}")
        typer.echo(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    if failed:
        raise typer.Exit(1)


@app.command("list")
def list_detections(path: Folder = None, output: Output = Format.text) -> None:
    """List detections."""
    rows = [
        {
            "id": rule.rule_id,
            "severity": rule.severity,
            "enabled": rule.enabled,
            "log_types": list(rule.log_types),
            "name": rule.display_name,
        }
        for rule in sorted(_pack(path).rules, key=lambda rule: rule.rule_id)
    ]
    emit_rows(rows, output, empty="No detections.")


app.command("status")(detections_health.status)
app.command("resume")(detections_health.resume)
