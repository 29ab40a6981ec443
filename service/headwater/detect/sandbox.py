"""Detections in a process of their own: what breaks it costs one rule one batch, and never an event.

The process has no credentials and no network, and can be ended at any time. Here its answers become matches: their
events are taken from our own table, and a rule that ended or blocked the process is told as its error, while the other
rules see the batch again without it.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

import structlog

from headwater.detect import functions, matches, wire
from headwater.detect.budget import IDLE, Limits
from headwater.detect.cache import Cache, MemoryCache
from headwater.detect.engine import with_events
from headwater.detect.matches import Face, Told
from headwater.detect.packs import Selection
from headwater.detect.watched import LOAD_LIMIT_S, Child, Died
from headwater.errors import DetectionError, DetectionsUnavailable
from headwater.model import Batch, Match

LOG = structlog.get_logger()
HUNG, CRASHED = "RuleHung", "RuleCrashed"  # classes of error matches
KILLS_MAX = 2  # of one rule; then it does not run again in this Sandbox
OUTAGES_MAX = 2  # ends of the process on one batch that no rule can be blamed for
STARTS_MAX = 20  # files that may end the process when they are imported

# How many plain errors an error of these classes counts for, where errors suspend a rule.
COSTLY: Mapping[str, int] = {"RuleTimeout": 10, "RuleStopped": 200, HUNG: 500, CRASHED: 500}


def nobody() -> frozenset[str]:
    """No rule."""
    return frozenset()


@dataclass(frozen=True, slots=True)
class RuleUse:
    """What a rule used since the Sandbox began. seconds: sampled. printed: bytes; text: the last batch's first ones."""

    rule_id: str
    seconds: float = 0.0
    printed: int = 0
    text: str = ""
    kills: int = 0


