"""The detections that come with Headwater."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.detect.engine import Engine
from headwater.detect.event import PantherEvent
from headwater.detect.load import Detection, Pack, builtin_path, load_pack
from headwater.detect.prefilter import derive
from headwater.detect.unit_tests import run_tests
from headwater.schema.load import load_library

PACK = load_pack([builtin_path()])
LIBRARY = load_library()


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


@pytest.mark.parametrize("rule", PACK.rules, ids=lambda rule: rule.rule_id)
def test_unit_tests_of_built_in_rules_use_columns_of_their_log_type(rule: Detection) -> None:
    columns = set(LIBRARY[rule.log_types[0]].arrow_schema.names)

    assert {key for test in rule.tests for key in test.event} <= columns


@pytest.mark.parametrize("log_type", sorted(PACK.models[0]))
def test_built_in_data_model_reads_columns_of_its_log_type(log_type: str) -> None:
    columns = set(LIBRARY[log_type].arrow_schema.names)

    assert {path.steps[0] for path in PACK.models[0][log_type].paths.values()} <= columns


def test_built_in_data_model_tells_kinds_of_events() -> None:
    model = PACK.models[0]["AWS.CloudTrail"]
    login = {
        "eventName": "ConsoleLogin",
        "responseElements": {"ConsoleLogin": "Failure"},
        "userIdentity": {"userName": "a"},
    }

    event = PantherEvent({**login, "sourceIPAddress": "sqs.amazonaws.com"}, model)

    assert (event.udm("event_type"), event.udm("actor_user"), event.udm("source_ip")) == ("failed_login", "a", None)


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
