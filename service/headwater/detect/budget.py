"""Time for each rule: how long one call may last, and all its calls on one batch.

A timer ticks in the main thread of the process that runs the rules. Ticks are counted, not seconds: on a machine so
busy that the process does not run, none arrives.
"""

from __future__ import annotations

import os
import signal
from array import array
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Protocol

TICK_S = 0.05
IDLE = 0  # the number of no rule
STUCK_S_LEAST = 60.0  # processor time without a tick that Python handles: it is inside C code for good


class RuleTimeout(BaseException):
    """A call of a detection lasted too long. No Exception: `except Exception` in a detection must not swallow it."""


class RuleStopped(Exception):
    """A detection used up its time on a batch, and does not see the rest of it."""


class Cells(Protocol):
    """Numbers in an array, or in memory that another process sees."""

    def __getitem__(self, index: int, /) -> int: ...

    def __setitem__(self, index: int, value: int, /) -> None: ...


def no_cells() -> Cells:
    """Cells that nobody looks at."""
    return array("Q", [0, IDLE, 0])


@dataclass(frozen=True, slots=True)
class Progress:
    """What the rules are at; another process may look on.

    cells: calls so far, number of the rule that runs (IDLE: none), row it runs on. stopped: numbers of the rules that
    used up their time on this batch.
    """

    cells: Cells = field(default_factory=no_cells)
    stopped: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Limits:
    """Of each rule. call_s: one call. batch_s: all calls on one batch. hard_s: then the process is ended.

    memory_mib: of the process that runs the rules, without the programs and libraries that it maps.
    """

    call_s: float = 1.0
    batch_s: float = 10.0
    hard_s: float = 10.0
    memory_mib: int = 1024

    @property
    def tick_s(self) -> float:
        """How often the timer ticks: at least four times within a call's time."""
        return min(TICK_S, self.call_s / 4)


class Budget:
    """The timer of one process. seconds: sampled time of each rule, by its number."""

    def __init__(self, progress: Progress, limits: Limits) -> None:
        self.seconds: Counter[int] = Counter()
        self._progress = progress
        self._limits = limits
        self._of_batch: Counter[int] = Counter()
        self._parent = os.getppid()
        self._held = False
        self._call = self._ticks = 0

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Keeps time while a batch is worked on."""
        self._progress.stopped.clear()
        self._of_batch.clear()
        tick_s = self._limits.tick_s
        signal.signal(signal.SIGALRM, self._tick)
        signal.setitimer(signal.ITIMER_REAL, tick_s, tick_s)
        try:
            yield
        finally:
            self._progress.cells[1] = IDLE
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Time that is not the rule's: nothing is counted or raised."""
        self._held = True
        try:
            yield
        finally:
            self._held = False

    def _tick(self, _number: int, _frame: FrameType | None) -> None:
        if os.getppid() != self._parent:
            os._exit(1)  # nobody waits for the result any more
        # SIGVTALRM ends the process: where C code runs on and on, ticks are not handled, even without a parent.
        signal.setitimer(signal.ITIMER_VIRTUAL, max(STUCK_S_LEAST, 4 * self._limits.hard_s))
        call, running = self._progress.cells[0], self._progress.cells[1]
        if running == IDLE or self._held:
            return
        tick_s = self._limits.tick_s
        self.seconds[running] += tick_s  # type: ignore[assignment]  # a Counter of fractions
        self._of_batch[running] += tick_s  # type: ignore[assignment]
        if self._of_batch[running] > self._limits.batch_s:
            self._progress.stopped.add(running)
        self._ticks = self._ticks + 1 if call == self._call else 1
        self._call = call
        if self._ticks * tick_s > self._limits.call_s:
            self._ticks = 0  # the next function of the rule has its own time
            raise RuleTimeout(f"took longer than {self._limits.call_s:g} s")
