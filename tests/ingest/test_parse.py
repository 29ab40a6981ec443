from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headwater.ingest.parse import Parsed, Part, parse
from headwater.ingest.rows import row_dicts
from headwater.model import Chunk, ObjectRef, Source
from headwater.schema.load import load_library, load_schema
from headwater.schema.logtype import LogType

Rows = Callable[[str, Sequence[Any]], list[dict[str, Any]]]
ParseRecords = Callable[[str, Sequence[Any]], Parsed]
Library = Mapping[str, LogType]

EVENT = {"eventTime": "2026-02-03T04:05:06Z", "eventSource": "s3.amazonaws.com", "eventName": "GetObject"}
FLOW_HEADER = b"version srcaddr dstaddr srcport bytes start log-status"
FLOW_V2 = b"2 111122223333 eni-0 192.0.2.10 192.0.2.20 443 49152 6 10 8400 1770091200 1770091260 ACCEPT OK"
FLOW = b"2 192.0.2.10 192.0.2.20 443 8400 1770091200 OK"


def _event(**fields: Any) -> bytes:
    return json.dumps({**EVENT, **fields}).encode()


def _with(text: str) -> bytes:
    """An event with a member written exactly so."""
    return _event()[:-1] + b"," + text.encode() + b"}"


# JSON


@pytest.mark.parametrize(
    ("member", "column", "expected"),
    [
        pytest.param(
            '"requestParameters":{"b":9007199254740993,"a":1.50E-5}',
            "requestParameters",
            '{"b":9007199254740993,"a":1.50E-5}',
            id="order and numbers",
        ),
        pytest.param('"requestParameters": [1, 2 ]', "requestParameters", "[1, 2 ]", id="spaces"),
        pytest.param('"requestParameters":"abc"', "requestParameters", '"abc"', id="text"),
        pytest.param(
            '"requestParameters":{"Name":"a","name":"b"}',
            "requestParameters",
            '{"Name":"a","name":"b"}',
            id="names that differ in case",
        ),
        pytest.param('"requestParameters":null', "requestParameters", None, id="null"),
        pytest.param('"userIdentity":null', "userIdentity", None, id="null object"),
        pytest.param('"additionalEventData":"plain"', "additionalEventData", '"plain"', id="plain string"),
        pytest.param('"resources":[{"ARN":"x"}]', "resources", '[{"ARN":"x"}]', id="list of objects"),
    ],
)
def test_nested_part_stays_as_it_was_written(
    parse_records: ParseRecords, member: str, column: str, expected: str | None
) -> None:
    batch = parse_records("AWS.CloudTrail", [_with(member)]).batch

    assert batch is not None
    assert batch.table[column].to_pylist() == [expected]


@pytest.mark.parametrize(
    ("member", "column", "expected"),
    [
        pytest.param('"eventVersion":1.10', "eventVersion", "1.10", id="number in a text column"),
        pytest.param('"apiVersion":20171111', "apiVersion", "20171111", id="whole number in a text column"),
        pytest.param('"userAgent":{"a":[1]}', "userAgent", '{"a":[1]}', id="object in a text column"),
        pytest.param('"userAgent":["a"]', "userAgent", '["a"]', id="list in a text column"),
        pytest.param('"userAgent":true', "userAgent", "true", id="boolean in a text column"),
        pytest.param('"readOnly":"true"', "readOnly", True, id="text in a boolean column"),
        pytest.param('"READONLY":false', "readOnly", False, id="name in other letter case"),
    ],
)
def test_value_of_another_type_is_coerced(rows: Rows, member: str, column: str, expected: object) -> None:
    assert rows("AWS.CloudTrail", [_with(member)])[0][column] == expected


def test_unknown_field_is_kept_exactly(parse_records: ParseRecords) -> None:
    batch = parse_records("AWS.CloudTrail", [_event(), _with('"later":{"n":18446744073709551616}')]).batch

    assert batch is not None
    assert batch.table["p_unmapped"].to_pylist() == [None, '{"later":{"n":18446744073709551616}}']


