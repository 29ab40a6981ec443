"""Upkeep: what is over goes, and what counts still counts."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import Engine, Table, func, select

from headwater.state import commit, evaluations, ledger, links, outbox
from headwater.state import objects as objects_of
from headwater.state.alerts import list_alerts
from headwater.state.database import CHUNK, read
from headwater.state.maintain import Retention, forget_alerts, forget_done, forget_rules, prune, retain
from headwater.state.schema import alert_uniques, alerts, batch_groups, batches, objects, windows
from headwater.state.schema import outbox as outbox_table
from support.protocol import SOURCE, at_once, claim, commit_batch, later, match, receipt, refs


def rows(engine: Engine, table: Table) -> int:
    with read(engine) as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


@pytest.fixture
def busy(engine: Engine) -> Engine:
    """An open alert, sent, and a pending one that knows a unique value."""
    commit_batch(engine, "b1", [match(), match(1, dedup="slow", threshold=2, unique="a")], destinations=["file"])
    for delivery in outbox.due(engine, later(0)):
        outbox.sent(engine, delivery.delivery_id, later(0))
    return engine


def test_what_is_over_is_deleted(busy: Engine) -> None:
    prune(busy, later(120))

    gone = (batches, batch_groups, windows, alert_uniques)
    assert {table.name: rows(busy, table) for table in gone} == {table.name: 0 for table in gone}
    assert (rows(busy, alerts), rows(busy, objects)) == (1, 1)  # the pending one can never open any more
    assert rows(busy, outbox_table) == 1  # whoever was told of an alert is told what becomes of it


def test_what_is_not_over_stays(busy: Engine) -> None:
    claim(busy, refs(1))

    prune(busy, later(20))

    commit_batch(busy, "b2", [match(2), match(3, dedup="slow", threshold=2, unique="b")], now=later(30))
    assert sorted(alert.match_count for alert in list_alerts(busy)) == [2, 2]


def test_a_test_message_is_forgotten_after_a_while(engine: Engine) -> None:
    links.expect(engine, "0" * 32, account_id="111122223333", link="topic", now=later(0))

    prune(engine, later(20))

    assert not links.mark_received(engine, "0" * 32, worker="w", now=later(21))


def finished(engine: Engine, batch_id: str, count: int, *, first: int, now: datetime) -> None:
    """Objects that are done."""
    found = refs(count, first)
    claim(engine, found, now=now)
    commit.prepare(engine, batch_id, [ref.object_id for ref in found], (), worker="w1", now=now)
    commit.finish(engine, batch_id, [receipt(ref) for ref in found], (), now=now)


def test_objects_are_forgotten_when_their_time_is_over(engine: Engine) -> None:
    finished(engine, "old", 3, first=0, now=later(0))
    finished(engine, "young", 2, first=3, now=later(60))

    assert forget_done(engine, later(30)) == 3

    assert set(claim(engine, refs(5), now=later(61)).owned) == set(refs(3))


def test_a_source_remembers_up_to_when_its_objects_are_forgotten(engine: Engine) -> None:
    assert objects_of.forgotten_until(engine, SOURCE.source_id) < later(0)
    finished(engine, "first", 1, first=0, now=later(0))
    finished(engine, "second", 1, first=1, now=later(10))
    finished(engine, "third", 1, first=2, now=later(60))

    forget_done(engine, later(30))
    forget_done(engine, later(30))

    assert objects_of.forgotten_until(engine, SOURCE.source_id) == later(10)
    assert objects_of.forgotten_until(engine, "444455556666/other") < later(0)


def test_more_objects_than_one_piece_are_forgotten(engine: Engine) -> None:
    finished(engine, "many", 2 * CHUNK + 1, first=0, now=later(0))

    assert forget_done(engine, later(1)) == 2 * CHUNK + 1
    assert rows(engine, objects) == 0


def test_workers_that_forget_at_once_do_not_wait_for_each_other(engine: Engine) -> None:
    finished(engine, "many", 2 * CHUNK, first=0, now=later(0))

    forgotten = at_once([partial(forget_done, engine, later(1))] * 4)

    assert sum(forgotten) == 2 * CHUNK
    assert rows(engine, objects) == 0


def test_failed_and_unfinished_objects_are_kept_for_longer(engine: Engine) -> None:
    claim(engine, refs(2))
    ledger.fail(engine, refs(1)[0], "corrupt", "no gzip", later(0))
    day = 24 * 60

    retain(engine, later(150 * day), Retention(done=timedelta(days=100)))
    assert rows(engine, objects) == 2

    retain(engine, later(201 * day), Retention(done=timedelta(days=100)))
    assert rows(engine, objects) == 0


def test_objects_of_a_batch_that_is_not_finished_are_never_forgotten(engine: Engine) -> None:
    claim(engine, refs(1))
    commit.prepare(engine, "b1", [refs(1)[0].object_id], (), worker="w1", now=later(0))

    retain(engine, later(10**6), Retention())

    assert ledger.batch_objects(engine, "b1") == ((refs(1)[0], SOURCE.source_id),)


def test_old_alerts_are_deleted_with_their_deliveries(busy: Engine) -> None:
    commit_batch(busy, "b2", [match(2, dedup="later")], now=later(600), destinations=["file"])
    prune(busy, later(300))

    assert forget_alerts(busy, later(300), now=later(601)) == 1

    assert [alert.dedup for alert in list_alerts(busy)] == ["later"]
    assert rows(busy, outbox_table) == 1


def test_an_alert_that_can_get_matches_yet_is_kept(engine: Engine) -> None:
    commit_batch(engine, "b1", [match(window_min=100)])
    prune(engine, later(60))

    assert forget_alerts(engine, later(60), now=later(90)) == 0
    assert forget_alerts(engine, later(60), now=later(101)) == 1


def test_an_alert_of_a_batch_that_is_not_finished_is_kept(engine: Engine) -> None:
    claim(engine, refs(1))
    commit.prepare(engine, "b1", [refs(1)[0].object_id], [match()], worker="w1", now=later(0))

    retain(engine, later(10**6), Retention())

    assert commit.finish(engine, "b1", [receipt(refs(1)[0])], [match()], now=later(10**6)).opened


def test_rules_that_are_gone_are_forgotten(engine: Engine) -> None:
    turn = evaluations.take(engine, "Gone.Rule", None, worker="w1", now=later(0), lease_s=60)
    assert turn is not None
    evaluations.end(engine, turn, later(0))

    assert forget_rules(engine, later(-1)) == 0
    assert forget_rules(engine, later(1)) == 1
    assert evaluations.last_evaluated(engine) == {}
