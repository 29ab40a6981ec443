"""The detections that come with Headwater."""

from __future__ import annotations

import ipaddress
import re
import shlex
from typing import Any

import duckdb
import pytest

from headwater.detect.engine import Engine
from headwater.detect.event import PantherEvent
from headwater.detect.load import Detection, Pack, builtin_path, load_pack
from headwater.detect.prefilter import derive, sources_of
from headwater.detect.unit_tests import run_tests
from headwater.lake.tables import table_name
from headwater.schema.load import load_library

PACK = load_pack([builtin_path()])
SOURCES = sources_of(PACK)
LIBRARY = load_library()
# Tactic and technique as MITRE ATT&CK numbers them, for example TA0005:T1562.008.
TECHNIQUE = re.compile(r"TA00\d\d:T1\d{3}(\.\d{3})?\Z")
DOCUMENTATION_ACCOUNTS = {"111122223333", "444455556666", "123456789012", "999988887777"}
DOCUMENTATION_NETWORKS = [
    ipaddress.ip_network(text)
    for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "::/127", "0.0.0.0/32")
]


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
    assert rule.reference.startswith("https://")
    assert rule.tags
    assert callable(getattr(rule.subject.module, "title", None))
    assert callable(getattr(rule.subject.module, "dedup", None))


@pytest.mark.parametrize("rule", PACK.rules, ids=lambda rule: rule.rule_id)
def test_built_in_rule_names_techniques_of_attack(rule: Detection) -> None:
    techniques = rule.reports["MITRE ATT&CK"]

    assert techniques
    assert [text for text in techniques if not TECHNIQUE.match(text)] == []


@pytest.mark.parametrize("rule", PACK.rules, ids=lambda rule: rule.rule_id)
def test_titles_of_built_in_rules_lack_nothing_that_their_tests_hold(rule: Detection) -> None:
    firing = {test.name for test in rule.tests if test.expected}
    results = [result for result in run_tests(PACK, [rule.rule_id]) if result.test_name in firing]
    titles = [result.values["title"] for result in results]

    assert titles
    assert [title for title in titles if "None" in title] == []


@pytest.fixture(scope="module")
def empty_lake() -> Any:
    """DuckDB with the tables of all log types, as `headwater query` shows them, without a row."""
    with duckdb.connect(":memory:") as connection:
        connection.execute("CREATE SCHEMA logs")
        for number, (log_type, each) in enumerate(sorted(LIBRARY.items())):
            connection.register(f"empty_{number}", each.arrow_schema.empty_table())
            connection.execute(f"CREATE VIEW {table_name(log_type)} AS SELECT * FROM empty_{number}")
        yield connection


@pytest.mark.parametrize("rule", PACK.rules, ids=lambda rule: rule.rule_id)
def test_queries_of_runbooks_run(rule: Detection, empty_lake: Any) -> None:
    commands = [shlex.split(line) for line in rule.runbook.splitlines() if line.strip().startswith("headwater query")]

    assert all(command[:2] == ["headwater", "query"] and len(command) == 3 for command in commands)
    assert [row for _, _, sql in commands for row in empty_lake.sql(sql).fetchall()] == []


@pytest.mark.parametrize("rule", PACK.rules, ids=lambda rule: rule.rule_id)
def test_built_in_rule_shows_documentation_ids_alone(rule: Detection) -> None:
    text = rule.spec.file.read_text(encoding="utf-8")
    addresses = [ipaddress.ip_address(found) for found in re.findall(r"\b\d{1,3}(?:\.\d{1,3}){3}\b(?!\.)", text)]

    assert set(re.findall(r"(?<![\w-])\d{12}(?![\w-])", text)) <= DOCUMENTATION_ACCOUNTS
    assert [key for key in re.findall(r"\bA[KS]IA\w+", text) if not key.endswith("EXAMPLE")] == []
    assert [each for each in addresses if not _is_documentation(each)] == []


def _is_documentation(address: Any) -> bool:
    networks = [network for network in DOCUMENTATION_NETWORKS if network.version == address.version]
    return any(address in network for network in networks) or address.is_private


@pytest.mark.parametrize("rule", [rule for rule in PACK.rules if rule.source], ids=lambda rule: rule.rule_id)
def test_built_in_rule_leaves_most_rows_in_their_columns(rule: Detection) -> None:
    module = rule.subject.module

    assert module is not None
    for log_type in rule.log_types:
        model = PACK.data_model(rule.spec.folder, log_type)
        assert derive(module, SOURCES[rule.spec.folder], model).condition is not True


def test_built_in_pack_loads_without_warnings_and_names_every_rule(pack: Pack) -> None:
    named = {name for spec in pack.specs if spec.kind == "pack" for name in spec.data["PackDefinition"]["IDs"]}

    assert pack.warnings == ()
    assert {rule.rule_id for rule in pack.rules} <= named


@pytest.mark.parametrize("rule", PACK.rules, ids=lambda rule: rule.rule_id)
def test_unit_tests_of_built_in_rules_use_columns_of_their_log_type(rule: Detection) -> None:
    for test in rule.tests:
        log_type = test.event["p_log_type"]

        assert log_type in rule.log_types
        assert set(test.event) <= set(LIBRARY[log_type].arrow_schema.names)


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


ODD: list[Any] = [
    [1],
    "text",
    {"items": None},
    {"items": [None, 1, {"ipRanges": "x", "add": 1}]},
    [{"Statement": 1, "Rule": [None]}],
]


@pytest.mark.parametrize("log_type", sorted(Engine(PACK).log_types))
def test_empty_and_odd_rows_break_no_built_in_rule(batch_of: Any, pack: Pack, log_type: str) -> None:
    rows: list[dict[str, Any]] = [{}, {"status": "NODATA"}, {"operation": "S3.EXPIRE.OBJECT", "requester": "AmazonS3"}]
    for event in (test.event for rule in pack.rules for test in rule.tests if test.event["p_log_type"] == log_type):
        for key, value in event.items():
            if isinstance(value, dict):
                rows += [{**event, key: odd} for odd in ODD[:4]]
                rows += [{**event, key: {**value, inner: odd}} for inner in value for odd in ODD]

    matches = Engine(pack, prefilter=False).detect(batch_of(rows, log_type))

    assert [(match.rule_id, match.title) for match in matches if match.kind == "RULE_ERROR"] == []