def test_unknown_field_of_every_record_is_kept_exactly(parse_records: ParseRecords) -> None:
    texts = [f'{{"n":{number}.0}}' if number % 3 else "null" for number in range(100)]
    records = [_with(f'"later":{text},"EVENTNAME":"other"') for text in texts] + [_event(), b'{"EVENTNAME":"b"}']
    records.append(_event().replace(b"eventName", b"EVENTNAME"))

    parsed = parse_records("AWS.CloudTrail", records)

    assert parsed.batch is not None
    kept = [{"later": json.loads(text), "EVENTNAME": "other"} for text in texts]
    found = [text and json.loads(text) for text in parsed.batch.table["p_unmapped"].to_pylist()]
    assert found == [*kept, None, None]
    assert parsed.batch.table["eventName"].to_pylist() == ["GetObject"] * 102
    assert [reject.reason for reject in parsed.rejects] == ["eventTime: required, and absent or null"]


def test_of_names_that_differ_in_case_the_declared_one_wins(rows: Rows) -> None:
    row = rows("AWS.CloudTrail", [b'{"EVENTNAME":"other",' + _event()[1:]])[0]

    assert (row["eventName"], row["p_unmapped"]) == ("GetObject", {"EVENTNAME": "other"})


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        pytest.param(_with('"readOnly":"maybe"'), 'readOnly: "maybe" is not of type boolean', id="wrong value"),
        pytest.param(_event(eventTime="yesterday"), "eventTime: 'yesterday' is not of type timestamp", id="no time"),
        pytest.param(
            _event(eventTime={"a": "b" * 200}),
            'eventTime: {"a": "' + "b" * 93 + " is not of type timestamp",
            id="long value",
        ),
        pytest.param(_event(eventName=None), "eventName: required, and absent or null", id="required and null"),
        pytest.param(
            b'{"@timestamp":"2026-02-03T04:05:06Z"}', "eventTime: required, and absent or null", id="none of ours"
        ),
        pytest.param(b"[1]", "not a JSON object: Expected `object`, got `array`", id="list"),
        pytest.param(b'{"a"', "not a JSON object: Input data was truncated", id="cut short"),
    ],
)
def test_record_that_does_not_fit_is_rejected_alone(parse_records: ParseRecords, record: bytes, reason: str) -> None:
    parsed = parse_records("AWS.CloudTrail", [_event(), record, _event()])

    assert [(reject.row, reject.reason, reject.raw) for reject in parsed.rejects] == [(1, reason, record.decode())]
    assert (parsed.rows, parsed.rejected) == ((2,), (1,))


def test_nesting_of_any_depth_is_survived(parse_records: ParseRecords) -> None:
    records = [_with(f'"requestParameters":{"[" * depth}{"]" * depth}') for depth in (10, 300, 900, 5000)]

    parsed = parse_records("AWS.CloudTrail", [_event(), *records])

    assert sum(parsed.rows) + sum(parsed.rejected) == 5
    assert parsed.batch is not None
    assert row_dicts(parsed.batch.table)[0]["eventName"] == "GetObject"


def test_rejected_text_is_bounded(parse_records: ParseRecords) -> None:
    parsed = parse_records("AWS.CloudTrail", [b'{"a":"' + b"x" * 100_000])

    assert len(parsed.rejects[0].raw) == 65_536


def test_reject_names_object_row_and_source(library: Library, make_part: Any, parse_time: datetime) -> None:
    parts = [make_part([_event()], key="a"), make_part([b"[]"], key="b", first_row=7)]

    (reject,) = parse(library["AWS.CloudTrail"], parts, parse_time).rejects

    assert (reject.key, reject.row, reject.log_type) == ("b", 7, "AWS.CloudTrail")
    assert (reject.object_id, reject.source_id, reject.account_id) == (
        parts[1].ref.object_id,
        "111122223333/trail",
        "111122223333",
    )


