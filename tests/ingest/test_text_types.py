"""Log types that are lines of text: real samples, and the faults that such files are known for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headwater.ingest.classify import Ignored, classify
from headwater.ingest.decode import decode
from headwater.ingest.envelopes import open_envelopes
from headwater.ingest.export_task import open_export
from headwater.ingest.mixed import apart
from headwater.ingest.parse import Part, parse
from headwater.ingest.rows import row_dicts
from headwater.model import Chunk, ObjectRef, Source
from headwater.schema.logtype import LogType

Library = Mapping[str, LogType]
CLUSTER = "/aws/eks/example/cluster"
NLB_LINE = (
    b"tls 2.0 2026-02-03T04:05:06 net/e/0 0 192.0.2.10:1 192.0.2.20:443 5 2 98 246 - - - X tlsv12 - e.example.com"
)
CLB_LINE = (
    b'2026-02-03T04:05:06.1Z clb 192.0.2.10:1 192.0.2.20:80 0.1 0.1 0.1 200 200 0 29 "GET http://e/ HTTP/1.1" "c" - -'
)
TASK = "00000000-0000-4000-8000-000000000000"


def _chunks(data: bytes) -> Iterator[Chunk]:
    return open_envelopes(decode([data], max_bytes=1 << 26), (), Counter())


def _bodies(path: Path) -> list[bytes]:
    """The objects in a sample: the file, or the envelopes in a wrapper of a test suite."""
    if path.suffix != ".json":
        return [path.read_bytes()]
    return [msgspec.json.encode(each["data"]) for each in msgspec.json.decode(path.read_bytes())]


def _parsed(
    log_type: LogType, chunks: Sequence[Chunk], source: Source, now: datetime
) -> tuple[list[dict[str, Any]], list[str]]:
    parsed = parse(log_type, [Part(ObjectRef(source.bucket, "x"), source, chunk) for chunk in chunks], now)
    return row_dicts(parsed.batch.table) if parsed.batch else [], [each.reason for each in parsed.rejects]


def _type_of(chunk: Chunk, library: Library) -> str:
    found = classify("", chunk, library, ())
    return found.name if isinstance(found, LogType) else str(found)


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        pytest.param("AWS.NLB", 2, id="nlb"),
        pytest.param("AWS.CLB", 5, id="clb"),
        pytest.param("AWS.CloudFrontAccess", 24, id="cloudfront"),
        pytest.param("AWS.Route53Public", 5, id="route 53"),
        pytest.param("AWS.AuroraMySQLAudit", 3, id="aurora"),
    ],
)
def test_real_samples_are_of_the_type_of_their_folder(
    shared: Path, library: Library, source: Source, parse_time: datetime, name: str, rows: int
) -> None:
    paths = [path for path in sorted((shared / "samples" / name).iterdir()) if "panther" not in path.name]

    objects = [list(_chunks(body)) for path in paths for body in _bodies(path)]
    parsed = [_parsed(library[name], chunks, source, parse_time) for chunks in objects]

    assert {_type_of(chunk, library) for chunks in objects for chunk in chunks} == {name}
    assert [reasons for _, reasons in parsed if reasons] == []
    assert sum(len(found) for found, _ in parsed) == rows


@pytest.mark.parametrize(
    ("stream", "shape", "record", "expected"),
    [
        pytest.param("kube-apiserver-audit-0", "lines", b"I0203 04:05:06.1 1 x.go:1] x", "ControlPlane", id="klog"),
        pytest.param("kube-scheduler-0", "lines", b"any text", "ControlPlane", id="any text"),
        pytest.param("authenticator-0", "lines", b"any text", "Authenticator", id="authenticator"),
        pytest.param("kube-scheduler-0", "json", b'{"ts":1}', "ControlPlane", id="other json"),
        pytest.param(
            "kube-apiserver-audit-0",
            "json",
            b'{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"a","stage":"s","verb":"get"}',
            "Audit",
            id="audit",
        ),
    ],
)
def test_log_group_and_stream_tell_the_type(
    library: Library, stream: str, shape: Any, record: bytes, expected: str
) -> None:
    chunk = Chunk(shape, [record], context={"logGroup": CLUSTER, "logStream": stream})

    found = classify("x", chunk, library, ())

    assert isinstance(found, LogType)
    assert found.name == f"Amazon.EKS.{expected}"


def test_records_beside_the_wanted_ones_of_a_log_group_are_ignored_not_rejected(library: Library) -> None:
    chunk = Chunk("lines", [b"I0203 text"], context={"logGroup": CLUSTER, "logStream": "kube-scheduler-0"})

    assert classify("x", chunk, library, ("Amazon.EKS.Audit",)) == Ignored("other_log_type")
    assert classify("x", chunk, library, ("Amazon.EKS.Audit", "Raw.Text")) is library["Raw.Text"]
    assert classify("x", chunk, library, ("AWS.VPCFlow",)) is None


def test_lines_of_several_types_in_one_text_are_told_apart(library: Library) -> None:
    chunk = Chunk("lines", [NLB_LINE, CLB_LINE, b"goes with the line before", NLB_LINE], first_row=7)

    found = list(apart([chunk], "x", library, ()))

    assert [(each.first_row, len(each.records)) for each in found] == [(7, 1), (8, 2), (10, 1)]
    kinds = [classify("x", each, library, ()) for each in found]
    assert kinds == [library["AWS.NLB"], library["AWS.CLB"], library["AWS.NLB"]]


def test_text_of_one_type_is_not_cut(library: Library) -> None:
    chunk = Chunk("lines", [NLB_LINE, b"something else", NLB_LINE])

    assert list(apart([chunk], "x", library, ())) == [chunk]


def test_flow_logs_of_gateways_and_interfaces_share_keys_and_not_types(library: Library) -> None:
    key = "AWSLogs/111122223333_vpcflowlogs_us-east-1_fl-0_20260203T0405Z_0.log.gz"
    gateway = Chunk("lines", [b"start srcaddr dstaddr tgw-id bytes packets"])
    interface = Chunk("lines", [b"start srcaddr dstaddr interface-id bytes packets"])
    later = Chunk("lines", [b"1770091200 192.0.2.10 198.51.100.20 tgw-0 1 1"], first_row=100)

    assert classify(key, gateway, library, ()) is library["AWS.TransitGatewayFlow"]
    assert classify(key, interface, library, ()) is library["AWS.VPCFlow"]
    assert classify(key, later, library, ()) is None  # as the chunks before it


def test_export_task_leaves_the_messages_of_a_stream() -> None:
    key = f"exports/{TASK}/2026-02-03-[$LATEST]0123/000000.gz"
    lines = [
        b"2026-02-03T04:05:06.123Z START RequestId: 0",
        b'2026-02-03T04:05:06.124Z {"level":"INFO"}',
        b"2026-02-03T04:05:06.125Z two",
        b"  lines",
    ]

    found = list(open_export(key, [Chunk("lines", lines)]))

    assert [(each.shape, list(each.records), each.first_row) for each in found] == [
        ("lines", [b"START RequestId: 0"], 0),
        ("json", [b'{"level":"INFO"}'], 1),
        ("lines", [b"two\n  lines"], 2),
    ]
    assert {each.context["logStream"] for each in found} == {"2026-02-03-[$LATEST]0123"}


@pytest.mark.parametrize(
    ("time_ms", "expected"),
    [
        pytest.param(1770091506123, "2026-02-03T04:05:06.123Z", id="time of the event"),
        pytest.param(None, "2026-02-04T00:00:00Z", id="none"),
        pytest.param("soon", "2026-02-04T00:00:00Z", id="text"),
        pytest.param(10**30, "2026-02-04T00:00:00Z", id="beyond all times"),
    ],
)
def test_line_without_time_has_the_one_that_cloudwatch_gives_it(
    library: Library, source: Source, parse_time: datetime, time_ms: object, expected: str
) -> None:
    envelope = {
        "messageType": "DATA_MESSAGE",
        "logGroup": "/aws/lambda/example",
        "logEvents": [{"id": "1", "timestamp": time_ms, "message": "START RequestId: 0"}],
    }

    chunks = list(_chunks(json.dumps(envelope).encode()))
    rows, rejects = _parsed(library["AWS.LambdaLogs"], chunks, source, parse_time)

    assert rejects == []
    assert [(row["p_event_time"], row["p_event_time_missing"]) for row in rows] == [
        (expected, expected == "2026-02-04T00:00:00Z")
    ]


def test_exported_line_without_time_has_the_one_before_it(
    library: Library, source: Source, parse_time: datetime
) -> None:
    chunks = list(open_export(f"{TASK}/s/000000.gz", [Chunk("lines", [b"2026-02-03T04:05:06.123Z START"])]))

    rows, _ = _parsed(library["AWS.LambdaLogs"], chunks, source, parse_time)

    assert [row["p_event_time"] for row in rows] == ["2026-02-03T04:05:06.123Z"]


def test_times_before_lines_stay_where_no_export_task_wrote_them() -> None:
    chunk = Chunk("lines", [b"2026-02-03T04:05:06.123Z INFO a log of its own"])

    assert list(open_export("logs/app.log", [chunk])) == [chunk]


def test_record_of_many_lines_goes_on_in_the_next_chunk_of_its_object(
    library: Library, source: Source, parse_time: datetime
) -> None:
    head = b"[2026-02-03 04:05:06,123] ERROR broken (kafka.X)"
    chunks = [Chunk("lines", [head, b"\tat a"]), Chunk("lines", [b"\tat b", head], first_row=2)]

    rows, rejects = _parsed(library["AWS.MSK"], chunks, source, parse_time)

    assert rejects == []
    assert [row.get("stack") for row in rows] == ["\tat a\n\tat b", None]
    assert [row["p_source_file"]["row"] for row in rows] == [0, 3]


def test_lines_that_continue_nothing_are_each_rejected(library: Library, source: Source, parse_time: datetime) -> None:
    lines = [b"\tat a", b"\tat b", b"[2026-02-03 04:05:06,123] INFO x (kafka.X)"]

    rows, rejects = _parsed(library["AWS.MSK"], [Chunk("lines", lines)], source, parse_time)

    assert len(rows) == 1
    assert rejects == ["not a line of AWS.MSK"] * 2


def test_pairs_with_many_different_keys_cost_no_column_each(
    library: Library, source: Source, parse_time: datetime
) -> None:
    lines = [f'time="2026-02-03T04:05:06Z" key{number}=1'.encode() for number in range(500)]

    rows, rejects = _parsed(library["Amazon.EKS.Authenticator"], [Chunk("lines", lines)], source, parse_time)

    assert rejects == []
    assert len(rows) == 500
    assert all("p_unmapped" in row for row in rows)


def test_real_time_log_with_a_choice_of_fields_is_rejected_with_the_reason(
    library: Library, source: Source, parse_time: datetime
) -> None:
    chunk = Chunk("lines", [b"1770091506.123\t192.0.2.10\t0.1\t200"])

    assert _parsed(library["AWS.CloudFrontAccess"], [chunk], source, parse_time) == (
        [],
        ["no #Fields line names the columns"],
    )


def test_columns_named_in_one_chunk_hold_for_the_next_ones_of_the_object(
    library: Library, source: Source, parse_time: datetime
) -> None:
    chunks = [
        Chunk("lines", [b"#Version: 1.0", b"#Fields: date time c-ip"]),
        Chunk("lines", [b"2026-02-03\t04:05:06\t192.0.2.10"], first_row=2),
    ]

    rows, rejects = _parsed(library["AWS.CloudFrontAccess"], chunks, source, parse_time)

    assert rejects == []
    assert [row["c_ip"] for row in rows] == ["192.0.2.10"]
