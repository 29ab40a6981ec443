from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from headwater.ingest.rows import rfc3339, row_dicts
from headwater.schema.logtype import TIMESTAMP

TABLE = pa.table(
    {
        "name": pa.array(["a", None, "c"]),
        "document": pa.array(['{"b":[1,null],"a":"é"}', "7", None]),
        "when": pa.array(
            [datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC), None, datetime(2026, 1, 1, tzinfo=UTC)], TIMESTAMP
        ),
        "tags": pa.array([["x", "y"], None, []]),
        "where": pa.array([{"key": "k", "row": 1}] * 3),
        "count": pa.array([0, None, 2]),
        "flag": pa.array([False, None, True]),
        "nothing": pa.nulls(3, pa.string()),
    },
    schema=pa.schema(
        [
            pa.field("name", pa.string()),
            pa.field("document", pa.string(), metadata={b"json": b"true"}),
            pa.field("when", TIMESTAMP),
            pa.field("tags", pa.list_(pa.string())),
            pa.field("where", pa.struct([("key", pa.string()), ("row", pa.int64())])),
            pa.field("count", pa.int64()),
            pa.field("flag", pa.bool_()),
            pa.field("nothing", pa.string()),
        ]
    ),
)


def _document(text: str) -> object:
    field = pa.field("x", pa.string(), metadata={b"json": b"true"})
    return row_dicts(pa.table([[text]], schema=pa.schema([field])))[0]["x"]


def test_nulls_are_left_out_and_json_is_decoded() -> None:
    assert row_dicts(TABLE) == [
        {
            "name": "a",
            "document": {"b": [1, None], "a": "é"},
            "when": "2026-02-03T04:05:06Z",
            "tags": ["x", "y"],
            "where": {"key": "k", "row": 1},
            "count": 0,
            "flag": False,
        },
        {"document": 7, "where": {"key": "k", "row": 1}},
        {
            "name": "c",
            "when": "2026-01-01T00:00:00Z",
            "tags": [],
            "where": {"key": "k", "row": 1},
            "count": 2,
            "flag": True,
        },
    ]


def test_columns_stand_in_the_order_of_the_schema() -> None:
    assert list(row_dicts(TABLE)[0]) == ["name", "document", "when", "tags", "where", "count", "flag"]


def test_rows_are_those_asked_for_in_that_order() -> None:
    assert [row.get("name") for row in row_dicts(TABLE, [2, 0, 2])] == ["c", "a", "c"]
    assert row_dicts(TABLE, []) == []


def test_rows_share_no_document() -> None:
    first, second = row_dicts(TABLE, [0, 0])

    first["document"]["b"].append("changed")

    assert second["document"]["b"] == [1, None]


def test_slices_and_chunks_of_a_table_give_the_same_rows() -> None:
    chunked = pa.concat_tables([TABLE.slice(0, 1), TABLE.slice(1, 2)])

    assert row_dicts(chunked) == row_dicts(TABLE)
    assert row_dicts(TABLE.slice(1)) == row_dicts(TABLE)[1:]


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        pytest.param(0, "1970-01-01T00:00:00Z", id="whole second"),
        pytest.param(1_500_000, "1970-01-01T00:00:01.5Z", id="tenths"),
        pytest.param(1_000, "1970-01-01T00:00:00.001Z", id="milliseconds"),
        pytest.param(10_000_001, "1970-01-01T00:00:10.000001Z", id="microseconds"),
        pytest.param(-1, "1969-12-31T23:59:59.999999Z", id="before 1970"),
        pytest.param(None, None, id="null"),
    ],
)
@pytest.mark.parametrize("beside", [[], [0], [1]])
def test_times_are_rfc3339(micros: int | None, text: str | None, beside: list[int]) -> None:
    assert rfc3339(pa.array([micros, *beside], TIMESTAMP)).to_pylist()[0] == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('{"n":9007199254740993}', {"n": 9007199254740993}, id="beyond 2**53"),
        pytest.param('{"n":18446744073709551615}', {"n": 18446744073709551615}, id="64 bits"),
        pytest.param('{"n":[18446744073709551616]}', {"n": ["18446744073709551616"]}, id="beyond 64 bits"),
        pytest.param('{"n":-9223372036854775809}', {"n": "-9223372036854775809"}, id="below 64 bits"),
        pytest.param("18446744073709551616", "18446744073709551616", id="alone"),
        pytest.param('{"n":"18446744073709551616"}', {"n": "18446744073709551616"}, id="as text already"),
        pytest.param("not json", "not json", id="no json"),
    ],
)
def test_whole_numbers_stay_exact(text: str, expected: object) -> None:
    assert _document(text) == expected


@pytest.mark.parametrize(("depth", "is_decoded"), [(190, True), (250, False), (5000, False)])
def test_what_is_nested_too_deep_to_be_written_again_stays_text(depth: int, is_decoded: bool) -> None:
    text = "[" * depth + "]" * depth

    found = _document(text)

    assert found == (json.loads(text) if is_decoded else text)


def test_object_kept_whole_shows_its_own_keys_but_no_forged_standard_column(rows: Any) -> None:
    record = b'{"status":"success","data":1,"p_log_type":"AWS.CloudTrail","P_ANY_emails":["x"]}'

    (row,) = rows("Raw.JSON", [record])

    assert (row["status"], row["data"], row["p_log_type"]) == ("success", 1, "Raw.JSON")
    assert "P_ANY_emails" not in row
