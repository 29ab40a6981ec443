"""Lookup tables: fetched with a role, kept fresh, told of when they grow old; events enriched by them are detected."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from headwater.cli import build
from headwater.lake.query import query
from headwater.state import alerts as state_alerts
from headwater.state.database import connect
from headwater.worker.lookups import STALE, LookupTables, Refresher, TableState
from support.world import CENTRAL, World, client, cloudtrail_gz, policy, record

NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
NUMBERS = itertools.count()
RULE = """
def rule(event):
    return event.deep_get("p_enrichment", "zones", "sourceIPAddress", "zone") == "lab"

def title(event):
    by_value, by_selector = event.lookup("zones", event["sourceIPAddress"]), event.lookup("zones", "sourceIPAddress")
    return f"{by_value['zone']} of {by_selector['net']}"
"""


def table_yaml(name: str, data: dict[str, Any], key: str = "net") -> str:
    associated = [{"LogType": "AWS.CloudTrail", "Selectors": ["sourceIPAddress"]}]
    spec = {
        "AnalysisType": "lookup_table",
        "LookupName": name,
        "Enabled": True,
        "LogTypeMap": {"PrimaryKey": key, "AssociatedLogTypes": associated},
        **data,
    }
    return json.dumps(spec)


@pytest.fixture
def pack(world: World, tmp_path: Path) -> Path:
    """A folder of detections that the world runs: one rule that reads the table `zones`."""
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "lab.py").write_text(RULE)
    (folder / "lab.yml").write_text(
        "AnalysisType: rule\nRuleID: Lab.Seen\nEnabled: true\nSeverity: High\nFilename: lab.py\n"
        "LogTypes: [AWS.CloudTrail]\n"
    )
    world.settings = world.settings.model_copy(update={"detections": (folder,)})
    return folder


class Stored:
    """A table's object in a bucket of another account, which one role may read."""

    def __init__(self) -> None:
        number = next(NUMBERS)
        self.s3, iam = client("s3", CENTRAL), client("iam", CENTRAL)
        self.bucket, self.role = f"lookup-tables-{number}", f"table-reader-{number}"
        self.s3.create_bucket(Bucket=self.bucket)
        trust = json.dumps(policy("sts:AssumeRole", principal="*"))
        self.arn = iam.create_role(RoleName=self.role, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        iam.put_role_policy(RoleName=self.role, PolicyName="read", PolicyDocument=json.dumps(policy("s3:GetObject")))

    def put(self, text: str) -> None:
        self.s3.put_object(Bucket=self.bucket, Key="zones.csv", Body=text.encode())

    def remove(self) -> None:
        self.s3.delete_object(Bucket=self.bucket, Key="zones.csv")

    def refresh(self, **changes: Any) -> dict[str, Any]:
        found = {"ObjectPath": f"s3://{self.bucket}/zones.csv", "PeriodMinutes": 30, "AlarmPeriodMinutes": 120}
        return {"Schema": "My.Zones", "Refresh": {**found, "RoleARN": self.arn, **changes}}


@pytest.fixture
def stored(world: World) -> Stored:
    made = Stored()
    made.put("net,zone\n192.0.2.0/24,lab\n")
    return made


def alerts(world: World) -> list[tuple[str, str]]:
    found = state_alerts.list_alerts(connect(world.settings.resolved_state_url), limit=100)
    return sorted((alert.rule_id, alert.title) for alert in found)


def rows(world: World) -> list[Any]:
    sql = "SELECT p_enrichment FROM logs.aws_cloudtrail ORDER BY eventID"
    texts = [row["p_enrichment"] for row in query(build.catalog(world.settings), sql).to_pylist()]
    return [text and json.loads(text) for text in texts]


def found(tables: LookupTables, key: str = "192.0.2.1") -> Any:
    [lookup] = tables.current().tables
    return lookup.row(key)


def only(tables: LookupTables) -> TableState:
    [state] = tables.states
    return state


@pytest.mark.parametrize("form", ["file", "s3"])
def test_event_is_enriched_detected_and_kept(world: World, pack: Path, stored: Stored, form: str) -> None:
    (pack / "zones.csv").write_text("net,zone\n192.0.2.0/24,lab\n")
    data = {"Schema": "My.Zones", "Filename": "zones.csv"} if form == "file" else stored.refresh()
    (pack / "zones.yml").write_text(table_yaml("zones", data))
    world.notify(world.put("a", cloudtrail_gz([record(1), record(2, sourceIPAddress="198.51.100.1")])))

    world.run()

    row = {"net": "192.0.2.0/24", "zone": "lab", "p_match": "192.0.2.10"}
    assert alerts(world) == [("Lab.Seen", "lab of 192.0.2.0/24")]
    assert rows(world) == [{"zones": {"sourceIPAddress": row}}, None]


def test_tables_that_cannot_be_loaded_hold_nothing_up(world: World, pack: Path, stored: Stored) -> None:
    foreign = {"RoleARN": "arn:aws:iam::444455556666:role/absent", "ObjectPath": "s3://absent-bucket/t.mmdb"}
    (pack / "zones.yml").write_text(table_yaml("zones", stored.refresh()))
    (pack / "foreign.yml").write_text(table_yaml("foreign", stored.refresh(**foreign)))
    (pack / "denied.yml").write_text(table_yaml("denied", stored.refresh(RoleARN=None)))
    (pack / "missing.yml").write_text(table_yaml("missing", {"Schema": "S", "Filename": "missing.csv"}))
    (pack / "snowflake.yml").write_text(
        table_yaml("snowflake", {"Query": "SELECT a:b::string FROM panther_logs.public.x", "Refresh": {}})
    )
    world.notify(world.put("a", cloudtrail_gz([record(1)])))

    world.run()

    assert alerts(world) == [("Lab.Seen", "lab of 192.0.2.0/24")]
    tables = build.lookup_tables(world.settings)
    tables.refresh(NOW)
    errors = {state.spec.name: (state.health, state.error) for state in tables.states}
    assert {name: health for name, (health, _) in errors.items()} == {
        "zones": "fresh",
        "foreign": "failed",
        "denied": "failed",
        "missing": "failed",
        "snowflake": "failed",
    }
    assert "sts:AssumeRole" in errors["foreign"][1]
    assert "s3:GetObject" in errors["denied"][1]
    assert "missing.csv" in errors["missing"][1]
    assert errors["snowflake"][1].startswith("not runnable here: ")


def test_table_is_fetched_again_when_its_period_is_over(world: World, pack: Path, stored: Stored) -> None:
    (pack / "zones.yml").write_text(table_yaml("zones", stored.refresh()))
    tables = build.lookup_tables(world.settings)
    tables.refresh(NOW)
    before = tables.current()
    stored.put("net,zone\n192.0.2.0/24,office\n")

    tables.refresh(NOW + timedelta(minutes=29))
    early = found(tables)
    tables.refresh(NOW + timedelta(minutes=30))

    assert (early["zone"], found(tables)["zone"]) == ("lab", "office")
    assert before.tables[0].row("192.0.2.1") == {"net": "192.0.2.0/24", "zone": "lab"}


def test_object_that_did_not_change_is_not_read_again(world: World, pack: Path, stored: Stored) -> None:
    (pack / "zones.yml").write_text(table_yaml("zones", stored.refresh()))
    tables = build.lookup_tables(world.settings)
    tables.refresh(NOW)
    [first] = tables.current().tables

    tables.refresh(NOW + timedelta(minutes=30))

    assert tables.current().tables[0] is first
    assert only(tables).good_at == NOW + timedelta(minutes=30)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda stored: stored.remove(), id="removed"),
        pytest.param(lambda stored: stored.put("other\nx\n"), id="without its key"),
        pytest.param(lambda stored: stored.put(""), id="empty"),
    ],
)
def test_failed_refresh_keeps_the_old_table_and_tries_again_soon(
    world: World, pack: Path, stored: Stored, spoil: Callable[[Stored], None]
) -> None:
    (pack / "zones.yml").write_text(table_yaml("zones", stored.refresh()))
    tables = build.lookup_tables(world.settings)
    tables.refresh(NOW)
    spoil(stored)

    tables.refresh(NOW + timedelta(minutes=30))

    assert (found(tables)["zone"], only(tables).health) == ("lab", "stale")
    assert not tables.due(NOW + timedelta(minutes=39))
    stored.put("net,zone\n192.0.2.0/24,office\n")
    tables.refresh(NOW + timedelta(minutes=40))
    assert (found(tables)["zone"], only(tables).health) == ("office", "fresh")


