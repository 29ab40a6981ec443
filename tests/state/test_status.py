"""What is known of a source becomes one word, a sentence for each fault, and alerts on those worth one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from headwater.state.activity import Activity, QueueHealth
from headwater.state.breakers import Breaker
from headwater.state.silence import Drop, Silence
from headwater.state.status import (
    Judged,
    Signs,
    SourceLimits,
    alerts_of,
    dead_letter_alerts,
    is_behind,
    judge,
    worst_first,
)
from support.protocol import NOW, SOURCE, later

DENIAL = {
    "denied_at": later(-1),
    "last_error": "get s3://payments-logs/x: AccessDenied",
    "last_error_kind": "AccessDenied",
    "statement": "s3:GetObject on s3://payments-logs/x",
}
SILENCE = Silence(later(-180), 36, "usually 36 objects come in this time")
WELL = Activity(SOURCE.source_id, later(-10_000), last_seen=later(-5), newest_event_at=later(-10), rows=500)


def breaker(**changes: Any) -> Breaker:
    fields: dict[str, Any] = {
        "subject": SOURCE.account_id,
        "account_id": SOURCE.account_id,
        "source_id": "",
        "refusals": 3,
        "reason": "assume role: AccessDenied",
        "statement": "sts:AssumeRole",
        "pauses": 1,
        "opened_at": later(-20),
        "probe_at": later(7),
        "updated_at": later(-20),
    }
    return Breaker(**(fields | changes))


def judged(signs: Signs | None = None, **changes: Any) -> Judged:
    return judge(SOURCE.source_id, SOURCE.label, replace(WELL, **changes), signs or Signs(), SourceLimits(), NOW)


@pytest.mark.parametrize(
    ("changes", "signs", "status"),
    [
        pytest.param({}, Signs(), "ok", id="well"),
        pytest.param(DENIAL, Signs(), "denied", id="refused since its last object"),
        pytest.param(DENIAL | {"last_seen": NOW}, Signs(), "ok", id="read again since"),
        pytest.param(DENIAL | {"last_seen": NOW, "retrying": 1}, Signs(), "denied", id="some refused objects wait"),
        pytest.param({}, Signs(breaker=breaker()), "paused", id="its account is paused"),
        pytest.param({}, Signs(breaker=breaker(opened_at=None)), "ok", id="its account was refused, not paused"),
        pytest.param(DENIAL, Signs(breaker=breaker()), "denied", id="refused itself, and paused"),
        pytest.param({"last_seen": None, "newest_event_at": None}, Signs(), "never seen", id="nothing ever"),
        pytest.param(DENIAL | {"last_seen": None}, Signs(), "denied", id="nothing ever, for it is refused"),
        pytest.param({"last_seen": later(-180)}, Signs(silence=SILENCE), "silent", id="silent"),
        pytest.param({"last_seen": later(-180)}, Signs(silence=SILENCE, behind=True), "ok", id="unread news may wait"),
        pytest.param(DENIAL | {"last_seen": later(-180)}, Signs(silence=SILENCE), "denied", id="refused, so silent"),
        pytest.param({"rejects": 26}, Signs(), "rejecting", id="rejects over the limit"),
        pytest.param({"rejects": 25}, Signs(), "ok", id="rejects at the limit"),
        pytest.param({"rows": 99, "rejects": 99}, Signs(), "ok", id="few rows"),
        pytest.param({"newest_event_at": later(-361)}, Signs(), "lagging", id="old rows"),
        pytest.param({"newest_event_at": later(-359)}, Signs(), "ok", id="not so old rows"),
        pytest.param({"newest_event_at": later(-500), "last_seen": later(-121)}, Signs(), "ok", id="old, none new"),
        pytest.param({}, Signs(drop=Drop(30, 3000)), "dropped", id="far less than usual"),
    ],
)
def test_source_is_called_by_its_worst_fault(changes: dict[str, Any], signs: Signs, status: str) -> None:
    assert judged(signs, **changes).status == status


def test_every_fault_is_kept_the_worst_first() -> None:
    found = judged(rejects=100, newest_event_at=later(-400))

    assert [fault.status for fault in found.faults] == ["rejecting", "lagging"]


@pytest.mark.parametrize(
    ("changes", "signs", "rules"),
    [
        pytest.param({}, Signs(), [], id="well"),
        pytest.param(DENIAL, Signs(), ["Headwater.SourceDenied"], id="denied"),
        pytest.param(DENIAL, Signs(breaker=breaker()), [], id="denied and paused: the breaker tells"),
        pytest.param(
            DENIAL, Signs(breaker=breaker(opened_at=None, updated_at=NOW)), [], id="just denied: the breaker may open"
        ),
        pytest.param(
            DENIAL, Signs(breaker=breaker(opened_at=None)), ["Headwater.SourceDenied"], id="denied, no breaker opened"
        ),
        pytest.param({}, Signs(silence=SILENCE), ["Headwater.SourceSilent"], id="silent"),
        pytest.param({"last_seen": None}, Signs(), ["Headwater.SourceNeverSeen"], id="never seen"),
        pytest.param({"last_seen": None, "known_since": later(-600)}, Signs(), [], id="never seen, onboarded today"),
        pytest.param({"last_seen": None}, Signs(behind=True), [], id="never seen, unread news may wait"),
        pytest.param(
            {"last_seen": None, "known_since": later(-600)},
            Signs(silence=SILENCE),
            ["Headwater.SourceNeverSeen"],
            id="never seen within its silence_after",
        ),
        pytest.param({"newest_event_at": later(-361)}, Signs(), ["Headwater.SourceLagging"], id="lagging"),
        pytest.param({"rejects": 100}, Signs(), [], id="rejects are told when they are committed"),
        pytest.param({}, Signs(drop=Drop(30, 3000)), ["Headwater.SourceDropped"], id="dropped"),
    ],
)
def test_faults_worth_an_alert_are_told(changes: dict[str, Any], signs: Signs, rules: list[str]) -> None:
    matches = alerts_of([judged(signs, **changes)], {SOURCE.source_id: SOURCE}, NOW)

    assert [match.rule_id for match in matches] == rules
    assert all(match.dedup == SOURCE.source_id and match.account_id == SOURCE.account_id for match in matches)


def test_alert_of_a_refusal_says_what_to_grant() -> None:
    (match,) = alerts_of([judged(**DENIAL)], {SOURCE.source_id: SOURCE}, NOW)

    assert (match.severity, match.title) == ("HIGH", "payments/cloudtrail: we are refused access")
    assert match.description.startswith("get s3://payments-logs/x: AccessDenied")
    assert match.runbook.startswith("Grant: s3:GetObject on s3://payments-logs/x.")


@pytest.mark.parametrize(("waiting", "title"), [(1, "1 message is in"), (12, "12 messages are in")])
def test_dead_letters_are_told(waiting: int, title: str) -> None:
    (match,) = dead_letter_alerts(QueueHealth("dead_letter", NOW, waiting, 0), NOW)

    assert match.title == f"{title} the dead-letter queue"
    assert dead_letter_alerts(QueueHealth("dead_letter", NOW, 0, 0), NOW) == []


@pytest.mark.parametrize(
    ("queue", "behind"),
    [
        pytest.param(None, False, id="no queue"),
        pytest.param(QueueHealth("intake", NOW, 0, 0, 0), False, id="empty"),
        pytest.param(QueueHealth("intake", NOW, 50_000, 10, 30), False, id="much, and young"),
        pytest.param(QueueHealth("intake", NOW, 50_000, 10, 4000), True, id="old"),
        pytest.param(QueueHealth("intake", NOW - timedelta(hours=1), 0, 0, 0), True, id="nobody looks"),
    ],
)
def test_service_that_is_behind_knows_it(queue: QueueHealth | None, behind: bool) -> None:
    assert is_behind(queue, NOW) == behind


def test_worst_sources_stand_first() -> None:
    ok, denied, silent = judged(), judged(**DENIAL), judged(Signs(silence=SILENCE))

    assert worst_first([ok, silent, denied]) == [denied, silent, ok]
