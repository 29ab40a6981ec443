"""Rules over batches: only rows that some rule could match become Python objects."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from headwater.detect import functions, matches
from headwater.detect.conditions import Condition, Rows
from headwater.detect.datamodel import DataModel
from headwater.detect.event import PantherEvent
from headwater.detect.load import Detection, Pack
from headwater.detect.prefilter import derive
from headwater.ingest.rows import row_dicts
from headwater.model import Batch, Match

SLICE_ROWS = 1024  # rows that are Python objects at one time


@dataclass(frozen=True, slots=True)
class Runner:
    """One rule ready to run. condition: holds for every row on which it can be seen."""

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


class Engine:
    """The enabled rules of a pack. destinations: display name or id → id, for destinations().

    Rules keep state in their modules between rule() and title(), so one engine runs one batch at a time.
    """

    def __init__(
        self, pack: Pack, *, destinations: Mapping[str, str] = functions.NOTHING, prefilter: bool = True
    ) -> None:
        self._destinations = destinations
        self._lock = threading.Lock()
        self._groups: dict[str, list[Group]] = {}
        self._broken: dict[str, list[Detection]] = defaultdict(list)
        runners = {
            one.rule_id: _runner(one, prefilter)
            for one in pack.rules
            if one.enabled and one.subject.setup_error is None
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
        """The matches of a batch, and an error match for each rule that raised on a row.

        A rule that could not be loaded gives one error match a batch, on its first row.
        """
        if batch.log_type not in self._groups or not batch.rows:
            return ()
        with self._lock:
            return (*self._setup_errors(batch), *self._run(batch))

    def _setup_errors(self, batch: Batch) -> Iterator[Match]:
        broken = self._broken[batch.log_type]
        row = row_dicts(batch.table, [0])[0] if broken else {}
        for detection in broken:
            if detection.subject.setup_error is not None:
                yield matches.error_match(
                    detection, row, batch.log_type, detection.subject.setup_error, _row_id(row, 0)
                )

    def _run(self, batch: Batch) -> Iterator[Match]:
        rows = Rows(batch.table)
        plans = [_plan(group, rows) for group in self._groups[batch.log_type]]
        for indices in _slices(plans, batch.rows):
            events = row_dicts(batch.table, indices)
            for plan in plans:
                for index, row in zip(indices, events, strict=True):
                    runners = (*plan.always, *plan.picked.get(index, ()))
                    if runners:
                        yield from self._one(runners, PantherEvent(row, plan.model), row, batch.log_type, index)

    def _one(
        self, runners: Sequence[Runner], event: PantherEvent, row: dict[str, Any], log_type: str, index: int
    ) -> Iterator[Match]:
        for runner in runners:
            try:
                output = runner.rule(event)
                if output is False:
                    continue
                functions.checked_bool(runner.detection.subject, output)
            except BaseException as error:  # noqa: BLE001 — rules are other people's code; SystemExit from one is only its error
                yield matches.error_match(runner.detection, row, log_type, error, _row_id(row, index))
                continue
            values, _ = functions.auxiliary(runner.detection.subject, event, self._destinations, test_mode=False)
            yield matches.rule_match(runner.detection, row, log_type, values, _row_id(row, index))


def _runner(detection: Detection, prefilter: bool) -> Runner:
    module = detection.subject.module
    if module is None:
        raise ValueError(f"{detection.rule_id} has no module")
    condition = derive(detection.source, module) if prefilter else True
    return Runner(detection, module.rule, condition)


def _groups(pack: Pack, log_type: str, runners: Sequence[Runner]) -> list[Group]:
    by_folder: dict[int, list[Runner]] = defaultdict(list)
    for runner in runners:
        by_folder[runner.detection.spec.folder].append(runner)
    return [Group(pack.data_model(folder, log_type), tuple(found)) for folder, found in by_folder.items()]


def _plan(group: Group, rows: Rows) -> Plan:
    always: list[Runner] = []
    picked: dict[int, list[Runner]] = defaultdict(list)
    for runner in group.runners:
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


def _row_id(row: Mapping[str, Any], index: int) -> str:
    return str(row.get("p_row_id") or index)