def test_rows_and_rejects_are_counted_by_part(library: Library, make_part: Any, parse_time: datetime) -> None:
    groups = [[_event(), b"[]"], [], [_event(), _event(), _event()], [b"[]"]]
    parts = [make_part(records, key=str(number)) for number, records in enumerate(groups)]

    parsed = parse(library["AWS.CloudTrail"], parts, parse_time)

    assert (parsed.rows, parsed.rejected) == ((1, 0, 3, 0), (1, 0, 0, 1))
    assert parsed.batch is not None
    assert [row["p_source_file"]["key"] for row in row_dicts(parsed.batch.table)] == ["0", "2", "2", "2"]


def test_many_small_objects_give_the_rows_of_one_large_object(
    library: Library, make_part: Any, parse_time: datetime
) -> None:
    records = [_event(eventID=str(number)) for number in range(500)]

    small = parse(
        library["AWS.CloudTrail"], [make_part([each], key=str(n)) for n, each in enumerate(records)], parse_time
    )
    large = parse(library["AWS.CloudTrail"], [make_part(records)], parse_time)

    assert small.batch is not None
    assert large.batch is not None
    own = [name for name in large.batch.table.column_names if name not in ("p_row_id", "p_source_file")]
    assert small.batch.table.select(own).equals(large.batch.table.select(own))


def test_nothing_gives_no_batch(library: Library, make_part: Any, parse_time: datetime) -> None:
    for parts in ([], [make_part([])]):
        for log_type in library.values():
            parsed = parse(log_type, parts, parse_time)
            assert (parsed.batch, parsed.rejects, sum(parsed.rows)) == (None, (), 0)


def test_chunk_marked_defective_holds_no_rows(library: Library, make_part: Any, parse_time: datetime) -> None:
    parts = [make_part([FLOW_HEADER, FLOW]), make_part([FLOW_V2], key="b", context={"defect": "line_too_long"})]

    parsed = parse(library["AWS.VPCFlow"], parts, parse_time)

    assert (parsed.rows, [reject.reason for reject in parsed.rejects]) == ((1, 0), ["line_too_long"])


@pytest.mark.parametrize("log_type", ["AWS.VPCFlow", "AWS.ALB", "AWS.S3ServerAccess"])
def test_json_in_the_place_of_text_is_rejected(
    library: Library, source: Source, parse_time: datetime, log_type: str
) -> None:
    part = Part(ObjectRef("b", "k"), source, Chunk("json", [msgspec.Raw(b'{"a":1}')]))

    assert parse(library[log_type], [part], parse_time).rejected == (1,)


# VPC flow


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param([FLOW_HEADER, FLOW], 1, id="header"),
        pytest.param([FLOW_HEADER, FLOW, FLOW_HEADER, FLOW], 2, id="header repeated"),
        pytest.param([FLOW_HEADER.replace(b"-", b"_"), FLOW], 1, id="names with underscores"),
        pytest.param([FLOW_HEADER, FLOW.replace(b" ", b"  ") + b" "], 1, id="double spaces"),
        pytest.param([FLOW_HEADER, b"", FLOW], 1, id="blank line"),
        pytest.param(
            [b"srcaddr dstaddr log-status", b"192.0.2.10 192.0.2.20 OK", b"srcaddr dstaddr log-status"],
            1,
            id="texts alone",
        ),
    ],
)
def test_header_is_no_row(parse_records: ParseRecords, lines: list[bytes], expected: int) -> None:
    parsed = parse_records("AWS.VPCFlow", lines)

    assert (parsed.rows, parsed.rejects) == ((expected,), ())
    assert parsed.batch is not None
    assert set(parsed.batch.table["srcAddr"].to_pylist()) == {"192.0.2.10"}