class Sandbox:
    """A Detector that runs the enabled rules of a selection in a child process, which is started when it is needed.

    cache: what the detections remember events in. suspended: asked before each batch which rules must not run.
    Used by one thread at a time; others wait.
    """

    def __init__(
        self,
        selection: Selection,
        *,
        destinations: Mapping[str, str] = functions.NOTHING,
        limits: Limits = Limits(),  # noqa: B008 — frozen
        cache: Cache | None = None,
        suspended: Callable[[], frozenset[str]] = nobody,
    ) -> None:
        self._selection = selection
        self._destinations = dict(destinations)
        self._limits = limits
        self._cache = cache or MemoryCache()
        self._ask_suspended = suspended
        self._suspended: set[str] = set()
        self._lock = threading.RLock()
        self._child: Child | None = None
        self._ready: wire.Ready | None = None
        self._banned: dict[str, None] = {}
        self._kills: Counter[str] = Counter()
        self._uses: dict[str, RuleUse] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> Self:
        """Load the detections now. Raises: DetectionError with every mistake in the files; DetectionsUnavailable."""
        with self._lock:
            if self._child is None:
                self._child, self._ready = self._started()
        return self

    def close(self) -> None:
        """End the process; the next batch starts another."""
        with self._lock:
            if self._child is not None:
                self._child.close()
                self._child = None

    @property
    def log_types(self) -> frozenset[str]:
        """The log types that some rule reads."""
        return self._known().log_types

    @property
    def confined(self) -> tuple[str, ...]:
        """What the kernel holds of the process, in words."""
        return self._known().confined

    @property
    def uses(self) -> tuple[RuleUse, ...]:
        """What each rule used, the slowest first; rules of which nothing is known are left out."""
        known = {**{rule_id: RuleUse(rule_id) for rule_id in self._kills}, **self._uses}
        found = [replace(use, kills=self._kills[rule_id]) for rule_id, use in known.items()]
        return tuple(sorted(found, key=lambda use: (-use.seconds, use.rule_id)))

    def suspend(self, rule_ids: Iterable[str]) -> None:
        """Run these rules no more."""
        self._suspended.update(rule_ids)

    def resume(self, rule_ids: Iterable[str]) -> None:
        """Run these rules again, whatever they did before."""
        for rule_id in rule_ids:
            self._suspended.discard(rule_id)
            del self._kills[rule_id]

    def detect(self, batch: Batch) -> tuple[Match, ...]:
        """The matches of a batch, and error matches for the rules that broke on it.

        Raises: DetectionsUnavailable where no process can be started; what the cache raises beside ValueError.
        """
        if not batch.rows or batch.log_type not in self.log_types:
            return ()
        with self._lock:
            out = frozenset(self._suspended) | self._ask_suspended()
            faults: dict[str, tuple[int, Match]] = {}
            outages = 0
            while outages < OUTAGES_MAX:
                try:
                    return with_events([*self._run(batch, out | faults.keys()), *faults.values()], batch)
                except Died as death:
                    self._child = None
                    fault = self._fault(death, batch)
                    if fault is None:
                        outages += 1
                    else:
                        faults[fault[1].rule_id] = fault
            return with_events([*faults.values(), (0, _outage(batch))], batch)

    def _known(self) -> wire.Ready:
        if self._ready is None:
            self.start()
        if self._ready is None:
            raise AssertionError("unreachable")
        return self._ready

    def _run(self, batch: Batch, suspended: frozenset[str]) -> list[tuple[int, Match]]:
        child = self._restarted()
        found: list[tuple[int, Match]] = []
        shared: dict[str, str] = {}
        try:
            child.send(wire.Detect(batch.log_type, suspended))
            child.send_table(batch)
            while True:
                message = child.receive(self._serve)
                if not isinstance(message, wire.Found):
                    raise AssertionError("unreachable")
                found += ((row, _shared(match, shared)) for row, match in message.matches if row < batch.rows)
                if not message.more:
                    self._count(message.uses)
                    return found
        except Died:
            raise
        except BaseException:  # the cache failed, or Ctrl-C: the child is in the middle of something
            self.close()
            raise

    def _restarted(self) -> Child:
        """The child. Files that have become wrong since they were loaded are waited for."""
        try:
            self.start()
        except DetectionError as error:
            raise DetectionsUnavailable(f"detections cannot be loaded again: {error}") from error
        if self._child is None:
            raise AssertionError("unreachable")
        return self._child

    def _started(self) -> tuple[Child, wire.Ready]:
        """A child that has loaded everything but the files that end it."""
        traced = False
        for _ in range(STARTS_MAX):
            child = Child(self._limits)
            try:
                child.send(self._start(traced))
                message = child.receive(self._serve, LOAD_LIMIT_S if not traced else self._limits.hard_s + LOAD_LIMIT_S)
            except Died as death:
                LOG.warning("detections_not_loaded", how=death.how, file=death.file)
                if traced and not death.file:
                    raise DetectionsUnavailable(f"the process of the detections {death.how}: {_last(death)}") from death
                self._banned.update({death.file: None} if death.file else {})
                traced = True
                continue
            except BaseException:
                child.close()
                raise
            if isinstance(message, wire.Ready):
                return child, message
            child.close()
            raise DetectionError(list(message.problems) if isinstance(message, wire.Wrong) else [])
        raise DetectionsUnavailable("the process of the detections ended again and again while it loaded them")

    def _start(self, traced: bool) -> wire.Start:
        folders = {name: str(folder.resolve()) for name, folder in self._selection.folders.items()}
        banned = tuple(self._banned)
        return wire.Start(folders, self._selection.switches, self._destinations, self._limits, banned, traced)

    def _serve(self, question: wire.Recall | wire.Remember) -> wire.Remembered:
        try:
            if isinstance(question, wire.Recall):
                return wire.Remembered(self._cache.read(question.key))
            return wire.Remembered(self._cache.change(question.key, question.step))
        except ValueError as error:
            return wire.Remembered(refusal=str(error))

    def _fault(self, death: Died, batch: Batch) -> tuple[int, Match] | None:
        """The error match of the rule that ended the process, if it was a rule."""
        faces = self._known().faces
        face = faces[death.number - 1] if IDLE < death.number <= len(faces) else None
        LOG.warning("detections_ended", rule_id=face and face.rule_id, how=death.how, log_type=batch.log_type)
        if face is None:
            return None
        self._kills[face.rule_id] += 1
        if self._kills[face.rule_id] >= KILLS_MAX:
            self.suspend([face.rule_id])
        return min(death.row, batch.rows - 1), matches.told_match(
            face, {}, batch.log_type, _told(death, face, batch), ""
        )

    def _count(self, uses: Mapping[int, wire.Use]) -> None:
        faces = self._known().faces
        for number, use in uses.items():
            rule_id = faces[number - 1].rule_id if IDLE < number <= len(faces) else ""
            known = self._uses.get(rule_id, RuleUse(rule_id))
            self._uses[rule_id] = replace(
                known, seconds=known.seconds + use.seconds, printed=known.printed + use.printed, text=use.text
            )


def _told(death: Died, face: Face, batch: Batch) -> Told:
    name = HUNG if death.hung else CRASHED
    message = f"{death.how}; it did not run on this batch of {batch.rows:,} rows"
    return Told(name, f"{name}: {face.rule_id} {death.how}", message, _place(death))


def _place(death: Died) -> str:
    """Where faulthandler saw the innermost Python frame, without the folder."""
    found = re.search(r'File "([^"]+)", line (\d+)', death.told)
    return f"{found[1].rpartition('/')[2]}:{found[2]}" if found else ""


def _last(death: Died) -> str:
    return (death.told.strip().splitlines() or ["it said nothing"])[-1]


def _outage(batch: Batch) -> Match:
    message = f"No detection has seen {batch.rows:,} rows of {batch.log_type}: their process ended {OUTAGES_MAX} times"
    return matches.outage_match({}, batch.log_type, "", message)


def _shared(match: Match, shared: dict[str, str]) -> Match:
    """The match with texts that are equal in many matches held once."""
    return replace(
        match,
        description=shared.setdefault(match.description, match.description),
        runbook=shared.setdefault(match.runbook, match.runbook),
        reference=shared.setdefault(match.reference, match.reference),
    )
