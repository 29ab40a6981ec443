"""Whatever stands in a detection's YAML, loading ends with a pack or with a DetectionError."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.detect.correlation import correlations
from headwater.detect.kinds import KINDS
from headwater.detect.load import Pack, load_pack
from headwater.detect.unit_tests import run_tests
from headwater.errors import DetectionError, Problem

TEST = {"Name": "n", "ExpectedResult": True, "Log": {}, "Mocks": [{"objectName": "rule", "returnValue": 1}]}
DETECTION = {"Enabled": True, "Severity": "Low", "Filename": "one.py", "Tests": [TEST], "Tags": ["a"], "Threshold": 2}
VALID: dict[str, dict[str, Any]] = {
    "rule": {"RuleID": "r", "LogTypes": ["T"], "DedupPeriodMinutes": 5, "OutputIds": ["o"], **DETECTION},
    "scheduled_rule": {"RuleID": "s", "ScheduledQueries": ["q"], **DETECTION},
    "policy": {
        "PolicyID": "p",
        "Enabled": True,
        "Severity": "Low",
        "Filename": "one.py",
        "Tests": [{"Name": "n", "ExpectedResult": True, "Resource": {}}],
    },
    "correlation_rule": {
        "RuleID": "c",
        "Enabled": True,
        "Severity": "Low",
        "Detection": [
            {
                "Group": [{"ID": "A", "RuleID": "r"}, {"ID": "B", "RuleID": "r", "Absence": True}],
                "MatchCriteria": {"who": [{"GroupID": "A", "Match": "p_alert_context.who"}]},
                "LookbackWindowMinutes": 60,
                "Schedule": {"RateMinutes": 5, "TimeoutMinutes": 1},
            }
        ],
        "Tests": [{"Name": "n", "ExpectedResult": True, "RuleOutputs": [{"ID": "A", "Matches": {"f": {"v": [1]}}}]}],
    },
    "global": {"GlobalID": "g", "Filename": "one.py"},
    "datamodel": {
        "DataModelID": "d",
        "Enabled": True,
        "LogTypes": ["T"],
        "Filename": "one.py",
        "Mappings": [{"Name": "a", "Path": "b"}, {"Name": "m", "Method": "rule"}],
    },
    "pack": {"PackID": "k", "PackDefinition": {"IDs": ["k"]}},
    "scheduled_query": {
        "QueryName": "q",
        "Enabled": True,
        "Query": "select 1",
        "Schedule": {"RateMinutes": 5, "TimeoutMinutes": 1},
    },
    "saved_query": {"QueryName": "v", "Query": "select 1"},
    "lookup_table": {
        "LookupName": "l",
        "Enabled": True,
        "LogTypeMap": {"PrimaryKey": "k"},
        "Schema": "S",
        "Filename": "l.csv",
    },
}
YAML_RULE: dict[str, Any] = {
    "AnalysisType": "rule",
    "RuleID": "y",
    "Enabled": True,
    "Severity": "Low",
    "LogTypes": ["T"],
    "InlineFilters": [{"All": [{"Key": "a", "Condition": "IsIn", "Values": ["b", None]}]}],
    "Detection": [
        {"KeyPath": "a.b[0]", "Condition": "IStartsWith", "Value": "x"},
        {"DeepKey": ["a", 0], "Condition": "AnyElement", "Expressions": [{"Condition": "IsIPAddress"}]},
        {"OnlyOne": [{"Condition": "Equals", "Values": [{"Key": "a"}, {"Key": "b"}]}, {"Condition": "AlwaysTrue"}]},
        {"Enrichment": {"Table": "t", "Selector": "s", "FieldPath": "f"}, "Condition": "Exists"},
    ],
    "AlertTitle": "{a.b}",
    "AlertContext": [{"KeyName": "a", "KeyValue": {"Key": "a"}}],
    "GroupBy": [{"Key": "a"}],
    "DynamicSeverities": [{"ChangeTo": "High", "Conditions": [{"Key": "a", "Condition": "IsGreaterThan", "Value": 1}]}],
    "Tests": [{"Name": "n", "ExpectedResult": False, "Log": {}}],
}
DOCUMENTS = {kind: {"AnalysisType": kind, **document} for kind, document in VALID.items()} | {"yaml": YAML_RULE}
junk = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-5, 5),
        st.sampled_from(["", "a", "../x.py", "a<b", "Low", "{a..}", "[0]", "Equals", "10.0.0.0/8"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["Name", "IDs", "a", "Key", "Condition", "Values", "All", "ID"]), inner),
    ),
    max_leaves=5,
)


def loaded(folder: Path, document: dict[str, Any]) -> Pack:
    (folder / "one.yml").write_text(json.dumps(document))
    (folder / "one.py").write_text("def rule(event):\n    return True\npolicy = rule\n")
    (folder / "l.csv").write_text("k\n1\n")
    return load_pack([folder])


def outcome(folder: Path, document: dict[str, Any]) -> Pack | list[Problem]:
    """The pack, or what is wrong with it."""
    try:
        return loaded(folder, document)
    except DetectionError as error:
        return error.problems


def places(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every path of a document."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*at, key)
        yield from places(child, (*at, key))


def changed(document: Any, at: tuple[str | int, ...], value: Any) -> Any:
    """The document with another value at a path."""
    if not at:
        return value
    copy = document.copy()
    copy[at[0]] = changed(document[at[0]], at[1:], value)
    return copy


PLACES = [(name, at) for name, document in DOCUMENTS.items() for at in places(document)]
ODDLY = settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_valid_document_of_each_kind_loads(tmp_path: Path, name: str) -> None:
    assert len(loaded(tmp_path, DOCUMENTS[name]).specs) == 1


def test_every_kind_has_a_valid_document() -> None:
    assert VALID.keys() == KINDS.keys()


@given(kind=st.sampled_from(sorted(KINDS)), data=st.data(), value=junk)
@ODDLY
def test_document_with_one_odd_value_loads_or_is_refused(tmp_path: Path, kind: str, data: Any, value: Any) -> None:
    key = data.draw(st.sampled_from(sorted(KINDS[kind].keys)))

    assert outcome(tmp_path, {**DOCUMENTS[kind], key: value})


@given(place=st.sampled_from(PLACES), value=junk)
@ODDLY
def test_document_with_an_odd_value_anywhere_loads_and_runs_or_is_refused(
    tmp_path: Path, place: tuple[str, tuple[str | int, ...]], value: Any
) -> None:
    name, at = place
    made = outcome(tmp_path, changed(DOCUMENTS[name], at, value))

    if isinstance(made, Pack):
        correlations(made.specs)
        assert [rule.subject.setup_error for rule in made.detections if rule.source is None] in ([], [None])
        run_tests(made)
    else:
        assert made
