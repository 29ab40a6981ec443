"""What people do with alerts: kept in order, told to whoever was told of the alert, and undone by new matches."""

from __future__ import annotations

from functools import partial

import pytest
from sqlalchemy import Engine

from headwater.errors import HeadwaterError
from headwater.model import Alert
from headwater.state import lifecycle, outbox
from headwater.state.alerts import get_alert, list_alerts
from headwater.state.deliveries import list_deliveries, retry
from headwater.state.episodes import tell
from support.protocol import NOW, at_once, commit_batch, later, match


@pytest.fixture
def alert(engine: Engine) -> Alert:
    """An open alert that two destinations are to be told of."""
    return commit_batch(engine, "b1", [match()], destinations=["chat", "pager"]).opened[0]


def steps(engine: Engine, alert: Alert) -> list[tuple[str, str, str, str]]:
    return [(each.by, each.action, each.detail, each.comment) for each in lifecycle.history(engine, alert.alert_id)]


def test_every_step_is_kept_with_who_and_when(engine: Engine, alert: Alert) -> None:
    lifecycle.assign(engine, alert.alert_id, "ana", by="bo", now=later(1))
    lifecycle.triage(engine, alert.alert_id, by="ana", now=later(2), text="looking")
    lifecycle.comment(engine, alert.alert_id, "planned work", by="cy", now=later(3))
    lifecycle.resolve(engine, alert.alert_id, "benign", by="ana", now=later(4), reopens=False, text="planned")
    found = lifecycle.reopen(engine, alert.alert_id, by="bo", now=later(5))

    assert steps(engine, alert) == [
        ("headwater", "opened", "", ""),
        ("bo", "assigned", "ana", ""),
        ("ana", "triaged", "", "looking"),
        ("cy", "commented", "", "planned work"),
        ("ana", "resolved", "benign", "planned"),
        ("bo", "reopened", "", ""),
    ]
    assert [each.at for each in lifecycle.history(engine, alert.alert_id)] == [later(minute) for minute in range(6)]
    assert (found.status, found.assignee, found.resolution, found.updated_at) == ("open", "ana", None, later(5))


@pytest.mark.parametrize("step", ["triage", "resolve", "reopen"])
def test_a_step_that_the_status_does_not_allow_is_refused(engine: Engine, step: str) -> None:
    commit_batch(engine, "b1", [match(threshold=2)])
    (pending,) = list_alerts(engine, status="pending")
    calls = {
        "triage": partial(lifecycle.triage, engine, pending.alert_id, by="ana", now=NOW),
        "resolve": partial(lifecycle.resolve, engine, pending.alert_id, "benign", by="ana", now=NOW, reopens=False),
        "reopen": partial(lifecycle.reopen, engine, pending.alert_id, by="ana", now=NOW),
    }

    with pytest.raises(HeadwaterError, match="is pending; only one that is"):
        calls[step]()


def test_an_unknown_alert_is_refused(engine: Engine) -> None:
    with pytest.raises(HeadwaterError, match="there is no alert"):
        lifecycle.comment(engine, "0" * 32, "hello", by="ana", now=NOW)


def test_the_same_step_after_a_broken_connection_is_taken_once(engine: Engine, alert: Alert) -> None:
    for _ in range(2):
        lifecycle.resolve(engine, alert.alert_id, "benign", by="ana", now=later(1), reopens=False)

    assert [action for _, action, _, _ in steps(engine, alert)] == ["opened", "resolved"]


def test_comments_at_once_are_all_kept(engine: Engine, alert: Alert) -> None:
    at_once([partial(lifecycle.comment, engine, alert.alert_id, str(n), by=f"p{n}", now=later(n)) for n in range(6)])

    found = lifecycle.history(engine, alert.alert_id)
    assert [each.number for each in found] == list(range(1, 8))


def test_whoever_was_told_of_an_alert_is_told_of_its_end_after_that(engine: Engine, alert: Alert) -> None:
    lifecycle.resolve(engine, alert.alert_id, "false_positive", by="ana", now=later(1), reopens=False, text="a test")

    opened = outbox.due(engine, later(2))
    assert [(each.destination, each.action) for each in opened] == [("chat", "opened"), ("pager", "opened")]
    outbox.sent(engine, opened[0].delivery_id, later(2))
    (resolved,) = outbox.due(engine, later(2))
    assert (resolved.destination, resolved.action, resolved.note) == (
        "chat",
        "resolved",
        "false_positive. a test (ana)",
    )
    assert resolved.delivery_id not in {each.delivery_id for each in opened}


def test_who_was_not_reached_is_not_told_of_the_end(engine: Engine, alert: Alert) -> None:
    first, second = outbox.due(engine, NOW)
    outbox.failed(engine, first.delivery_id, "no such channel", NOW, permanent=True)
    outbox.sent(engine, second.delivery_id, NOW)

    lifecycle.resolve(engine, alert.alert_id, "benign", by="ana", now=later(1), reopens=False)

    assert [each.destination for each in outbox.due(engine, later(1))] == [second.destination]


@pytest.mark.parametrize(
    ("reopens", "statuses", "count"), [(False, ["open", "resolved"], 1), (True, ["open"], 2)], ids=["new", "reopen"]
)
def test_matches_after_a_resolution_open_another_alert_or_that_one_again(
    engine: Engine, alert: Alert, reopens: bool, statuses: list[str], count: int
) -> None:
    lifecycle.resolve(engine, alert.alert_id, "benign", by="ana", now=later(1), reopens=reopens)

    commit_batch(engine, "b2", [match(1)], now=later(2), destinations=["chat"], reopens=reopens)

    assert sorted(each.status for each in list_alerts(engine, status=None)) == statuses
    found = get_alert(engine, alert.alert_id)
    assert found is not None
    assert found.match_count == count


def test_a_reopened_alert_is_told_again(engine: Engine, alert: Alert) -> None:
    lifecycle.resolve(engine, alert.alert_id, "benign", by="ana", now=later(1), reopens=True)

    commit_batch(engine, "b2", [match(1)], now=later(2), reopens=True)

    actions = [each.action for each in list_deliveries(engine, alert_id=alert.alert_id, destination="pager")]
    assert actions == ["opened", "resolved", "reopened"]


def test_the_end_of_a_fault_is_told_to_whoever_was_told_of_it(engine: Engine) -> None:
    fault = match(kind="HEALTH", rule_id="Headwater.Silent", account_id="", dedup="source")
    (alert,) = tell(engine, ["Headwater.Silent"], [fault], NOW, ["chat"]).opened
    (opened,) = outbox.due(engine, NOW)
    outbox.sent(engine, opened.delivery_id, NOW)

    tell(engine, ["Headwater.Silent"], [], later(5))

    (resolved,) = outbox.due(engine, later(5))
    assert (resolved.action, resolved.alert.status) == ("resolved", "resolved")
    assert steps(engine, alert)[-1][:3] == ("headwater", "resolved", "fixed")


def test_what_was_given_up_is_sent_again_on_demand_with_the_same_key(engine: Engine, alert: Alert) -> None:
    first, second = outbox.due(engine, NOW)
    for each in (first, second):
        outbox.failed(engine, each.delivery_id, "refused", NOW, permanent=True)

    assert retry(engine, later(1), alert_id=alert.alert_id, destination="pager") == ("pager",)

    (again,) = outbox.due(engine, later(1))
    assert (again.delivery_id, again.attempts) == (second.delivery_id, 1)
    assert [each.destination for each in list_deliveries(engine, statuses=["dead"])] == ["chat"]
