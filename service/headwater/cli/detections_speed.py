"""headwater detections explain and bench, registered by cli/detections.py."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import pyarrow as pa
import typer

from headwater.cli import build
from headwater.cli.output import Format, Output, emit_json
from headwater.detect.bench import measure
from headwater.detect.confined import ask
from headwater.detect.explain import explain as explain_rule
from headwater.detect.explain import facts_of
from headwater.detect.packs import Selection
from headwater.detect.raw_events import Numbered, batches
from headwater.errors import ConfigError

GZIP = b"\x1f\x8b"
LIMIT_S = 3600.0
IDS = ("p_row_id", "eventID", "id", "uid", "uuid")  # keys that hold an event's own id, the first that is there


def explain(
    rule: Annotated[str, typer.Argument(help="Id of the rule.")],
    pack: Annotated[
        Path | None, typer.Option("--pack", help="A folder of detections; default: what the service runs.", exists=True)
    ] = None,
    output: Output = Format.text,
) -> None:
    """Show on which rows a rule runs, and where reading its source ended."""
    library = build.library(build.settings(quiet=True))
    facts = {name: facts_of(log_type) for name, log_type in library.items()}
    found = ask(_selection(pack), explain_rule, rule, facts)
    if not found:
        raise ConfigError.one("RULE", f"no rule has the id {rule!r}", fix="headwater detections list shows the ids.")
    if output is Format.json:
        emit_json(found)
        return
    for one in found:
        typer.echo(f"{one['rule_id']} on {', '.join(one['log_types'])}")
        typer.echo("  runs on rows where" if one["indexed"] else "  runs on every row")
        for number, part in enumerate(one["outline"] if one["indexed"] else ()):
            typer.echo(f"    {'and ' if number else ''}{part}")
        for stop in one["stops"]:
            typer.echo(f"  {stop}: rows that get here are seen")


def bench(
    folder: Annotated[Path, typer.Argument(help="A folder of detections.", exists=True, file_okay=False)],
    events: Annotated[
        Path,
        typer.Option("--events", help="Raw events, one JSON object a line; gzip too.", exists=True, dir_okay=False),
    ],
    log_type: Annotated[str, typer.Option("--log-type", help="Log type of the events.")],
    matches: Annotated[
        Path | None, typer.Option(help="Write rule_id, event_id and row of each match, as JSON lines.")
    ] = None,
    prefilter: Annotated[
        bool, typer.Option("--prefilter/--no-prefilter", help="Run rules on rows they could match only.")
    ] = True,
    stored: Annotated[
        bool, typer.Option(help="Give events the columns of the lake too (p_event_time, p_any_… ).")
    ] = False,
    output: Output = Format.text,
) -> None:
    """Measure the rules of a log type on events from a file.

    What is measured is detection: from columns in memory to matches with title, dedup string, severity and context, in
    seconds of processor time, the best of three runs. Reading the file and parsing it by the log type's schema is
    measured by itself (parse_events_per_s). Rules see each event as it stands in the file; nulls count as absent.
    Matches are those of the first run. A log type that is not known is read without a schema.
    """
    lines = list(_lines(events))
    started = time.perf_counter()
    numbered = _batches(lines, log_type, stored=stored)
    parse_s = time.perf_counter() - started
    streams = [_stream(one.batch.table) for one in numbered]
    found = ask(_selection(folder), measure, streams, log_type, prefilter, limit_s=LIMIT_S)
    rows = [(rule_id, numbered[batch].numbers[row]) for rule_id, batch, row in found.pop("found")]
    if matches is not None:
        _write(matches, rows, lines)
    report = _report(found, parse_s, prefilter=prefilter)
    if output is Format.json:
        emit_json(report)
    else:
        _tell(report)


def _selection(path: Path | None) -> Selection:
    return Selection({path.name or str(path): path}) if path else build.selection(build.settings(quiet=True))


def _lines(path: Path) -> Iterator[bytes]:
    data = path.read_bytes()
    data = gzip.decompress(data) if data.startswith(GZIP) else data
    for number, line in enumerate(data.splitlines(), 1):
        if line.strip():
            try:
                event = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise ConfigError.one(path, f"is no JSON: {error}", line=number) from error
            if not isinstance(event, dict):
                raise ConfigError.one(path, "is no JSON object", line=number, fix="Write one event a line.")
            yield line


def _batches(lines: Sequence[bytes], name: str, *, stored: bool) -> list[Numbered]:
    log_type = build.library(build.settings(quiet=True)).get(name)
    return list(batches(lines, name, log_type, datetime.now(UTC), stored=stored))


def _stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return bytes(sink.getvalue().to_pybytes())


def _write(path: Path, rows: Sequence[tuple[str, int]], lines: Sequence[bytes]) -> None:
    with path.open("wb") as file:
        for rule_id, row in rows:
            event = orjson.loads(lines[row])
            own = next((event[key] for key in IDS if event.get(key) not in (None, "")), row)
            line = {"rule_id": rule_id, "event_id": own, "row": row}
            file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))


def _report(found: dict[str, Any], parse_s: float, *, prefilter: bool) -> dict[str, Any]:
    events, seconds = found["events"], found["seconds"]
    pairs = events * found["rules"]
    return {
        "events": events,
        "events_per_s": round(events / seconds) if seconds else 0,
        "us_per_event": round(seconds / events * 1e6, 2) if events else 0.0,
        "seconds": round(seconds, 4),
        "rules": found["rules"],
        "rules_indexed": found["indexed"],
        "prefilter": prefilter,
        "pairs_run": found["pairs_run"],
        "pairs_run_percent": round(found["pairs_run"] / pairs * 100, 3) if pairs else 0.0,
        "events_run": found["rows_run"],
        "matches": found["matches"],
        "rule_errors": found["errors"],
        "parse_events_per_s": round(events / parse_s) if parse_s else 0,
        "read_rules_seconds": round(found["ready_s"], 3),
        "slowest": found["slowest"],
    }


def _tell(report: dict[str, Any]) -> None:
    for name, value in report.items():
        if name != "slowest":
            typer.echo(f"{name:20} {value:,}" if isinstance(value, int | float) else f"{name:20} {value}")
    for cost in report["slowest"]:
        typer.echo(f"{cost['us'] / max(cost['calls'], 1):9.1f} us x {cost['calls']:<8,} {cost['rule_id']}")
