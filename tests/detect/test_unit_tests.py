"""Unit tests of detections: when one passes, what it says when it does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headwater.detect.load import Pack, load_pack
from headwater.detect.unit_tests import TestResult, run_tests

PackOf = Callable[..., Pack]
ON_A = "def rule(event):\n    return event.get('k') == 'a'\n"


def yaml_of(*tests: dict[str, Any]) -> str:
    filled = [
        {"Name": f"t{number}", "ExpectedResult": True, "Log": {"k": "a"}, **test} for number, test in enumerate(tests)
    ]
    return f"Tests: {json.dumps(filled)}\n"


def only_result(pack: Pack, **options: Any) -> TestResult:
    (result,) = run_tests(pack, **options)
    return result


@pytest.mark.parametrize(
    ("key", "expected", "reasons"),
    [
        ("a", True, ()),
        ("b", False, ()),
        ("b", True, ("rule() returned False, the test expects True",)),
        ("a", False, ("rule() returned True, the test expects False",)),
    ],
)
def test_result_is_compared_with_the_expectation(pack_of: PackOf, key: str, expected: bool, reasons: Any) -> None:
    result = only_result(pack_of(ON_A, yaml_of({"ExpectedResult": expected, "Log": {"k": key}})))

    assert (result.passed, result.reasons) == (not reasons, reasons)


def test_function_error_fails_an_alerting_test_only(pack_of: PackOf) -> None:
    python = ON_A + "def title(event):\n    return event['absent']\n"
    yaml = yaml_of({}, {"ExpectedResult": False, "Log": {"k": "b"}})

    alerting, silent = run_tests(pack_of(python, yaml))

    assert alerting.reasons == ("title(): KeyError('absent') at rule.py:4",)
    assert silent.passed


@pytest.mark.parametrize("expected", [True, False])
def test_raising_rule_fails_either_way(pack_of: PackOf, expected: bool) -> None:
    result = only_result(pack_of("def rule(event):\n    return 1 / 0\n", yaml_of({"ExpectedResult": expected})))

    assert result.reasons == ("rule(): ZeroDivisionError('division by zero') at rule.py:2",)


def test_module_that_does_not_load_fails_all_its_tests(pack_of: PackOf) -> None:
    results = run_tests(pack_of("import no_such_module\n", yaml_of({}, {"ExpectedResult": False})))

    assert [result.passed for result in results] == [False, False]
    assert "does not load: ModuleNotFoundError" in results[0].reasons[0]


def test_module_that_does_not_load_fails_without_tests_too(pack_of: PackOf) -> None:
    assert not only_result(pack_of("def rule(event)\n")).passed


def test_mock_replaces_an_attribute_for_one_test(pack_of: PackOf) -> None:
    python = """
        from unittest.mock import MagicMock
        def answer():
            return 'real'
        def rule(event):
            print('answer is', answer())
            return answer() == 'mocked' and isinstance(answer, MagicMock)
        """
    mocks = [{"objectName": "answer", "returnValue": "mocked"}]

    mocked, plain = run_tests(pack_of(python, yaml_of({"Mocks": mocks}, {"ExpectedResult": False})))

    assert (mocked.passed, mocked.printed) == (True, "answer is mocked\n")
    assert (plain.passed, plain.printed) == (True, "answer is real\n")


def test_mock_of_an_unknown_name_fails_the_test(pack_of: PackOf) -> None:
    result = only_result(pack_of(ON_A, yaml_of({"Mocks": [{"objectName": "absent", "returnValue": 1}]})))

    assert result.reasons == ("mock absent: the module has no such name",)


def test_state_carries_over_between_the_tests_of_a_detection(pack_of: PackOf) -> None:
    python = "seen = []\ndef rule(event):\n    seen.append(1)\n    return len(seen) > 1\n"

    results = run_tests(pack_of(python, yaml_of({"ExpectedResult": False}, {})))

    assert all(result.passed for result in results)


@pytest.mark.parametrize(
    ("returned", "expected", "passed"),
    [
        (["prod"], ["prod"], True),
        (["prod", "id-2"], ["id-2", "prod"], True),
        (["prod"], ["id-2"], False),
        ([], [], True),
        (["prod"], [], False),
        (["unknown"], ["prod"], True),
    ],
)
def test_expected_destinations_are_compared_as_ids(pack_of: PackOf, returned: Any, expected: Any, passed: bool) -> None:
    python = ON_A + f"def destinations(event):\n    return {returned}\n"
    pack = pack_of(python, yaml_of({"ExpectedDestinations": expected}))

    result = only_result(pack, destinations={"prod": "id-1", "id-1": "id-1", "id-2": "id-2"})

    assert result.passed is passed, result.reasons


def test_data_model_is_chosen_by_the_event(write: Any, rule_yaml: Any) -> None:
    model = (
        "AnalysisType: datamodel\nDataModelID: M\nEnabled: true\nLogTypes: [Other]\nMappings: [{Name: who, Path: k}]\n"
    )
    tests = yaml_of({"Log": {"p_log_type": "Other", "k": "a"}}, {"ExpectedResult": False})
    python = "def rule(event):\n    return event.udm('who') == 'a'\n"

    pack = load_pack([write({"m.yml": model, "r.yml": rule_yaml("A", "r.py", tests), "r.py": python})])

    assert all(result.passed for result in run_tests(pack))


def test_policy_and_scheduled_rule_have_unit_tests_too(write: Any) -> None:
    tests = '[{"Name": "n", "ExpectedResult": true, "BODY": {"ok": true}}]\n'
    policy = "AnalysisType: policy\nPolicyID: P\nEnabled: true\nSeverity: Low\nFilename: p.py\nTests: "
    rule = "AnalysisType: scheduled_rule\nRuleID: S\nEnabled: true\nSeverity: Low\nFilename: s.py\n"
    rule += "ScheduledQueries: [q]\nTests: "
    files = {"p.yml": policy + tests.replace("BODY", "Resource"), "s.yml": rule + tests.replace("BODY", "Log")}
    files |= {"p.py": "def policy(r):\n    return r['ok']\n", "s.py": "def rule(e):\n    return e['ok']\n"}

    assert [result.passed for result in run_tests(load_pack([write(files)]))] == [True, True]


def test_only_chooses_by_id_and_results_are_plain_json(pack_of: PackOf) -> None:
    pack = pack_of(ON_A, yaml_of({}))

    assert run_tests(pack, only=["Other"]) == ()
    assert json.loads(json.dumps(only_result(pack, only=["T.Rule"]).as_json()))["passed"] is True


def test_result_names_the_place_of_its_test(pack_of: PackOf) -> None:
    pack = pack_of(
        ON_A, "Tests:\n  - {Name: x, ExpectedResult: true, Log: {k: a}}\n  - {Name: y, ExpectedResult: true, Log: {}}\n"
    )

    results = run_tests(pack)

    assert {Path(result.file).name for result in results} == {"rule.yml"}
    assert [result.line for result in results] == [8, 9]


def test_what_a_test_prints_is_kept_up_to_a_limit(pack_of: PackOf) -> None:
    python = ON_A.replace("    return", "    for _ in range(3): print('x' * 6_000)\n    return")

    (result,) = run_tests(pack_of(python, yaml_of({})))

    assert result.passed
    assert len(result.printed) == 10_000
