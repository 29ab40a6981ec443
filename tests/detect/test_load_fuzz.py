"""Whatever stands in a detection's YAML, loading ends with a pack or with a DetectionError."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.detect.kinds import KINDS
from headwater.detect.load import Pack, load_pack
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
    "correlation_rule": {"RuleID": "c", "Enabled": True, "Severity": "Low", "Detection": [{"Group": []}]},
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
junk = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from(["", "a", "../x.py", "a<b", "Low"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["Name", "IDs", "a"]), inner)),
    max_leaves=5,
)


def loaded(folder: Path, document: dict[str, Any]) -> Pack:
    (folder / "one.yml").write_text(json.dumps(document))
    (folder / "one.py").write_text("def rule(event):\n    return True\npolicy = rule\n")
    return load_pack([folder])


def outcome(folder: Path, document: dict[str, Any]) -> Pack | list[Problem]:
    """The pack, or what is wrong with it."""
    try:
        return loaded(folder, document)
    except DetectionError as error:
        return error.problems


@pytest.mark.parametrize("kind", KINDS)
def test_valid_document_of_each_kind_loads(tmp_path: Path, kind: str) -> None:
    assert len(loaded(tmp_path, {"AnalysisType": kind, **VALID[kind]}).specs) == 1


@given(kind=st.sampled_from(sorted(KINDS)), data=st.data(), value=junk)
@settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_document_with_one_odd_value_loads_or_is_refused(tmp_path: Path, kind: str, data: Any, value: Any) -> None:
    document = {"AnalysisType": kind, **VALID[kind]}
    keys = sorted(KINDS[kind].keys)
    document[data.draw(st.sampled_from(keys))] = value

    assert outcome(tmp_path, document)
