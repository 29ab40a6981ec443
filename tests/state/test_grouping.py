"""Grouping: when alerts open, what merges into them, and when the next one begins."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from headwater.model import Alert
from headwater.state.alerts import get_alert, list_alerts
from support.protocol import NOW, commit_batch, later, match


@dataclass(frozen=True)
class Scene:
    """Batches as (minutes after the start, matches as changes of the standard match), and the alerts they end with."""

    batches: list[tuple[float, list[dict[str, Any]]]]
    open_counts: list[int]
    pending_counts: list[int] = field(default_factory=list)


WITH_THRESHOLD = {"threshold": 3}
UNIQUE_A, UNIQUE_B = {"threshold": 2, "unique": "a"}, {"threshold": 2, "unique": "b"}
SCENES = {
    "first match opens": Scene([(0, [{}])], [1]),
    "later matches merge": Scene([(0, [{}]), (59.9, [{}, {}])], [3]),
    "window is fixed from the opening": Scene([(0, [{}]), (50, [{}]), (60, [{}])], [2, 1]),
    "window of the rule": Scene([(0, [{"window_min": 15}]), (14, [{"window_min": 15}]), (15, [{}])], [2, 1]),
    "dedup strings apart": Scene([(0, [{}, {"dedup": "b"}, {}])], [1, 2]),
    "rules apart": Scene([(0, [{}, {"rule_id": "Other"}])], [1, 1]),
    "accounts apart": Scene([(0, [{}, {"account_id": "444455556666"}])], [1, 1]),
    "rule errors apart": Scene([(0, [{}, {"kind": "RULE_ERROR"}])], [1, 1]),
    "below the threshold": Scene([(0, [WITH_THRESHOLD] * 2)], [], [2]),
    "threshold in one batch": Scene([(0, [WITH_THRESHOLD] * 5)], [5]),
    "threshold over batches": Scene([(0, [WITH_THRESHOLD]), (30, [WITH_THRESHOLD]), (59, [WITH_THRESHOLD])], [3]),
    "threshold not inside the window": Scene([(0, [WITH_THRESHOLD] * 2), (60, [WITH_THRESHOLD])], [], [1, 2]),
    "window begins anew when the alert opens": Scene(
        [(0, [WITH_THRESHOLD] * 2), (59, [WITH_THRESHOLD]), (118, [WITH_THRESHOLD]), (119, [WITH_THRESHOLD])], [4], [1]
    ),
    "equal unique values count once": Scene([(0, [UNIQUE_A] * 3), (1, [UNIQUE_A])], [], [4]),
    "distinct unique values open": Scene([(0, [UNIQUE_A] * 3), (1, [UNIQUE_B])], [4]),
    "distinct unique values in one batch open": Scene([(0, [UNIQUE_A, UNIQUE_B])], [2]),
    "unique values of an older window do not count": Scene([(0, [UNIQUE_A]), (61, [UNIQUE_B])], [], [1, 1]),
}


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES.keys())
def test_matches_become_alerts(engine: Engine, scene: Scene) -> None:
    for number, (minutes, changes) in enumerate(scene.batches):
        matches = [match(number * 100 + row, **change) for row, change in enumerate(changes)]
        commit_batch(engine, f"b{number}", matches, now=later(minutes))

    assert sorted(alert.match_count for alert in list_alerts(engine)) == sorted(scene.open_counts)
    pending = list_alerts(engine, status="pending")
    assert sorted(alert.match_count for alert in pending) == sorted(scene.pending_counts)


def test_an_alert_shows_the_match_that_opened_it(engine: Engine) -> None:
    matches = [match(row, threshold=3, severity="LOW", tags=(f"t{row}",), event={"row": row}) for row in range(5)]
    commit_batch(engine, "b1", matches[:1])

    (opened,) = commit_batch(engine, "b2", matches[1:], now=later(10)).opened

    assert (opened.title, opened.severity, opened.tags, json.loads(opened.event)) == (
        "root login 2",
        "LOW",
        ("t2",),
        {"row": 2},
    )
    assert (opened.status, opened.match_count, opened.created_at) == ("open", 5, later(10))
    assert get_alert(engine, opened.alert_id) == opened


def test_merged_matches_move_the_count_and_the_event_times_and_nothing_else(engine: Engine) -> None:
    (opened,) = commit_batch(engine, "b1", [match(5)]).opened

    commit_batch(engine, "b2", [match(1, title="later"), match(9, severity="CRITICAL")], now=later(3))

    (alert,) = list_alerts(engine)
    assert (alert.first_event_at, alert.last_event_at) == (NOW - timedelta(minutes=9), NOW - timedelta(minutes=1))
    assert (alert.match_count, alert.updated_at) == (3, later(3))
    assert (alert.title, alert.severity, alert.created_at) == (opened.title, opened.severity, opened.created_at)


def test_a_huge_event_is_not_copied_into_the_alert(engine: Engine) -> None:
    (opened,) = commit_batch(engine, "b1", [match(event={"policy": "x" * 300_000})]).opened

    assert "detections.matches" in json.loads(opened.event)["_headwater"]


@pytest.mark.parametrize(
    ("wanted", "rule_ids"),
    [
        ({}, ["C", "B", "A"]),
        ({"limit": 2}, ["C", "B"]),
        ({"rule_id": "B"}, ["B"]),
        ({"account_id": "444455556666"}, ["C"]),
        ({"severity": "LOW"}, ["A"]),
        ({"status": "pending"}, ["D"]),
        ({"status": None}, ["D", "C", "B", "A"]),
        ({"rule_id": "'; DROP TABLE alerts; --"}, []),
    ],
    ids=["latest first", "limit", "rule", "account", "severity", "pending", "any status", "parameters, not text"],
)
def test_alerts_are_listed(engine: Engine, wanted: dict[str, Any], rule_ids: list[str]) -> None:
    commit_batch(engine, "b1", [match(rule_id="A", severity="LOW")])
    commit_batch(engine, "b2", [match(rule_id="B")], now=later(1))
    commit_batch(engine, "b3", [match(rule_id="C", account_id="444455556666")], now=later(2))
    commit_batch(engine, "b4", [match(rule_id="D", threshold=2)], now=later(3))

    found: tuple[Alert, ...] = list_alerts(engine, **wanted)

    assert [alert.rule_id for alert in found] == rule_ids


def test_an_unknown_alert_is_none(engine: Engine) -> None:
    assert get_alert(engine, "0" * 32) is None
