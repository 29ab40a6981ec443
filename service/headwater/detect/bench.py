"""How fast rules are, and what they find: the measurement behind `headwater detections bench`."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from headwater.detect.budget import Progress
from headwater.detect.engine import Engine, with_events
from headwater.detect.event import PantherEvent
from headwater.detect.functions import attempt
from headwater.detect.load import Pack
from headwater.ingest.rows import row_dicts
from headwater.model import Batch, Match

REPEATS = 3
SLOWEST = 10


@dataclass(frozen=True, slots=True)
class Cost:
    """What one rule took. calls: of rule(). us: all of them, in microseconds."""

    rule_id: str
    calls: int
    us: float


@dataclass(frozen=True, slots=True)
class Measured:
    """The best of some runs. seconds: of processor time, from batches to matches. ready_s: reading the rules, once.

    found: (rule id, batch, row in the batch) of each match of the first run, in which rules remember nothing yet.
    """

    rules: int
    indexed: int
    events: int
    seconds: float
    ready_s: float
    pairs_run: int
    rows_run: int
    matches: int
    errors: int
    found: tuple[tuple[str, int, int], ...]
    slowest: tuple[Cost, ...]


def measure(pack: Pack, streams: Sequence[bytes], log_type: str, prefilter: bool, repeats: int = REPEATS) -> Measured:
    """Runs the rules of a log type over tables (Arrow streams), several times."""
    tables = [Batch(log_type, pa.ipc.open_stream(stream).read_all()) for stream in streams]
    progress = Progress()
    engine = Engine(pack, prefilter=prefilter, progress=progress)
    started = time.perf_counter()
    rules, indexed = engine.ready(log_type)
    ready_s = time.perf_counter() - started
    first, seconds = _timed(engine, tables)
    pairs = progress.cells[0]
    for _ in range(repeats - 1):
        seconds = min(seconds, _timed(engine, tables)[1])
    matches = [match for _, _, match in first if match.kind == "RULE"]
    return Measured(
        rules=rules,
        indexed=indexed,
        events=sum(table.rows for table in tables),
        seconds=seconds,
        ready_s=ready_s,
        pairs_run=pairs,
        rows_run=sum(len(engine.picked(table)) for table in tables),
        matches=len(matches),
        errors=sum(match.occurrences for _, _, match in first if match.kind == "RULE_ERROR"),
        found=tuple((match.rule_id, batch, row) for batch, row, match in first if match.kind == "RULE"),
        slowest=tuple(_slowest(engine, tables)),
    )


def _timed(engine: Engine, tables: Sequence[Batch]) -> tuple[list[tuple[int, int, Match]], float]:
    """The matches with the numbers of their batch and row, and how long it took to have them."""
    made = []
    started = time.process_time()  # other programs on the machine must not count
    for number, table in enumerate(tables):
        found = engine.find(table)
        made.append((number, found, with_events(found, table)))
    seconds = time.process_time() - started
    return [
        (number, row, match) for number, found, matches in made for (row, _), match in zip(found, matches, strict=True)
    ], seconds


def _slowest(engine: Engine, tables: Sequence[Batch]) -> Iterator[Cost]:
    """The rules whose rule() takes the most time."""
    calls: Counter[str] = Counter()
    spent: Counter[str] = Counter()
    for table in tables:
        picked = engine.picked(table)
        for row, runners in zip(row_dicts(table.table, list(picked)), picked.values(), strict=True):
            for runner in runners:
                event = PantherEvent(row, runner.model)
                started = time.perf_counter_ns()
                attempt(lambda rule=runner.rule, event=event: rule(event))  # type: ignore[misc]
                spent[runner.detection.rule_id] += time.perf_counter_ns() - started
                calls[runner.detection.rule_id] += 1
    for rule_id, nanoseconds in spent.most_common(SLOWEST):
        yield Cost(rule_id, calls[rule_id], round(nanoseconds / 1000, 1))