def test_second_header_names_the_columns_behind_it(rows: Rows) -> None:
    other = b"log-status bytes dstaddr srcaddr version"

    found = rows("AWS.VPCFlow", [FLOW_HEADER, FLOW, other, b"NODATA 1 192.0.2.1 192.0.2.2 3"])

    assert [(row["version"], row["srcAddr"], row["bytes"]) for row in found] == [
        (2, "192.0.2.10", 8400),
        (3, "192.0.2.2", 1),
    ]


def test_later_chunk_of_an_object_uses_its_header(library: Library, make_part: Any, parse_time: datetime) -> None:
    parts = [make_part([FLOW_HEADER, FLOW]), make_part([FLOW], first_row=2), make_part([FLOW], key="other")]

    parsed = parse(library["AWS.VPCFlow"], parts, parse_time)

    assert parsed.rows == (1, 1, 0)
    assert [reject.reason for reject in parsed.rejects] == ["7 columns, not 14"]


def test_files_with_other_columns_keep_their_order(library: Library, make_part: Any, parse_time: datetime) -> None:
    other = b"srcaddr dstaddr start end version new-name"
    files = [
        [FLOW_HEADER, FLOW],
        [other, b"192.0.2.1 192.0.2.2 1770091200 - 3 x"],
        [FLOW_HEADER, FLOW, b"bad"],
        [other, b"192.0.2.3 192.0.2.4 - - - -"],
    ]
    parts = [make_part(lines, key=str(number)) for number, lines in enumerate(files)]

    parsed = parse(library["AWS.VPCFlow"], parts, parse_time)

    assert (parsed.rows, parsed.rejected) == ((1, 1, 1, 1), (0, 0, 1, 0))
    assert parsed.batch is not None
    found = row_dicts(parsed.batch.table)
    assert [row["srcAddr"] for row in found] == ["192.0.2.10", "192.0.2.1", "192.0.2.10", "192.0.2.3"]
    assert [row.get("p_unmapped") for row in found] == [None, {"new-name": "x"}, None, None]


def test_word_in_a_number_column_rejects_its_row_alone(parse_records: ParseRecords) -> None:
    parsed = parse_records("AWS.VPCFlow", [FLOW_HEADER, FLOW, FLOW.replace(b"443", b"https"), FLOW])

    assert [(reject.row, reject.reason) for reject in parsed.rejects] == [(2, "srcPort: 'https' is not of type bigint")]
    assert parsed.rows == (2,)


@pytest.mark.parametrize(("port", "expected"), [(b"+443", 443), (b"-1", -1), (b"0443", 443)])
def test_number_in_another_spelling_is_read_beside_any_row(rows: Rows, port: bytes, expected: int) -> None:
    lines = [FLOW_HEADER, FLOW.replace(b"443", port), FLOW]

    assert [row["srcPort"] for row in rows("AWS.VPCFlow", lines)] == [expected, 443]


def test_row_of_nil_marks_alone_is_rejected(parse_records: ParseRecords) -> None:
    parsed = parse_records("AWS.VPCFlow", [FLOW_HEADER, b"- - - - - - -", FLOW])

    assert [(reject.row, reject.reason) for reject in parsed.rejects] == [(1, "no field of the schema is there")]


CSV_SCHEMA = """\
schema: Custom.Csv
description: A table.
parser: {delimited: {delimiter: ",", quote: '"', emptyValues: ["", "n/a"]}}
fields:
  - {name: when, type: timestamp, description: When., isEventTime: true}
  - {name: who, type: string, description: Who.}
  - {name: count, type: int, description: How many.}
"""


