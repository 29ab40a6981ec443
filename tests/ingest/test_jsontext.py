"""JSON of any framing, whole or broken."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.decoding import as_json, chunks, error_of, finished, records, shapes

DEEP = b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}"


def subscription(*messages: Any, kind: str = "DATA_MESSAGE", stream: str = "s") -> bytes:
    """One CloudWatch Logs subscription envelope."""
    events = [{"id": str(number), "timestamp": 0, "message": text} for number, text in enumerate(messages)]
    envelope = {"messageType": kind, "owner": "111122223333", "logGroup": "g", "logStream": stream}
    return json.dumps(envelope | {"subscriptionFilters": ["f"], "logEvents": events}).encode()


@pytest.mark.parametrize(
    "body",
    [
        b'{"Records":[{"a":1},{"b":"}{"}]}',
        b' {\n "Records" : [ {"a":1} , {"b":"}{"} ] }\n',
        b'{"Records":[{"a":1}]}{"Records":[{"b":"}{"}]}',
        b'{"Records":[{"a":1}],"NextToken":"x"}\n{"b":"}{"}',
        b'[{"a":1},{"b":"}{"}]',
        b'[{"a":1}]\n[{"b":"}{"}]',
        b'{"a":1}\n{"b":"}{"}\n',
        b'{"a":1}\r\n\r\n{"b":"}{"}',
        b'{"a":1}{"b":"}{"}',
        b'{"Events":[{"EventId":"1","CloudTrailEvent":"{\\"a\\":1}"},{"CloudTrailEvent":"{\\"b\\":\\"}{\\"}"}]}',
        subscription('{"a":1}', '{"b":"}{"}\n'),
        subscription('{"a":1}') + subscription('{"b":"}{"}'),
        subscription('{"a":1}') + b"\n" + subscription("check", kind="CONTROL_MESSAGE") + subscription('{"b":"}{"}'),
    ],
    ids=[
        *("records", "spaced records", "two records documents", "records then row", "array", "two arrays", "lines"),
        *(
            "crlf lines",
            "concatenated",
            "lookup events",
            "subscription",
            "two subscriptions",
            "control message between",
        ),
    ],
)
@pytest.mark.parametrize("block", [None, 5], ids=["one block", "blocks of 5"])
def test_json_of_any_framing_yields_its_records(body: bytes, block: int | None) -> None:
    assert records(body, block=block) == as_json(b'{"a":1}', b'{"b":"}{"}')


def test_pretty_printed_document_is_one_record() -> None:
    body = b'{\n  "status": "success",\n  "list": [\n    1\n  ]\n}\n'

    assert records(body) == as_json(body.strip())


@pytest.mark.parametrize("body", [b'{"Records":[]}', b'{"Records":null}', b"[]", b'{"Records": [ ]}\n{"Records":[]}'])
def test_document_without_records_yields_no_chunks(body: bytes) -> None:
    assert chunks(body) == []


@pytest.mark.parametrize(
    "body",
    [
        b'{"Records":5}',
        b'{"name":"x","Records":[1]}',
        b'{"Events":[{"id":1}]}',
        b'{"messageType":"OTHER","logEvents":[]}',
        b'{"messageType":"DATA_MESSAGE","logEvents":[{"message":null}]}',
    ],
)
def test_document_that_only_resembles_an_envelope_is_a_record(body: bytes) -> None:
    assert records(body) == as_json(body)


def test_control_message_is_ignored_and_counted() -> None:
    decoded = finished(subscription("CWL CONTROL MESSAGE: Checking health", kind="CONTROL_MESSAGE"))

    assert decoded.ignored == {"cloudwatch_control_message": 1}


def test_lone_surrogate_inside_a_cloudwatch_message_is_replaced() -> None:
    body = subscription(r'{"m":"\ud83d"}')

    assert records(body) == as_json(rb'{"m":"\ufffd"}')


def test_cloudwatch_messages_are_grouped_by_shape_in_order() -> None:
    body = subscription('{"a":1}', "I0203 text", "[ERROR] more", "", '{"b":2}', '{"c":')

    assert shapes(body) == [("json", 0, 1), ("lines", 1, 2), ("json", 3, 1), ("lines", 4, 1)]


def test_cloudwatch_chunk_carries_owner_group_and_stream() -> None:
    body = subscription("x", stream="one") + subscription("y", stream="two") + subscription("z", stream="two")

    found = [(dict(chunk.context), len(chunk.records)) for chunk in chunks(body)]

    assert found == [
        ({"owner": "111122223333", "logGroup": "g", "logStream": "one"}, 1),
        ({"owner": "111122223333", "logGroup": "g", "logStream": "two"}, 2),
    ]


@pytest.mark.parametrize(
    ("body", "want"),
    [
        (b'{"a":1}\n{"b":x}\n{"c":3}\n', [("json", 0, 1), ("lines", 1, 1), ("json", 2, 1)]),
        (b'{"a":1}\n{"b":\n{"c":3}', [("json", 0, 1), ("lines", 1, 1), ("json", 2, 1)]),
        (b'{"a":1}\nI0203 text\nmore "text\n{"c":3}\n', [("json", 0, 1), ("lines", 1, 2), ("json", 3, 1)]),
        (b'{"a":1}{"b":x}{"c":3}', [("json", 0, 1), ("lines", 1, 1), ("json", 2, 1)]),
        (b'{"Records":[{"a":1},{"b":NaN},{"c":3}]}', [("json", 0, 1), ("lines", 1, 1), ("json", 2, 1)]),
        (b'[{"a":1},{"b":"\x01"},{"c":3}]', [("json", 0, 1), ("lines", 1, 1), ("json", 2, 1)]),
        (b'{"a":1}\n' + DEEP + b'\n{"c":3}', [("json", 0, 1), ("lines", 1, 1), ("json", 2, 1)]),
        (b'{"Records":[{"a":1},' + DEEP + b',{"c":3}]}', [("json", 0, 1), ("lines", 1, 1), ("json", 2, 1)]),
        (b'{\n"a": 1\n}\n{\n"b": x\n}\n', [("json", 0, 1), ("lines", 1, 1)]),
    ],
    ids=["line", "open line", "text", "concatenated", "element", "array", "deep line", "deep element", "pretty"],
)
def test_unreadable_part_of_a_readable_text_becomes_a_rejectable_record(
    body: bytes, want: list[tuple[str, int, int]]
) -> None:
    found = chunks(body)

    assert [(chunk.shape, chunk.first_row, len(chunk.records)) for chunk in found] == want
    assert found[1].context == {"defect": "invalid_json"}


def test_unreadable_record_is_cut() -> None:
    found = records(b'{"a":1}\n{"b":"' + "ü".encode() * 100_000 + b'"x}\n{"c":3}\n')

    assert len(found) == 3
    assert 65_533 < len(found[1][1]) <= 65_536
    assert found[1][1].decode()


@pytest.mark.parametrize(
    "body",
    [
        b'{"Records":[{"a":1},{"b":2}',
        b'{"Records":[\n{"a":1},\n{"b":2}\n',
        b'{"a":1}\n{"b":"half of it',
        b'{"a":1}{"b":2}{"c":',
        b'{\n  "a": 1,\n',
        b"{",
        subscription("one", "two")[:-9],
        b'{"a":' + b"[" * 10_000,
    ],
)
def test_text_that_ends_within_a_json_value_is_truncated(body: bytes) -> None:
    assert error_of(body).kind == "truncated"


@pytest.mark.parametrize("body", [b'{"a":x}', b'{"a":x}\n{"b":y}\n{"c":z}', DEEP, b'{"Records":[' + DEEP + b"]}"])
def test_text_without_any_readable_value_is_corrupt(body: bytes) -> None:
    assert error_of(body).kind == "corrupt"
