"""Parquet objects: tables of bounded size, typed columns, and errors that are ours."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.errors import ObjectError
from headwater.ingest.classify import classify
from headwater.ingest.decode import decode
from headwater.ingest.parquet import TABLE_ROWS, TableRows
from headwater.ingest.parse import Part, parse
from headwater.ingest.rows import row_dicts
from headwater.model import Chunk, ObjectRef, Source
from headwater.schema.logtype import LogType

MIB = 1024 * 1024
Library = Mapping[str, LogType]
FLOW = {"version": 2, "account_id": "111122223333", "srcaddr": "192.0.2.10", "dstaddr": "-", "start": 1770091200}


def parquet(table: pa.Table, **options: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def chunks_of(body: bytes, max_bytes: int = 64 * MIB) -> list[Chunk]:
    return list(decode([body], max_bytes=max_bytes))


def error_of(body: bytes, max_bytes: int = 64 * MIB) -> ObjectError:
    with pytest.raises(ObjectError) as caught:
        chunks_of(body, max_bytes)
    return caught.value


def test_rows_come_in_tables_of_bounded_size_and_are_numbered_through() -> None:
    rows = TABLE_ROWS * 2 + 1
    body = parquet(pa.table({"n": pa.array(range(rows))}), row_group_size=rows)

    found = chunks_of(body)

    assert [chunk.shape for chunk in found] == ["columns"] * 3
    assert [(chunk.first_row, len(chunk.records)) for chunk in found] == [
        (0, TABLE_ROWS),
        (TABLE_ROWS, TABLE_ROWS),
        (2 * TABLE_ROWS, 1),
    ]


def test_wide_rows_come_in_tables_of_few_rows() -> None:
    body = parquet(pa.table({"text": ["x" * MIB + str(number) for number in range(40)]}), use_dictionary=False)

    assert max(len(chunk.records) for chunk in chunks_of(body, max_bytes=128 * MIB)) <= 20


def test_parquet_inside_gzip_is_read() -> None:
    assert [len(chunk.records) for chunk in chunks_of(gzip.compress(parquet(pa.table({"a": [1, 2]}))))] == [2]


def test_file_without_rows_has_no_records() -> None:
    assert chunks_of(parquet(pa.table({"a": pa.array([], pa.int64())}))) == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"PAR1", id="magic alone"),
        pytest.param(b"PAR1" + b"\0" * 100 + b"PAR1", id="magic at both ends"),
        pytest.param(parquet(pa.table({"a": [1]}))[:-20], id="cut short"),
        pytest.param(parquet(pa.table({"a": [1]})).replace(b"PAR1", b"PAR1", 1)[:-4] + b"XXXX", id="wrong end"),
    ],
)
def test_broken_file_is_corrupt(body: bytes) -> None:
    error = error_of(body)

    assert error.kind == "corrupt"
    assert "parquet_invalid" in str(error)


def test_field_fault_of_a_file_of_magic_alone(shared: Path) -> None:
    error = error_of((shared / "cases/inputs/D13_parquet_magic.log.parquet").read_bytes())

    assert "parquet_invalid" in str(error)


def test_columns_beyond_the_limit_are_too_large() -> None:
    body = parquet(pa.table({"n": pa.array([7] * 10_000_000, pa.int64())}))

    assert len(body) < MIB
    assert error_of(body, max_bytes=16 * MIB).kind == "too_large"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 400), value=st.integers(0, 255))
def test_a_wrong_byte_anywhere_raises_no_error_but_ours(place: int, value: int) -> None:
    body = bytearray(parquet(pa.table({"a": [1, 2], "b": ["x", None], "c": [[{"d": 1}], None]})))
    body[place % len(body)] = value

    try:
        for chunk in decode([bytes(body)], max_bytes=MIB):
            list(chunk.records)
    except ObjectError:
        pass


def test_row_looked_at_by_itself_is_json_without_nulls() -> None:
    moment = datetime(2026, 2, 3, 4, 5, 6, 123456, tzinfo=UTC)
    table = pa.table(
        {
            "text": ["a", None],
            "number": pa.array([2**63, 1], pa.uint64()),
            "exact": [Decimal("1.10"), None],
            "bytes": [b"x", b"\xff"],
            "nested": [{"a": None, "b": [1, None]}, None],
            "pairs": pa.array([[("k", "v")], None], pa.map_(pa.string(), pa.string())),
            "time": pa.array([moment, None], pa.timestamp("ns", "UTC")),
            "choice": pa.array(["x", "y"]).dictionary_encode(),
        }
    )

    (chunk,) = chunks_of(parquet(table))

    assert json.loads(chunk.records[0]) == {
        "text": "a",
        "number": 2**63,
        "exact": "1.10",
        "bytes": "x",
        "nested": {"b": [1, None]},
        "pairs": {"k": "v"},
        "time": "2026-02-03T04:05:06.123456Z",
        "choice": "x",
    }
    assert json.loads(chunk.records[-1]) == {"number": 1, "bytes": "\ufffd", "choice": "y"}
    assert chunk.records[:2] == list(chunk.records)


def _rows(chunk: Chunk, log_type: LogType, source: Source, now: datetime) -> list[dict[str, object]]:
    parsed = parse(log_type, [Part(ObjectRef(source.bucket, "key"), source, chunk)], now)
    assert parsed.rejects == ()
    return row_dicts(parsed.batch.table) if parsed.batch else []


@pytest.mark.parametrize("kind", [pa.int32(), pa.int64(), pa.timestamp("s"), pa.timestamp("ms", "UTC"), pa.string()])
def test_flow_log_times_of_any_type_are_instants(
    library: Library, source: Source, parse_time: datetime, kind: pa.DataType
) -> None:
    start = pa.array([FLOW["start"]], pa.int64()).cast(kind if not pa.types.is_timestamp(kind) else pa.int64())
    if pa.types.is_timestamp(kind):
        start = pa.array([datetime.fromtimestamp(1770091200, UTC)], pa.timestamp("s", "UTC")).cast(kind)
    table = pa.table({**{name: [value] for name, value in FLOW.items()}, "start": start})

    (row,) = _rows(Chunk("columns", TableRows(table)), library["AWS.VPCFlow"], source, parse_time)

    assert (row["start"], row["account"]) == ("2026-02-03T04:00:00Z", "111122223333")
    assert "dstAddr" not in row


def test_type_of_a_table_is_the_one_that_declares_most_of_its_columns(library: Library) -> None:
    columns = {**FLOW, "interface_id": "eni-0example", "action": "ACCEPT"}
    flow = Chunk("columns", TableRows(pa.table({name: [value] for name, value in columns.items()})))
    ocsf = Chunk(
        "columns",
        TableRows(pa.table({n: [1] for n in ("class_uid", "category_uid", "activity_id", "severity_id", "time")})),
    )

    assert classify("x", flow, library, ()) is library["AWS.VPCFlow"]
    assert classify("x", ocsf, library, ()) is None
    assert classify("x", ocsf, library, ("AWS.VPCFlow", "Raw.JSON")) is library["Raw.JSON"]


def test_tables_between_other_parts_keep_the_counts_of_each(
    library: Library, source: Source, parse_time: datetime
) -> None:
    good = {"class_uid": [1], "metadata": [{"version": "1"}], "time": [1770091200000]}
    table = TableRows(pa.table({**good, "class_uid": pa.array([None], pa.int32())}))
    records = [b'{"class_uid":1,"metadata":{},"time":1770091200000}']
    chunks = [Chunk("json", records), Chunk("columns", table), Chunk("columns", TableRows(pa.table(good)))]
    parts = [Part(ObjectRef(source.bucket, f"key{number}"), source, chunk) for number, chunk in enumerate(chunks)]

    parsed = parse(library["AWS.OCSF"], parts, parse_time)

    assert (parsed.rows, parsed.rejected) == ((1, 0, 1), (0, 1, 0))
    assert parsed.batch is not None
    assert [row["p_source_file"]["key"] for row in row_dicts(parsed.batch.table)] == ["key0", "key2"]
    (reject,) = parsed.rejects
    assert (reject.shape, json.loads(reject.raw)["time"]) == ("json", 1770091200000)


def test_rejected_row_of_a_table_can_be_tried_again_as_json(
    library: Library, source: Source, parse_time: datetime
) -> None:
    record = json.dumps({**FLOW, "interface_id": "eni-0example", "bytes": 1}).encode()

    (row,) = _rows(Chunk("json", [record]), library["AWS.VPCFlow"], source, parse_time)

    assert (row["srcAddr"], row["start"], row["bytes"]) == ("192.0.2.10", "2026-02-03T04:00:00Z", 1)
