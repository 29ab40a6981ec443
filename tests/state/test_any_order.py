"""Workers that stop, stall and die in any order end with every row, match and alert exactly once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from headwater.errors import LeaseLost
from headwater.model import Match, ObjectRef
from headwater.state import commit, ledger, outbox
from headwater.state.alerts import list_alerts
from headwater.state.sources import source_totals
from support.protocol import NOW, claim, match, receipt, refs

OBJECTS = refs(25)


class World:
    """A clock, and a lake that takes each batch once."""

    def __init__(self) -> None:
        self.now = NOW
        self.lake: dict[tuple[str, str], list[tuple[str, str | None]]] = {}

    def append(self, table: str, batch_id: str, rows: list[tuple[str, str | None]]) -> None:
        self.lake.setdefault((table, batch_id), rows)

    def count(self, table: str) -> Counter[tuple[str, str | None]]:
        return Counter(row for (name, _), rows in self.lake.items() if name == table for row in rows)


def matches_of(objects: Sequence[ObjectRef]) -> list[Match]:
    """Every object has matches of one to three groups; group 0 opens at four matches."""
    return [
        match(int(ref.object_id[:6], 16) + group, dedup=str(group), threshold=4 if group == 0 else 1)
        for ref in objects
        for group in range(int(ref.object_id, 16) % 3 + 1)
    ]


def work(engine: Engine, world: World, worker: str, objects: Sequence[ObjectRef]) -> Iterator[None]:
    """One worker's round; it can stall at every yield for any time, or never go on."""
    found = claim(engine, objects, worker, world.now)
    yield
    for batch_id in found.takeover:
        if ledger.take_over(engine, batch_id, worker=worker, now=world.now, lease_s=600):
            yield
            yield from commit_all(
                engine, world, worker, batch_id, [r for r, _ in ledger.batch_objects(engine, batch_id)]
            )
    if found.owned:
        yield from commit_all(engine, world, worker, f"batch of {worker}", found.owned)


def commit_all(
    engine: Engine, world: World, worker: str, batch_id: str, objects: Sequence[ObjectRef]
) -> Iterator[None]:
    matches = matches_of(objects)
    ids = [ref.object_id for ref in objects]
    try:
        alert_ids = commit.prepare(engine, batch_id, ids, matches, worker=worker, now=world.now)
    except LeaseLost:
        return
    yield
    world.append("rows", batch_id, [(object_id, None) for object_id in ids])
    yield
    world.append("matches", batch_id, [(one.match_id, alert_ids[one.group_key]) for one in matches])
    yield
    receipts = [receipt(ref) for ref in objects]
    commit.finish(engine, batch_id, receipts, matches, now=world.now, destinations=["file"])


@pytest.mark.parametrize("seed", range(12))
def test_every_row_match_and_alert_counts_once(engine: Engine, seed: int) -> None:
    chance = random.Random(seed)
    world = World()
    running: list[Iterator[None]] = []
    for step in range(250):
        if len(running) < 4:
            running.append(work(engine, world, f"w{step}", chance.sample(OBJECTS, chance.randint(1, 12))))
        worker = chance.choice(running)
        if chance.random() < 0.06 or next(worker, "over") == "over":  # killed, or at the end of its round
            running.remove(worker)
        world.now += timedelta(seconds=chance.choice([0, 1, 30, 400]))
    finish_the_rest(engine, world, running)

    check(engine, world)


def finish_the_rest(engine: Engine, world: World, running: list[Iterator[None]]) -> None:
    """What a last worker does once all leases are over, before those that stalled wake up."""
    for name in ("last", "after take-over"):
        world.now += timedelta(hours=3)
        for _ in work(engine, world, name, OBJECTS):
            pass
    for stalled in running:
        for _ in stalled:
            pass


def check(engine: Engine, world: World) -> None:
    now: datetime = world.now
    assert set(claim(engine, OBJECTS, "reader", now).done) == set(OBJECTS)
    assert world.count("rows") == {(ref.object_id, None): 1 for ref in OBJECTS}
    stored = world.count("matches")
    assert Counter(match_id for match_id, _ in stored.elements()) == {m.match_id: 1 for m in matches_of(OBJECTS)}
    by_alert = Counter(alert_id for _, alert_id in stored.elements())
    alerts = {alert.alert_id: alert for alert in list_alerts(engine, status=None, limit=1000)}
    assert {i: alert.match_count for i, alert in alerts.items() if alert.match_count} == by_alert
    opened = {i for i, alert in alerts.items() if alert.status == "open"}
    assert opened == {i for i, n in by_alert.items() if n >= (4 if alerts[str(i)].dedup == "0" else 1)}
    assert {delivery.alert.alert_id for delivery in outbox.due(engine, now, 1000)} == opened
    assert sum(total.objects for total in source_totals(engine)) == len(OBJECTS)
