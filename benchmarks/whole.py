"""Headwater from compressed bytes to the committed lake, in this process or in one of its own.

python whole.py KIND ROWS ROWS_AN_OBJECT [--home DIR] [--core N] prints {"seconds": …, "peak_memory_mb": …}; with
--wait it makes ready, says so, and begins at a line on its standard input.
"""

from __future__ import annotations

import argparse
import gc
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import corpus
import orjson
from corpus import LogFile

from headwater import log
from headwater.cli import build
from headwater.model import ObjectRef, Source
from headwater.pipeline import open_object
from headwater.settings import Settings
from headwater.state import ledger
from headwater.worker.committer import large

RECEIVED = 10  # messages of one SQS receive
SOURCE = Source("111122223333", "example", "logs", "example-logs")
KINDS: Mapping[str, Callable[[int, int], list[LogFile]]] = {
    "cloudtrail": corpus.cloudtrail,
    "vpc_flow": corpus.vpc_flow,
    "alb": corpus.alb,
    "s3_access": corpus.s3_access,
    "dns": corpus.dns,
}


class Pipeline:
    """The service's own parts on a home folder, ready to ingest: rules are loaded, nothing is read yet."""

    def __init__(self, home: Path, *, detect: bool = True, detections: Sequence[Path] = ()) -> None:
        self._settings = Settings(home=home, detections=tuple(detections))
        self._committer = build.committer(self._settings, detect=detect)
        self._bound = large(self._settings)
        self._runs = 0

    def ingest(self, files: Sequence[LogFile]) -> None:
        """Claim, open, parse, enrich, detect and commit, each time as objects that were not seen before."""
        self._runs += 1
        refs = [self._ref(number, file) for number, file in enumerate(files)]
        for start in range(0, len(files), RECEIVED):
            some = slice(start, start + RECEIVED)
            self._claim(refs[some])
            for ref, file in zip(refs[some], files[some], strict=True):
                self.add(ref, file)
                if self._committer.due():
                    self._committer.flush()
        self._committer.flush()

    def add(self, ref: ObjectRef, file: LogFile) -> None:
        """Open one object and put it into the buffer."""
        limit = self._settings.max_object_bytes
        library = self._committer.library
        self._committer.add(open_object(ref, SOURCE, [file.body], library, max_bytes=limit, bound=self._bound))

    def waits(self, files: Sequence[LogFile], every_s: float) -> list[float]:
        """How long each of the objects, of which one comes every so often, waits for its commit, in seconds."""
        self._runs += 1
        refs = [self._ref(number, file) for number, file in enumerate(files)]
        began, waits, buffered = time.monotonic(), list[float](), list[float]()
        for number, (ref, file) in enumerate(zip(refs, files, strict=True)):
            due_at = began + number * every_s
            while (left := due_at - time.monotonic()) > 0:
                time.sleep(min(left, 0.02))
                self._flush_due(buffered, waits)
            self._claim([ref])
            self.add(ref, file)
            buffered.append(due_at)
            self._flush_due(buffered, waits)
        self._committer.flush()
        return [*waits, *(time.monotonic() - at for at in buffered)]

    def _flush_due(self, buffered: list[float], waits: list[float]) -> None:
        if self._committer.due():
            self._committer.flush()
            waits += (time.monotonic() - at for at in buffered)
            buffered.clear()

    def _ref(self, number: int, file: LogFile) -> ObjectRef:
        return ObjectRef("example-logs", file.key, etag=f"{os.getpid():08x}{self._runs:08x}{number:016x}")

    def _claim(self, refs: Sequence[ObjectRef]) -> None:
        ledger.claim(
            self._committer.store.database,
            [(ref, SOURCE.source_id) for ref in refs],
            worker=self._committer.worker,
            now=datetime.now(UTC),
            lease_s=600,
        )


def pin(core: int | None) -> None:
    """Keep this process, and those it starts, on one core."""
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


def main() -> None:
    """Ingest one corpus and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("rows", type=int)
    parser.add_argument("per_object", type=int)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--core", type=int)
    parser.add_argument("--wait", action="store_true")
    given = parser.parse_args()
    log.configure(level="error")
    pin(given.core)
    files = KINDS[given.kind](given.rows, given.per_object)
    gc.collect()
    with tempfile.TemporaryDirectory() as folder:
        pipeline = Pipeline(given.home or Path(folder))
        if given.wait:
            print("ready", flush=True)
            sys.stdin.readline()
        started = time.perf_counter()
        pipeline.ingest(files)
        seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(orjson.dumps({"seconds": round(seconds, 3), "peak_memory_mb": round(peak)}).decode())


if __name__ == "__main__":
    main()
