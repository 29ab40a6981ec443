"""Storms: a detection that opens too many alerts sends a few messages, and every match is counted in an alert."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import Engine, select

from headwater.model import Alert, Match
from headwater.state import commit, lifecycle, storms
from headwater.state.alerts import get_alert, list_alerts
from headwater.state.database import read
from headwater.state.schema import outbox as outbox_table
from headwater.state.storms import AlertPolicy
from support.protocol import NOW, at_once, claim, commit_batch, later, match, receipt, refs

LIMIT = 10


def groups(count: int, first: int = 0, **changes: object) -> list[Match]:
    """Matches of so many groups."""
    return [match(row, dedup=f"group {row}", **changes) for row in range(first, first + count)]


def storm_alerts(engine: Engine) -> list[Alert]:
    return [alert for alert in list_alerts(engine, limit=1000, status=None) if alert.storm_id == alert.alert_id]


def messages(engine: Engine) -> Counter[str]:
    """How many of each kind went out, or are to."""
    with read(engine) as connection:
        return Counter(connection.scalars(select(outbox_table.c.action)))


def counted(engine: Engine) -> int:
    """Matches in all alerts, each once: those that joined a storm as alerts are counted there."""
    found = list_alerts(engine, limit=1000, status=None)
    return sum(alert.match_count for alert in found if alert.storm_id in (None, alert.alert_id))


@pytest.mark.parametrize("batches", [1, 7], ids=["in one batch", "over batches"])
def test_alerts_above_the_limit_are_one_alert_that_says_how_many(engine: Engine, batches: int) -> None:
    found = groups(70)
    for number in range(batches):
        part = found[number * 70 // batches : (number + 1) * 70 // batches]
        commit_batch(engine, f"b{number}", part, destinations=["file"], now=later(number), storm_limit=LIMIT)

    (storm,) = storm_alerts(engine)
    assert (len(list_alerts(engine)), storm.match_count, counted(engine)) == (LIMIT - 1, 62, 70)
    assert storm.title.startswith("Storm: 62 more alerts of Root.Login merged, 62 matches.")
    assert messages(engine) == {"opened": LIMIT - 1}


def test_a_group_of_a_storm_is_counted_once_as_group_and_each_time_as_match(engine: Engine) -> None:
    for number in range(3):
        commit_batch(engine, f"b{number}", groups(20), destinations=["file"], storm_limit=LIMIT)

    (storm,) = storm_alerts(engine)
    assert storm.title.startswith("Storm: 12 more alerts of Root.Login merged, 36 matches.")
    assert counted(engine) == 60


def test_the_end_of_a_storm_is_told_once_and_later_matches_open_alerts_again(engine: Engine) -> None:
    commit_batch(engine, "b1", groups(20), destinations=["file"], storm_limit=LIMIT)

    assert storms.end(engine, later(59)) == 0
    assert [storms.end(engine, later(60)) for _ in range(2)] == [1, 0]
    commit_batch(engine, "b2", groups(2, first=50), destinations=["file"], now=later(61), storm_limit=LIMIT)

    assert messages(engine) == {"opened": LIMIT - 1 + 2, "updated": 1}
    assert [entry.action for entry in lifecycle.history(engine, storm_alerts(engine)[0].alert_id)] == [
        "opened",
        "storm over",
    ]


def test_a_storm_whose_end_nobody_looked_for_ends_when_its_detection_matches_again(engine: Engine) -> None:
    commit_batch(engine, "b1", groups(20), destinations=["file"], storm_limit=LIMIT)

    commit_batch(engine, "b2", groups(1, first=90), destinations=["file"], now=later(120), storm_limit=LIMIT)

    assert messages(engine) == {"opened": LIMIT, "updated": 1}


@pytest.mark.parametrize(
    "changes",
    [{"account_id": "444455556666"}, {"severity": "CRITICAL"}, {"rule_id": "Other"}, {"destinations": ("pager",)}],
    ids=["account", "severity", "detection", "destinations"],
)
def test_a_storm_hides_nothing_of_another(engine: Engine, changes: dict[str, object]) -> None:
    commit_batch(engine, "b1", groups(50), storm_limit=LIMIT)

    (opened,) = commit_batch(engine, "b2", [match(0, dedup="group 99", **changes)], storm_limit=LIMIT).opened

    assert opened.storm_id is None


def test_faults_of_the_service_are_never_merged(engine: Engine) -> None:
    opened = commit_batch(engine, "b1", groups(30, kind="HEALTH"), storm_limit=LIMIT).opened

    assert (len(opened), storm_alerts(engine)) == (30, [])


def test_alerts_with_a_threshold_join_the_storm_when_they_open(engine: Engine) -> None:
    slow = [match(row, dedup=f"group {row % 30}", threshold=2) for row in range(60)]
    commit_batch(engine, "b1", slow[:30], destinations=["file"], storm_limit=LIMIT)
    assert (storm_alerts(engine), messages(engine)) == ([], {})

    commit_batch(engine, "b2", slow[30:], destinations=["file"], now=later(1), storm_limit=LIMIT)

    (storm,) = storm_alerts(engine)
    assert (len(list_alerts(engine)), storm.match_count, counted(engine)) == (31, 44, 60)
    assert storm.title.startswith("Storm: 22 more alerts of Root.Login merged, 44 matches.")
    assert messages(engine) == {"opened": LIMIT - 1}


def test_a_resolved_storm_opens_again_as_long_as_it_lasts(engine: Engine) -> None:
    commit_batch(engine, "b1", groups(20), destinations=["file"], storm_limit=LIMIT)
    (storm,) = storm_alerts(engine)
    lifecycle.resolve(engine, storm.alert_id, "benign", by="ana", now=later(1), reopens=False)

    commit_batch(engine, "b2", groups(1, first=60), destinations=["file"], now=later(2), storm_limit=LIMIT)

    found = get_alert(engine, storm.alert_id)
    assert found is not None
    assert (found.status, found.resolution) == ("open", None)


def test_workers_at_once_open_no_more_than_the_limit(engine: Engine) -> None:
    def work(number: int) -> commit.Finished:
        return commit_batch(
            engine, f"b{number}", groups(40, first=number * 20), destinations=["file"], storm_limit=LIMIT
        )

    at_once([partial(work, number) for number in range(6)])

    (storm,) = storm_alerts(engine)
    commit_batch(engine, "last", groups(1, first=39), storm_limit=LIMIT)
    (storm,) = storm_alerts(engine)
    assert storm.title.startswith(f"Storm: {140 - LIMIT + 2} more alerts of Root.Login merged")
    assert counted(engine) == 6 * 40 + 1
    assert messages(engine) == {"opened": LIMIT - 1}


def test_a_take_over_gives_every_group_the_alert_of_the_first_worker(engine: Engine) -> None:
    policy, found, ref = AlertPolicy(LIMIT), groups(30), refs(1)[0]
    claim(engine, [ref])
    first = commit.prepare(engine, "b1", [ref.object_id], found, worker="w1", now=NOW, policy=policy)

    again = commit.prepare(engine, "b1", [], found, worker="w2", now=later(90), policy=policy)

    assert again == first
    assert len(set(first.values())) == LIMIT - 1
    commit.finish(engine, "b1", [receipt(ref)], found, now=later(90), destinations=["file"], policy=policy)
    assert counted(engine) == 30


def test_a_storm_of_100_000_matches_makes_no_more_messages_than_are_allowed(engine: Engine) -> None:
    limit, size, batches = 50, 5_000, 20  # a batch each half minute

    for number in range(batches):
        now: datetime = NOW + timedelta(seconds=30 * number)
        found = groups(size, first=number * size, event={})
        commit_batch(engine, f"b{number}", found, destinations=["file"], now=now, storm_limit=limit)
    storms.end(engine, later(70))

    assert sum(messages(engine).values()) == limit
    assert counted(engine) == size * batches
    (storm,) = storm_alerts(engine)
    assert storm.title.startswith("Storm: 99,952 more alerts of Root.Login merged, 99,952 matches.")
