"""How each source is, in one word, and the alerts on what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from headwater.model import Match, Source, health_match
from headwater.state.activity import Activity, QueueHealth
from headwater.state.breakers import Breaker
from headwater.state.health import RejectLimit
from headwater.state.silence import HOUR, Drop, Silence, spoken

Status = Literal["ok", "denied", "paused", "never seen", "silent", "rejecting", "lagging", "dropped"]
WORST_FIRST: tuple[Status, ...] = ("denied", "paused", "never seen", "silent", "rejecting", "lagging", "dropped", "ok")

DENIED = "Headwater.SourceDenied"
NEVER_SEEN = "Headwater.SourceNeverSeen"
SILENT = "Headwater.SourceSilent"
LAGGING = "Headwater.SourceLagging"
DROPPED = "Headwater.SourceDropped"
DEAD_LETTERS = "Headwater.DeadLetters"
RULES = (DENIED, NEVER_SEEN, SILENT, LAGGING, DROPPED, DEAD_LETTERS)

LAG_JUDGED = 2 * HOUR  # after its last object: a source that sends nothing is silent, not late
BEHIND_AFTER = timedelta(minutes=15)
BREAKER_AWAITED = timedelta(minutes=5)
ACCESS_DENIED = "AccessDenied"


@dataclass(frozen=True, slots=True)
class SourceLimits:
    """When a source is not well. reject: its share of rejects. lag_s: age of its newest row. never_seen_s: since it
    was onboarded. drop_share: of its usual rows, below which it has dropped; 0: never."""

    reject: RejectLimit = field(default_factory=RejectLimit)
    lag_s: float = 6 * 3600
    never_seen_s: float = 24 * 3600
    drop_share: float = 0.05


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a source, since when, in a sentence. told: whether it is worth an alert by now."""

    status: Status
    since: datetime
    detail: str
    told: bool = True


@dataclass(frozen=True, slots=True)
class Judged:
    """A source as it is: the worst fault first; none: it is ok."""

    source_id: str
    label: str
    activity: Activity
    faults: tuple[Fault, ...] = ()

    @property
    def status(self) -> Status:
        """The word for it."""
        return self.faults[0].status if self.faults else "ok"

    @property
    def detail(self) -> str:
        """The sentence of the worst fault."""
        return self.faults[0].detail if self.faults else ""


@dataclass(frozen=True, slots=True)
class Signs:
    """What is known of a source beside its own activity.

    breaker: its own or its account's. behind: the queue holds older news than we have read.
    """

    silence: Silence | None = None
    drop: Drop | None = None
    breaker: Breaker | None = None
    behind: bool = False


def judge(source_id: str, label: str, activity: Activity, signs: Signs, limits: SourceLimits, now: datetime) -> Judged:
    """The source with every fault it has."""
    checks = (_denied, _paused, _never_seen, _silent, _rejecting, _lagging, _dropped)
    found = [fault for check in checks if (fault := check(activity, signs, limits, now))]
    unread = any(fault.status in ("denied", "paused") for fault in found)
    kept = [fault for fault in found if not (unread and fault.status in ("never seen", "silent", "dropped"))]
    return Judged(source_id, label, activity, tuple(sorted(kept, key=lambda fault: WORST_FIRST.index(fault.status))))


def is_behind(queue: QueueHealth | None, now: datetime) -> bool:
    """Whether what is not heard of may still wait in the queue: then nobody is called silent."""
    if queue is None:
        return False
    return now - queue.seen_at > BEHIND_AFTER or (queue.waiting > 0 and queue.oldest_s > BEHIND_AFTER.total_seconds())


def alerts_of(judged: Iterable[Judged], sources: Mapping[str, Source], now: datetime) -> list[Match]:
    """A match for every fault that is to be told; rejects are told when they are committed, pauses by their breaker."""
    return [
        _match(sources[each.source_id], each.activity, fault, now)
        for each in judged
        if each.source_id in sources
        for fault in each.faults
        if fault.told and fault.status in TELLINGS
    ]


def dead_letter_alerts(queue: QueueHealth | None, now: datetime) -> list[Match]:
    """A match while the dead-letter queue holds messages."""
    if queue is None or not queue.waiting:
        return []
    many = "1 message is" if queue.waiting == 1 else f"{queue.waiting} messages are"
    return [
        health_match(
            DEAD_LETTERS,
            queue.name,
            now,
            title=f"{many} in the dead-letter queue",
            description="Their objects are not in the lake. Each message says why, in its attribute `reason`.",
            runbook="headwater sources list shows whose objects failed and why; mend that, then headwater requeue.",
            told={"waiting": queue.waiting},
        )
    ]


def _denied(activity: Activity, signs: Signs, limits: SourceLimits, now: datetime) -> Fault | None:
    at, breaker = activity.denied_at, signs.breaker
    if at is None:
        return None
    since_then = activity.last_seen is None or at > activity.last_seen
    still_waits = activity.retrying > 0 and activity.last_error_kind == ACCESS_DENIED
    if not since_then and not still_waits:
        return None
    # its breaker tells as soon as it opens
    told = breaker is None or (not breaker.is_open and now - breaker.updated_at >= BREAKER_AWAITED)
    return Fault("denied", at, activity.last_error, told)


