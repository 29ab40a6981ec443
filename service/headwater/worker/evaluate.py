"""Rules over stored data, evaluated when due: each slot by one worker, each finding committed once.

A turn: take the rule, finish the batch of a worker that died over it, find, bind what is new, commit, give it back.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as WaitTimeout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog
from cronsim import CronSim, CronSimError

from headwater.errors import HeadwaterError, TransientError
from headwater.model import Alert, Match
from headwater.pipeline import Digest, Step, Store, commit
from headwater.state import evaluations

LOG = structlog.get_logger()
LOOK_EVERY = timedelta(seconds=30)  # whether a rule is due
KEEP = timedelta(days=7)  # how long a finding is recognised
FOR_EVER_S = 10 * 365 * 86_400.0  # such a batch has no objects to take over: the next turn at its rule finishes it


class Task(Protocol):
    """A rule over stored data. rate_min: how often it is evaluated, where it has no cron."""

    @property
    def rule_id(self) -> str:
        """Names its turns."""

    @property
    def rate_min(self) -> int:
        """Minutes between two evaluations."""

    @property
    def cron(self) -> str | None:
        """When it is evaluated instead, in UTC."""

    @property
    def limit_s(self) -> float:
        """How long an evaluation may take; the worker's turn lasts longer than that."""

    def find(self, seen: datetime | None, now: datetime) -> Sequence[Match]:
        """What it finds now. seen: when it was last evaluated."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What one run did. matches: those committed. failed: ids of the rules that could not be evaluated."""

    rules: int = 0
    matches: tuple[Match, ...] = ()
    alerts: tuple[Alert, ...] = ()
    failed: tuple[str, ...] = ()


class Evaluator:
    """Evaluates tasks when they are due. step: told each step before it runs (take, find, bind, prepare …, end)."""

    def __init__(
        self,
        store: Store,
        tasks: Callable[[], Sequence[Task]],
        worker: str,
        *,
        lease_s: float = 600,
        step: Step = lambda name: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._store = store
        self._tasks = tasks
        self._worker = worker
        self._lease_s = lease_s
        self._step = step
        self._looked: datetime | None = None

    def run(self, now: datetime) -> Evaluated:
        """Evaluate what is due; looks only so often."""
        if self._looked is not None and now - self._looked < LOOK_EVERY:
            return Evaluated()
        self._looked = now
        last = evaluations.last_evaluated(self._store.database)
        unfinished = evaluations.unfinished(self._store.database)
        tasks = [each for each in self._tasks() if each.rule_id in unfinished or due(each, last.get(each.rule_id), now)]
        return self._all(tasks, now)

    def run_all(self, now: datetime) -> Evaluated:
        """Evaluate every rule, due or not."""
        return self._all(self._tasks(), now)

    def _all(self, tasks: Sequence[Task], now: datetime) -> Evaluated:
        matches: list[Match] = []
        alerts: list[Alert] = []
        failed: list[str] = []
        last = evaluations.last_evaluated(self._store.database)
        started = self._clock()
        for task in tasks:
            lease_s = self._lease_s + task.limit_s + self._clock() - started
            try:
                found = self._one(task, last.get(task.rule_id), now, lease_s)
            except HeadwaterError as error:
                LOG.warning("evaluation_failed", rule=task.rule_id, error=str(error))
                failed.append(task.rule_id)
                continue
            matches += found.matches
            alerts += found.alerts
        return Evaluated(len(tasks), tuple(matches), tuple(alerts), tuple(failed))

    def _one(self, task: Task, seen: datetime | None, now: datetime, lease_s: float) -> Evaluated:
        self._step("take")
        database = self._store.database
        turn = evaluations.take(database, task.rule_id, seen, worker=self._worker, now=now, lease_s=lease_s)
        if turn is None:
            return Evaluated()
        done = None
        try:
            before = self._finish(turn.batch_id, now) if turn.batch_id else Evaluated()
            self._step("find")
            found = task.find(seen, now)
            self._step("bind")
            batch_id = _batch_id(task.rule_id, seen, found)
            mine = evaluations.bind(database, turn, batch_id, found, now=now, keep=KEEP) if found else ()
            here = self._finish(batch_id, now) if mine else Evaluated()
            done = now
        finally:
            self._step("end")
            evaluations.end(database, turn, done)
        return Evaluated(1, (*before.matches, *here.matches), (*before.alerts, *here.alerts))

    def _finish(self, batch_id: str, now: datetime) -> Evaluated:
        """Commit a bound batch; the second time does nothing."""
        if evaluations.is_done(self._store.database, batch_id):  # its snapshot may be forgotten by now
            return Evaluated()
        matches = evaluations.bound(self._store.database, batch_id)
        made = Digest((), (), matches, (), {})
        alerts = commit(self._store, batch_id, made, worker=self._worker, now=now, lease_s=FOR_EVER_S, step=self._step)
        LOG.info("findings_committed", batch_id=batch_id, rule=matches[0].rule_id, matches=len(matches))
        return Evaluated(1, matches, alerts)


class Background:
    """An evaluator beside the worker's loop, one run at a time: a query may take minutes, the queue does not wait."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="evaluate")
        self._running: Future[Evaluated] | None = None

    @property
    def idle(self) -> bool:
        """Whether no run is at work."""
        return self._running is None or self._running.done()

    def run(self, now: datetime) -> None:
        """Begin a run if none is at work; takes no time itself. Raises: TransientError of the one before."""
        if self.idle:
            self._finish()
            self._running = self._pool.submit(self._evaluator.run, now)

    def stop(self, timeout_s: float | None = None) -> None:
        """Wait for the run that is at work, so long at most; what it could not do is done by the next worker."""
        self._pool.shutdown(wait=False)
        try:
            self._finish(timeout_s)
        except TransientError as error:
            LOG.warning("evaluation_failed", error=str(error))
        except WaitTimeout:
            LOG.warning("evaluation_left")

    def _finish(self, timeout_s: float | None = None) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.result(timeout_s)


def due(task: Task, last: datetime | None, now: datetime) -> bool:
    """Whether it is time; a rule that was never evaluated is due. Crons are in UTC; rate_min stands for an odd one."""
    if last is None:
        return True
    at_rate = now >= last + timedelta(minutes=task.rate_min)
    if task.cron is None:
        return at_rate
    try:
        return next(CronSim(task.cron, last.astimezone(UTC))) <= now
    except (CronSimError, StopIteration):  # not understood, or a day that never comes
        return at_rate


def _batch_id(rule_id: str, seen: datetime | None, found: Sequence[Match]) -> str:
    parts = [rule_id, seen.isoformat() if seen else "", *sorted(match.match_id for match in found)]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
