from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from headwater.ingest.parse import parse
from headwater.ingest.times import instant, to_timestamps
from headwater.schema.logtype import TIMESTAMP, LogType

Rows = Callable[[str, Sequence[Any]], list[dict[str, Any]]]
Library = Mapping[str, LogType]


def _event(time: str = "2026-02-03T04:05:06Z") -> bytes:
    return json.dumps({"eventTime": time, "eventSource": "s3.amazonaws.com", "eventName": "GetObject"}).encode()


def test_columns_are_those_of_the_schema(library: Library, make_part: Any, parse_time: datetime) -> None:
    batch = parse(library["AWS.CloudTrail"], [make_part([_event()])], parse_time).batch

    assert batch is not None
    assert batch.log_type == "AWS.CloudTrail"
    assert batch.table.schema.equals(library["AWS.CloudTrail"].arrow_schema, check_metadata=True)


def test_row_tells_where_it_came_from(rows: Rows, make_part: Any) -> None:
    row = rows("AWS.CloudTrail", [_event()])[0]

    assert row["p_source_file"] == {"bucket": "example-logs-111122223333", "key": "logs/object", "row": 0}
    assert (row["p_source_id"], row["p_source_label"]) == ("111122223333/trail", "payments/trail")
    assert (row["p_account_id"], row["p_log_type"], row["p_schema_version"]) == ("111122223333", "AWS.CloudTrail", 1)
    assert row["p_parse_time"] == "2026-02-04T00:00:00Z"


def test_row_id_is_object_id_and_row_number(library: Library, make_part: Any, parse_time: datetime) -> None:
    parts = [
        make_part([_event(), b"[]", _event()]),
        make_part([_event()], first_row=0xFEDCBA98),
        make_part([_event()], key="b"),
    ]

    batch = parse(library["AWS.CloudTrail"], parts, parse_time).batch

    first, second = parts[0].ref.object_id[:32], parts[2].ref.object_id[:32]
    assert batch is not None
    assert batch.table["p_row_id"].to_pylist() == [
        f"{first}00000000",
        f"{first}00000002",
        f"{first}fedcba98",
        f"{second}00000000",
    ]


def test_row_ids_are_the_same_on_every_run(rows: Rows) -> None:
    records = [_event()] * 3

    assert [row["p_row_id"] for row in rows("AWS.CloudTrail", records)] == [
        row["p_row_id"] for row in rows("AWS.CloudTrail", records)
    ]


@pytest.mark.parametrize(
    ("time", "credible"),
    [
        pytest.param("2026-02-03T04:05:06Z", True, id="yesterday"),
        pytest.param("2024-07-01T00:00:00Z", True, id="two years ago"),
        pytest.param("2016-02-05T00:00:00Z", True, id="ten years ago"),
        pytest.param("2016-01-01T00:00:00Z", False, id="more than ten years ago"),
        pytest.param("2026-02-05T00:00:00Z", True, id="tomorrow"),
        pytest.param("2026-02-05T00:00:01Z", False, id="after tomorrow"),
        pytest.param("1970-01-01T00:00:00Z", False, id="epoch"),
        pytest.param("9999-12-31T23:59:59Z", False, id="end of time"),
    ],
)
def test_time_that_nobody_can_believe_is_replaced_and_flagged(rows: Rows, time: str, credible: bool) -> None:
    (row,) = rows("AWS.CloudTrail", [_event(time)])

    assert row["eventTime"] == time
    assert (row["p_event_time"], row["p_event_time_missing"]) == (
        time if credible else row["p_parse_time"],
        not credible,
    )


def test_row_without_time_has_the_parse_time(rows: Rows) -> None:
    (row,) = rows("AWS.VPCFlow", [b"srcaddr dstaddr", b"192.0.2.10 192.0.2.20"])

    assert (row["p_event_time"], row["p_event_time_missing"]) == ("2026-02-04T00:00:00Z", True)


CLF = "%d/%b/%Y:%H:%M:%S %z"


@pytest.mark.parametrize(
    ("text", "formats", "expected"),
    [
        pytest.param(
            "03/Feb/2026:04:05:06 +0000", ("rfc3339", CLF), "2026-02-03T04:05:06+00:00", id="common log format"
        ),
        pytest.param("03/Feb/2026:13:05:06 +0900", (CLF,), "2026-02-03T04:05:06+00:00", id="with another zone"),
        pytest.param(
            "2026-02-03T04:05:06.123456Z", ("rfc3339",), "2026-02-03T04:05:06.123456+00:00", id="microseconds"
        ),
        pytest.param(
            "2026-02-03T04:05:06.123456789Z", ("rfc3339",), "2026-02-03T04:05:06.123456+00:00", id="nanoseconds"
        ),
        pytest.param("2026-02-03T04:05:06", ("rfc3339",), "2026-02-03T04:05:06+00:00", id="no zone"),
        pytest.param("2026-02-03\t04:05:06", ("rfc3339",), "2026-02-03T04:05:06+00:00", id="tab"),
        pytest.param("2026-02-03 04:05:06.000", ("rfc3339",), "2026-02-03T04:05:06+00:00", id="blank"),
        pytest.param("2026-02-03T13:05:06+09:00", ("rfc3339",), "2026-02-03T04:05:06+00:00", id="offset"),
        pytest.param("20260203T0405Z", ("rfc3339",), "2026-02-03T04:05:00+00:00", id="basic"),
        pytest.param("1770091200", ("unix",), "2026-02-03T04:00:00+00:00", id="unix"),
        pytest.param("1770091200.5", ("unix",), "2026-02-03T04:00:00.500000+00:00", id="unix with fraction"),
        pytest.param("1770091200123", ("unix_ms",), "2026-02-03T04:00:00.123000+00:00", id="milliseconds since 1970"),
        pytest.param(
            "1770091200123456789", ("unix_ns",), "2026-02-03T04:00:00.123456+00:00", id="nanoseconds since 1970"
        ),
        pytest.param("2026-02-30T00:00:00Z", ("rfc3339",), None, id="no such day"),
        pytest.param("-", ("rfc3339", "unix", CLF), None, id="dash"),
        pytest.param("99999999999999", ("unix",), None, id="too late"),
        pytest.param("nan", ("unix",), None, id="not a number"),
    ],
)
def test_time_in_every_form(text: str, formats: tuple[str, ...], expected: str | None) -> None:
    want = datetime.fromisoformat(expected) if expected else None

    assert instant(text, formats) == want
    assert to_timestamps(pa.array([None, text]), formats).to_pylist() == [None, want]


def test_one_strange_time_leaves_the_others_alone() -> None:
    texts = pa.array(["2026-02-03T04:05:06Z", "nonsense", "2026-02-03T04:05:06.5", None])

    found = to_timestamps(texts, ("rfc3339",))

    day = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert found.type == TIMESTAMP
    assert found.to_pylist() == [day, None, day + timedelta(milliseconds=500), None]


@pytest.mark.parametrize(("form", "per_s"), [("unix", 1), ("unix_ms", 10**3), ("unix_us", 10**6), ("unix_ns", 10**9)])
def test_numbers_are_times_by_their_unit(form: str, per_s: int) -> None:
    largest = 2**63 - 1

    found = to_timestamps(pa.array([1_770_091_200 * per_s, None, largest if per_s < 10**9 else None]), (form,))

    assert found.to_pylist() == [datetime(2026, 2, 3, 4, tzinfo=UTC), None, None]
