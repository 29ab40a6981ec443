"""Detections written in YAML alone, and filters before Python ones."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from headwater.detect import expressions, functions, operators
from headwater.detect.engine import Engine
from headwater.detect.event import PantherEvent
from headwater.detect.functions import Outcome, Subject
from headwater.detect.load import load_pack
from headwater.detect.unit_tests import run_tests
from headwater.errors import DetectionError

PAGE = (Path(__file__).parents[2] / "docs/yaml-detections.md").read_text("utf-8")
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
        ({"Detection": []}, "Detection: must not be empty"),
        ({"InlineFilters": {"All": []}}, "InlineFilters: must be a list of mappings"),
        ({"AlertContext": {"KeyName": "a"}}, "AlertContext: must be a list of mappings"),
        (
            {"AlertContext": [{"KeyName": "a", "KeyValue": {"Kye": "a"}}]},
            "AlertContext.0.KeyValue.Kye: there is no key",
        ),
        ({"AlertContext": [{"KeyName": "a", "KeyValue": {"Key": "a"}, "Key": 1}]}, "AlertContext.0.Key: there is no"),
        ({"GroupBy": ["repo"]}, "GroupBy: must be a list of mappings"),
        ({"GroupBy": [{}]}, "GroupBy.0: Key, DeepKey, KeyPath or Enrichment must stand here"),
        ({"DynamicSeverities": [{"ChangeTo": "Low"}]}, "DynamicSeverities.0.Conditions: must be a list"),
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


def python_rule(folder: Path, python: str, **more: Any) -> dict[str, Any]:
    (folder / "rule.py").write_text(python)
    return {key: value for key, value in RULE.items() if key != "Detection"} | {"Filename": "rule.py"} | more


def test_filters_stand_before_a_yaml_rule_too(tmp_path: Path) -> None:
    data = {**RULE, "InlineFilters": [{"Key": "repo", "Condition": "Equals", "Value": "other"}]}

    assert outcome(tmp_path, data, EVENT).output is False
    assert outcome(tmp_path, data, {**EVENT, "repo": "other"}).output is True


@pytest.mark.parametrize(
    ("own", "alerts"),
    [({}, False), ({"InlineFilters": [{"All": []}]}, True)],
    ids=["inherits them", "has its own"],
)
def test_a_derived_rule_has_the_filters_of_its_base_unless_it_has_its_own(
    tmp_path: Path, own: dict[str, Any], alerts: bool
) -> None:
    filters = [{"Key": "repo", "Condition": "Equals", "Value": "other"}]
    base = python_rule(tmp_path, "def rule(event):\n    return True\n", InlineFilters=filters)
    derived = {"AnalysisType": "rule", "RuleID": "Team.Derived", "BaseDetection": "Team.Archived", **own}
    (tmp_path / "a.yml").write_text(yaml.safe_dump(base))
    (tmp_path / "b.yml").write_text(yaml.safe_dump(derived))
    rules = {rule.rule_id: rule for rule in load_pack([tmp_path]).rules}

    assert functions.run(rules["Team.Derived"].subject, PantherEvent(EVENT), {}).alerts is alerts
    assert functions.run(rules["Team.Archived"].subject, PantherEvent(EVENT), {}).alerts is False


def test_a_rule_may_be_derived_from_a_yaml_rule(tmp_path: Path) -> None:
    derived = {"AnalysisType": "rule", "RuleID": "B", "BaseDetection": "Team.Archived", "AlertTitle": "{repo}"}
    (tmp_path / "a.yml").write_text(yaml.safe_dump({**RULE, **EXTRAS}))
    (tmp_path / "b.yml").write_text(yaml.safe_dump(derived))
    rules = {rule.rule_id: rule for rule in load_pack([tmp_path]).rules}

    made = functions.run(rules["B"].subject, PantherEvent(EVENT), {})

    assert (made.alerts, made.values["title"], made.values["severity"]) == (True, "prod-web", "HIGH")


def test_an_error_in_a_filter_is_an_error_of_the_detection_and_its_rule_does_not_run() -> None:
    def fails(event: Any) -> bool:
        raise LookupError("no such table")

    module = ModuleType("made")
    module.__dict__["rule"] = lambda event: pytest.fail("it ran")
    made = functions.run(Subject("R", "LOW", module, passes=fails), PantherEvent(EVENT), {})

    assert (made.alerts, made.output, repr(made.error)) == (False, None, "LookupError('no such table')")


def test_unit_tests_of_yaml_rules_and_filters_run(tmp_path: Path) -> None:
    tests = [
        {"Name": "fires", "ExpectedResult": True, "Log": EVENT},
        {"Name": "is filtered out", "ExpectedResult": False, "Log": {**EVENT, "repo": "test"}},
        {"Name": "is wrong", "ExpectedResult": True, "Log": {}},
    ]
    filters = [{"Key": "repo", "Condition": "StartsWith", "Value": "prod"}]
    (tmp_path / "rule.yml").write_text(yaml.safe_dump({**RULE, "InlineFilters": filters, "Tests": tests}))

    results = run_tests(load_pack([tmp_path]))

    assert [result.passed for result in results] == [True, True, False]


ROWS: list[dict[str, Any]] = [
    {"action": "archive", "repo": "prod-web", "actor": {"name": "Ann"}},
    {"action": "archive", "repo": "test-web", "actor": {"name": "Ann"}},
    {"action": "ARCHIVE", "repo": "prod-db", "actor": {"NAME": "Ann", "ips": ["192.0.2.7"]}},
    {"action": "create", "repo": "prod-db"},
    {"action": None, "repo": "", "actor": {"name": None}},
    {"action": "archive", "repo": "prod-x", "actor": {"name": "Bob", "age": 7}},
]
DETECTIONS: list[list[dict[str, Any]]] = [
    [{"Key": "action", "Condition": "Equals", "Value": "archive"}],
    [{"Key": "Action", "Condition": "IEquals", "Value": "archive"}],
    [{"KeyPath": "actor.name", "Condition": "IStartsWith", "Value": "a"}],
    [{"KeyPath": "actor.name", "Condition": "DoesNotEqual", "Value": "Ann"}],
    [{"DeepKey": ["actor", "ips", 0], "Condition": "IsIPAddressInCIDR", "Value": "192.0.2.0/24"}],
    [{"DeepKey": ["actor", "ips"], "Condition": "Contains", "Value": "192.0.2.7"}],
    [{"KeyPath": "actor.age", "Condition": "IsGreaterThan", "Value": 6}],
    [{"Key": "repo", "Condition": "IsNullOrEmpty"}, {"Key": "action", "Condition": "DoesNotExist"}],
    [{"None": [{"Key": "actor", "Condition": "Exists"}, {"Key": "repo", "Condition": "Contains", "Value": "web"}]}],
]


@pytest.mark.parametrize("detection", DETECTIONS, ids=str)
@pytest.mark.parametrize("filtered", [False, True], ids=["as Detection", "as filter of Python"])
def test_the_engine_finds_the_same_rows_with_and_without_the_prefilter(
    tmp_path: Path, batch_of: Any, detection: list[dict[str, Any]], filtered: bool
) -> None:
    data = {**RULE, "Detection": detection}
    if filtered:
        python = "def rule(event):\n    return event.get('repo') is not None\n"
        data = python_rule(tmp_path, python, InlineFilters=detection)
    (tmp_path / "rule.yml").write_text(yaml.safe_dump(data))
    pack, batch = load_pack([tmp_path]), batch_of(ROWS, "Custom.Audit")

    everywhere, picked = (Engine(pack, prefilter=prefilter).detect(batch) for prefilter in (False, True))

    assert 0 < len(everywhere) < len(ROWS)
    assert [match.row_id for match in picked] == [match.row_id for match in everywhere]


def test_the_examples_of_the_page_load_and_pass_their_tests(tmp_path: Path) -> None:
    examples = re.findall(r"```yaml\n(AnalysisType: .*?)```", PAGE, re.DOTALL)
    for number, example in enumerate(examples):
        (tmp_path / f"{number}.yml").write_text(example)
    (tmp_path / "rule.py").write_text("def rule(event):\n    return True\n")

    results = run_tests(load_pack([tmp_path]))

    assert len(results) >= 4
    assert [result.reasons for result in results if result.reasons] == []


def test_every_condition_stands_on_the_page() -> None:
    known = {operator.base for operator in operators.NAMES.values()} | set(expressions.ELEMENTS)

    assert [name for name in sorted(known) if f"`{name}`" not in PAGE] == []


def test_placeholders_are_left_out_and_told(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "rule.yml").write_text("AnalysisType: rule\nFilename: put_yours_here.py\n")
    (tmp_path / "rule.yml").write_text(yaml.safe_dump(RULE))

    pack = load_pack([tmp_path])

    assert [rule.rule_id for rule in pack.rules] == ["Team.Archived"]
    assert [warning.message for warning in pack.warnings] == ["1 placeholder files are left out"]
