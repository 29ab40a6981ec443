"""Detections on the command line: tests side by side, filters, reports, lint and a first rule."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
import yaml

from cli.conftest import Headwater

CORRELATION = """\
AnalysisType: correlation_rule
RuleID: Team.Both
Enabled: true
Severity: High
Detection:
  - Group:
      - {ID: A, RuleID: Team.Good}
      - {ID: B, RuleID: Team.Good}
Tests:
  - {Name: both, ExpectedResult: true, RuleOutputs: [{ID: A, Matches: {x: {y: [0]}}}, {ID: B, Matches: {x: {y: [1]}}}]}
  - {Name: one, ExpectedResult: false, RuleOutputs: [{ID: A, Matches: {x: {y: [0]}}}]}
"""


def write_rule(folder: Path, rule_id: str, python: str, **changes: Any) -> None:
    stem = rule_id.rpartition(".")[2].lower()
    tests = [{"Name": f"k is {k}", "ExpectedResult": k == "a", "Log": {"k": k}} for k in "ab"]
    data = {
        "AnalysisType": "rule",
        "RuleID": rule_id,
        "Enabled": True,
        "Severity": "Low",
        "LogTypes": ["AWS.CloudTrail"],
        "Filename": f"{stem}.py",
        "Description": "d",
        "Runbook": "r",
        "Tests": tests,
        **changes,
    }
    (folder / f"{stem}.yml").write_text(yaml.safe_dump(data))
    (folder / f"{stem}.py").write_text(python)


GOOD = "def rule(event):\n    return event.get('k') == 'a'\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of one good rule and one correlation rule, two tests each."""
    made = tmp_path / "detections"
    made.mkdir()
    write_rule(made, "Team.Good", GOOD, Tags=["Blue"])
    (made / "both.yml").write_text(CORRELATION)
    return made


def test_unit_and_correlation_tests_are_counted_together(headwater: Headwater, folder: Path) -> None:
    done = headwater("detections", "test", folder, "--output", "json")

    assert done.code == 0
    assert done.json["summary"] == {"tests": {"passed": 4, "failed": 0}, "detections": 2}
    assert headwater("detections", "test", folder).out == "4 passed, 0 failed in 2 detections\n"


def test_failures_are_told_with_expected_actual_place_and_what_was_printed(headwater: Headwater, folder: Path) -> None:
    write_rule(folder, "Team.Wrong", "def rule(event):\n    print('k =', event['k'])\n    return event['k'] == 'b'\n")
    write_rule(folder, "Team.Raises", "def rule(event):\n    return event['missing']\n")

    done = headwater("detections", "test", folder)

    assert done.code == 1
    assert "FAIL  Team.Wrong: k is a\n      rule() returned False, the test expects True\n" in done.out
    assert "      it printed:\n      | k = a\n" in done.out
    assert "FAIL  Team.Raises: k is a\n      rule(): KeyError('missing') at raises.py:2\n" in done.out
    assert "4 passed, 4 failed in 4 detections" in done.out


def test_a_test_that_does_not_end_fails_and_the_others_run(headwater: Headwater, folder: Path) -> None:
    write_rule(folder, "Team.AHangs", "def rule(event):\n    while True: pass\n")
    write_rule(folder, "Team.Dies", "import os\ndef rule(event):\n    os._exit(3)\n")

    done = headwater("detections", "test", folder, "--timeout", "1", "--jobs", "1", "-o", "json")

    failed = {result["rule_id"]: result["reasons"][0] for result in done.json["results"] if not result["passed"]}
    assert "did not end within" in failed["Team.AHangs"]
    assert "ended its process (exit code 3)" in failed["Team.Dies"]
    assert done.json["summary"]["tests"] == {"passed": 4, "failed": 2}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("import socket\n    socket.create_connection(('127.0.0.1', 9))", "DetectionDenied"),
        ("import subprocess\n    subprocess.run(['true'])", "DetectionDenied"),
        (
            "import os\n    raise ValueError(os.environ.get('AWS_SECRET_ACCESS_KEY', 'nothing'))",
            "ValueError('nothing')",
        ),
    ],
    ids=["network", "programs", "credentials"],
)
def test_tests_have_neither_network_nor_programs_nor_credentials(
    headwater: Headwater, folder: Path, body: str, told: str
) -> None:
    write_rule(folder, "Team.Curious", f"def rule(event):\n    {body}\n    return True\n")

    done = headwater("detections", "test", folder, AWS_SECRET_ACCESS_KEY="testing")

    assert done.code == 1
    assert told in done.out


