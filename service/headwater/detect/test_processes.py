"""Unit tests of detections side by side, in processes that have neither credentials nor network.

A process that says nothing for too long is ended, the test it was in has failed, and another goes on with the rest.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import FrameType
from typing import Any

from headwater.detect import process
from headwater.detect.confined import encoded, load_confined
from headwater.detect.correlation import Correlation
from headwater.detect.load import Detection, Pack
from headwater.detect.packs import Selection
from headwater.detect.process import Process
from headwater.detect.unit_tests import Selector, TestResult, results_of, testable
from headwater.errors import DetectionError, Problem

LOAD_LIMIT_S = 300.0
WAIT_S = 0.2
OnResult = Callable[[TestResult], None]


@dataclass(frozen=True, slots=True)
class Task:
    """What one process does: every count-th detection from index on, but for those that are done."""

    folders: tuple[str, ...]
    selector: Selector
    index: int
    count: int
    limit_s: float
    done: tuple[str, ...] = ()


@dataclass(slots=True)
class _Running:
    task: Task
    process: Process
    heard_at: float
    loaded: bool = False
    ended: bool = False
    current: tuple[str, str] | None = None
    done: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Tested:
    """What came of it. counts: tests that each detection has."""

    results: list[TestResult]
    warnings: list[str]
    counts: dict[str, int]


def run_in_processes(
    folders: Sequence[Path],
    selector: Selector,
    *,
    jobs: int,
    limit_s: float,
    on_result: OnResult = lambda result: None,
) -> Tested:
    """The unit tests of the folders' detections. limit_s: how long a single test may take.

    Raises: DetectionError for files that are wrong.
    """
    tasks = [Task(tuple(map(str, folders)), selector, index, jobs, limit_s) for index in range(jobs)]
    running = [_start(task) for task in tasks]
    made = Tested([], [], {})
    try:
        while running:
            ready = wait([one.process.pipe for one in running], timeout=WAIT_S)
            for one in running:
                if one.process.pipe in ready:
                    _hear(one, made, on_result)
            running = [each for one in running for each in _next(one, made, on_result)]
    finally:
        for one in running:
            one.process.end()
    return made


def _start(task: Task) -> _Running:
    return _Running(task, process.start(_work, task), time.monotonic(), done=list(task.done))


def _hear(one: _Running, made: Tested, on_result: OnResult) -> None:
    """Take in what a process has said since; only the end of its pipe tells that there is no more."""
    try:
        while one.process.pipe.poll():
            kind, content = json.loads(one.process.pipe.recv_bytes())
            one.heard_at = time.monotonic()
            if kind == "wrong":
                raise DetectionError([Problem(**problem) for problem in content])
            if kind == "loaded":
                one.loaded = True
                made.warnings[:] = content["warnings"]
                made.counts.update(content["counts"])
            elif kind == "begins":
                one.current = (content[0], content[1])
            elif kind == "result":
                made.results.append(TestResult(**{**content, "reasons": tuple(content["reasons"])}))
                on_result(made.results[-1])
            elif kind == "done":
                one.done.append(content)
                one.current = None
    except (EOFError, ConnectionError):
        one.ended = True


def _next(one: _Running, made: Tested, on_result: OnResult) -> list[_Running]:
    """The process as it is, nothing once it has finished, or another in its place where it hangs or died."""
    silent_s = time.monotonic() - one.heard_at
    hangs = not one.ended and silent_s > (one.task.limit_s if one.loaded else LOAD_LIMIT_S)
    if not one.ended and not hangs:
        return [one]
    code = one.process.wait() if one.ended else 0
    one.process.end()
    if one.ended and code == 0:
        return []
    how = f"did not end within {silent_s:.0f} s" if hangs else f"ended its process (exit code {code})"
    rule_id, test_name = one.current or ("", "load")
    reason = f"{how}; the detection's other tests were not run"
    made.results.append(TestResult(rule_id, test_name, False, (reason,), seconds=silent_s))
    on_result(made.results[-1])
    return [_start(replace(one.task, done=(*one.done, rule_id)))] if rule_id else []


def _work(task: Task, pipe: Connection) -> None:
    """Run in the process: load, test, say what came of it."""

    def say(kind: str, content: Any) -> None:
        pipe.send_bytes(encoded(kind, content))

    selection = Selection({folder: Path(folder) for folder in task.folders})
    try:
        pack = load_confined(selection, task.limit_s)
        with _leaving_with(os.getppid()):
            mine = testable(pack, task.selector)[task.index :: task.count]
            counts = {one.rule_id: len(one.tests) for one in mine}
            say("loaded", {"warnings": [str(warning) for warning in pack.warnings], "counts": counts})
            for one in mine:
                if one.rule_id not in task.done:
                    _test(pack, one, say)
    except DetectionError as error:
        say("wrong", error.problems)


def _test(pack: Pack, one: Detection | Correlation, say: Callable[[str, Any], None]) -> None:
    started = time.perf_counter()
    for result in results_of(pack, one, tell=lambda rule_id, name: say("begins", (rule_id, name))):
        ended = time.perf_counter()
        say("result", {**result.as_json(), "seconds": ended - started})
        started = ended
    say("done", one.rule_id)


@contextmanager
def _leaving_with(parent: int) -> Iterator[None]:
    """Ends this process soon after its parent, even from within a test that never ends."""

    def tick(_number: int, _frame: FrameType | None) -> None:
        if os.getppid() != parent:
            os._exit(1)

    signal.signal(signal.SIGALRM, tick)
    signal.setitimer(signal.ITIMER_REAL, 1, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)  # a tick while Python shuts down would kill it
