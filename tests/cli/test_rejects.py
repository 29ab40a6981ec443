"""headwater rejects, as people and programs call it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from headwater.cli.rejects import Filter
from headwater.cli.since import since
from headwater.errors import ConfigError
from headwater.lake.rejects import Stored
from headwater.model import LOCAL_BUCKET, Reject
from support.world import cloudtrail_gz, record, stop_logging

Headwater = Callable[..., Any]
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SCHEMA = """
schema: Custom.Shop
description: What the shop says.
content: {line: '^order='}
parser:
  regex:
    match: ['^order=(?P<order>[0-9]+) item=(?P<item>.*)$']
fields:
  - {name: order, type: bigint, required: true, description: Number of the order.}
  - {name: item, type: string, description: What was bought.}
"""


@pytest.fixture
def shop(headwater: Headwater, tmp_path: Path) -> Path:
    """Three lines that fit nothing, and a CloudTrail record without its time, are in the lake."""
    (tmp_path / "shop.log").write_text("order=1 item=milk\norder=2 item=bread\norder=3 item=[red]tea\n")
    broken = {**record(2), "eventTime": None}
    (tmp_path / "trail.json.gz").write_bytes(cloudtrail_gz([record(1), broken]))
    ran = headwater(
        "ingest", tmp_path / "shop.log", tmp_path / "trail.json.gz", "--account", "111122223333", "-o", "json"
    )
    assert (ran.json["rows_out"], ran.json["rejects"]) == (1, 4)
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "shop.yml").write_text(SCHEMA)
    return tmp_path


def schemas(shop: Path) -> dict[str, str]:
    return {"HEADWATER_SCHEMAS": json.dumps([str(shop / "schemas")])}


def test_list_groups_alike_rejects(headwater: Headwater, shop: Path) -> None:
    groups = headwater("rejects", "list", "-o", "json").json

    assert [(group["rows"], group["objects"], group["log_type"]) for group in groups] == [
        (3, 1, ""),
        (1, 1, "AWS.CloudTrail"),
    ]
    assert groups[0]["reason"] == "unclassified: fits no log type"
    assert groups[1]["reason"].startswith("eventTime")
    assert "unclassified: fits no log type" in headwater("rejects", "list").out


def test_rows_come_with_the_latest_first(headwater: Headwater, shop: Path) -> None:
    listed = headwater("rejects", "list", "--rows", "--limit", "2", "--reason", "UNCLASSIFIED", "-o", "json").json

    assert [row["row"] for row in listed] == [2, 1]


REJECT = Reject(
    "ab" * 32,
    LOCAL_BUCKET,
    "/logs/a.log",
    7,
    "dstport: 'x' is not of type int",
    "raw",
    "AWS.VPCFlow",
    source_id="111122223333/flows",
    account_id="111122223333",
    source_label="payments/flows",
)


@pytest.mark.parametrize(
    ("chosen", "is_wanted"),
    [
        (Filter(), True),
        (Filter(source="flows"), True),
        (Filter(source="111122223333/flows"), True),
        (Filter(source="payments/flows"), True),
        (Filter(source="flow"), False),
        (Filter(log_type="AWS.VPCFlow"), True),
        (Filter(log_type=""), False),
        (Filter(reason="DSTPORT"), True),
        (Filter(reason="srcport"), False),
        (Filter(since=NOW), True),
        (Filter(since=NOW + timedelta(seconds=1)), False),
        (Filter(ids=("cd", "abab")), True),
        (Filter(ids=("cd",)), False),
        (Filter(source="flows", reason="srcport"), False),
    ],
    ids=str,
)
def test_filter_takes_what_all_its_parts_take(chosen: Filter, is_wanted: bool) -> None:
    assert chosen(Stored(REJECT, NOW)) is is_wanted


def test_show_gives_the_text_the_reason_and_the_place(headwater: Headwater, shop: Path) -> None:
    (first, *_) = headwater("rejects", "list", "--rows", "--limit", "1", "--log-type", "", "-o", "json").json

    shown = headwater("rejects", "show", first["id"], "-o", "json").json
    text = headwater("rejects", "show", first["id"]).out

    assert shown == first
    assert (shown["object"], shown["row"], shown["recovered"]) == (str(shop / "shop.log"), 2, False)
    assert "order=3 item=[red]tea" in text
    assert "unclassified: fits no log type" in text


@pytest.mark.parametrize("reject_id", ["ffff", ""], ids=["unknown", "ambiguous"])
def test_show_says_when_an_id_names_no_single_reject(headwater: Headwater, shop: Path, reject_id: str) -> None:
    ran = headwater("rejects", "show", reject_id)

    assert ran.code == 1
    assert "headwater rejects list --rows" in ran.err


def test_retry_after_the_schema_was_added_recovers_each_row_once(headwater: Headwater, shop: Path) -> None:
    first = headwater("rejects", "retry", "-o", "json", **schemas(shop)).json
    second = headwater("rejects", "retry", "-o", "json", **schemas(shop)).json

    assert (first["tried"], first["recovered"], sum(first["rejected"].values())) == (4, {"Custom.Shop": 3}, 1)
    assert (second["tried"], second["recovered"], sum(second["rejected"].values())) == (1, {}, 1)
    count = headwater("query", 'SELECT "order", item FROM logs.custom_shop ORDER BY 1', "-o", "json").json
    assert [row["item"] for row in count] == ["milk", "bread", "[red]tea"]
    assert [group["rows"] for group in headwater("rejects", "list", "-o", "json").json] == [1]
    assert [group["rows"] for group in headwater("rejects", "list", "--all", "-o", "json").json] == [3, 1]


def test_retry_says_what_became_of_the_rejects(headwater: Headwater, shop: Path) -> None:
    out = headwater("rejects", "retry", **schemas(shop)).out

    assert "4 rejects: 3 recovered, 1 fit no schema still" in out
    assert "3 rows of Custom.Shop" in out
    assert "1 still rejected: eventTime" in out


def test_retry_of_one_reject_as_a_named_type(headwater: Headwater, shop: Path) -> None:
    rows = headwater("rejects", "list", "--rows", "--log-type", "", "-o", "json").json

    done = headwater("rejects", "retry", rows[0]["id"], "--log-type", "Custom.Shop", "-o", "json", **schemas(shop)).json

    assert (done["tried"], done["recovered"]) == (1, {"Custom.Shop": 1})


def test_retry_refuses_a_log_type_that_is_not_there(headwater: Headwater, shop: Path) -> None:
    ran = headwater("rejects", "retry", "--log-type", "Custom.Shop")

    assert ran.code == 2
    assert "no log type 'Custom.Shop'" in ran.err


def test_nothing_rejected_is_told_so(headwater: Headwater) -> None:
    assert headwater("rejects", "list").out == "No rejects.\n"
    assert headwater("rejects", "retry").out == "0 rejects: 0 recovered, 0 fit no schema still\n"


def test_file_with_too_many_rejects_raises_a_health_alert(headwater: Headwater, tmp_path: Path) -> None:
    (tmp_path / "flow.log").write_text("2 111122223333 eni-1 no flow log\n" * 150)

    headwater("ingest", tmp_path / "flow.log", "--log-type", "AWS.VPCFlow")

    (alert,) = headwater("alerts", "list", "-o", "json").json
    assert (alert["kind"], alert["rule_id"]) == ("HEALTH", "Headwater.RejectShare")
    assert "100% of the last hour's rows" in alert["title"]
    delivered = [json.loads(line) for line in (tmp_path / "home" / "alerts.jsonl").read_text().splitlines()]
    assert [each["alert_id"] for each in delivered] == [alert["alert_id"]]


def test_few_rejects_raise_no_alert(headwater: Headwater, tmp_path: Path) -> None:
    records = [record(number) for number in range(200)]
    (tmp_path / "trail.json.gz").write_bytes(cloudtrail_gz([*records, {**stop_logging(7), "eventTime": None}]))

    assert headwater("ingest", tmp_path / "trail.json.gz", "-o", "json").json["rejects"] == 1
    assert headwater("alerts", "list", "-o", "json").json == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("30m", NOW - timedelta(minutes=30)),
        ("2h", NOW - timedelta(hours=2)),
        ("7d", NOW - timedelta(days=7)),
        ("1w", NOW - timedelta(weeks=1)),
        ("2026-02-28", datetime(2026, 2, 28, tzinfo=UTC)),
        ("2026-02-28T10:00:00+02:00", datetime(2026, 2, 28, 8, tzinfo=UTC)),
    ],
    ids=str,
)
def test_since_takes_durations_and_times(text: str | None, expected: datetime | None) -> None:
    assert since(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "soon", "5y", "-1h"])
def test_since_refuses_anything_else(text: str) -> None:
    with pytest.raises(ConfigError, match="is no time"):
        since(text, NOW)
