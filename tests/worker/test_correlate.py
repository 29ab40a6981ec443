"""Correlation rules over stored matches: end to end on a local lake and both state databases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from headwater.detect.correlation import correlations
from headwater.detect.spec import read_folder
from headwater.lake.catalog import open_catalog
from headwater.lake.query import query
from headwater.model import Alert, Match
from headwater.pipeline import Digest, Store, commit
from headwater.state.alerts import list_alerts
from headwater.worker.correlate import tasks
from headwater.worker.evaluate import Evaluated, Evaluator

NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)
ACCOUNT = "111122223333"
GROUP = """
AnalysisType: correlation_rule
RuleID: Both
DisplayName: Both seen
Enabled: true
Severity: High
Detection:
  - Group:
      - ID: left
        RuleID: Left
      - ID: right
        RuleID: Right
        MinMatchCount: 2
    MatchCriteria:
      who:
        - GroupID: left
          Match: user.name
        - GroupID: right
          Match: p_alert_context.actor
    LookbackWindowMinutes: 60
    Schedule:
      RateMinutes: 15
      TimeoutMinutes: 5
"""
ABSENT = GROUP.replace("        MinMatchCount: 2\n", "        Absence: true\n").replace("RuleID: Both", "RuleID: Alone")
SEQUENCE = """
AnalysisType: correlation_rule
RuleID: InOrder
Enabled: true
Severity: Medium
Detection:
  - Sequence:
      - ID: left
        RuleID: Left
      - ID: right
        RuleID: Right
    Transitions:
      - ID: then
        From: left
        To: right
        WithinTimeFrameMinutes: 30
        Match:
          - From: user.name
            To: p_alert_context.actor
    LookbackWindowMinutes: 60
    Schedule:
      RateMinutes: 15
      TimeoutMinutes: 5
