"""headwater detections test."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from headwater.cli import build
from headwater.cli.output import Format, Output, emit_json
from headwater.detect.junit import junit
from headwater.detect.test_processes import Tested, run_in_processes
from headwater.detect.unit_tests import Selector, TestResult
from headwater.errors import ConfigError, DetectionError

Folder = Annotated[
    Path | None, typer.Argument(help="A folder of detections; default: those that the service runs.", exists=True)
]
Ids = Annotated[list[str] | None, typer.Option("--id", help="Only these detection ids; * stands for anything.")]
LogTypes = Annotated[list[str] | None, typer.Option("--log-type", help="Only detections of these log types.")]
Severities = Annotated[list[str] | None, typer.Option("--severity", help="Only these severities.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="Only detections with one of these tags.")]
Kinds = Annotated[
    list[str] | None, typer.Option("--kind", help="Only these kinds: rule, scheduled_rule, policy, correlation_rule.")
]


def run(
    path: Folder = None,
    output: Output = Format.text,
    ids: Ids = None,
    log_type: LogTypes = None,
    severity: Severities = None,
    tag: Tags = None,
    kind: Kinds = None,
    minimum_tests: Annotated[int, typer.Option(min=0, help="Fail a detection that has fewer tests.")] = 0,
    junit_file: Annotated[Path | None, typer.Option("--junit", help="Write the results there as JUnit XML.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=0, help="Processes; 0: one for each core.")] = 0,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds that a single test may take.")] = 10.0,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List the tests that passed too.")] = False,
) -> None:
    """Run the unit tests of detections, without credentials or network.

    Exit 0: all passed; 1: a test failed; 2: a file is wrong, or the options choose no detection at all.
    """
    folders = (path,) if path else tuple(build.selection(build.settings(quiet=True)).folders.values())
    selector = make_selector(ids, log_type, severity, tag, kind)
    try:
        with _progress() as on_result:
            tested = run_in_processes(
                folders, selector, jobs=jobs or os.cpu_count() or 1, limit_s=timeout, on_result=on_result
            )
    except DetectionError as error:
        if output is Format.json:
            emit_json({"summary": {"tests": {"passed": 0, "failed": 0}}, "results": [], "errors": error.problems})
        raise
    if not tested.counts and not tested.results:
        raise ConfigError.one(str(path or "detections"), "no detection is meant by these options")
    for warning in tested.warnings:
        typer.echo(f"warning: {warning}", err=True)
    results = sorted((*tested.results, *_too_few(tested, minimum_tests)), key=lambda result: result.rule_id)
    if junit_file is not None:
        junit_file.write_bytes(junit(results))
    _report(results, output, verbose=verbose)
    if not all(result.passed for result in results):
        raise typer.Exit(1)


def make_selector(
    ids: Sequence[str] | None,
    log_type: Sequence[str] | None,
    severity: Sequence[str] | None,
    tag: Sequence[str] | None,
    kind: Sequence[str] | None,
) -> Selector:
    """What the options choose."""
    return Selector(*(tuple(each or ()) for each in (ids, log_type, severity, tag, kind)))


def _too_few(tested: Tested, least: int) -> Iterator[TestResult]:
    for rule_id, count in tested.counts.items():
        if count < least:
            yield TestResult(rule_id, "number of tests", False, (f"has {count} tests, {least} are wanted",))


def _report(results: Sequence[TestResult], output: Format, *, verbose: bool) -> None:
    failed = [result for result in results if not result.passed]
    passed = len(results) - len(failed)
    detections = Counter(result.rule_id for result in results)
    if output is Format.json:
        summary = {"tests": {"passed": passed, "failed": len(failed)}, "detections": len(detections)}
        emit_json({"summary": summary, "results": [result.as_json() for result in results], "errors": []})
        return
    for result in results if verbose else failed:
        typer.echo(f"{'ok   ' if result.passed else 'FAIL '} {result.rule_id or 'detections'}: {result.test_name}")
        for reason in result.reasons:
            typer.echo(f"      {reason}")
        if result.file and not result.passed:
            typer.echo(f"      the test: {_shown(result.file)}:{result.line}")
        if result.printed and not result.passed:
            typer.echo("      it printed:")
            typer.echo("".join(f"      | {line}\n" for line in result.printed.splitlines()[:20]), nl=False)
    typer.echo(f"{passed} passed, {len(failed)} failed in {len(detections)} detections")


def _shown(file: str) -> str:
    """A path as short as it can be from here."""
    return os.path.relpath(file) if Path(file).is_relative_to(Path.cwd()) else file


@contextmanager
def _progress() -> Iterator[Callable[[TestResult], None]]:
    """A line on stderr of a terminal that counts."""
    if not sys.stderr.isatty():
        yield lambda result: None
        return
    seen: Counter[bool] = Counter()
    with Console(stderr=True).status("loading …") as status:

        def tell(result: TestResult) -> None:
            seen[result.passed] += 1
            status.update(f"{seen[True]} passed, {seen[False]} failed")

        yield tell