@pytest.mark.parametrize(
    ("line", "who", "count"),
    [
        pytest.param(b'2026-02-03T04:05:06Z,"a, ""b""",1', 'a, "b"', 1, id="quoted"),
        pytest.param(b"2026-02-03T04:05:06Z,n/a,", None, None, id="nothing"),
        pytest.param(b'"2026-02-03T04:05:06Z","","2"', None, 2, id="all quoted"),
    ],
)
@pytest.mark.parametrize("beside", [b"2026-02-03T04:05:06Z,x,7", b"2026-02-03T04:05:06Z,x,seven"], ids=["fast", "slow"])
def test_cells_may_be_quoted(
    tmp_path: Path, make_part: Any, parse_time: datetime, beside: bytes, line: bytes, who: str | None, count: int | None
) -> None:
    path = tmp_path / "schema.yml"
    path.write_text(CSV_SCHEMA, encoding="utf-8")

    parsed = parse(load_schema(path), [make_part([b"when,who,count", line, beside])], parse_time)

    assert parsed.batch is not None
    row = row_dicts(parsed.batch.table, [0])[0]
    assert (row["when"], row.get("who"), row.get("count")) == ("2026-02-03T04:05:06Z", who, count)


# S3 access


S3_HEAD = "0a example-logs [03/Feb/2026:04:05:06 +0000] 192.0.2.10 - REQ1 REST.GET.OBJECT a/b.txt"
S3_TAIL = "HOSTID= SigV4 CIPHER AuthHeader example-logs.s3.us-east-1.amazonaws.com TLSv1.3"
S3_TAILS = ["", " HOSTID=", f" {S3_TAIL}", f" {S3_TAIL} -", f" {S3_TAIL} - Yes", f" {S3_TAIL} - Yes us-east-1 a b"]


@pytest.mark.parametrize("tail", S3_TAILS)
@pytest.mark.parametrize("agent", ["curl/8.0", 'a"', '"a', 'a "b" c', '""', 'x" 200 - 1 1 1 1 "y', "-x", "a\\"])
@pytest.mark.parametrize("referrer", ["-", "https://www.example.com/", 'x" 200 - 1 1 1 1', '"'])
def test_client_text_moves_no_other_column(rows: Rows, referrer: str, agent: str, tail: str) -> None:
    line = f'{S3_HEAD} "GET /a/b.txt HTTP/1.1" 403 AccessDenied 243 100 8 7 "{referrer}" "{agent}" -{tail}'

    (row,) = rows("AWS.S3ServerAccess", [line.encode()])

    assert (row["httpstatus"], row["errorcode"], row["bytessent"]) == (403, "AccessDenied", 243)
    assert row.get("hostid") == (tail.split()[0] if tail else None)
    assert row.get("aclRequired") == ("Yes" if "Yes" in tail else None)
    assert f'{row.get("referrer", "-")}" "{row.get("useragent", "-")}' == f'{referrer}" "{agent}'


@pytest.mark.parametrize("agent", ["-", '"-"'])
@pytest.mark.parametrize("referrer", ["-", '"-"'])
@pytest.mark.parametrize("uri", ["-", '"-"'])
def test_nil_mark_is_null_with_and_without_quotes(rows: Rows, uri: str, referrer: str, agent: str) -> None:
    line = f"{S3_HEAD} {uri} - - - 1024 - - {referrer} {agent} - {S3_TAIL}"

    (row,) = rows("AWS.S3ServerAccess", [line.encode()])

    assert {"requesturi", "referrer", "useragent", "httpstatus", "requester", "versionid"}.isdisjoint(row)
    assert (row["objectsize"], row["hostid"]) == (1024, "HOSTID=")


# ALB


ALB_TAIL = (
    ' "forward" "https://a.example.com/" "Reason" "192.0.2.20:80" "200" "Acceptable" "Why" TID_0'
    ' "host" "/uri" "Ok" 192.0.2.9'
)


def _alb(
    client: str = "192.0.2.10:50000", request: str = "GET https://www.example.com:443/ HTTP/1.1", tail: str = ""
) -> bytes:
    return (
        f"https 2026-02-03T04:05:06.123456Z app/example/0 {client} - -1 -1 -1 400 - 34 366 "
        f'"{request}" "curl/8.0" - - - "Root=1" "-" "-" 0 2026-02-03T04:05:06.120000Z{tail}'
    ).encode()


