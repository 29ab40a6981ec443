"""A fault that lasts is told once, and resolved when it is over."""

from __future__ import annotations

from sqlalchemy import Engine

from headwater.model import Match, health_match
from headwater.state import episodes, outbox, rule_health
from headwater.state.alerts import list_alerts
from headwater.state.health import REJECT_SHARE
from headwater.state.resolve import resolve_others
from headwater.state.rule_health import RULE_SUSPENDED, RuleLimit
from support.protocol import NOW, at_once, commit_batch, later, match

RULE = "Headwater.SourceSilent"


def fault(subject: str = "111122223333/cloudtrail", minutes: float = 0) -> Match:
    words = {"title": f"{subject} is silent", "description": "", "runbook": ""}
    return health_match(RULE, subject, later(minutes), told={}, account_id="111122223333", **words)


def tell(engine: Engine, *faults: Match, minutes: float = 0) -> episodes.Told:
    return episodes.tell(engine, [RULE], faults, later(minutes), ["file"])


def statuses(engine: Engine) -> list[str]:
    return [alert.status for alert in list_alerts(engine, status=None)]


def test_fault_that_goes_on_is_told_once(engine: Engine) -> None:
    told = [tell(engine, fault(minutes=minutes), minutes=minutes) for minutes in (0, 1, 100, 5000)]

    assert [len(each.opened) for each in told] == [1, 0, 0, 0]
    assert [each.alert.alert_id for each in outbox.due(engine, later(1))] == [told[0].opened[0].alert_id]
    assert [each.opened_at for each in episodes.list_episodes(engine)] == [NOW]
    assert [alert.match_count for alert in list_alerts(engine)] == [1]


def test_fault_that_is_over_is_resolved(engine: Engine) -> None:
    tell(engine, fault())

    told = tell(engine, minutes=30)

    assert [(alert.status, alert.updated_at) for alert in told.resolved] == [("resolved", later(30))]
    assert (list_alerts(engine), len(list_alerts(engine, status="resolved"))) == ((), 1)
    assert episodes.list_episodes(engine) == ()
    assert tell(engine, minutes=31) == episodes.Told()


def test_relapse_within_the_hour_opens_the_same_alert_again_and_delivers_nothing(engine: Engine) -> None:
    tell(engine, fault())
    tell(engine, minutes=10)

    told = tell(engine, fault(minutes=20), minutes=20)

    assert (told.opened, statuses(engine)) == ((), ["open"])
    assert len(outbox.due(engine, later(21))) == 1


def test_fault_that_comes_back_later_is_told_again(engine: Engine) -> None:
    tell(engine, fault())
    tell(engine, minutes=10)

    told = tell(engine, fault(minutes=70), minutes=70)

    assert len(told.opened) == 1
    assert sorted(statuses(engine)) == ["open", "resolved"]


def test_each_subject_has_its_own_alert(engine: Engine) -> None:
    tell(engine, fault("a/x"), fault("a/y"))
    tell(engine, fault("a/y"), minutes=5)

    assert [alert.dedup for alert in list_alerts(engine)] == ["a/y"]


def test_workers_that_look_at_once_tell_once(engine: Engine) -> None:
    told = at_once([lambda: tell(engine, fault())] * 4)

    assert sum(len(each.opened) for each in told) == 1
    assert [alert.match_count for alert in list_alerts(engine)] == [1]


def test_alert_on_rejects_is_resolved_when_its_source_is_well(engine: Engine) -> None:
    words = {"title": "rejects", "description": "", "runbook": ""}
    commit_batch(engine, "b", [health_match(REJECT_SHARE, name, NOW, told={}, **words) for name in ("a/x", "a/y")])

    resolve_others(engine, REJECT_SHARE, ["a/y"], later(90))

    assert [alert.dedup for alert in list_alerts(engine)] == ["a/y"]


def test_alert_on_a_suspended_detection_is_resolved_when_it_is_resumed(engine: Engine) -> None:
    broken = match(kind="RULE_ERROR", title="KeyError", dedup="KeyError")
    with engine.begin() as connection:
        (suspension,) = rule_health.observe(connection, [broken], RuleLimit(errors=1), NOW)
    commit_batch(engine, "b", [suspension])

    rule_health.resume(engine, ["Root.Login"], later(5))

    assert [alert.rule_id for alert in list_alerts(engine, status="resolved")] == [RULE_SUSPENDED]
