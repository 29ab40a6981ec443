"""Unit tests of detections side by side, in processes that have neither credentials nor network.

A process that says nothing for too long is ended, the test it was in has failed, and another goes on with the rest.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from headwater.detect import guard
from headwater.detect.load import load_pack
from headwater.detect.unit_tests import Selector, TestResult, results_of, testable
from headwater.errors import DetectionError, Problem

LOAD_LIMIT_S = 120.0
OnResult = Callable[[TestResult], None]


@dataclass(frozen=True, slots=True)
class Task:
    """What one process does: every count-th detection from index on, but for those that are done."""

    folders: tuple[str, ...]
    selector: Selector
    index: int
    count: int
    done: tuple[str, ...] = ()


@dataclass(slots=True)
class _Running:
    task: Task
    process: Any
    pipe: Connection
    heard_at: float
    loaded: bool = False
    current: tuple[str, str] | None = None
    done: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Tested:
    """What came of it. counts: tests that each detection has."""

    results: tuple[TestResult, ...]
    warnings: tuple[str, ...]
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
    tasks = [Task(tuple(map(str, folders)), selector, index, jobs) for index in range(jobs)]
    running = [_start(task) for task in tasks]
    results: list[TestResult] = []
    warnings: list[str] = []
    counts: dict[str, int] = {}
    try:
        while running:
            ready = wait([one.pipe for one in running], timeout=0.2)
            for one in [each for each in running if each.pipe in ready]:
                for kind, content in _messages(one):
                    if kind == "wrong":
                        raise DetectionError([Problem(**problem) for problem in content])
                    if kind == "loaded":
                        warnings, counts = content["warnings"], counts | content["counts"]
                    elif kind == "result":
                        result = TestResult(**{**content, "reasons": tuple(content["reasons"])})
                        results.append(result)
                        on_result(result)
            running = [each for one in running for each in _next(one, limit_s, results, on_result)]
    finally:
        for one in running:
            _end(one)
    return Tested(tuple(results), tuple(warnings), counts)


def _start(task: Task) -> _Running:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(task, theirs), daemon=True)
    process.start()
    theirs.close()
    return _Running(task, process, ours, time.monotonic(), done=list(task.done))


def _messages(one: _Running) -> Iterator[tuple[str, Any]]:
    """What a process has said since; "ended" once its pipe is closed."""
    try:
        while one.pipe.poll():
            kind, content = json.loads(one.pipe.recv_bytes())
            one.heard_at = time.monotonic()
            if kind == "begins":
                one.current = (content[0], content[1])
            elif kind == "done":
                one.done.append(content)
                one.current = None
            one.loaded = one.loaded or kind == "loaded"
            yield kind, content
    except EOFError:
        one.process.join()


def _next(one: _Running, limit_s: float, results: list[TestResult], on_result: OnResult) -> list[_Running]:
    """The process as it is, nothing once it has finished, or another in its place where it hangs or died."""
    silent_s = time.monotonic() - one.heard_at
    hangs = silent_s > (limit_s if one.loaded else LOAD_LIMIT_S)
    if one.process.is_alive() and not hangs:
        return [one]
    _end(one)
    if not hangs and one.process.exitcode == 0:
        return []
    how = f"did not end within {silent_s:.0f} s" if hangs else f"ended its process (exit code {one.process.exitcode})"
    rule_id, test_name = one.current or ("", "load")
    result = TestResult(rule_id, test_name, False, (f"{how}; its other tests were not run",), seconds=silent_s)
    results.append(result)
    on_result(result)
    if not one.loaded or not rule_id:
        return []
    task = one.task
    return [_start(Task(task.folders, task.selector, task.index, task.count, (*one.done, rule_id)))]


def _end(one: _Running) -> None:
    one.process.kill()
    one.process.join()
    one.pipe.close()


def _work(task: Task, pipe: Connection) -> None:
    """Run in the process: load, test, say what came of it. Plain JSON: what detections made is not to be trusted."""

    def say(kind: str, content: Any) -> None:
        pipe.send_bytes(json.dumps([kind, content], default=repr).encode())

    guard.lock_down([Path(folder) for folder in task.folders])
    try:
        pack = load_pack([Path(folder) for folder in task.folders])
    except DetectionError as error:
        say("wrong", [_plain(problem) for problem in error.problems])
        return
    mine = testable(pack, task.selector)[task.index :: task.count]
    warnings = [str(warning) for warning in pack.warnings]
    say("loaded", {"warnings": warnings, "counts": {one.rule_id: len(one.tests) for one in mine}})
    for one in mine:
        if one.rule_id not in task.done:
            started = time.perf_counter()
            for result in results_of(pack, one, tell=lambda rule_id, name: say("begins", (rule_id, name))):
                ended = time.perf_counter()
                say("result", {**result.as_json(), "seconds": ended - started})
                started = ended
            say("done", one.rule_id)


def _plain(problem: Problem) -> dict[str, Any]:
    return {name: getattr(problem, name) for name in Problem.__dataclass_fields__}
