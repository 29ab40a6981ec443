"""When rules over stored data are due, and how long a worker has for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from headwater.errors import StateUnavailable
from headwater.lake.catalog import open_catalog
from headwater.model import Match
from headwater.pipeline import Store
from headwater.state import evaluations
from headwater.worker.evaluate import Background, Evaluated, Evaluator, due

NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)


@dataclass
class Quiet:
    """A task that finds nothing, and keeps when it was asked."""

    rule_id: str = "Rule"
    rate_min: int = 60
    cron: str | None = None
    limit_s: float = 0.0
    asked: list[datetime | None] = field(default_factory=list)

    def find(self, seen: datetime | None, now: datetime) -> Sequence[Match]:
        self.asked.append(seen)
        return ()


@pytest.fixture
def store(engine: Engine, tmp_path: Path) -> Store:
    return Store(engine, open_catalog("sqlite", str(tmp_path / "lake"), home=tmp_path, region="us-east-1"))


@pytest.mark.parametrize(
    ("cron", "minutes", "expected"),
    [
        (None, 59, False),
        (None, 60, True),
        ("*/15 * * * *", 14, False),
        ("*/15 * * * *", 15, True),
        ("0 6 * * *", 17 * 60, False),
        ("0 6 * * *", 18 * 60, True),
        ("0 0 * * MON", 5 * 24 * 60, False),
        ("0 0 * * MON", 6 * 24 * 60, True),
        ("0 14 ? * MON", 59, False),
        ("0 14 ? * MON", 60, True),
        ("0 0 30 2 *", 60, True),
    ],
)
def test_a_rule_is_due_by_its_rate_or_its_cron(cron: str | None, minutes: int, expected: bool) -> None:
    assert due(Quiet(cron=cron), NOON, NOON + timedelta(minutes=minutes)) is expected


def test_a_rule_that_was_never_evaluated_is_due() -> None:
    assert due(Quiet(cron="0 0 1 1 *"), None, NOON)


def test_a_task_is_told_when_it_was_last_evaluated(store: Store) -> None:
    task = Quiet()

    for minutes in (0, 60, 120):
        Evaluator(store, lambda: [task], "w").run(NOON + timedelta(minutes=minutes))

    assert task.asked == [None, NOON, NOON + timedelta(hours=1)]


class Slow(Quiet):
    """A task during which another worker looks whether it may have the turn."""

    def __init__(self, store: Store, after_s: float, limit_s: float) -> None:
        super().__init__(limit_s=limit_s)
        self._store = store
        self._after = timedelta(seconds=after_s)
        self.taken: list[bool] = []

    def find(self, seen: datetime | None, now: datetime) -> Sequence[Match]:
        other = evaluations.take(
            self._store.database, self.rule_id, seen, worker="other", now=now + self._after, lease_s=1
        )
        self.taken.append(other is not None)
        return ()


@pytest.mark.parametrize(("limit_s", "taken"), [(0.0, True), (900.0, False)], ids=["lease over", "may take longer"])
def test_a_turn_lasts_as_long_as_its_task_may_take(store: Store, limit_s: float, taken: bool) -> None:
    task = Slow(store, after_s=601, limit_s=limit_s)

    Evaluator(store, lambda: [task], "w", lease_s=600, clock=lambda: 0.0).run(NOON)

    assert task.taken == [taken]


def test_a_turn_counts_from_its_own_beginning_not_from_that_of_the_run(store: Store) -> None:
    seconds = iter([0.0, 0.0, 400.0])
    first, second = Quiet("First"), Slow(store, after_s=900, limit_s=0.0)

    Evaluator(store, lambda: [first, second], "w", lease_s=600, clock=lambda: next(seconds)).run(NOON)

    assert second.taken == [False]


class Unreachable(Evaluator):
    """An evaluator whose database does not answer."""

    def run(self, now: datetime) -> Evaluated:
        raise StateUnavailable("no answer")


def test_a_fault_of_a_run_is_raised_by_the_next_and_none_keeps_the_worker_from_ending(store: Store) -> None:
    background = Background(Unreachable(store, list, "w"))

    background.run(NOON)
    while not background.idle:
        pass
    with pytest.raises(StateUnavailable):
        background.run(NOON)
    background.stop()

    assert background.idle
