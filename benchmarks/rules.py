"""What rules cost on ordinary CloudTrail, as ratios: part of make bench.

Times are of processor time, the best of three runs over the same batch. The rules of the packs that are made here ask
for names of calls, and nearly all of these names do not occur: most rules are for rare things.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pyarrow as pa
from corpus import records_of_cloudtrail
from rich import box
from rich.console import Console
from rich.table import Table

from headwater.detect.bench import Measured, measure
from headwater.detect.load import Pack, builtin_path, load_pack
from headwater.detect.raw_events import batches
from headwater.schema.load import load_library

LOG_TYPE = "AWS.CloudTrail"
NOW = datetime(2026, 2, 4, tzinfo=UTC)
YAML = "AnalysisType: rule\nRuleID: R{0}\nEnabled: true\nSeverity: Low\nLogTypes: [AWS.CloudTrail]\nFilename: r{0}.py\n"
PYTHON = """\
def rule(event):
    if event.get("errorCode"):
        return False
    return event.get("eventName") == "{name}" and event.deep_get("userIdentity", "type") == "Root"
"""


def compare(count: int) -> dict[str, float]:
    """The ratios on that many events."""
    events = records_of_cloudtrail(count)
    streams = [_stream(events)]
    names = sorted({str(event["eventName"]) for event in events})
    with tempfile.TemporaryDirectory() as folder:
        packs = {size: _made(Path(folder) / str(size), names, size) for size in (100, 1_000)}
        found = {f"{size} rules": measure(pack, streams, LOG_TYPE, True) for size, pack in packs.items()}
    found["built-in rules"] = measure(load_pack([builtin_path()]), streams, LOG_TYPE, True)
    found["built-in rules, no pre-filter"] = measure(load_pack([builtin_path()]), streams, LOG_TYPE, False)
    _print(found)
    return {
        "rules_1000_vs_100": _ratio(found["1000 rules"], found["100 rules"]),
        "no_prefilter_vs_prefilter": _ratio(found["built-in rules, no pre-filter"], found["built-in rules"]),
    }


def _stream(events: list[dict[str, object]]) -> bytes:
    lines = [orjson.dumps(event) for event in events]
    (one,) = batches(lines, LOG_TYPE, load_library()[LOG_TYPE], NOW, stored=True)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, one.batch.table.schema) as writer:
        writer.write_table(one.batch.table)
    return bytes(sink.getvalue().to_pybytes())


def _made(folder: Path, names: list[str], size: int) -> Pack:
    folder.mkdir()
    for number in range(size):
        name = names[number] if number < min(50, len(names)) else f"NoSuchCall{number}"
        (folder / f"r{number}.yml").write_text(YAML.format(number))
        (folder / f"r{number}.py").write_text(PYTHON.format(name=name))
    return load_pack([folder])


def _ratio(one: Measured, other: Measured) -> float:
    return round(one.seconds / other.seconds, 2)


def _print(found: dict[str, Measured]) -> None:
    table = Table(box=box.SIMPLE_HEAD, title="rules on CloudTrail")
    for column in ("rules", "us/event", "events/s", "pairs run", "matches"):
        table.add_column(column, justify="left" if column == "rules" else "right")
    for name, one in found.items():
        speed = (f"{one.seconds / one.events * 1e6:.1f}", f"{one.events / one.seconds:,.0f}")
        table.add_row(name, *speed, f"{one.pairs_run:,}", f"{one.matches:,}")
    Console().print(table)
