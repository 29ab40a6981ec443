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


def test_a_module_that_never_ends_importing_fails_alone(headwater: Headwater, folder: Path) -> None:
    write_rule(folder, "Team.Endless", "while True: pass\n")

    done = headwater("detections", "test", folder, "--timeout", "0.4", "--jobs", "1", "-o", "json")

    failed = {result["rule_id"]: result["reasons"][0] for result in done.json["results"] if not result["passed"]}
    assert failed == {
        "Team.Endless": "does not load: ImportTimeout('importing it took longer than 0.4 s') at endless.py:1"
    }
    assert done.json["summary"]["tests"] == {"passed": 4, "failed": 2}


def test_memory_of_a_test_is_limited(headwater: Headwater, folder: Path) -> None:
    write_rule(folder, "Team.Greedy", "def rule(event):\n    return len(bytearray(8 << 30)) == 1\n")

    assert "rule(): MemoryError() at greedy.py:2" in headwater("detections", "test", folder).out


def test_what_detections_print_does_not_mix_with_the_results(headwater: Headwater, folder: Path) -> None:
    loud = "import os, sys\nprint('at import')\ndef rule(event):\n    os.write(1, b'past Python')\n"
    loud += "    print('x' * 1_000_000)\n    print('to stderr', file=sys.stderr)\n    return event['k'] == 'b'\n"
    write_rule(folder, "Team.Loud", loud)

    done = headwater("detections", "test", folder, "-o", "json")

    printed = {len(result["printed"]) for result in done.json["results"] if result["rule_id"] == "Team.Loud"}
    assert printed == {10_000}


def test_text_that_is_no_unicode_can_be_told(headwater: Headwater, folder: Path) -> None:
    write_rule(folder, "Team.Odd", "def rule(event):\n    raise ValueError('\\ud800')\n")

    done = headwater("detections", "test", folder, "--id", "Team.Odd", "-o", "json")

    assert done.json["summary"]["tests"]["failed"] == 2


def test_junit_holds_every_result(headwater: Headwater, folder: Path, tmp_path: Path) -> None:
    write_rule(folder, "Team.Odd", "def rule(event):\n    print('\\x00<&>')\n    raise ValueError('\\x07')\n")

    headwater("detections", "test", folder, "--junit", tmp_path / "junit.xml")

    root = fromstring((tmp_path / "junit.xml").read_text())
    assert (root.tag, root.attrib["tests"], root.attrib["failures"]) == ("testsuites", "6", "2")
    for suite in root:
        assert {case.tag for case in suite} == {"testcase"}
        assert suite.attrib["tests"] == str(len(suite))
        assert float(suite.attrib["time"]) >= 0
    cases = {(case.attrib["classname"], case.attrib["name"]): case for case in root.iter("testcase")}
    assert cases["Team.Good", "k is a"].find("failure") is None
    assert cases["Team.Good", "k is a"].attrib["file"] == str(folder / "good.yml")
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
    assert "bad.yml:3:Enabled: must be true or false, is 'yes'" in done.err
    errors = headwater("detections", "test", folder, "-o", "json").json["errors"]
    assert {"line": 3, "key": "Enabled"}.items() <= next(error for error in errors if error["line"] == 3).items()


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


@pytest.mark.parametrize(
    ("python", "changes", "check", "message"),
    [
        ("import nothing_of_that_name\n", {}, "does-not-load", "does not load: ModuleNotFoundError"),
        (GOOD, {"LogTypes": ["AWS.CloudTrial"]}, "unknown-log-type", "the service knows no log type 'AWS.CloudTrial'"),
        ("def rule(event):\n    return len(event) > 3\n", {}, "sees-every-event", "rule() has to see every event"),
        (GOOD, {"Tests": [{"Name": "a", "ExpectedResult": True, "Log": {}}]}, "one-sided-tests", "stays silent"),
        (GOOD, {}, "no-title", "title() is not defined"),
    ],
    ids=lambda value: value if isinstance(value, str) and "-" in value else "",
)
def test_lint_names_its_checks(
    headwater: Headwater, folder: Path, python: str, changes: dict[str, Any], check: str, message: str
) -> None:
    write_rule(folder, "Team.Checked", python, **changes)

    done = headwater("detections", "lint", folder, "--id", "Team.Checked", "-o", "json")

    (found,) = [each for each in done.json["warnings"] if each["check"] == check]
    assert message in found["message"]
    assert found["file"] == str(folder / "checked.yml")
    ignored = headwater("detections", "lint", folder, "--id", "Team.Checked", "--ignore", check, "-o", "json")
    assert check not in {each["check"] for each in ignored.json["warnings"]}


