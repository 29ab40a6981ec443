"""Rules over batches: only rows that some rule could match become Python objects."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

from headwater.detect import functions, matches
from headwater.detect.budget import IDLE, Progress, RuleStopped
from headwater.detect.conditions import Condition, Rows, all_of
from headwater.detect.datamodel import DataModel
from headwater.detect.event import PantherEvent
from headwater.detect.load import Detection, Pack
from headwater.detect.prefilter import derive
from headwater.ingest.rows import row_dicts
from headwater.model import Batch, Match

SLICE_ROWS = 1024  # rows that are Python objects at one time


@dataclass(frozen=True, slots=True)
class Runner:
    """One rule ready to run. condition: holds for every row on which it can be seen. number: its place, from 1."""

    number: int
    detection: Detection
    rule: Callable[[PantherEvent], Any]
    condition: Condition


@dataclass(frozen=True, slots=True)
class Group:
    """The rules of one log type that share a data model."""

    model: DataModel | None
    runners: tuple[Runner, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Which rules of a group run on which rows of one table. always: on all; picked: row → rules."""

    model: DataModel | None
    always: tuple[Runner, ...]
    picked: Mapping[int, Sequence[Runner]]


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
        self._groups: dict[str, list[Group]] = {}
        self._broken: dict[str, list[Detection]] = defaultdict(list)
        self.rules = tuple(one for one in pack.rules if one.enabled)
        runners = {
            one.rule_id: _runner(number, one, prefilter)
            for number, one in enumerate(self.rules, 1)
            if one.subject.setup_error is None
        }
        for log_type in sorted({name for one in pack.rules if one.enabled for name in one.log_types}):
            rules = [one for one in pack.rules if one.enabled and log_type in one.log_types]
            self._broken[log_type] = [one for one in rules if one.subject.setup_error is not None]
            self._groups[log_type] = _groups(
                pack, log_type, [runners[one.rule_id] for one in rules if one.rule_id in runners]
            )

    @property
    def log_types(self) -> frozenset[str]:
        """The log types that some rule reads."""
        return frozenset(self._groups)

    def detect(self, batch: Batch) -> tuple[Match, ...]:
        """The matches of a batch, and error matches for the rules that raised: a few of each class, which tell of all.

        A rule that could not be loaded gives one error match a batch, on its first row.
        """
        return with_events(self.find(batch), batch)

    def find(self, batch: Batch) -> list[tuple[int, Match]]:
        """The matches with the numbers of their rows; their events are as the rules left them."""
        if batch.log_type not in self._groups or not batch.rows:
            return []
        with self._lock:
            return [*self._setup_errors(batch), *self._run(batch)]

    def _setup_errors(self, batch: Batch) -> Iterator[tuple[int, Match]]:
        for detection in self._broken[batch.log_type]:
            error = detection.subject.setup_error
            if error is not None and detection.rule_id not in self.suspended:
                yield 0, matches.error_match(detection, {}, batch.log_type, error, "")

    def _run(self, batch: Batch) -> Iterator[tuple[int, Match]]:
        rows = Rows(batch.table)
        plans = [_plan(group, rows, self.suspended) for group in self._groups[batch.log_type]]
        found = _Found(batch.log_type)
        cells = self._progress.cells
        for indices in _slices(plans, batch.rows):
            cells[1] = IDLE
            events = row_dicts(batch.table, indices)
            for plan in plans:
                for index, row in zip(indices, events, strict=True):
                    runners = (*plan.always, *plan.picked.get(index, ()))
                    if runners:
                        cells[2] = index
                        self._one(runners, PantherEvent(row, plan.model), row, index, found)
        cells[1] = IDLE
        yield from found.all(self.rules)

    def _one(
        self, runners: Sequence[Runner], event: PantherEvent, row: dict[str, Any], index: int, found: _Found
    ) -> None:
        cells, stopped = self._progress.cells, self._progress.stopped
        for runner in runners:
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
                match = matches.error_match(runner.detection, row, found.log_type, error, "")
                found.made += found.errors.admit(index, match)
                continue
            values, _ = functions.auxiliary(runner.detection.subject, event, self._destinations, test_mode=False)
            found.made.append((index, matches.rule_match(runner.detection, row, found.log_type, values, "")))


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


def _runner(number: int, detection: Detection, prefilter: bool) -> Runner:
    module = detection.subject.module
    if module is None:
        raise ValueError(f"{detection.rule_id} has no module")
    rule, condition = module.rule, detection.condition
    if detection.source is not None:
        condition = all_of(condition, derive(detection.source, module))
    if detection.subject.passes is not None:
        rule = _filtered(rule, detection.subject.passes)
    return Runner(number, detection, rule, condition if prefilter else True)


def _filtered(rule: Callable[[PantherEvent], Any], passes: Callable[[PantherEvent], bool]) -> Callable[[Any], Any]:
    return lambda event: rule(event) if passes(event) else False


def _groups(pack: Pack, log_type: str, runners: Sequence[Runner]) -> list[Group]:
    by_folder: dict[int, list[Runner]] = defaultdict(list)
    for runner in runners:
        by_folder[runner.detection.spec.folder].append(runner)
    return [Group(pack.data_model(folder, log_type), tuple(found)) for folder, found in by_folder.items()]


def _plan(group: Group, rows: Rows, suspended: frozenset[str]) -> Plan:
    always: list[Runner] = []
    picked: dict[int, list[Runner]] = defaultdict(list)
    for runner in group.runners:
        if runner.detection.rule_id in suspended:
            continue
        indices = rows.meeting(runner.condition)
        if indices is None:
            always.append(runner)
        for index in indices or ():
            picked[index].append(runner)
    return Plan(group.model, tuple(always), picked)


def _slices(plans: Sequence[Plan], count: int) -> Iterator[list[int]]:
    everything = any(plan.always for plan in plans)
    needed = iter(range(count) if everything else sorted({index for plan in plans for index in plan.picked}))
    while indices := list(islice(needed, SLICE_ROWS)):
        yield indices
