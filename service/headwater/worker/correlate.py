"""Correlation rules over the matches of the lake."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pyiceberg.catalog import Catalog

from headwater.detect.correlate import Finding, Occurrence, evaluate
from headwater.detect.correlation import Correlation
from headwater.detect.correlation_search import search
from headwater.lake.correlation_inputs import Stored, event_times, read_matches
from headwater.model import Match

LOG_TYPE = "Headwater.Correlation"  # of the matches of correlation rules
SLACK = timedelta(minutes=10)  # a match can become visible so long after its p_created_at
MAX_SHOWN = 100  # matches of a finding that its event names


@dataclass(frozen=True, slots=True)
class CorrelationTask:
    """A correlation rule on a lake."""

    rule: Correlation
    catalog: Catalog

    @property
    def rule_id(self) -> str:
        """The rule's id."""
        return self.rule.rule_id

    @property
    def rate_min(self) -> int:
        """Minutes between two evaluations."""
        return self.rule.rate_min

    @property
    def cron(self) -> str | None:
        """When it is evaluated instead."""
        return self.rule.cron

    @property
    def limit_s(self) -> float:
        """No longer than the worker's lease."""
        return 0.0

    def find(self, seen: datetime | None, now: datetime) -> list[Match]:
        """What is met by matches that were stored since the last evaluation, with older ones, in windows of event
        time."""
        window, wait = timedelta(seconds=self.rule.pattern.window_s), timedelta(seconds=wait_s(self.rule))
        since = (seen or now - max(window, timedelta(minutes=self.rule.rate_min))) - SLACK - wait
        span = event_times(self.catalog, self.rule.inputs, since)
        if span is None:
            return []
        first, last = span[0] - window - wait, span[1] + window + wait
        stored = read_matches(self.catalog, self.rule.inputs, first, last, self.rule.paths)
        fresh = {each.occurrence.match_id for each in stored if each.created_at >= since.timestamp()}
        found = search(self.rule.pattern, _by_member(self.rule, stored), fresh, now.timestamp())
        return _matches(self.rule, found, stored)

    def look(self, at: datetime) -> list[Match]:
        """What is met in the one window that ends at a time, whenever its matches were stored."""
        pattern = self.rule.pattern
        since = at - timedelta(seconds=pattern.window_s)
        stored = read_matches(self.catalog, self.rule.inputs, since, at, self.rule.paths)
        return _matches(self.rule, evaluate(pattern, _by_member(self.rule, stored), at.timestamp()), stored)


def tasks(rules: Sequence[Correlation], catalog: Catalog) -> list[CorrelationTask]:
    """The enabled rules."""
    return [CorrelationTask(rule, catalog) for rule in rules if rule.enabled]


def wait_s(rule: Correlation) -> float:
    """How long a sequence waits to know that something did not follow."""
    absent = {member.id for member in rule.pattern.members if member.absent}
    return max((step.within_s for step in rule.pattern.transitions if step.to in absent), default=0.0)


def _by_member(rule: Correlation, stored: Sequence[Stored]) -> dict[str, list[Occurrence]]:
    return {
        member.id: [each.occurrence for each in stored if each.rule_id == member.rule_id]
        for member in rule.pattern.members
    }


def _matches(rule: Correlation, findings: Sequence[Finding], stored: Sequence[Stored]) -> list[Match]:
    by_id = {each.occurrence.match_id: each for each in stored}
    return [_match(rule, finding, [by_id[one.match_id] for one in finding.matches]) for finding in findings]


def _match(rule: Correlation, finding: Finding, inputs: Sequence[Stored]) -> Match:
    accounts = {each.occurrence.account_id for each in inputs}
    values = list(finding.values)
    ids = sorted({each.occurrence.match_id for each in inputs})
    event = {
        "rule_id": rule.rule_id,
        "values": values,
        "first_time": _text(inputs[0].occurrence.at),
        "last_time": _text(inputs[-1].occurrence.at),
        "match_count": len(inputs),
        "matches": [
            {
                "match_id": each.occurrence.match_id,
                "rule_id": each.rule_id,
                "row_id": each.row_id,
                "time": _text(each.occurrence.at),
                "account_id": each.occurrence.account_id,
            }
            for each in inputs[:MAX_SHOWN]
        ],
    }
    return Match(
        kind="RULE",
        rule_id=rule.rule_id,
        log_type=LOG_TYPE,
        row_id=hashlib.sha256("\0".join([rule.rule_id, *values, *ids]).encode("utf-8", "replace")).hexdigest()[:40],
        event_time=_time(inputs[-1].occurrence.at),
        account_id=accounts.pop() if len(accounts) == 1 else "",
        title=": ".join([rule.title, *([", ".join(values)] if values else [])]),
        dedup=":".join([rule.rule_id, *values]),
        severity=rule.severity,
        event=event,
        description=rule.description,
        runbook=rule.runbook,
        reference=rule.reference,
        context=json.dumps(event),
        destinations=rule.destinations,
        window_min=max(int(rule.pattern.window_s // 60), 1),
        create_alert=rule.create_alert,
        tags=rule.tags,
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _text(seconds: float) -> str:
    return _time(seconds).isoformat()
