"""Rules over batches: only rows that some rule could match become Python objects."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

from headwater.detect import functions, matches
from headwater.detect.budget import IDLE, Progress, RuleStopped
from headwater.detect.conditions import Condition, all_of
from headwater.detect.datamodel import DataModel
from headwater.detect.event import PantherEvent
from headwater.detect.load import Detection, Pack
from headwater.detect.prefilter import Sources, derive, sources_of
from headwater.detect.selection import Selector
from headwater.ingest.rows import row_dicts
from headwater.model import Batch, Match

COLLECT_EVERY = (50_000, 50, 1000)  # new objects, and collections of the younger generations
SLICE_ROWS = 1024  # rows that are Python objects at one time


@dataclass(frozen=True, slots=True)
class Runner:
    """One rule ready to run on one log type. number: its place in the engine, from 1. model: of its log type."""

    number: int
    detection: Detection
    rule: Callable[[PantherEvent], Any]
    model: DataModel | None


class Detector(Protocol):
    """What finds the matches of batches: an Engine in this process, or a Sandbox that runs one in another."""

    @property
    def log_types(self) -> frozenset[str]:
        """The log types that some rule reads."""

    def detect(self, batch: Batch) -> tuple[Match, ...]:
        """The matches of a batch, and error matches for the rules that broke on it."""


class Engine:
    """The enabled rules of a pack. destinations: display name or id → id, for destinations().

    suspended: ids of rules that do not run; it may be set between two batches. progress: told which rule runs.
    Rules keep state in their modules between rule() and title(), so one engine runs one batch at a time.
    """

    def __init__(
        self,
        pack: Pack,
        *,
        destinations: Mapping[str, str] = functions.NOTHING,
        prefilter: bool = True,
        suspended: frozenset[str] = frozenset(),
        progress: Progress | None = None,
    ) -> None:
        self.suspended = suspended
        self._progress = progress or Progress()
        self._destinations = destinations
        self._lock = threading.Lock()
        self._pack = pack
        self._sources = sources_of(pack) if prefilter else None
        self._selectors: dict[str, Selector[Runner]] = {}
        self._selected = suspended
        self.rules = tuple(one for one in pack.rules if one.enabled)
        self._log_types = frozenset(name for one in self.rules for name in one.log_types)

    @property
    def log_types(self) -> frozenset[str]:
        """The log types that some rule reads."""
        return self._log_types

    def detect(self, batch: Batch) -> tuple[Match, ...]:
        """The matches of a batch, and error matches for the rules that raised: a few of each class, which tell of all.

        A rule that could not be loaded gives one error match a batch, on its first row.
        """
        with rare_collections():
            return with_events(self.find(batch), batch)

    def find(self, batch: Batch) -> list[tuple[int, Match]]:
        """The matches with the numbers of their rows, but without their events: see with_events."""
        if batch.log_type not in self._log_types or not batch.rows:
            return []
        with self._lock, rare_collections():
            return [*self._setup_errors(batch), *self._run(batch)]

    def ready(self, log_type: str) -> tuple[int, int]:
        """How many rules of a log type run, and how many of them need not see every row; read now, not at a batch."""
        return len(self._selector(log_type)), self._selector(log_type).conditional

    def picked(self, batch: Batch) -> dict[int, tuple[Runner, ...]]:
        """Row → the rules that run on it."""
        return self._selector(batch.log_type).select(batch.table)

    def _setup_errors(self, batch: Batch) -> Iterator[tuple[int, Match]]:
        for detection in self.rules:
            error = detection.subject.setup_error
            if error is not None and batch.log_type in detection.log_types and detection.rule_id not in self.suspended:
                yield 0, matches.error_match(detection, {}, batch.log_type, error, "")

    def _run(self, batch: Batch) -> Iterator[tuple[int, Match]]:
        picked = self.picked(batch)
        found = _Found(batch.log_type)
        cells = self._progress.cells
        for indices in _slices(picked):
            cells[1] = IDLE
            for index, row in zip(indices, row_dicts(batch.table, indices), strict=True):
                cells[2] = index
                self._one(picked[index], row, index, found)
        cells[1] = IDLE
        yield from found.all(self.rules)

    def _selector(self, log_type: str) -> Selector[Runner]:
        if self._selected != self.suspended:
            self._selectors.clear()
            self._selected = self.suspended
        if log_type not in self._selectors:
            self._selectors[log_type] = Selector(list(self._conditions(log_type)))
        return self._selectors[log_type]

    def _conditions(self, log_type: str) -> Iterator[tuple[Condition, Runner]]:
        """The rules of a log type, those of one data model together, and where each can be seen."""
        models = [self._pack.data_model(folder, log_type) for folder in range(len(self._pack.models))]
        for number, one in sorted(enumerate(self.rules, 1), key=lambda numbered: numbered[1].folder):
            if log_type in one.log_types and one.subject.setup_error is None and one.rule_id not in self._selected:
                runner = _runner(number, one, models[one.folder])
                yield condition_of(one, runner.model, self._sources) if self._sources else True, runner

    def _one(self, runners: Sequence[Runner], row: dict[str, Any], index: int, found: _Found) -> None:
        cells, stopped = self._progress.cells, self._progress.stopped
        event = PantherEvent(row, runners[0].model)
        for runner in runners:
            if runner.model is not event.model:
                event = PantherEvent(row, runner.model)
            if runner.number in stopped:
                found.skipped.setdefault(runner.number, []).append(index)
                continue
            try:
                cells[0] += 1
                cells[1] = runner.number
                output = runner.rule(event)
                if output is False:
                    continue
                functions.checked_bool(runner.detection.subject, output)
            except BaseException as error:  # noqa: BLE001 — rules are other people's code; SystemExit from one is only its error
                match = matches.error_match(runner.detection, {}, found.log_type, error, "")
                found.made += found.errors.admit(index, match)
                continue
            values, _ = functions.auxiliary(runner.detection.subject, event, self._destinations, test_mode=False)
            found.made.append((index, matches.rule_match(runner.detection, {}, found.log_type, values, "")))


@contextmanager
def rare_collections() -> Iterator[None]:
    """Looks for cycles of garbage less often: what a batch makes lives until its end, and looking at it all over again
    took 30 % of the time."""
    before = gc.get_threshold()
    gc.set_threshold(*COLLECT_EVERY)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@dataclass(slots=True)
class _Found:
    """What the rules said of one batch so far. skipped: the rows that each stopped rule has not seen."""

    log_type: str
    made: list[tuple[int, Match]] = field(default_factory=list)
    errors: matches.ErrorLimit = field(default_factory=matches.ErrorLimit)
    skipped: dict[int, list[int]] = field(default_factory=dict)

    def all(self, rules: Sequence[Detection]) -> Iterator[tuple[int, Match]]:
        """The matches, and one error match for each rule that was stopped."""
        yield from self.made
        yield from self.errors.rest()
        for number, rows in self.skipped.items():
            error = RuleStopped(f"used up its time on this batch; {len(rows):,} of its rows were not looked at")
            yield rows[0], matches.error_match(rules[number - 1], {}, self.log_type, error, "")


def with_events(found: Sequence[tuple[int, Match]], batch: Batch) -> tuple[Match, ...]:
    """The matches with their rows as the table has them, whatever rules did to the events that they saw."""
    rows = sorted({index for index, _ in found})
    events = dict(zip(rows, row_dicts(batch.table, rows), strict=True)) if rows else {}
    return tuple(matches.with_event(match, events[index], index) for index, match in found)


def condition_of(detection: Detection, model: DataModel | None, sources: Sequence[Sources]) -> Condition:
    """The rows on which a detection can be seen."""
    module = detection.subject.module
    if detection.source is None or module is None:
        return detection.condition
    return all_of(detection.condition, derive(module, sources[detection.folder], model).condition)


def _runner(number: int, detection: Detection, model: DataModel | None) -> Runner:
    module = detection.subject.module
    if module is None:
        raise ValueError(f"{detection.rule_id} has no module")
    passes = detection.subject.passes
    return Runner(number, detection, _filtered(module.rule, passes) if passes is not None else module.rule, model)


def _filtered(rule: Callable[[PantherEvent], Any], passes: Callable[[PantherEvent], bool]) -> Callable[[Any], Any]:
    return lambda event: rule(event) if passes(event) else False


def _slices(picked: Mapping[int, Any]) -> Iterator[list[int]]:
    needed = iter(picked)
    while indices := list(islice(needed, SLICE_ROWS)):
        yield indices
