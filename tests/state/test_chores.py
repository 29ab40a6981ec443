"""Chores: one worker at a time, and not before they are due."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from sqlalchemy import Engine

from headwater.state import chores
from support.protocol import NOW, at_once, later

HOUR = timedelta(hours=1)


def take(engine: Engine, worker: str, minutes: float = 0, every: timedelta = HOUR) -> bool:
    return chores.take(engine, "sweep", worker=worker, now=later(minutes), lease_s=600, every=every)


def test_one_worker_takes_a_chore_and_keeps_it(engine: Engine) -> None:
    assert take(engine, "w1")
    assert not take(engine, "w2")
    assert take(engine, "w1", 5)


def test_workers_that_ask_at_once_do_not_both_get_it(engine: Engine) -> None:
    assert sorted(at_once([partial(take, engine, f"w{number}") for number in range(4)])) == [False, False, False, True]


def test_the_chore_of_a_dead_worker_is_taken_when_its_lease_is_over(engine: Engine) -> None:
    take(engine, "w1")

    assert not take(engine, "w2", 9)
    assert take(engine, "w2", 11)
    assert not take(engine, "w1", 12)


def test_what_was_done_is_due_again_after_its_time(engine: Engine) -> None:
    take(engine, "w1")
    chores.end(engine, "sweep", worker="w1", done_at=NOW)

    assert chores.last_done(engine) == {"sweep": NOW}
    assert not take(engine, "w2", 59)
    assert take(engine, "w2", 60)


def test_what_was_not_done_is_still_due(engine: Engine) -> None:
    take(engine, "w1")
    chores.end(engine, "sweep", worker="w1", done_at=None)

    assert chores.last_done(engine) == {}
    assert take(engine, "w2")


def test_a_worker_that_has_lost_a_chore_cannot_end_it(engine: Engine) -> None:
    take(engine, "w1")
    take(engine, "w2", 11)

    chores.end(engine, "sweep", worker="w1", done_at=NOW)

    assert chores.last_done(engine) == {}
    assert not take(engine, "w3", 12)
