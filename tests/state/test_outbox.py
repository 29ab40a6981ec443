"""The outbox: every alert reaches every destination, one deliverer at a time."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine

from headwater.state import outbox
from support.protocol import NOW, at_once, commit_batch, later, match


def test_an_alert_that_opens_is_due_once_at_each_destination(engine: Engine) -> None:
    (alert,) = commit_batch(engine, "b1", [match()], destinations=["file", "sns"]).opened
    commit_batch(engine, "b2", [match(1)], destinations=["file", "sns"], now=later(1))

    due = outbox.due(engine, later(1))

    assert [(found.delivery_id, found.destination, found.attempts) for found in due] == [
        (f"{alert.alert_id}:file", "file", 1),
        (f"{alert.alert_id}:sns", "sns", 1),
    ]
    assert due[0].alert.alert_id == alert.alert_id


def test_a_pending_alert_is_not_delivered(engine: Engine) -> None:
    commit_batch(engine, "b1", [match(threshold=2)], destinations=["file"])

    assert outbox.due(engine, later(1)) == ()


@pytest.mark.parametrize(
    ("named", "delivered"),
    [
        (None, ["file", "sns"]),
        ((), []),
        (("sns",), ["sns"]),
        (("sns", "unknown"), ["sns"]),
        (("unknown",), ["file", "sns"]),
    ],
    ids=["none named", "nowhere", "one", "one known", "none known"],
)
def test_a_detection_chooses_its_destinations(engine: Engine, named: Any, delivered: list[str]) -> None:
    commit_batch(engine, "b1", [match(destinations=named)], destinations=["file", "sns"])

    assert [found.destination for found in outbox.due(engine, later(1))] == delivered


def test_a_sent_delivery_is_over(engine: Engine) -> None:
    commit_batch(engine, "b1", [match()], destinations=["file"])
    (found,) = outbox.due(engine, NOW)

    outbox.sent(engine, found.delivery_id, NOW)

    assert outbox.due(engine, later(600)) == ()
    assert outbox.counts(engine) == {"sent": 1}


def test_a_delivery_whose_deliverer_died_is_due_again(engine: Engine) -> None:
    commit_batch(engine, "b1", [match()], destinations=["file"])
    (first,) = outbox.due(engine, NOW, lease_s=60)

    assert outbox.due(engine, NOW + timedelta(seconds=59)) == ()
    (again,) = outbox.due(engine, NOW + timedelta(seconds=60))

    assert (again.delivery_id, again.attempts) == (first.delivery_id, 2)


def test_failed_deliveries_wait_longer_each_time_and_die_after_the_last(engine: Engine) -> None:
    commit_batch(engine, "b1", [match()], destinations=["file"])
    now, waits = NOW, []
    while due := outbox.due(engine, now):
        outbox.failed(engine, due[0].delivery_id, "timed out", now)
        wait_s = outbox.wait_s(due[0].attempts)
        assert outbox.due(engine, now + timedelta(seconds=wait_s - 1)) == ()
        waits.append(wait_s)
        now += timedelta(seconds=wait_s)

    assert waits[:4] == [5, 10, 20, 40]
    assert waits[-1] == outbox.LONGEST_WAIT_S
    assert len(waits) == outbox.MAX_TRIES
    assert outbox.counts(engine) == {"dead": 1}


def test_a_failure_that_no_retry_can_mend_is_dead_at_once(engine: Engine) -> None:
    commit_batch(engine, "b1", [match()], destinations=["file"])
    (found,) = outbox.due(engine, NOW)

    outbox.failed(engine, found.delivery_id, "no such topic", NOW, permanent=True)

    assert outbox.due(engine, later(600)) == ()


def test_a_late_failure_does_not_undo_a_delivery(engine: Engine) -> None:
    commit_batch(engine, "b1", [match()], destinations=["file"])
    (found,) = outbox.due(engine, NOW)
    outbox.sent(engine, found.delivery_id, NOW)

    outbox.failed(engine, found.delivery_id, "a slower deliverer timed out", later(1))

    assert outbox.counts(engine) == {"sent": 1}


def test_deliverers_at_once_share_the_work_without_overlap(engine: Engine) -> None:
    commit_batch(engine, "b1", [match(row, dedup=str(row)) for row in range(60)], destinations=["file"])

    shares = at_once([partial(outbox.due, engine, NOW, 20)] * 4)

    ids = [found.delivery_id for share in shares for found in share]
    assert len(ids) == len(set(ids))
    assert len(ids) + len(outbox.due(engine, NOW, 100)) == 60
