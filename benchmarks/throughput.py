"""Throughput as ratios, measured in one run on one core: make bench

Every figure is the median of several runs over the same bytes, so that the ratios hold on any machine. The last line
is JSON.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import orjson
import rules
from corpus import LogFile, cloudtrail, uncompressed, vpc_flow
from isal import igzip
from rich import box
from rich.console import Console
from rich.table import Table

from headwater import log
from headwater.cli import build
from headwater.model import ObjectRef, Source
from headwater.pipeline import open_object
from headwater.settings import Settings
from headwater.state import ledger
from headwater.worker.committer import Committer

REPEATS = 3
RECEIVED = 10  # messages of one SQS receive


def gunzip(files: Sequence[LogFile]) -> None:
    """Decompression alone."""
    for file in files:
        igzip.decompress(file.body)


def loads(files: Sequence[LogFile]) -> None:
    """A dict per event and nothing else."""
    for file in files:
        orjson.loads(igzip.decompress(file.body))


def whole(files: Sequence[LogFile], *, detect: bool) -> None:
    """Headwater from the compressed bytes to the committed lake, claimed in tens as SQS hands them out."""
    source = Source("111122223333", "example", "logs", "example-logs")
    refs = [ObjectRef("example-logs", file.key, etag=f"{number:032x}") for number, file in enumerate(files)]
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home))
        committer = build.committer(settings, detect=detect)
        for start in range(0, len(files), RECEIVED):
            _claim(committer, settings, refs[start : start + RECEIVED])
            for ref, file in zip(refs[start : start + RECEIVED], files[start : start + RECEIVED], strict=True):
                opened = open_object(ref, source, [file.body], committer.library, max_bytes=settings.max_object_bytes)
                committer.add(opened)
            if committer.due():
                committer.flush()
        committer.flush()


def _claim(committer: Committer, settings: Settings, refs: Sequence[ObjectRef]) -> None:
    wanted = [(ref, "111122223333/logs") for ref in refs]
    ledger.claim(
        committer.store.database, wanted, worker=committer.worker, now=committer.now(), lease_s=settings.lease_s
    )


def median_ms(work: Callable[[], None]) -> float:
    """Median wall time of a few runs, in milliseconds."""
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def measure(name: str, files: Sequence[LogFile], rows: int) -> dict[str, object]:
    """One corpus through every step."""
    size = uncompressed(files)
    steps = {
        "gunzip": median_ms(lambda: gunzip(files)),
        "orjson.loads": median_ms(lambda: loads(files)) if name.startswith("cloudtrail") else None,
        "headwater": median_ms(lambda: whole(files, detect=False)),
        "headwater + rules": median_ms(lambda: whole(files, detect=True)),
    }
    base = steps["orjson.loads"] or steps["gunzip"]
    table = Table(
        box=box.SIMPLE_HEAD, title=f"{name}: {rows:,} rows, {len(files)} objects, {size / 1e6:.1f} MB of text"
    )
    for column in ("step", "ms", "MB/s", "rows/s", "ratio"):
        table.add_column(column, justify="left" if column == "step" else "right")
    for step, ms in steps.items():
        if ms is not None:
            table.add_row(step, f"{ms:.0f}", f"{size / ms / 1000:.0f}", f"{rows / ms * 1000:,.0f}", f"{ms / base:.2f}")
    Console().print(table)
    return {step: round(ms, 1) for step, ms in steps.items() if ms is not None}


def ratio(steps: dict[str, object], base: str) -> float:
    """The whole pipeline with rules against one of the plain steps."""
    return round(float(str(steps["headwater + rules"])) / float(str(steps[base])), 2)


def main() -> None:
    """Measure the corpora and print the ratios."""
    log.configure(level="error")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})  # one core: what is compared is work, not parallelism
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 40_000
    large = measure("cloudtrail", cloudtrail(rows, 2_000), rows)
    small = measure("cloudtrail, 5 records an object", cloudtrail(rows // 8, 5), rows // 8)
    flow = measure("vpc flow", vpc_flow(rows * 5, 10_000), rows * 5)
    result = {
        "cloudtrail_vs_orjson": ratio(large, "orjson.loads"),
        "cloudtrail_vs_gunzip": ratio(large, "gunzip"),
        "small_objects_vs_orjson": ratio(small, "orjson.loads"),
        "vpcflow_vs_gunzip": ratio(flow, "gunzip"),
        **rules.compare(min(rows, 20_000)),
    }
    sys.stdout.write(orjson.dumps(result).decode() + "\n")


if __name__ == "__main__":
    main()
