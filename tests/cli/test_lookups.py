"""headwater lookups list | get, and enrichment on the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.world import cloudtrail_gz, record

Headwater = Callable[..., Any]
TABLE = """
AnalysisType: lookup_table
LookupName: {name}
Enabled: {enabled}
Schema: My.Zones
Filename: {file}
LogTypeMap:
  PrimaryKey: net
  AssociatedLogTypes:
    - {{LogType: AWS.CloudTrail, Selectors: [sourceIPAddress]}}
"""


@pytest.fixture
def pack(tmp_path: Path) -> dict[str, str]:
    """The environment of a folder with a good table, a disabled one, and one whose file is missing."""
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "zones.csv").write_text("net,zone\n192.0.2.0/24,lab\n192.0.2.8/29,rack\n,nobody\n")
    for name, enabled, file in (("zones", "true", "zones.csv"), ("off", "false", "zones.csv"), ("gone", "true", "x")):
        (folder / f"{name}.yml").write_text(TABLE.format(name=name, enabled=enabled, file=file))
    return {"HEADWATER_DETECTIONS": json.dumps([str(folder)])}


def test_list_tells_what_became_of_each_table(headwater: Headwater, pack: dict[str, str]) -> None:
    ran = headwater("lookups", "list", "-o", "json", **pack)

    told = {row["name"]: row for row in ran.json}
    assert {name: row["state"] for name, row in told.items()} == {"zones": "fresh", "off": "disabled", "gone": "failed"}
    zones = told["zones"]
    assert (zones["rows"], zones["skipped"], zones["reason"], zones["matching"]) == (2, 1, "no net", "cidr")
    assert zones["log_types"] == ["AWS.CloudTrail"]
    assert "No such file" in told["gone"]["error"]


def test_list_is_a_table_for_people(headwater: Headwater, pack: dict[str, str]) -> None:
    ran = headwater("lookups", "list", **pack)

    assert ran.code == 0
    assert "zones" in ran.out


def test_get_gives_the_row_of_a_key(headwater: Headwater, pack: dict[str, str]) -> None:
    ran = headwater("lookups", "get", "zones", "192.0.2.10", **pack)

    assert ran.json == {"net": "192.0.2.8/29", "zone": "rack"}


@pytest.mark.parametrize(
    ("table", "key", "message"),
    [
        pytest.param("zones", "198.51.100.1", "has no row for '198.51.100.1'", id="no row"),
        pytest.param("other", "x", "use one of: gone, off, zones", id="no table"),
        pytest.param("off", "x", "lookup table off is disabled", id="disabled"),
        pytest.param("gone", "x", "lookup table gone is failed", id="failed"),
    ],
)
def test_get_says_why_there_is_no_row(
    headwater: Headwater, pack: dict[str, str], table: str, key: str, message: str
) -> None:
    ran = headwater("lookups", "get", table, key, **pack)

    assert ran.code == 1
    assert message in ran.err


@pytest.mark.parametrize("command", ["parse", "ingest"])
def test_events_are_enriched(headwater: Headwater, pack: dict[str, str], tmp_path: Path, command: str) -> None:
    file = tmp_path / "trail.json.gz"
    file.write_bytes(cloudtrail_gz([record(1)]))

    ran = headwater(command, file, **pack)

    if command == "parse":
        found = ran.lines[0]["p_enrichment"]
    else:
        [row] = headwater("query", "SELECT p_enrichment FROM logs.aws_cloudtrail", "-o", "json").json
        found = json.loads(row["p_enrichment"])
    assert found == {"zones": {"sourceIPAddress": {"net": "192.0.2.8/29", "zone": "rack", "p_match": "192.0.2.10"}}}


def test_example_of_the_documentation_works(headwater: Headwater, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "enrichment.md").read_text("utf-8")
    files = re.findall(r"`(my-detections/\S+)`:\n\n```\w+\n(.*?)```", page, re.DOTALL)
    (tmp_path / "my-detections").mkdir()
    for name, text in files:
        (tmp_path / name).write_text(text)
    (tmp_path / "trail.json.gz").write_bytes(cloudtrail_gz([record(1)]))
    environment = {"HEADWATER_DETECTIONS": '["my-detections"]'}

    got = headwater("lookups", "get", "zones", "192.0.2.10", **environment)
    parsed = headwater("parse", "trail.json.gz", **environment)

    assert len(files) == 2
    assert got.out in page
    assert parsed.lines[0]["p_enrichment"] == json.loads(re.findall(r"```json\n(.*?)```", page, re.DOTALL)[0])
