"""The engine: which rows are matched, what a match carries, and what a broken rule becomes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from headwater.detect.engine import Engine
from headwater.detect.load import Pack, load_pack

PackOf = Callable[..., Pack]
ON_A = "def rule(event):\n    return event.get('k') == 'a'\n"


def test_only_matching_rows_give_matches(pack_of: PackOf, batch_of: Any) -> None:
    matches = Engine(pack_of(ON_A)).detect(batch_of([{"k": "a"}, {"k": "b"}, {}, {"k": "a"}]))

    assert [int(match.row_id, 16) for match in matches] == [0, 3]


def test_match_carries_what_the_rule_and_its_file_say(pack_of: PackOf, batch_of: Any) -> None:
    yaml = """\
        DisplayName: Letter A
        Description: An a.
        Runbook: Do this.
        Reference: https://example.com
        DedupPeriodMinutes: 15
        Threshold: 3
        CreateAlert: false
        Tags: [x]
        OutputIds: [out]
    """
    more = (
        "def unique(event):\n    return event.get('u')\ndef alert_context(event):\n    return {'k': event.get('n')}\n"
    )
    row = {"k": "a", "u": "me", "n": {"Deep": [1]}}

    (match,) = Engine(pack_of(ON_A + more, yaml)).detect(batch_of([row]))

    assert (match.kind, match.rule_id, match.log_type, match.account_id) == ("RULE", "T.Rule", "T", "111122223333")
    assert match.event_time == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert (match.title, match.dedup, match.severity) == ("Letter A", "defaultDedupString:T.Rule", "MEDIUM")
    assert (match.description, match.runbook, match.reference) == ("An a.", "Do this.", "https://example.com")
    assert (match.threshold, match.window_min, match.create_alert) == (3, 15, False)
    assert (match.unique, match.destinations, match.tags) == ("me", ("out",), ("x",))
    assert json.loads(match.context) == {"k": {"Deep": [1]}}
    assert match.event.items() >= row.items()


@pytest.mark.parametrize(
    ("statement", "dedup", "title"),
    [
        ("1 / 0", "ZeroDivisionError", "ZeroDivisionError('division by zero')"),
        ("raise SystemExit(3)", "SystemExit", "SystemExit(3)"),
        ("rule(event)", "RecursionError", "RecursionError("),
        ("return None", "FunctionReturnTypeError", "FunctionReturnTypeError('detection [T.Rule] function [rule]"),
    ],
)
def test_broken_rule_becomes_an_error_match(
    pack_of: PackOf, batch_of: Any, statement: str, dedup: str, title: str
) -> None:
    pack = pack_of(f"def rule(event):\n    {statement}\n", "Threshold: 9\nCreateAlert: false\n")

    (match,) = Engine(pack).detect(batch_of([{"k": "a"}]))

    assert (match.kind, match.dedup, match.threshold, match.create_alert) == ("RULE_ERROR", dedup, 1, True)
    assert match.title.startswith(title)


def test_error_match_tells_message_and_place(pack_of: PackOf, batch_of: Any) -> None:
    (match,) = Engine(pack_of("def rule(event):\n    return event['absent']\n")).detect(batch_of([{}]))

    assert json.loads(match.context) == {"error": "KeyError", "message": "'absent'", "location": "rule.py:2"}
    assert match.description == "'absent' at rule.py:2"


def test_broken_rule_leaves_the_others_alone(write: Any, rule_yaml: Any, batch_of: Any) -> None:
    files = {"a.yml": rule_yaml("A", "a.py"), "a.py": "def rule(event):\n    raise SystemExit\n"}
    pack = load_pack([write({**files, "b.yml": rule_yaml("B", "b.py"), "b.py": ON_A})])

    matches = Engine(pack).detect(batch_of([{"k": "a"}]))

    assert {(match.kind, match.rule_id) for match in matches} == {("RULE_ERROR", "A"), ("RULE", "B")}


def test_rule_that_does_not_load_reports_once_a_batch(pack_of: PackOf, batch_of: Any) -> None:
    engine = Engine(pack_of("import no_such_module\n"))

    for _ in range(2):
        (match,) = engine.detect(batch_of([{}, {}]))
        assert (match.kind, match.dedup, int(match.row_id, 16)) == ("RULE_ERROR", "ModuleNotFoundError", 0)
        assert json.loads(match.context)["location"] == "rule.py:1"


def test_disabled_rules_and_other_log_types_do_not_run(write: Any, rule_yaml: Any, batch_of: Any) -> None:
    pack = load_pack([write({"a.yml": rule_yaml("A", "a.py").replace("true", "false"), "a.py": ON_A})])
    engine = Engine(pack)

    assert engine.log_types == frozenset()
    assert engine.detect(batch_of([{"k": "a"}])) == ()
    assert engine.detect(batch_of([{"k": "a"}], "Other")) == ()


def test_title_sees_the_state_of_its_own_row(pack_of: PackOf, batch_of: Any) -> None:
    body = "last = None\ndef rule(event):\n    global last\n    last = event.get('k')\n    return True\n"

    matches = Engine(pack_of(body + "def title(event):\n    return last\n")).detect(batch_of([{"k": "a"}, {"k": "b"}]))

    assert [match.title for match in matches] == ["a", "b"]


def test_rules_see_the_data_model_of_their_own_folder(write: Any, rule_yaml: Any, batch_of: Any) -> None:
    model = (
        "AnalysisType: datamodel\nDataModelID: M\nEnabled: true\nLogTypes: [T]\nMappings: [{Name: who, Path: KEY}]\n"
    )
    files = {}
    for name, key in (("one", "a"), ("two", "b")):
        files |= {f"{name}/m.yml": model.replace("KEY", key), f"{name}/r.yml": rule_yaml(name, "r.py")}
        files |= {f"{name}/r.py": "def rule(event):\n    return True\ndef title(event):\n    return event.udm('who')\n"}
    folder = write(files)

    matches = Engine(load_pack([folder / "one", folder / "two"])).detect(batch_of([{"a": "A", "b": "B"}]))

    assert {match.rule_id: match.title for match in matches} == {"one": "A", "two": "B"}


def test_destinations_become_ids(pack_of: PackOf, batch_of: Any) -> None:
    pack = pack_of("def rule(event):\n    return True\ndef destinations(event):\n    return ['prod']\n")

    (known,) = Engine(pack, destinations={"prod": "id-1"}).detect(batch_of([{}]))
    (unknown,) = Engine(pack).detect(batch_of([{}]))

    assert (known.destinations, unknown.destinations) == (("id-1",), None)


def test_rows_beyond_one_slice_are_seen_in_order(pack_of: PackOf, batch_of: Any) -> None:
    rows = [{"k": "a" if number % 7 == 0 else "b"} for number in range(3000)]
    python = "def rule(event):\n    return str(event.get('k')) == 'a'\n"

    matches = Engine(pack_of(python)).detect(batch_of(rows))

    assert [int(match.row_id, 16) for match in matches] == list(range(0, 3000, 7))