@pytest.mark.parametrize("fields", range(13))
def test_every_generation_of_alb_line_is_read(rows: Rows, fields: int) -> None:
    columns = [
        *("actionsExecuted", "redirectUrl", "errorReason", "targetPortList", "targetStatusCodeList", "classification"),
        *(
            "classificationReason",
            "connTraceId",
            "transformedHost",
            "transformedUri",
            "requestTransformStatus",
            "albNodeIp",
        ),
    ]

    (row,) = rows("AWS.ALB", [_alb(tail="".join(f" {part}" for part in ALB_TAIL.split()[:fields]))])

    assert [name for name in columns if name in row] == columns[:fields]
    assert "p_unmapped" not in row


def test_later_fields_of_an_alb_line_are_kept(rows: Rows) -> None:
    (row,) = rows("AWS.ALB", [_alb(tail=ALB_TAIL + ' more "and more"')])

    assert row["p_unmapped"] == {"additional_fields": 'more "and more"'}


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        pytest.param("192.0.2.10:50000", ("192.0.2.10", 50000), id="ipv4"),
        pytest.param("2001:db8::a9fe:443", ("2001:db8::a9fe", 443), id="ipv6"),
        pytest.param("[2001:db8::a9fe]:443", ("2001:db8::a9fe", 443), id="ipv6 in brackets"),
        pytest.param("-", (None, None), id="nil"),
    ],
)
def test_address_is_cut_at_the_last_colon(rows: Rows, client: str, expected: tuple[str | None, int | None]) -> None:
    (row,) = rows("AWS.ALB", [_alb(client=client)])

    assert (row.get("clientIp"), row.get("clientPort")) == expected


@pytest.mark.parametrize(
    ("request_line", "expected"),
    [
        pytest.param("GET http://a:80/ HTTP/1.1", ("GET", "http://a:80/", "HTTP/1.1"), id="normal"),
        pytest.param("GET http://a:80/x y HTTP/2.0", ("GET", "http://a:80/x y", "HTTP/2.0"), id="space in the URL"),
        pytest.param("GET http://a:80/x- HTTP/1.1", ("GET", "http://a:80/x-", "HTTP/1.1"), id="dash at the URL's end"),
        pytest.param("- http://a:80- ", (None, "http://a:80", None), id="malformed"),
        pytest.param("- http://a:80- -", (None, "http://a:80-", None), id="malformed with version"),
        pytest.param("- - - ", (None, None, None), id="nothing"),
        pytest.param("-", (None, None, None), id="dash"),
        pytest.param("", (None, None, None), id="empty"),
    ],
)
def test_request_line_is_cut_in_three(rows: Rows, request_line: str, expected: tuple[str | None, ...]) -> None:
    (row,) = rows("AWS.ALB", [_alb(request=request_line)])

    assert (
        tuple(row.get(f"requestHttp{part}" if part != "Url" else "requestUrl") for part in ("Method", "Url", "Version"))
        == expected
    )


# Any bytes


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=80), st.sampled_from([_event(), FLOW_HEADER, FLOW, _alb()])), max_size=6))
@example([b"\n"])
def test_no_bytes_break_a_parser(records: list[bytes]) -> None:
    for log_type in load_library().values():
        part = Part(ObjectRef("b", "k"), Source("111122223333", "a", "s", "b"), Chunk("lines", records))
        parsed = parse(log_type, [part], datetime.fromisoformat("2026-02-04T00:00:00+00:00"))
        assert len(parsed.rejects) == sum(parsed.rejected)
        if parsed.batch is not None:
            parsed.batch.table.validate(full=True)
            assert len(row_dicts(parsed.batch.table)) == sum(parsed.rows)
