"""Upkeep: what is over goes, and what counts still counts."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, Table, func, select

from headwater.state import links, outbox
from headwater.state.alerts import list_alerts
from headwater.state.database import read
from headwater.state.maintain import prune
from headwater.state.schema import alert_uniques, alerts, batch_groups, batches, objects, windows
from headwater.state.schema import outbox as outbox_table
from support.protocol import claim, commit_batch, later, match, refs


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

    gone = (batches, batch_groups, windows, alert_uniques, outbox_table)
    assert {table.name: rows(busy, table) for table in gone} == {table.name: 0 for table in gone}
    assert (rows(busy, alerts), rows(busy, objects)) == (2, 1)


def test_what_is_not_over_stays(busy: Engine) -> None:
    claim(busy, refs(1))

    prune(busy, later(20))

    commit_batch(busy, "b2", [match(2), match(3, dedup="slow", threshold=2, unique="b")], now=later(30))
    assert sorted(alert.match_count for alert in list_alerts(busy)) == [2, 2]


def test_a_test_message_is_forgotten_after_a_while(engine: Engine) -> None:
    links.expect(engine, "0" * 32, account_id="111122223333", link="topic", now=later(0))

    prune(engine, later(20))

    assert not links.mark_received(engine, "0" * 32, worker="w", now=later(21))
