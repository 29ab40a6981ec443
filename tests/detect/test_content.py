"""The detections that come with Headwater."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.detect.engine import Engine
from headwater.detect.load import Detection, Pack, builtin_path, load_pack
from headwater.detect.prefilter import derive
from headwater.detect.unit_tests import run_tests

PACK = load_pack([builtin_path()])


@pytest.fixture
def pack() -> Pack:
    return PACK


@pytest.mark.parametrize("result", run_tests(PACK), ids=lambda result: f"{result.rule_id}: {result.test_name}")
def test_unit_test_of_a_built_in_rule_passes(result: Any) -> None:
    assert result.passed, result.reasons


@pytest.mark.parametrize("rule", PACK.rules, ids=lambda rule: rule.rule_id)
def test_built_in_rule_is_complete(rule: Detection) -> None:
    assert {test.expected for test in rule.tests} == {True, False}
    assert rule.display_name
    assert rule.description
    assert rule.runbook
    assert rule.reference.startswith("https://docs.aws.amazon.com/")
    assert rule.reports["MITRE ATT&CK"]
    assert rule.tags
    assert callable(getattr(rule.subject.module, "dedup", None))


@pytest.mark.parametrize("rule", PACK.rules, ids=lambda rule: rule.rule_id)
def test_built_in_rule_leaves_most_rows_in_their_columns(rule: Detection) -> None:
    module = rule.subject.module

    assert module is not None
    assert derive(rule.source, module) is not True


def test_built_in_pack_loads_without_warnings_and_names_every_rule(pack: Pack) -> None:
    (definition,) = (spec.data["PackDefinition"] for spec in pack.specs if spec.kind == "pack")

    assert pack.warnings == ()
    assert {rule.rule_id for rule in pack.rules} <= set(definition["IDs"])


@pytest.mark.parametrize("log_type", sorted(Engine(PACK).log_types))
def test_empty_and_odd_rows_break_no_built_in_rule(batch_of: Any, pack: Pack, log_type: str) -> None:
    odd: Any
    keys = ["userIdentity", "requestParameters", "responseElements", "additionalEventData"]
    names = sorted({str(test.event.get("eventName")) for rule in pack.rules for test in rule.tests})
    rows: list[dict[str, Any]] = [{}, {"status": "NODATA"}, {"operation": "S3.EXPIRE.OBJECT", "requester": "AmazonS3"}]
    for odd in (
        [1],
        {"items": None},
        {"ipPermissions": {"items": [None, 1, {"ipRanges": "x"}]}},
        {"bucketPolicy": "text"},
    ):
        rows += [{"eventName": name, **dict.fromkeys(keys, odd)} for name in names]

    matches = Engine(pack, prefilter=False).detect(batch_of(rows, log_type))

    assert [match.title for match in matches if match.kind == "RULE_ERROR"] == []
