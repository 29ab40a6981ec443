"""Detections written in YAML alone, and filters before Python ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from headwater.detect import functions
from headwater.detect.event import PantherEvent
from headwater.detect.functions import Outcome
from headwater.detect.load import load_pack
from headwater.errors import DetectionError

RULE: dict[str, Any] = {
    "AnalysisType": "rule",
    "RuleID": "Team.Archived",
    "Enabled": True,
    "Severity": "Low",
    "LogTypes": ["Custom.Audit"],
    "Detection": [{"Key": "action", "Condition": "Equals", "Value": "archive"}],
}
EXTRAS: dict[str, Any] = {
    "AlertTitle": "{actor.name} archived [{repo}] in {nowhere}",
    "AlertContext": [
        {"KeyName": "who", "KeyValue": {"KeyPath": "actor.name"}},
        {"KeyName": "actor", "KeyValue": {"Key": "actor"}},
        {"KeyName": "none", "KeyValue": {"DeepKey": ["a", "b"]}},
    ],
    "GroupBy": [{"KeyPath": "actor.name"}, {"Key": "repo"}],
    "DynamicSeverities": [
        {"ChangeTo": "High", "Conditions": [{"Key": "repo", "Condition": "StartsWith", "Value": "prod"}]},
        {"ChangeTo": "Info", "Conditions": [{"Key": "repo", "Condition": "StartsWith", "Value": "test"}]},
    ],
}
EVENT = {"action": "archive", "repo": "prod-web", "actor": {"name": "Ann"}}


def outcome(folder: Path, data: dict[str, Any], event: dict[str, Any]) -> Outcome:
    (folder / "rule.yml").write_text(yaml.safe_dump(data))
    (detection,) = load_pack([folder]).detections
    return functions.run(detection.subject, PantherEvent(event), {})


def test_a_rule_without_extras_alerts_with_its_defaults(tmp_path: Path) -> None:
    made = outcome(tmp_path, RULE, EVENT)

    assert (made.alerts, made.values) == (True, {"dedup": "defaultDedupString:Team.Archived"})
    assert outcome(tmp_path, RULE, {"action": "create"}).output is False


def test_title_context_dedup_and_severity_come_from_the_event(tmp_path: Path) -> None:
    values = outcome(tmp_path, {**RULE, **EXTRAS}, EVENT).values

    assert values["title"] == "Ann archived [prod-web] in <nowhere not found>"
    assert values["dedup"] == "Ann:prod-web"
    assert values["severity"] == "HIGH"
    assert values["alert_context"] == '{"who": "Ann", "actor": {"name": "Ann"}, "none": null}'


@pytest.mark.parametrize(("repo", "severity"), [("test-web", "INFO"), ("web", "LOW")])
def test_the_first_severity_that_holds_wins_else_the_static_one(tmp_path: Path, repo: str, severity: str) -> None:
    assert outcome(tmp_path, {**RULE, **EXTRAS}, {**EVENT, "repo": repo}).values["severity"] == severity


def test_a_scheduled_rule_may_be_yaml_alone(tmp_path: Path) -> None:
    data = {**RULE, "AnalysisType": "scheduled_rule", "ScheduledQueries": ["Q"]}
    del data["LogTypes"]

    assert outcome(tmp_path, data, EVENT).alerts


@pytest.mark.parametrize(
    ("filters", "alerts"),
    [
        ([{"Key": "repo", "Condition": "StartsWith", "Value": "prod"}], True),
        ([{"Key": "repo", "Condition": "StartsWith", "Value": "test"}], False),
        ([{"All": []}], True),
        ([], True),
    ],
    ids=["passes", "does not pass", "no-op", "empty"],
)
def test_filters_run_before_python(tmp_path: Path, filters: list[Any], alerts: bool) -> None:
    data = {key: value for key, value in RULE.items() if key != "Detection"}
    (tmp_path / "rule.py").write_text("def rule(event):\n    return event['repo'] is not None\n")

    assert outcome(tmp_path, {**data, "Filename": "rule.py", "InlineFilters": filters}, EVENT).alerts is alerts


def test_a_filter_keeps_a_rule_from_events_that_break_it(tmp_path: Path) -> None:
    data = {key: value for key, value in RULE.items() if key != "Detection"}
    (tmp_path / "rule.py").write_text("def rule(event):\n    return event['repo'] is not None\n")
    exists = [{"Key": "repo", "Condition": "Exists"}]

    made = outcome(tmp_path, {**data, "Filename": "rule.py", "InlineFilters": exists}, {"action": "archive"})

    assert (made.output, made.error) == (False, None)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"Detection": {"Key": "a"}}, "Detection: must be a list"),
        ({"Detection": [{"Key": "a", "Condition": "Equal", "Value": 1}]}, "Detection.0.Condition: 'Equal'"),
        ({"InlineFilters": [{"Keys": "a"}]}, "InlineFilters.0.Keys"),
        ({"AlertContext": [{"KeyName": "a"}]}, "AlertContext.0.KeyValue"),
        ({"AlertContext": ["a"]}, "AlertContext.0: must be {KeyName"),
        ({"GroupBy": [{"KeyPath": "[["}]}, "GroupBy.0.KeyPath"),
        ({"DynamicSeverities": [{"ChangeTo": "Huge"}]}, "DynamicSeverities.0: must be {ChangeTo"),
        ({"AlertTitle": "{a..[}"}, "AlertTitle: {a..[} is no path"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_mistakes_are_told_with_file_line_and_key(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    (tmp_path / "rule.yml").write_text(yaml.safe_dump({**RULE, **change}))

    with pytest.raises(DetectionError) as raised:
        load_pack([tmp_path])

    assert any(told in str(problem) and "rule.yml:" in str(problem) for problem in raised.value.problems)


def test_placeholders_are_left_out_and_told(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "rule.yml").write_text("AnalysisType: rule\nFilename: put_yours_here.py\n")
    (tmp_path / "rule.yml").write_text(yaml.safe_dump(RULE))

    pack = load_pack([tmp_path])

    assert [rule.rule_id for rule in pack.rules] == ["Team.Archived"]
    assert [warning.message for warning in pack.warnings] == ["1 placeholder files are left out"]
