"""A detection that raises too often is suspended and alerted on, once, until a person resumes it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Engine

from headwater.model import Match
from headwater.state import commit, rule_health
from headwater.state.alerts import list_alerts
from headwater.state.rule_health import RuleLimit
from support.protocol import NOW, claim, later, receipt, refs

LIMIT = RuleLimit(errors=10, costly={"RuleTimeout": 5})


def error(rule_id: str, occurrences: int = 1, name: str = "KeyError") -> Match:
    return Match(
        kind="RULE_ERROR",
        rule_id=rule_id,
        log_type="AWS.CloudTrail",
        row_id="r1",
        event_time=NOW,
        account_id="111122223333",
        title=f"{name}('x')",
        dedup=name,
        severity="LOW",
        event={},
        description="'x' at rules/r.py:3",
        occurrences=occurrences,
    )


def committed(engine: Engine, number: int, matches: list[Match], now: datetime = NOW) -> commit.Finished:
    """One batch of one object."""
    ref = refs(1, number)[0]
    claim(engine, [ref], now=now)
    commit.prepare(engine, f"b{number}", [ref.object_id], matches, worker="w1", now=now)
    counts = receipt(ref)
    done = commit.finish(engine, f"b{number}", [counts], matches, now=now, rule_limit=LIMIT)
    assert commit.finish(engine, f"b{number}", [counts], matches, now=now, rule_limit=LIMIT).already
    return done


def suspensions(done: commit.Finished) -> list[str]:
    return [alert.dedup for alert in done.opened if alert.rule_id == rule_health.RULE_SUSPENDED]


def test_errors_below_the_limit_are_counted_and_shown(engine: Engine) -> None:
    done = committed(engine, 1, [error("A", 4), error("A", 5), error("B")])

    shown = {
        each.rule_id: (each.errors, each.last_error, each.suspended_at) for each in rule_health.list_health(engine)
    }
    assert shown == {"A": (9, "KeyError('x')", None), "B": (1, "KeyError('x')", None)}
    assert suspensions(done) == []
    assert rule_health.suspended(engine) == frozenset()


def test_an_alert_counts_every_row_that_an_error_stands_for(engine: Engine) -> None:
    committed(engine, 1, [error("A"), error("A", 7)])

    (alert,) = list_alerts(engine)
    assert alert.match_count == 8


def test_the_limit_suspends_one_detection_and_says_how_to_resume_it(engine: Engine) -> None:
    committed(engine, 1, [error("A", 9)])
    done = committed(engine, 2, [error("A"), error("B")])

    assert suspensions(done) == ["A"]
    (alert,) = [alert for alert in done.opened if alert.kind == "HEALTH"]
    assert alert.title == "A is suspended after 10 errors within an hour; the last: KeyError('x')"
    assert "rules/r.py:3" in alert.description
    assert "headwater detections resume A" in alert.runbook
    assert rule_health.suspended(engine) == {"A"}


def test_a_suspended_detection_is_told_once(engine: Engine) -> None:
    committed(engine, 1, [error("A", 10)])

    assert suspensions(committed(engine, 2, [error("A", 10)])) == []


def test_costly_errors_count_for_more(engine: Engine) -> None:
    committed(engine, 1, [error("A", 1, "RuleTimeout")])
    assert rule_health.suspended(engine) == frozenset()

    committed(engine, 2, [error("A", 1, "RuleTimeout")])

    assert rule_health.suspended(engine) == {"A"}
    assert rule_health.list_health(engine)[0].errors == 2


def test_errors_of_another_hour_do_not_add_up(engine: Engine) -> None:
    committed(engine, 1, [error("A", 9)])
    committed(engine, 2, [error("A", 9)], later(60))

    (health,) = rule_health.list_health(engine)
    assert (health.errors, health.recent_errors, health.suspended_at) == (18, 9, None)


def test_a_resumed_detection_runs_until_it_is_over_the_limit_again(engine: Engine) -> None:
    committed(engine, 1, [error("A", 10)])

    assert rule_health.resume(engine, ["A", "B"], NOW + timedelta(minutes=1)) == ("A",)

    assert rule_health.suspended(engine) == frozenset()
    committed(engine, 2, [error("A", 9)], later(2))
    assert rule_health.suspended(engine) == frozenset()
    committed(engine, 3, [error("A", 1)], later(3))
    assert rule_health.suspended(engine) == {"A"}