"""
NOT_FOLLOWED = SEQUENCE.replace("        RuleID: Right\n", "        RuleID: Right\n        Absence: true\n")


@dataclass
class Scene:
    """A lake and a state database; minutes are counted from noon."""

    store: Store
    root: Path
    batches: int = 0
    steps: list[str] = field(default_factory=list)

    def add(
        self, rule: str, *minutes: float, who: str = "ann", account: str = ACCOUNT, at: float | None = None
    ) -> None:
        """Commit matches of a rule that happened then; at: when they were stored."""
        self.batches += 1
        made = [match(rule, minute, f"{self.batches}-{number}", who, account) for number, minute in enumerate(minutes)]
        now = time(at if at is not None else max(minutes))
        commit(self.store, f"batch-{self.batches}", Digest((), (), tuple(made), (), {}), worker="w", now=now)

    def evaluator(self, rule: str = GROUP, worker: str = "w", step: Callable[[str], None] | None = None) -> Evaluator:
        folder = self.root / "rules"
        folder.mkdir(exist_ok=True)
        (folder / "rule.yml").write_text(rule)
        specs, problems = read_folder(folder, 0)
        assert not problems
        found = tasks(correlations(specs), self.store.catalog)
        return Evaluator(self.store, lambda: found, worker, step=step or self.steps.append)

    def run(self, minute: float, rule: str = GROUP, worker: str = "w") -> Evaluated:
        return self.evaluator(rule, worker).run(time(minute))

    def alerts(self) -> list[Alert]:
        return [alert for alert in list_alerts(self.store.database) if alert.log_type == "Headwater.Correlation"]

    def stored(self, rule: str) -> list[dict[str, Any]]:
        return query(
            self.store.catalog, f"SELECT * FROM detections.matches WHERE p_rule_id = '{rule}' ORDER BY p_event_time"
        ).to_pylist()


def time(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


def match(rule: str, minute: float, row: str, who: str, account: str) -> Match:
    event = {"user": {"name": who}, "p_row_id": row}
    return Match(
        kind="RULE",
        rule_id=rule,
        log_type="AWS.CloudTrail",
        row_id=row,
        event_time=time(minute),
        account_id=account,
        title=rule,
        dedup=rule,
        severity="INFO",
        event=event,
        context=f'{{"actor": "{who}"}}',
        create_alert=False,
    )


@pytest.fixture
def scene(engine: Engine, tmp_path: Path) -> Scene:
    catalog = open_catalog("sqlite", str(tmp_path / "lake"), home=tmp_path, region="us-east-1")
    return Scene(Store(engine, catalog, ("out",)), tmp_path)


def test_matches_of_several_commits_raise_one_alert(scene: Scene) -> None:
    scene.add("Left", 0)
    first = scene.run(1)
    scene.add("Right", 5)
    second = scene.run(16)
    scene.add("Right", 20)

    third = scene.run(31)

    assert (len(first.alerts), len(second.alerts), len(third.alerts)) == (0, 0, 1)
    assert [(alert.rule_id, alert.title, alert.account_id) for alert in scene.alerts()] == [
        ("Both", "Both seen: ann", ACCOUNT)
    ]


def test_a_finding_names_its_matches(scene: Scene) -> None:
    scene.add("Left", 0)
    scene.add("Right", 5, 6)

    (found,) = scene.run(10).matches

    assert found.event["values"] == ["ann"]
    assert [(each["rule_id"], each["time"]) for each in found.event["matches"]] == [
        ("Left", "2026-02-03T12:00:00+00:00"),
        ("Right", "2026-02-03T12:05:00+00:00"),
        ("Right", "2026-02-03T12:06:00+00:00"),
    ]
    assert found.event_time == time(6)


def test_the_same_matches_are_told_once(scene: Scene) -> None:
    scene.add("Left", 0)
    scene.add("Right", 5, 6)
    scene.run(7)

    again = [scene.run(minute) for minute in (8, 22, 23, 40, 90)]

    assert [each.matches for each in again] == [()] * 5
    assert len(scene.stored("Both")) == 1


def test_a_further_match_joins_the_alert(scene: Scene) -> None:
    scene.add("Left", 0)
    scene.add("Right", 5, 6)
    scene.run(7)
    scene.add("Right", 20)

    later = scene.run(23)

    assert (len(later.matches), later.alerts) == (1, ())
    assert [alert.match_count for alert in scene.alerts()] == [2]


def test_values_of_others_do_not_count(scene: Scene) -> None:
    scene.add("Left", 0, who="bob")
    scene.add("Right", 5, 6)

    assert scene.run(7).matches == ()


def test_accounts_that_differ_leave_the_account_empty(scene: Scene) -> None:
    scene.add("Left", 0)
    scene.add("Right", 5, 6, account="444455556666")

    (found,) = scene.run(7).matches

    assert found.account_id == ""


def test_events_of_long_ago_are_correlated_when_they_arrive(scene: Scene) -> None:
    scene.add("Left", -5000, -200, at=0)
    scene.add("Right", -4990, -4980, -190, -130, at=0)

    found = scene.run(1).matches

    assert [each.event["first_time"] for each in found] == [time(-5000).isoformat()]


def test_a_window_that_is_too_short_finds_nothing(scene: Scene) -> None:
    scene.add("Left", 0)
    scene.add("Right", 5, 61)

    assert scene.run(62).matches == ()


def test_a_rule_waits_for_its_next_time(scene: Scene) -> None:
    scene.run(0)
    scene.add("Left", 1)
    scene.add("Right", 2, 3)

    early, late = scene.run(14), scene.run(15)

    assert (early.rules, len(late.matches)) == (0, 1)


def test_a_cron_says_when(scene: Scene) -> None:
    rule = GROUP.replace("RateMinutes: 15", 'CronExpression: "30 * * * *"')
    scene.run(0, rule)

    assert [scene.run(minute, rule).rules for minute in (29, 30, 31, 90)] == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("absent_at", "expected"),
    [([], 1), ([-20], 0), ([5], 0), ([-61], 1)],
    ids=["nothing", "before", "after", "too-long-ago"],
)
def test_a_group_with_absence(scene: Scene, absent_at: Sequence[float], expected: int) -> None:
    scene.add("Left", 0)
    for minute in absent_at:
        scene.add("Right", minute, at=6)

    assert len(scene.run(10, ABSENT).matches) == expected


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [(0, 10, 1), (10, 0, 0), (0, 31, 0)],
    ids=["in-order", "reversed", "too-late"],
)
def test_a_sequence_needs_its_order(scene: Scene, left: float, right: float, expected: int) -> None:
    scene.add("Left", left)
    scene.add("Right", right)

    assert len(scene.run(40, SEQUENCE).matches) == expected


def test_a_sequence_waits_for_what_must_not_follow(scene: Scene) -> None:
    scene.add("Left", 0)

    found = [len(scene.run(minute, NOT_FOLLOWED).matches) for minute in (1, 16, 31, 46, 61)]

    assert found == [0, 0, 1, 0, 0]


def test_a_sequence_that_is_followed_in_time_is_no_finding(scene: Scene) -> None:
    scene.add("Left", 0)
    scene.run(1, NOT_FOLLOWED)
    scene.add("Right", 29)

    found = [len(scene.run(minute, NOT_FOLLOWED).matches) for minute in (31, 46, 61)]

    assert found == [0, 0, 0]


def test_two_workers_at_once_raise_one_alert(scene: Scene) -> None:
    scene.add("Left", 0)
    scene.add("Right", 5, 6)
    workers = [scene.evaluator(worker=f"w{number}", step=lambda name: None) for number in range(4)]

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda one: one.run(time(7)), workers))

    assert sorted(len(each.matches) for each in done) == [0, 0, 0, 1]
    assert len(scene.stored("Both")) == 1
    assert [alert.match_count for alert in scene.alerts()] == [1]


class Killed(BaseException):
    """The process ends here."""


STEPS = ["take", "find", "bind", "prepare", "append:detections.matches", "finish", "end"]


def test_the_steps_of_a_turn(scene: Scene) -> None:
    scene.add("Left", 0)
    scene.add("Right", 5, 6)

    scene.run(7)

    assert scene.steps == STEPS


@pytest.mark.parametrize("fatal", STEPS)
def test_a_crash_neither_loses_nor_doubles(scene: Scene, fatal: str) -> None:
    scene.add("Left", 0)
    scene.add("Right", 5, 6)

    def step(name: str) -> None:
        if name == fatal or name == "end":  # a killed process does not clean up
            raise Killed

    with pytest.raises(Killed):
        scene.evaluator(step=step).run(time(7))
    scene.add("Right", 8)  # what the next worker finds is more than what the dead one was about to commit
    for minute in (9, 18, 33):
        scene.run(minute, worker="another")

    assert [alert.rule_id for alert in scene.alerts()] == ["Both"]
    counted = [(found["p_match_id"]) for found in scene.stored("Both")]
    assert len(counted) == len(set(counted)) == scene.alerts()[0].match_count
    assert any(found["p_event_time"] == time(8) for found in scene.stored("Both"))