def test_junit_holds_every_result(headwater: Headwater, folder: Path, tmp_path: Path) -> None:
    write_rule(folder, "Team.Odd", "def rule(event):\n    print('\\x00<&>')\n    raise ValueError('\\x07')\n")

    headwater("detections", "test", folder, "--junit", tmp_path / "junit.xml")

    root = fromstring((tmp_path / "junit.xml").read_text())
    assert (root.tag, root.attrib["tests"], root.attrib["failures"]) == ("testsuites", "6", "2")
    cases = {(case.attrib["classname"], case.attrib["name"]): case for case in root.iter("testcase")}
    assert cases["Team.Good", "k is a"].find("failure") is None
    assert "ValueError" in cases["Team.Odd", "k is a"].find("failure").attrib["message"]  # type: ignore[union-attr]
    assert cases["Team.Odd", "k is b"].findtext("system-out") == "\ufffd<&>\n"


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (["--id", "Team.G*"], {"Team.Good"}),
        (["--tag", "blue"], {"Team.Good"}),
        (["--severity", "high"], {"Team.Both"}),
        (["--kind", "correlation_rule"], {"Team.Both"}),
        (["--log-type", "AWS.CloudTrail"], {"Team.Good"}),
    ],
    ids=lambda value: str(value),
)
def test_filters(headwater: Headwater, folder: Path, options: list[str], ids: set[str]) -> None:
    tested = headwater("detections", "test", folder, *options, "-o", "json").json
    listed = headwater("detections", "list", folder, *options, "-o", "json").json

    assert {result["rule_id"] for result in tested["results"]} == ids
    assert {row["id"] for row in listed} == ids


def test_options_that_choose_nothing_do_not_pass(headwater: Headwater, folder: Path) -> None:
    done = headwater("detections", "test", folder, "--log-type", "AWS.ALB")

    assert done.code == 2
    assert "no detection is meant by these options" in done.err


def test_too_few_tests_fail(headwater: Headwater, folder: Path) -> None:
    done = headwater("detections", "test", folder, "--minimum-tests", "3")

    assert done.code == 1
    assert "Team.Good: number of tests\n      has 2 tests, 3 are wanted" in done.out


def test_wrong_files_end_with_two_and_their_places(headwater: Headwater, folder: Path) -> None:
    (folder / "bad.yml").write_text("AnalysisType: rule\nRuleID: R\nEnabled: yes\n")

    done = headwater("detections", "test", folder)

    assert done.code == 2
    assert "bad.yml:3:1:Enabled: must be true or false" in done.err or "bad.yml:3:Enabled: must be true" in done.err


def test_lint_tells_errors_and_remarks(headwater: Headwater, folder: Path) -> None:
    assert headwater("detections", "lint", folder, "--ignore", "no-title").out == "0 errors, 0 warnings\n"

    write_rule(folder, "Team.Bare", GOOD, Tests=[], LogTypes=["Custom.Unknown"], Runbook="", Description="")
    done = headwater("detections", "lint", folder)

    assert done.code == 0
    for told in ("Tests: has no tests", "no log type 'Custom.Unknown'", "Runbook is missing", "Description is missing"):
        assert told in done.out
    assert headwater("detections", "lint", folder, "--strict").code == 1
    (folder / "bad.yml").write_text("AnalysisType: rules\n")
    assert headwater("detections", "lint", folder).code == 1


def test_a_new_rule_passes_its_tests_at_once(headwater: Headwater, tmp_path: Path) -> None:
    event = {"eventName": "StopLogging", "eventSource": "cloudtrail.amazonaws.com", "requestParameters": {"name": "é"}}
    (tmp_path / "sample.json").write_text(json.dumps({"Records": [event]}))
    arguments = (
        "detections",
        "new",
        "--id",
        "Team.TrailStopped",
        "--log-type",
        "AWS.CloudTrail",
        "--from",
        "sample.json",
    )

    made = headwater(*arguments, "--dir", "mine")
    again = headwater(*arguments, "--dir", "mine")

    assert made.code == 0
    assert 'event.get("eventName") == "StopLogging"' in (tmp_path / "mine" / "team_trail_stopped.py").read_text()
    assert headwater("detections", "test", "mine").out == "2 passed, 0 failed in 1 detections\n"
    assert again.code == 1
    assert "is there already" in again.err