def test_list_tells_where_detections_come_from(headwater: Headwater, folder: Path) -> None:
    rows = headwater("detections", "list", folder, "-o", "json").json

    assert [(row["id"], row["kind"], row["tests"], row["pack"]) for row in rows] == [
        ("Team.Both", "correlation_rule", 2, "detections"),
        ("Team.Good", "rule", 2, "detections"),
    ]
    assert {row["pack"] for row in headwater("detections", "list", "-o", "json").json} == {"headwater"}


@pytest.mark.parametrize("command", ["list", "lint"])
def test_looking_at_detections_gives_their_code_nothing(
    headwater: Headwater, folder: Path, tmp_path: Path, command: str
) -> None:
    write_rule(folder, "Team.Spy", f"open({str(tmp_path / 'spy')!r}, 'w')\n" + GOOD)

    headwater("detections", command, folder)

    assert not (tmp_path / "spy").exists()


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


FLOW = "2 111122223333 eni-1 203.0.113.9 192.0.2.7 40000 3389 6 10 900 1767225600 1767225660 ACCEPT OK\n"


def test_a_sample_is_read_as_the_service_reads_it(headwater: Headwater, tmp_path: Path) -> None:
    (tmp_path / "flow.log").write_text(
        "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action "
        f"log-status\n{FLOW}"
    )

    made = headwater(
        *("detections", "new", "--id", "Team.RDPOpen", "--log-type", "AWS.VPCFlow", "--from", "flow.log"),
        *("--dir", "mine", "-o", "json"),
    )

    python, _ = made.json["files"]
    text = (tmp_path / python).read_text()
    assert made.err == ""
    assert 'return event.get("dstPort") == 3389 and event.get("action") == "ACCEPT"' in text
    assert 'return f"RDP open by {who}"' in text
    assert headwater("detections", "test", "mine").out == "2 passed, 0 failed in 1 detections\n"


@pytest.mark.parametrize(
    ("event", "compared"),
    [
        ({"verb": "get", "objectRef": {"resource": "secrets"}}, 'event.deep_get("objectRef", "resource") == "secrets"'),
        ({"kind": '\U0001f600 "x" {y}'}, 'event.get("kind") == "\U0001f600 \\"x\\" {y}"'),
        ({"n": 3, "when": "2026-01-01", "yes": "no", "e": "1e3"}, 'event.get("n") == 3'),
    ],
    ids=["nested", "odd characters", "values that YAML could take for others"],
)
def test_a_new_rule_of_any_event_passes(
    headwater: Headwater, tmp_path: Path, event: dict[str, Any], compared: str
) -> None:
    (tmp_path / "sample.json").write_text(json.dumps(event))

    headwater("detections", "new", "--id", "T.New", "--log-type", "Custom.Any", "--from", "sample.json")

    assert compared in (tmp_path / "t_new.py").read_text()
    assert headwater("detections", "test", tmp_path).out == "2 passed, 0 failed in 1 detections\n"


@pytest.mark.parametrize("text", ["", "plain text", "[]", '{"long": null}'])
def test_a_sample_without_an_event_is_told(headwater: Headwater, tmp_path: Path, text: str) -> None:
    (tmp_path / "sample.json").write_text(text)

    done = headwater("detections", "new", "--id", "T.New", "--log-type", "AWS.CloudTrail", "--from", "sample.json")

    assert done.code == 2
    assert "sample.json" in done.err
    assert not list(tmp_path.glob("*.py"))
