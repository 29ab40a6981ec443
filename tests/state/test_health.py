"""A source whose rows are rejected too often is alerted on, once, like for a detection."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import Engine

from headwater.state import commit, outbox
from headwater.state.alerts import list_alerts
from headwater.state.health import RejectLimit
from headwater.state.maintain import prune
from support.protocol import NOW, SOURCE, claim, later, receipt, refs

LIMIT = RejectLimit(share=0.05, min_rows=100)
REASONS = {SOURCE.source_id: {"not a line of AWS.ALB": 7, "unclassified: fits no log type": 3}}


def committed(
    engine: Engine, number: int, rows_in: int, rejects: int, now: datetime = NOW, limit: RejectLimit | None = LIMIT
) -> commit.Finished:
    """One batch of one object."""
    ref = refs(1, number)[0]
    claim(engine, [ref], now=now)
    commit.prepare(engine, f"b{number}", [ref.object_id], [], worker="w1", now=now)
    counts = receipt(ref, rows_in=rows_in, rows_out=rows_in - rejects, rejects=rejects)
    arguments = {"destinations": ["file"], "reasons": REASONS, "reject_limit": limit}
    done = commit.finish(engine, f"b{number}", [counts], [], now=now, **arguments)
    assert commit.finish(engine, f"b{number}", [counts], [], now=now, **arguments).already
    return done


def test_alert_names_the_source_its_share_the_reason_and_the_way_out(engine: Engine) -> None:
    (alert,) = committed(engine, 1, 200, 20).opened

    assert (alert.kind, alert.rule_id, alert.dedup) == ("HEALTH", "Headwater.RejectShare", SOURCE.source_id)
    assert (alert.account_id, alert.severity, alert.status) == (SOURCE.account_id, "MEDIUM", "open")
    assert alert.title == (
        "payments/cloudtrail: 10% of the last hour's rows are rejected (20 of 200); most often: not a line of AWS.ALB"
    )
    assert f"headwater rejects list --source {SOURCE.source_id}" in alert.runbook
    assert [delivery.alert.alert_id for delivery in outbox.due(engine, NOW)] == [alert.alert_id]


@pytest.mark.parametrize(
    ("rows_in", "rejects", "limit"),
    [(99, 99, LIMIT), (200, 10, LIMIT), (200, 0, LIMIT), (200, 200, None)],
    ids=["few rows", "at the limit", "no rejects", "no limit set"],
)
def test_no_alert(engine: Engine, rows_in: int, rejects: int, limit: RejectLimit | None) -> None:
    assert committed(engine, 1, rows_in, rejects, limit=limit).opened == ()


def test_small_batches_of_one_hour_are_taken_together(engine: Engine) -> None:
    opened = [committed(engine, number, 30, 15, later(number * 10)).opened for number in range(4)]

    assert [len(each) for each in opened] == [0, 0, 0, 1]


def test_what_is_older_than_an_hour_counts_no_more(engine: Engine) -> None:
    committed(engine, 1, 90, 90)

    assert committed(engine, 2, 90, 1, later(70)).opened == ()


def test_source_that_goes_on_is_told_of_once_an_hour(engine: Engine) -> None:
    for number in range(5):
        committed(engine, number, 200, 100, later(number * 10))
    committed(engine, 9, 200, 100, later(65))

    assert sorted(alert.match_count for alert in list_alerts(engine)) == [1, 5]


def test_each_source_has_its_own_share(engine: Engine) -> None:
    other = replace(SOURCE, name="other")
    bad, good = refs(2)
    claim(engine, [bad, good])
    commit.prepare(engine, "b", [bad.object_id, good.object_id], [], worker="w1", now=NOW)
    receipts = [
        receipt(bad, rows_in=100, rows_out=0, rejects=100),
        replace(receipt(good, rows_in=1000, rows_out=999, rejects=1), source=other),
    ]

    done = commit.finish(engine, "b", receipts, [], now=NOW, reject_limit=LIMIT)

    assert [alert.dedup for alert in done.opened] == [SOURCE.source_id]
    assert done.opened[0].title.endswith("(100 of 100)")


def test_old_rates_are_deleted(engine: Engine) -> None:
    committed(engine, 1, 90, 90)

    prune(engine, later(30))

    assert committed(engine, 2, 90, 1, later(40)).opened == ()