def test_table_that_grows_old_is_alerted_on_once_a_day(world: World, pack: Path, stored: Stored) -> None:
    (pack / "zones.yml").write_text(table_yaml("zones", stored.refresh()))
    store = build.store(world.settings)
    workers = [Refresher(build.lookup_tables(world.settings), store, name) for name in ("w1", "w2")]
    for worker in workers:
        worker.start(NOW)
    stored.remove()

    for minutes in (30, 119):
        for worker in workers:
            worker.run(NOW + timedelta(minutes=minutes))
    early = alerts(world)
    for minutes in (120, 121, 180):
        for worker in workers:
            worker.run(NOW + timedelta(minutes=minutes))

    for worker in workers:
        worker.stop()
    assert early == []
    assert alerts(world) == [(STALE, f"The lookup table zones could not be loaded since {NOW.isoformat()}")]


def test_query_over_the_lake_makes_a_table(world: World, pack: Path) -> None:
    (pack / "seen.yml").write_text(
        table_yaml(
            "seen",
            {"Query": "SELECT sourceIPAddress AS ip, count(*) AS n FROM logs.aws_cloudtrail GROUP BY 1", "Refresh": {}},
            key="ip",
        )
    )
    world.notify(world.put("a", cloudtrail_gz([record(1), record(2)])))
    world.run()  # the lake was empty when it began
    world.notify(world.put("b", cloudtrail_gz([record(3)])))
    tables = build.lookup_tables(world.settings)
    tables.refresh(NOW)

    assert found(tables, "192.0.2.10") == {"ip": "192.0.2.10", "n": 2}


def test_disabled_table_is_not_loaded(world: World, pack: Path, stored: Stored) -> None:
    (pack / "zones.yml").write_text(table_yaml("zones", stored.refresh() | {"Enabled": False}))
    tables = build.lookup_tables(world.settings)

    tables.refresh(NOW)

    assert tables.current().tables == ()
    assert only(tables).health == "disabled"


def test_table_beyond_the_limit_is_refused(world: World, pack: Path, stored: Stored) -> None:
    (pack / "zones.yml").write_text(table_yaml("zones", stored.refresh()))
    stored.put("net,zone\n" + "192.0.2.0/24,lab\n" * 80_000)
    tables = build.lookup_tables(world.settings.model_copy(update={"lookup_max_mib": 1}))

    tables.refresh(NOW)

    assert "HEADWATER_LOOKUP_MAX_MIB" in only(tables).error
    assert (only(tables).health, tables.current().tables) == ("failed", ())
