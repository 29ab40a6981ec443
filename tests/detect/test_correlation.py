"""Correlation rules as YAML: read, tested, and every mistake told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from headwater.detect.correlation import correlations, test_result
from headwater.detect.load import load_pack
from headwater.errors import DetectionError

GROUP: dict[str, Any] = {
    "Group": [{"ID": "A", "RuleID": "Rule.A"}, {"ID": "B", "RuleID": "Rule.B", "MinMatchCount": 2}],
    "MatchCriteria": {"who": [{"GroupID": "A", "Match": "actor"}, {"GroupID": "B", "Match": "user"}]},
    "LookbackWindowMinutes": 60,
    "Schedule": {"RateMinutes": 30, "TimeoutMinutes": 5},
}
RULE: dict[str, Any] = {
    "AnalysisType": "correlation_rule",
    "RuleID": "Team.Both",
    "Enabled": True,
    "Severity": "High",
    "Detection": [GROUP],
}
OUTPUTS = [
    {"ID": "A", "Matches": {"actor": {"ann": [0]}}},
    {"ID": "B", "Matches": {"user": {"ann": [5, "1970-01-01T00:09:00Z"]}}},
]


def load(folder: Path, data: dict[str, Any]) -> Any:
    (folder / "rule.yml").write_text(yaml.safe_dump(data))
    return load_pack([folder])


def test_a_rule_is_read_with_its_inputs_paths_and_schedule(tmp_path: Path) -> None:
    (made,) = correlations(load(tmp_path, RULE).specs)

    assert (made.rule_id, made.severity, made.rate_min, made.pattern.window_s) == ("Team.Both", "HIGH", 30, 3600)
    assert (made.inputs, made.paths) == ({"Rule.A", "Rule.B"}, {"actor", "user"})


def test_outputs_of_tests_take_minutes_and_times(tmp_path: Path) -> None:
    (made,) = correlations(load(tmp_path, RULE).specs)

    assert test_result(made, OUTPUTS) is True
    assert test_result(made, OUTPUTS[:1]) is False


def test_the_key_on_stays_text(tmp_path: Path) -> None:
    text = (
        "AnalysisType: correlation_rule\nRuleID: R\nEnabled: true\nSeverity: Low\nDetection:\n  - Sequence:\n"
        "      - ID: A\n        RuleID: Rule.A\n      - ID: B\n        RuleID: Rule.B\n    Transitions:\n"
        "      - ID: T\n        From: A\n        To: B\n        Match:\n          - On: actor\n"
    )
    (tmp_path / "rule.yml").write_text(text)

    (made,) = correlations(load_pack([tmp_path]).specs)

    assert made.paths == {"actor"}


@pytest.mark.parametrize(
    ("detection", "told"),
    [
        ({}, "Detection.0: exactly one of Group, Sequence must stand here, 0 do"),
        ({**GROUP, "Window": 1}, "Detection.0.Window: there is no key 'Window' here"),
        ({**GROUP, "Group": []}, "Detection.0.Group: must be a list of {ID, RuleID}"),
        ({**GROUP, "Group": [{"ID": "A"}]}, "Detection.0.Group.0: RuleID is missing"),
        ({**GROUP, "Group": [*GROUP["Group"], {"ID": "A", "RuleID": "x"}]}, "Detection.0.Group.2.ID: 'A' stands twice"),
        ({**GROUP, "Group": [{"ID": "A", "RuleID": "x", "Least": 1}]}, "Detection.0.Group.0.Least"),
        ({**GROUP, "Group": [{"ID": "A", "RuleID": "x", "MinMatchCount": 0}]}, "MinMatchCount: must be a whole number"),
        ({**GROUP, "Group": [{"ID": "A", "RuleID": "x", "Absence": True}]}, "one member at least must not be absent"),
        ({**GROUP, "MatchCriteria": {"w": [{"GroupID": "C", "Match": "x"}]}}, "no member has the ID 'C'"),
        ({**GROUP, "MatchCriteria": {"w": ["x"]}}, "MatchCriteria.w.0: must be {GroupID, Match}"),
        ({"Sequence": GROUP["Group"]}, "Detection.0: a Sequence needs Transitions"),
        ({"Sequence": GROUP["Group"], "Transitions": [{"From": "A", "To": "C"}]}, "Transitions.0.To: no member"),
        ({**GROUP, "LookbackWindowMinutes": "1h"}, "LookbackWindowMinutes: must be a whole number of minutes"),
        ({**GROUP, "EventEvaluationOrder": "Random"}, "EventEvaluationOrder: must be"),
        ({**GROUP, "Schedule": {"TimeoutMinutes": 1}}, "Schedule: exactly one of CronExpression, RateMinutes"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_mistakes_are_told_with_their_place(tmp_path: Path, detection: dict[str, Any], told: str) -> None:
    with pytest.raises(DetectionError) as raised:
        load(tmp_path, {**RULE, "Detection": [detection]})

    assert any(told in str(problem) and "rule.yml:" in str(problem) for problem in raised.value.problems)


def test_tests_must_name_members(tmp_path: Path) -> None:
    wrong = {"Name": "t", "ExpectedResult": True, "RuleOutputs": [{"ID": "C"}, {"ID": "A", "Matches": {"x": [1]}}]}

    with pytest.raises(DetectionError) as raised:
        load(tmp_path, {**RULE, "Tests": [wrong]})

    assert [problem.key for problem in raised.value.problems] == [
        "Tests.0.RuleOutputs.0",
        "Tests.0.RuleOutputs.1.Matches",
    ]
