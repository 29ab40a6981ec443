"""Correlation rules as their YAML states them, and their tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from headwater.detect.correlate import Member, Occurrence, Pattern, Transition, evaluate
from headwater.detect.correlation_shape import LOOKBACK_MIN
from headwater.detect.spec import Spec

RATE_MIN = 60


@dataclass(frozen=True, slots=True)
class CorrelationTest:
    """One of Tests. found: member id → occurrences."""

    name: str
    expected: bool
    outputs: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Correlation:
    """One correlation rule. rate_min: how often it is evaluated; cron: or when."""

    spec: Spec
    enabled: bool
    severity: str
    title: str
    description: str
    runbook: str
    reference: str
    tags: tuple[str, ...]
    destinations: tuple[str, ...] | None
    create_alert: bool
    pattern: Pattern
    rate_min: int
    cron: str | None
    tests: tuple[CorrelationTest, ...]

    @property
    def rule_id(self) -> str:
        """The detection's id."""
        return self.spec.id

    @property
    def inputs(self) -> frozenset[str]:
        """The rules whose matches it reads."""
        return frozenset(member.rule_id for member in self.pattern.members)

    @property
    def paths(self) -> frozenset[str]:
        """Every path that is read of a match."""
        pattern = self.pattern
        of_members = {path for member in pattern.members for path in member.paths.values()}
        return frozenset(of_members | {path for step in pattern.transitions for pair in step.on for path in pair})


def correlations(specs: Sequence[Spec]) -> tuple[Correlation, ...]:
    """The correlation rules among checked specs, the disabled ones too."""
    return tuple(_correlation(spec) for spec in specs if spec.kind == "correlation_rule")


def test_result(correlation: Correlation, outputs: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the rule fires on RuleOutputs: [{ID, Matches {field: {value: [minute or time]}}}]."""
    found: dict[str, list[Occurrence]] = {}
    numbers = iter(range(1_000_000))
    for output in outputs:
        for path, values in (output.get("Matches") or {}).items():
            for value, times in values.items():
                found.setdefault(str(output["ID"]), []).extend(
                    Occurrence(str(next(numbers)), _seconds(time), {path: frozenset((str(value),))}) for time in times
                )
    return bool(evaluate(correlation.pattern, found))


test_result.__test__ = False  # type: ignore[attr-defined]  # not a test case of pytest's


def _seconds(time: Any) -> float:
    if isinstance(time, int | float):
        return float(time) * 60
    moment = datetime.fromisoformat(str(time))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _correlation(spec: Spec) -> Correlation:
    data, detection = spec.data, spec.data["Detection"][0]
    schedule = detection.get("Schedule") or {}
    return Correlation(
        spec=spec,
        enabled=data["Enabled"],
        severity=data["Severity"].upper(),
        title=data.get("DisplayName") or spec.id,
        description=(data.get("Description") or "").strip(),
        runbook=(data.get("Runbook") or "").strip(),
        reference=(data.get("Reference") or "").strip(),
        tags=tuple(data.get("Tags") or ()),
        destinations=tuple(data["OutputIds"]) if data.get("OutputIds") else None,
        create_alert=data.get("CreateAlert", True) is not False,
        pattern=_pattern(detection),
        rate_min=int(schedule.get("RateMinutes") or RATE_MIN),
        cron=schedule.get("CronExpression"),
        tests=tuple(
            CorrelationTest(str(test["Name"]), test["ExpectedResult"], test["RuleOutputs"])
            for test in data.get("Tests") or ()
        ),
    )


def _pattern(detection: Mapping[str, Any]) -> Pattern:
    criteria = detection.get("MatchCriteria") or {}
    kind = "Group" if "Group" in detection else "Sequence"
    return Pattern(
        kind="Group" if kind == "Group" else "Sequence",
        members=tuple(_member(entry, criteria) for entry in detection[kind]),
        transitions=tuple(_transition(entry, detection) for entry in detection.get("Transitions") or ()),
        criteria=tuple(criteria),
        window_s=60.0 * (detection.get("LookbackWindowMinutes") or LOOKBACK_MIN),
    )


def _member(entry: Mapping[str, Any], criteria: Mapping[str, Any]) -> Member:
    paths = {
        name: str(part["Match"]) for name, parts in criteria.items() for part in parts if part["GroupID"] == entry["ID"]
    }
    return Member(
        str(entry["ID"]),
        str(entry["RuleID"]),
        int(entry.get("MinMatchCount") or 1),
        entry.get("Absence") is True,
        paths,
    )


def _transition(entry: Mapping[str, Any], detection: Mapping[str, Any]) -> Transition:
    window = detection.get("LookbackWindowMinutes") or LOOKBACK_MIN
    return Transition(
        str(entry["From"]),
        str(entry["To"]),
        60.0 * (entry.get("WithinTimeFrameMinutes") or window),
        tuple(_on(match) for match in entry.get("Match") or ()),
    )


def _on(match: Mapping[str, Any]) -> tuple[str, str]:
    return (str(match["On"]), str(match["On"])) if "On" in match else (str(match["From"]), str(match["To"]))
