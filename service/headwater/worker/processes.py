"""As many worker processes as cores: started, watched, started again when they die, stopped in time."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import structlog

LOG = structlog.get_logger()
LOOK_S = 0.1  # how often children and signals are looked at
FIRST_PAUSE_S = 1.0  # before a dead child is started again; doubles
LONGEST_PAUSE_S = 60.0
STEADY_S = 60.0  # a child that lived so long is started again as if for the first time
DEATHS_ONCE = 5  # in a row, after which `run --once` gives up
EXIT_FAILED, EXIT_CONFIG = 1, 2  # as the command line uses them
CGROUP = Path("/sys/fs/cgroup")


def cores(cgroup: Path = CGROUP) -> int:
    """The cores that this task may use: by its affinity and by the quota of its cgroup, at least one.

    Source: Linux, "Control Group v2", cpu.max; for version 1 cpu.cfs_quota_us and cpu.cfs_period_us.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota(cgroup)
    return max(1, min(allowed, int(quota))) if quota else max(1, allowed)


def _quota(cgroup: Path) -> float | None:
    """The cores' worth of time; None where there is no limit."""
    try:
        limit, period = (cgroup / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            limit = (cgroup / "cpu" / "cpu.cfs_quota_us").read_text().strip()
            period = (cgroup / "cpu" / "cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    return int(limit) / int(period) if limit.isdigit() else None  # "max" and -1: none


@dataclass(slots=True)
class Child:
    """A worker process and its history. deaths: in a row. due_at: when to start it again; None: it runs, or is done."""

    number: int
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    deaths: int = 0
    due_at: float | None = 0.0


class Supervisor:
    """command: of a child, which gets its number as the last argument. once: children that end well are done.

    on_death: told the pid of a child that is gone. A child ends by itself when its standard input does, with this one.
    """

    def __init__(
        self,
        command: Sequence[str],
        count: int,
        *,
        stop_timeout_s: float,
        once: bool = False,
        on_death: Callable[[int], None] = lambda pid: None,
        environment: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._command = list(command)
        self._children = [Child(number) for number in range(count)]
        self._stop_timeout_s = stop_timeout_s
        self._once = once
        self._on_death = on_death
        self._environment = environment
        self._clock = clock
        self._signals: list[int] = []
        self._wake = threading.Event()
        self._exit_code = 0

    @property
    def pids(self) -> list[int]:
        """The living children."""
        return [child.process.pid for child in self._children if child.process is not None]

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Stop all children with this signal; called again, at once."""
        self._signals.append(number)
        self._wake.set()

    def run(self) -> int:
        """Work until stopped, or until every child is done; the exit code."""
        before = {number: signal.signal(number, self._on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            while not self._signals and any(child.process or child.due_at is not None for child in self._children):
                self._look()
                self._wake.wait(LOOK_S)
            self._stop_all()
        finally:
            self._kill()
            for number, handler in before.items():
                signal.signal(number, handler)
        return self._exit_code

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.stop(number)

    def _look(self) -> None:
        for child in self._children:
            if child.process is not None and (code := child.process.poll()) is not None:
                self._ended(child, child.process, code)
            elif child.due_at is not None and self._clock() >= child.due_at:
                self._start(child)

    def _start(self, child: Child) -> None:
        child.process = subprocess.Popen(  # noqa: S603 — our own module
            [*self._command, str(child.number)],
            stdin=subprocess.PIPE,
            env=None if self._environment is None else dict(self._environment),
            start_new_session=True,  # Ctrl-C comes from here alone, and once
        )
        child.started_at, child.due_at = self._clock(), None
        LOG.info("worker_started", number=child.number, pid=child.process.pid, restarts=child.deaths)

    def _ended(self, child: Child, process: subprocess.Popen[bytes], code: int) -> None:
        self._close(child)
        if self._once and code == 0:
            return
        if code == EXIT_CONFIG:  # it would say so again
            self._exit_code = EXIT_CONFIG
            self.stop()
            return
        lived_s = self._clock() - child.started_at
        child.deaths = 1 if lived_s >= STEADY_S else child.deaths + 1
        self._on_death(process.pid)
        if self._once and child.deaths >= DEATHS_ONCE:
            self._exit_code = EXIT_FAILED
            self.stop()
            return
        pause_s = min(FIRST_PAUSE_S * 2 ** (child.deaths - 1), LONGEST_PAUSE_S)
        child.due_at = self._clock() + pause_s
        LOG.error(
            "worker_died",
            number=child.number,
            pid=process.pid,
            exit_code=code,
            deaths=child.deaths,
            restart_in_s=pause_s,
        )

    def _stop_all(self) -> None:
        """Pass the signal on and wait; a second signal, or the end of the time, ends the children at once."""
        passed_on = self._signals[:1] or [signal.SIGTERM]
        for child in self._children:
            if child.process is not None:
                child.process.send_signal(passed_on[0])
        until = self._clock() + self._stop_timeout_s
        while self.pids and len(self._signals) < 2 and self._clock() < until:
            self._wake.clear()
            for child in self._children:
                if child.process is not None and (code := child.process.poll()) is not None:
                    if code not in (0, -passed_on[0]):  # one that had not begun yet ends by the signal itself
                        self._exit_code = self._exit_code or EXIT_FAILED
                    self._on_death(child.process.pid)
                    self._close(child)
            self._wake.wait(LOOK_S)

    def _kill(self) -> None:
        for child in self._children:
            if child.process is not None:
                LOG.error("worker_killed", number=child.number, pid=child.process.pid)
                self._exit_code = self._exit_code or EXIT_FAILED
                child.process.kill()
                child.process.wait()
                self._on_death(child.process.pid)
                self._close(child)

    def _close(self, child: Child) -> None:
        if child.process is not None and child.process.stdin is not None:
            child.process.stdin.close()
        child.process = None


class Stopper:
    """The signals of one worker process: the first asks it to stop and sets it a time, the second ends it at once.

    ask: asks. abandon: gives back what is in hand when the time is over. leave: ends the process.
    """

    def __init__(
        self,
        ask: Callable[[], None],
        abandon: Callable[[], None],
        timeout_s: float,
        leave: Callable[[int], None] = os._exit,
    ) -> None:
        self._ask = ask
        self._abandon = abandon
        self._timeout_s = timeout_s
        self._leave = leave
        self._asked = False

    def watch_signals(self) -> None:
        """Act on SIGTERM and SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def watch_parent(self, stdin: int = 0) -> None:
        """Stop when the process that started this one is gone: its end of the pipe is closed then."""
        threading.Thread(target=self._await_end, args=(stdin,), name="parent", daemon=True).start()

    def stop(self, number: int = signal.SIGTERM) -> None:
        """What a signal does."""
        if self._asked:
            self._leave(128 + number)
            return
        self._asked = True
        watchdog = threading.Timer(self._timeout_s, self._late)
        watchdog.daemon = True
        watchdog.start()
        self._ask()

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.stop(number)

    def _await_end(self, stdin: int) -> None:
        while os.read(stdin, 1):
            pass
        if not self._asked:
            self.stop()

    def _late(self) -> None:
        LOG.error("stop_timed_out", timeout_s=self._timeout_s)
        try:
            self._abandon()
        finally:
            self._leave(EXIT_FAILED)
