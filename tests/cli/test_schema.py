"""schema list, show and test, and users' schemas in other commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Headwater = Callable[..., Any]
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "schemas"
SCHEMA = """\
schema: Custom.Logins
description: Logins.
parser: {fastmatch: {match: ['%{time} %{user} %{ip}']}}
fields:
  - {name: time, type: timestamp, isEventTime: true, required: true}
  - {name: user, type: string}
  - {name: ip, type: string, validate: {ip: any}, indicators: [ip]}
"""


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    path = tmp_path / "schemas" / "logins.yml"
    path.parent.mkdir()
    path.write_text(SCHEMA, encoding="utf-8")
    return path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "logins.log"
    path.write_text("2026-02-03T04:05:06Z jo 192.0.2.1\nnoise\n2026-02-03T04:05:07Z al nowhere\n", encoding="utf-8")
    return path


def test_list_names_every_log_type(headwater: Headwater, schema: Path) -> None:
    ran = headwater("schema", "list", "-o", "json", HEADWATER_SCHEMAS=json.dumps([str(schema.parent)]))

    names = [each["name"] for each in ran.json]
    assert names == sorted(names)
    assert {"AWS.CloudTrail", "Custom.Logins"} <= set(names)
    assert all(each["description"] for each in ran.json)


def test_show_tells_every_field(headwater: Headwater) -> None:
    shown = headwater("schema", "show", "AWS.ALB", "-o", "json").json
    text = headwater("schema", "show", "AWS.ALB").out

    assert shown["name"] == "AWS.ALB"
    assert {
        "name": "clientIp",
        "type": "string",
        "required": False,
        "event_time": False,
        "indicators": ["ip"],
    }.items() <= (next(field for field in shown["fields"] if field["name"] == "clientIp").items())
    assert "clientIp" in text


def test_show_of_an_unknown_name_offers_the_nearest(headwater: Headwater) -> None:
    ran = headwater("schema", "show", "AWS.CloudTrial")

    assert ran.code == 2
    assert "Did you mean AWS.CloudTrail?" in ran.err


def test_test_tells_which_rows_match_and_why_others_do_not(headwater: Headwater, schema: Path, log: Path) -> None:
    ran = headwater("schema", "test", schema, log, "-o", "json")

    assert ran.code == 1
    assert (ran.json["matched"], ran.json["unmatched"]) == (1, 2)
    assert [row["user"] for row in ran.json["rows"]] == ["jo"]
    assert ran.json["rejects"] == [
        {"row": 1, "reason": "not a line of Custom.Logins", "raw": "noise"},
        {"row": 2, "reason": "ip: 'nowhere' is no IP address (any)", "raw": "2026-02-03T04:05:07Z al nowhere"},
    ]


def test_test_prints_tables_for_people(headwater: Headwater, schema: Path, log: Path) -> None:
    ran = headwater("schema", "test", schema, log)

    assert ran.code == 1
    assert "not a line of Custom.Logins" in ran.out
    assert "1 rows match Custom.Logins, 2 do not." in ran.out


def test_test_of_a_file_that_matches_ends_well(headwater: Headwater, schema: Path, tmp_path: Path) -> None:
    (tmp_path / "good.log").write_text("2026-02-03T04:05:06Z jo 192.0.2.1\n", encoding="utf-8")

    assert headwater("schema", "test", schema, tmp_path / "good.log").code == 0


def test_test_takes_the_name_of_a_log_type(headwater: Headwater) -> None:
    sample = EXAMPLES / "Custom.Syslog5424" / "sample.log"

    ran = headwater(
        "schema", "test", "Custom.Syslog5424", sample, "-o", "json", HEADWATER_SCHEMAS=json.dumps([str(EXAMPLES)])
    )

    assert (ran.json["matched"], ran.json["unmatched"]) == (3, 1)


def test_mistakes_of_a_schema_are_told_all_at_once(headwater: Headwater, schema: Path, log: Path) -> None:
    schema.write_text(SCHEMA.replace("timestamp", "time").replace("validate", "validat"), encoding="utf-8")

    ran = headwater("schema", "test", schema, log)

    assert ran.code == 2
    assert f"error: {schema}:5:18:fields.0.type: 'time' is unknown" in ran.err
    assert f"error: {schema}:7:30:fields.2.validat: unknown key Fix: Did you mean validate?" in ran.err


def test_rows_of_a_users_log_type_come_into_the_lake(headwater: Headwater, schema: Path, log: Path) -> None:
    schemas = json.dumps([str(schema.parent)])

    ingested = headwater("ingest", log, "--log-type", "Custom.Logins", "-o", "json", HEADWATER_SCHEMAS=schemas)
    asked = headwater(
        "query", "SELECT user, p_event_time FROM logs.custom_logins", "-o", "json", HEADWATER_SCHEMAS=schemas
    )

    assert ingested.code == 0, ingested.err
    assert [row["user"] for row in asked.json] == ["jo"]