def _paused(activity: Activity, signs: Signs, limits: SourceLimits, now: datetime) -> Fault | None:
    breaker = signs.breaker
    if breaker is None or breaker.opened_at is None:
        return None
    whose = "it is" if breaker.source_id else "its account is"
    again = f", next try at {breaker.probe_at:%H:%M} UTC" if breaker.probe_at else ""
    return Fault("paused", breaker.opened_at, f"{whose} paused{again}: {breaker.reason}", told=False)


def _never_seen(activity: Activity, signs: Signs, limits: SourceLimits, now: datetime) -> Fault | None:
    if activity.last_seen is not None:
        return None
    known = now - activity.known_since
    told = not signs.behind and (signs.silence is not None or known.total_seconds() > limits.never_seen_s)
    return Fault("never seen", activity.known_since, f"in accounts.yml for {spoken(known)}, nothing came yet", told)


def _silent(activity: Activity, signs: Signs, limits: SourceLimits, now: datetime) -> Fault | None:
    if activity.last_seen is None or signs.silence is None or signs.behind:
        return None
    gap = spoken(now - activity.last_seen)
    return Fault("silent", activity.last_seen, f"nothing came for {gap}; {signs.silence.reason}")


def _rejecting(activity: Activity, signs: Signs, limits: SourceLimits, now: datetime) -> Fault | None:
    share = activity.reject_share
    if activity.rows < limits.reject.min_rows or share <= limits.reject.share:
        return None
    return Fault("rejecting", now - HOUR, f"{share:.0%} of the last hour's rows fit no schema")


def _lagging(activity: Activity, signs: Signs, limits: SourceLimits, now: datetime) -> Fault | None:
    if activity.last_seen is None or activity.newest_event_at is None or now - activity.last_seen > LAG_JUDGED:
        return None
    lag = now - activity.newest_event_at
    if lag.total_seconds() <= limits.lag_s:
        return None
    return Fault("lagging", activity.newest_event_at, f"its newest row is {spoken(lag)} old")


def _dropped(activity: Activity, signs: Signs, limits: SourceLimits, now: datetime) -> Fault | None:
    drop = signs.drop
    if drop is None or signs.silence is not None or signs.behind:
        return None
    return Fault("dropped", now, f"{drop.rows:,} rows in the last whole hours, usually {drop.usual:,}")


@dataclass(frozen=True, slots=True)
class _Telling:
    """How a fault is told."""

    rule_id: str
    severity: str
    title: Callable[[Fault], str]
    description: str
    runbook: str


TELLINGS: Mapping[Status, _Telling] = {
    "denied": _Telling(
        DENIED,
        "HIGH",
        lambda fault: "we are refused access",
        "Its objects cannot be read. Their notifications come back until it is mended, or until they are given up.",
        "Grant what is missing, then headwater requeue for those that were given up.",
    ),
    "never seen": _Telling(
        NEVER_SEEN,
        "MEDIUM",
        lambda fault: fault.detail,
        "The source is in accounts.yml, and no object of it was ever heard of.",
        "headwater onboard verify tests the way of its notifications; is the log turned on at all?",
    ),
    "silent": _Telling(
        SILENT,
        "HIGH",
        lambda fault: fault.detail,
        "Logs may have been turned off, or their notifications be broken. No detection sees what is not sent.",
        "headwater sources show and headwater onboard verify; a pause that is expected: silence_after in accounts.yml.",
    ),
    "lagging": _Telling(
        LAGGING,
        "MEDIUM",
        lambda fault: fault.detail,
        "Objects come, and what they tell is old: detections see it too late.",
        "Look at how the source delivers its logs; HEADWATER_LAG_LIMIT_S is the limit.",
    ),
    "dropped": _Telling(
        DROPPED,
        "MEDIUM",
        lambda fault: fault.detail,
        "The source sends far less than in these hours of the weeks before.",
        "Was a trail, a region or a member account turned off? HEADWATER_DROP_SHARE_LIMIT is the limit.",
    ),
}


def _match(source: Source, activity: Activity, fault: Fault, now: datetime) -> Match:
    telling = TELLINGS[fault.status]
    granting = activity.statement if fault.status == "denied" else ""
    told: dict[str, Any] = {
        "source_id": source.source_id,
        "status": fault.status,
        "since": fault.since,
        "detail": fault.detail,
        "last_seen": activity.last_seen,
        "statement": granting,
    }
    return health_match(
        telling.rule_id,
        source.source_id,
        now,
        title=f"{source.label}: {telling.title(fault)}",
        description=f"{fault.detail}. {telling.description}" if fault.status == "denied" else telling.description,
        runbook=f"Grant: {granting}. {telling.runbook}" if granting else telling.runbook,
        told=told,
        severity=telling.severity,
        account_id=source.account_id,
    )


def worst_first(judged: Iterable[Judged]) -> Sequence[Judged]:
    """Those with the worst faults first, then by label."""
    return sorted(judged, key=lambda each: (WORST_FIRST.index(each.status), each.label))
