"""Types, limits and fall-backs of a detection's functions, in production and in unit tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headwater.detect import functions
from headwater.detect.event import PantherEvent
from headwater.detect.functions import Outcome, Subject
from headwater.detect.modules import Namespace

DESTINATIONS = {"prod": "id-1", "id-1": "id-1", "id-2": "id-2"}
LONG = "a" * 985 + "... (truncated)"
FIRES = "def rule(event):\n    return True\n"


def subject_of(body: str, matcher: str = "rule") -> Subject:
    module, error = functions.attempt(lambda: Namespace(Path("none"), {}).run("R.Id", "r.py", body.encode()))
    return Subject("R.Id", "MEDIUM", module, error or functions.setup_error(module, matcher), matcher)


def outcome_of(body: str, *, test_mode: bool = False) -> Outcome:
    return functions.run(subject_of(body), PantherEvent({"l": [1]}), DESTINATIONS, test_mode=test_mode)


def defined(name: str, value: str) -> str:
    return f"{FIRES}def {name}(event):\n    return {value}\n"


@pytest.mark.parametrize("value", ["None", "1", "'x'", "[]"])
def test_matcher_that_returns_no_bool_is_an_error(value: str) -> None:
    outcome = outcome_of(f"def rule(event):\n    return {value}\n")

    assert type(outcome.error) is functions.FunctionReturnTypeError
    assert not outcome.alerts


@pytest.mark.parametrize("error", ["SystemExit(3)", "RecursionError()", "GeneratorExit()", "ZeroDivisionError()"])
def test_whatever_a_matcher_raises_is_its_error(error: str) -> None:
    outcome = outcome_of(f"def rule(event):\n    raise {error}\n")

    assert functions.shown(outcome.error or ValueError()) == error


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("def title(event):\n    return ''\n", "AssertionError"),
        ("def rule(event)\n", "SyntaxError"),
        ("import no_such_module\ndef rule(event):\n    return True\n", "ModuleNotFoundError"),
        ("raise SystemExit(1)\n", "SystemExit"),
    ],
    ids=["no rule", "syntax", "import", "exit at import"],
)
def test_module_that_is_no_detection_reports_it_on_every_run(body: str, error: str) -> None:
    outcome = outcome_of(body)

    assert type(outcome.setup_error).__name__ == error
    assert not outcome.alerts


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("title", "'T'", "T"),
        ("title", "'a' * 1500", LONG),
        ("title", "'a' * 1000", "a" * 1000),
        ("title", "None", "R.Id"),
        ("title", "1 / 0", "R.Id"),
        ("description", "None", ""),
        ("reference", "5", ""),
        ("runbook", "{}['k']", ""),
        ("severity", "'low'", "LOW"),
        ("severity", "'Default'", "MEDIUM"),
        ("severity", "'SEVERE'", "MEDIUM"),
        ("severity", "None", "MEDIUM"),
        ("dedup", "'D'", "D"),
        ("dedup", "''", "defaultDedupString:R.Id"),
        ("dedup", "7", "defaultDedupString:R.Id"),
        ("dedup", "'a' * 1200", LONG),
        ("destinations", "['prod', 'id-2']", ("id-1", "id-2")),
        ("destinations", "[]", ("SKIP",)),
        ("destinations", "None", None),
        ("destinations", "['nope']", None),
        ("destinations", "['prod', 'nope']", None),
        ("destinations", "['prod', 'id-1']", None),
        ("destinations", "'prod'", None),
        ("unique", "'u'", "u"),
        ("unique", "5", None),
        ("alert_context", "{'l': event.get('l')}", '{"l": [1]}'),
        ("alert_context", "event", '{"l": [1]}'),
    ],
)
def test_production_value_or_fallback(name: str, value: str, expected: Any) -> None:
    assert outcome_of(defined(name, value)).values[name] == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("None", "FunctionReturnTypeError"),
        ("[1]", "FunctionReturnTypeError"),
        ("{'a': {1}}", "TypeError"),
        ("{'a': float('nan')}", "ValueError"),
        (
            "{'a': 'x' * 204_800}",
            "alert_context size is [204809] characters, bigger than maximum of [204800] characters",
        ),
    ],
)
def test_context_that_cannot_be_kept_says_why(value: str, message: str) -> None:
    context = json.loads(outcome_of(defined("alert_context", value)).values["alert_context"])

    assert context["_error"].startswith(message)


@pytest.mark.parametrize(
    ("title", "dedup"),
    [("'T'", "T"), ("''", "defaultDedupString:R.Id"), ("1 / 0", "R.Id")],
    ids=["title", "empty title", "broken title"],
)
def test_dedup_defaults_to_the_title(title: str, dedup: str) -> None:
    assert outcome_of(defined("title", title)).values["dedup"] == dedup


def test_functions_run_only_for_an_alert() -> None:
    body = "def rule(event):\n    return False\ndef title(event):\n    raise ValueError('ran')\n"

    assert outcome_of(body).values == {}
    assert [*outcome_of(body, test_mode=True).errors] == ["title"]


def test_unit_test_mode_records_instead_of_falling_back() -> None:
    outcome = outcome_of(defined("title", "None"), test_mode=True)

    assert "title" not in outcome.values
    assert type(outcome.errors["title"]) is functions.FunctionReturnTypeError
    assert outcome.values["dedup"] == "defaultDedupString:R.Id"


def test_functions_see_the_state_that_the_matcher_left() -> None:
    body = "seen = None\ndef rule(event):\n    global seen\n    seen = event.get('l')[0]\n    return True\n"
    body += "def title(event):\n    return f'saw {seen}'\n"

    assert outcome_of(body).values["title"] == "saw 1"


def test_functions_run_in_the_order_of_the_contract() -> None:
    names = [
        "unique",
        "alert_context",
        "dedup",
        "destinations",
        "runbook",
        "severity",
        "reference",
        "description",
        "title",
    ]
    body = "calls = []\n" + FIRES + "".join(f"def {name}(event):\n    calls.append('{name}')\n" for name in names)
    subject = subject_of(body)

    functions.run(subject, PantherEvent({}), DESTINATIONS)

    assert vars(subject.module)["calls"] == names[::-1]


def test_policy_alerts_on_false_and_gets_a_plain_dict() -> None:
    subject = subject_of(
        "def policy(resource):\n    return False\ndef title(r):\n    return type(r).__name__\n", "policy"
    )

    outcome = functions.run(subject, {"a": 1}, DESTINATIONS)

    assert outcome.alerts
    assert outcome.values["title"] == "dict"


def test_error_whose_repr_fails_is_shown_by_its_class() -> None:
    class Broken(Exception):
        def __repr__(self) -> str:
            raise SystemExit

    assert functions.shown(Broken()) == "Broken"
