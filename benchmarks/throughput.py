"""Throughput as ratios, measured in one run: make bench

Every figure is the median of several runs over the same bytes, on one core unless said, so that the ratios hold on any
machine. The last line is JSON. A history of it is kept in benchmarks/history.jsonl (not committed); --picture draws
docs/performance.svg.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import orjson
import picture
import plain
import rules
from corpus import LogFile
from corpus import plain as texts_of
from rich import box
from rich.console import Console
from rich.table import Table
from whole import KINDS, Pipeline, pin

from headwater import log

HERE = Path(__file__).parent
HISTORY = HERE / "history.jsonl"
REPEATS = 5
GIGABYTE = 1e9
FARGATE_ARM_VCPU_HOUR = 0.03238  # USD, us-east-1, 2026; aws.amazon.com/fargate/pricing
CORE = 0

Steps = Mapping[str, float]  # seconds of one run over the corpus


def main() -> None:
    """Measure, print, and keep what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=40_000, help="CloudTrail records; other corpora in proportion")
    parser.add_argument("--detections", type=Path, help="also measure these detections, such as a checkout of others")
    parser.add_argument("--picture", type=Path, help="draw the bars here")
    given = parser.parse_args()
    log.configure(level="error")
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [CORE]
    pin(cores[0])
    found = {name: measure(name, given.rows) for name in KINDS}
    if given.detections:
        found["cloudtrail, detections given"] = measure("cloudtrail", given.rows, detections=[given.detections])
    small = measure_small(given.rows)
    _print_costs(found, given.rows)
    result = {
        "cloudtrail_vs_orjson": _ratio(found["cloudtrail"], "orjson.loads"),
        "vpcflow_vs_csv": _ratio(found["vpc_flow"], "gunzip + pyarrow.csv"),
        "alb_vs_re": _ratio(found["alb"], "one re.match a line"),
        "cloudtrail_vs_duckdb": _ratio(found["cloudtrail"], "DuckDB to Parquet"),
        "small_objects_vs_large": small,
        "two_cores": two_cores(given.rows, cores) if len(cores) > 1 else None,
        "peak_memory_mb": peak_memory_mb(given.rows),
        "latency_p99_s": latency_p99_s(given.rows, found["cloudtrail"][WHOLE]),
        **rules.compare(min(given.rows, 20_000)),
    }
    if given.picture:
        given.picture.write_text(picture.bars(found, REPEATS))
    entry = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "commit": _commit(), **result}
    with HISTORY.open("ab") as history:
        history.write(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.write(orjson.dumps(result).decode() + "\n")


WHOLE = "headwater, all built-in rules"


def measure(name: str, rows: int, *, detections: Sequence[Path] = ()) -> Steps:
    """One corpus through every step."""
    rows *= 5 if name == "vpc_flow" else 1
    files = KINDS[name](rows, max(rows // 20, 1))
    texts = texts_of(files)
    steps = {"gunzip": _median(lambda: plain.gunzip(files)), **_plain_steps(name, files, texts)}
    with tempfile.TemporaryDirectory() as home:
        steps["headwater, no rules"] = _median_whole(Path(home) / "plain", files, detect=False)
        steps[WHOLE] = _median_whole(Path(home) / "rules", files, detections=detections)
    _print_steps(name, rows, sum(map(len, texts)), steps)
    return steps


def _plain_steps(name: str, files: Sequence[LogFile], texts: Sequence[bytes]) -> dict[str, float]:
    match name:
        case "cloudtrail":
            convert = plain.DuckDb(files).convert
            return {"orjson.loads": _median(lambda: plain.loads(texts)), "DuckDB to Parquet": _median(convert)}
        case "vpc_flow":
            return {"gunzip + pyarrow.csv": _median(lambda: plain.csv(files))}
        case "alb":
            return {"one re.match a line": _median(lambda: plain.match(texts))}
        case _:
            return {}


def measure_small(rows: int) -> float:
    """What one-record objects cost, against the same records in 20 objects."""
    rows //= 4
    with tempfile.TemporaryDirectory() as home:
        pipeline = Pipeline(Path(home))
        large, small = KINDS["cloudtrail"](rows, max(rows // 20, 1)), KINDS["cloudtrail"](rows, 1)
        pipeline.ingest(large)
        return round(_median(lambda: pipeline.ingest(small), 3) / _median(lambda: pipeline.ingest(large), 3), 2)


def two_cores(rows: int, cores: Sequence[int]) -> float:
    """How much more two processes on two cores do, on one state database and one lake."""
    with tempfile.TemporaryDirectory() as home:
        alone = _side_by_side(rows, Path(home) / "one", cores[:1])
        both = _side_by_side(rows, Path(home) / "two", cores[:2])
    return round(2 * alone / both, 2)


def _side_by_side(rows: int, home: Path, cores: Sequence[int]) -> float:
    """Seconds until the last of the processes, one on each core, has done its rows."""
    some = [_start("cloudtrail", rows, rows // 20, "--home", home, "--core", core, "--wait") for core in cores]
    for process in some:
        if process.stdout is None or process.stdout.readline().strip() != "ready":
            raise SystemExit("a process of the benchmark did not start")
    return max(_answer(process)["seconds"] for process in some)


def peak_memory_mb(rows: int) -> int:
    """The most memory that a process took, over objects of one record, of 2,000 records, and one of all records."""
    sizes = {1: rows // 8, 2_000: rows, rows * 4: rows * 4}
    found = [_answer(_start("cloudtrail", count, size))["peak_memory_mb"] for size, count in sizes.items()]
    return int(max(found))


def _start(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, str(HERE / "whole.py"), *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _answer(process: subprocess.Popen[str]) -> dict[str, float]:
    out, _ = process.communicate("\n")
    if process.returncode != 0:
        raise SystemExit(f"a process of the benchmark ended with {process.returncode}")
    told: dict[str, float] = orjson.loads(out.splitlines()[-1])
    return told


def latency_p99_s(rows: int, whole_s: float) -> float:
    """From notification to committed alert at half load: 99 of 100 objects waited no longer."""
    files = KINDS["cloudtrail"](rows, 100)
    with tempfile.TemporaryDirectory() as home:
        pipeline = Pipeline(Path(home))
        pipeline.ingest(files[:20])
        waits = sorted(pipeline.waits(files, 2 * whole_s / len(files)))
    return round(waits[int(len(waits) * 0.99)], 2)


def _median_whole(home: Path, files: Sequence[LogFile], **options: object) -> float:
    pipeline = Pipeline(home, **options)  # type: ignore[arg-type]
    pipeline.ingest(files)
    return _median(lambda: pipeline.ingest(files))


def _median(work: Callable[[], None], repeats: int = REPEATS) -> float:
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def _ratio(steps: Steps, base: str) -> float:
    return round(steps[WHOLE] / steps[base], 2)


def _print_steps(name: str, rows: int, size: int, steps: Steps) -> None:
    base = next((step for step in steps if step != "gunzip" and not step.startswith("headwater")), "gunzip")
    table = Table(box=box.SIMPLE_HEAD, title=f"{name}: {rows:,} rows, {size / 1e6:.1f} MB of text, one core")
    for column in ("step", "ms", "MB/s", "rows/s", f"of {base}", "CPU s/GB"):
        table.add_column(column, justify="left" if column == "step" else "right")
    for step, taken in steps.items():
        rate = f"{size / taken / 1e6:,.0f}", f"{rows / taken:,.0f}"
        per_gb = f"{taken / size * GIGABYTE:.1f}"
        table.add_row(step, f"{taken * 1000:,.0f}", *rate, f"{taken / steps[base]:.2f}", per_gb)
    Console().print(table)


def _print_costs(found: Mapping[str, Steps], rows: int) -> None:
    """What the whole way costs a terabyte on Fargate, if a vCPU of it is as fast as a core here."""
    for name, steps in found.items():
        kind = name.partition(",")[0]
        count = rows * 5 if kind == "vpc_flow" else rows
        size = sum(map(len, texts_of(KINDS[kind](min(count, 2_000), 2_000)))) / min(count, 2_000) * count
        hours = steps[WHOLE] / size * 1e12 / 3600
        Console().print(f"{name}: {hours:,.1f} vCPU hours, {hours * FARGATE_ARM_VCPU_HOUR:,.2f} USD a TB of text")


def _commit() -> str:
    told = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True, check=False
    )
    return told.stdout.strip()


if __name__ == "__main__":
    main()
