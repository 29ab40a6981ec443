"""Bytes of one object → chunks of raw records."""

from __future__ import annotations

import bz2
import codecs
import gzip
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from headwater.errors import ObjectError
from headwater.ingest.decode import MAX_LINE_BYTES, Decoded, decode
from headwater.model import Chunk

SHARED = Path(os.environ.get("HEADWATER_SHARED", Path(__file__).parents[2] / "../shared"))
MIB = 1024 * 1024
LINES = b"one 1\ntwo 2\nthree 3\n"
DEEP = b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
SKIPPABLE_FRAME = b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip"


def chunks(body: bytes, *, block: int | None = None, max_bytes: int = 64 * MIB, **options: int) -> list[Chunk]:
    """All chunks of a body."""
    return list(decode(blocks(body, block), max_bytes=max_bytes, **options))


def blocks(body: bytes, size: int | None) -> list[bytes]:
    """The body as a stream delivers it."""
    return [body] if size is None else [body[start : start + size] for start in range(0, len(body), size)]


def records(body: bytes, **options: Any) -> list[tuple[str, bytes]]:
    """Shape and bytes of every record of a body."""
    return [(chunk.shape, bytes(record)) for chunk in chunks(body, **options) for record in chunk.records]


def shapes(body: bytes) -> list[tuple[str, int, int]]:
    """Shape, first row and number of records of every chunk."""
    return [(chunk.shape, chunk.first_row, len(chunk.records)) for chunk in chunks(body)]


def finished(body: bytes) -> Decoded:
    """A decoding that has come to its end."""
    decoded = decode([body], max_bytes=64 * MIB)
    for _ in decoded:
        pass
    return decoded


def error_of(body: bytes, **options: Any) -> ObjectError:
    """The error that a body raises."""
    with pytest.raises(ObjectError) as caught:
        chunks(body, **options)
    return caught.value


def as_lines(*texts: bytes) -> list[tuple[str, bytes]]:
    """Text records, as `records` gives them."""
    return [("lines", text) for text in texts]


def as_json(*texts: bytes) -> list[tuple[str, bytes]]:
    """JSON records, as `records` gives them."""
    return [("json", text) for text in texts]


def subscription(*messages: Any, kind: str = "DATA_MESSAGE", stream: str = "s") -> bytes:
    """One CloudWatch Logs subscription envelope."""
    events = [{"id": str(number), "timestamp": 0, "message": text} for number, text in enumerate(messages)]
    envelope = {"messageType": kind, "owner": "111122223333", "logGroup": "g", "logStream": stream}
    return json.dumps(envelope | {"subscriptionFilters": ["f"], "logEvents": events}).encode()


# Compression


@pytest.mark.parametrize(
    "body",
    [
        LINES,
        gzip.compress(LINES),
        gzip.compress(LINES[:6]) + gzip.compress(b"") + gzip.compress(LINES[6:]),
        gzip.compress(LINES) + bytes(700),
        bz2.compress(LINES[:6]) + bz2.compress(LINES[6:]),
        zstandard.compress(LINES[:6]) + SKIPPABLE_FRAME + zstandard.compress(LINES[6:]),
        SKIPPABLE_FRAME + zstandard.compress(LINES),
        gzip.compress(gzip.compress(LINES)),
        gzip.compress(zstandard.compress(bz2.compress(LINES))),
    ],
    ids=[
        "plain",
        "gzip",
        "members",
        "padding",
        "bzip2",
        "zstd frames",
        "skippable first",
        "gzip twice",
        "three layers",
    ],
)
@pytest.mark.parametrize("block", [None, 1, 7], ids=["one block", "single bytes", "blocks of 7"])
def test_compression_is_found_by_content_and_undone(body: bytes, block: int | None) -> None:
    assert records(body, block=block) == as_lines(b"one 1", b"two 2", b"three 3")


@pytest.mark.parametrize(
    "body",
    [b"", b"\n \r\n", gzip.compress(b""), gzip.compress(b"") * 2, bz2.compress(b""), zstandard.compress(b"")],
    ids=["empty", "blank", "gzip of nothing", "two of nothing", "bzip2 of nothing", "zstd of nothing"],
)
def test_nothing_yields_no_chunks(body: bytes) -> None:
    assert chunks(body) == []


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress], ids=["gzip", "bzip2"])
def test_junk_after_a_whole_member_is_a_warning(pack: Callable[[bytes], bytes]) -> None:
    decoded = decode([pack(LINES) + b"junk"], max_bytes=MIB)

    assert [len(chunk.records) for chunk in decoded] == [3]
    assert decoded.warnings == ("trailing_data",)


def test_padding_after_a_whole_member_is_no_warning() -> None:
    assert finished(gzip.compress(LINES) + bytes(100_000)).warnings == ()


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, zstandard.compress], ids=["gzip", "bzip2", "zstd"])
def test_truncated_archive_names_the_offset_reached(pack: Callable[[bytes], bytes]) -> None:
    body = pack(os.urandom(5000).hex().encode())[:-3]

    error = error_of(body)

    assert error.kind == "truncated"
    assert str(len(body)) in str(error)


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(LINES)[:-8] + b"\0\0\0\0" + gzip.compress(LINES)[-4:],
        gzip.compress(LINES)[:10] + b"\x07" * 40,
        bz2.compress(LINES)[:20] + b"\xff" * 40,
        zstandard.compress(LINES * 99)[:9] + b"\xff" * 40,
        gzip.compress(LINES) + gzip.compress(LINES)[:10] + b"\x07" * 40,
    ],
    ids=["gzip checksum", "deflate data", "bzip2 data", "zstd data", "second member"],
)
def test_damaged_archive_is_corrupt(body: bytes) -> None:
    assert error_of(body).kind == "corrupt"


@pytest.mark.parametrize("unit", [b"a", b"\n", b"\0", b"{"], ids=["text", "blank lines", "NUL", "brackets"])
@pytest.mark.parametrize(
    "pack",
    [gzip.compress, bz2.compress, zstandard.compress, lambda body: gzip.compress(gzip.compress(body)), bytes],
    ids=["gzip", "bzip2", "zstd", "gzip twice", "plain"],
)
def test_uncompressed_size_over_the_limit_is_too_large(pack: Callable[[bytes], bytes], unit: bytes) -> None:
    if pack is bytes and unit == b"\0":
        unit = b"a"  # plain NULs are refused at first sight

    assert error_of(pack(unit * (8 * MIB)), max_bytes=MIB).kind == "too_large"


def test_size_equal_to_the_limit_is_accepted() -> None:
    assert len(records(gzip.compress(LINES), max_bytes=len(LINES))) == 3


def test_stream_is_not_read_beyond_the_limit() -> None:
    taken: list[int] = []

    def endless() -> Iterator[bytes]:
        while True:
            taken.append(MIB)
            yield b"x" * MIB

    with pytest.raises(ObjectError):
        list(decode(endless(), max_bytes=4 * MIB))
    assert sum(taken) <= 6 * MIB


def test_nothing_is_read_before_the_first_chunk_is_asked_for() -> None:
    def forbidden() -> Iterator[bytes]:
        raise AssertionError("read too early")
        yield b""

    assert decode(forbidden(), max_bytes=MIB).warnings == ()


@pytest.mark.parametrize("start", [gzip.compress(LINES)[:20], zstandard.compress(LINES)[:12], bz2.compress(LINES)[:9]])
def test_failure_of_the_source_passes_through_unchanged(start: bytes) -> None:
    def breaking() -> Iterator[bytes]:
        yield start
        raise ConnectionResetError("peer")

    with pytest.raises(ConnectionResetError):
        list(decode(breaking(), max_bytes=MIB))


def test_more_than_three_layers_are_unsupported() -> None:
    body = LINES
    for _ in range(4):
        body = gzip.compress(body)

    assert error_of(body).kind == "unsupported"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"PAR1\x15\x04\x15", "parquet_unsupported"),
        (gzip.compress(b"PAR1\x15\x04\x15"), "parquet_unsupported"),
        (b"\x7fELF\x02\x01", "program"),
        (b"PK\x03\x04\x14\x00", "zip"),
        (b"some\0text", "NUL byte at offset 4"),
    ],
    ids=["parquet", "parquet in gzip", "elf", "zip", "nul"],
)
def test_binary_content_is_unsupported(body: bytes, text: str) -> None:
    error = error_of(body)

    assert error.kind == "unsupported"
    assert text in str(error)


def test_error_names_the_object() -> None:
    with pytest.raises(ObjectError, match=r"a/b\.gz"):
        list(decode([gzip.compress(LINES)[:-3]], max_bytes=MIB, key="a/b.gz"))


def test_bytes_out_counts_what_was_decompressed() -> None:
    assert finished(gzip.compress(LINES)).bytes_out == len(LINES)


# Text


@pytest.mark.parametrize(
    "body",
    [
        "a ü\nb 😀".encode(),
        codecs.BOM_UTF8 + "a ü\nb 😀".encode(),
        codecs.BOM_UTF16_LE + "a ü\nb 😀".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "a ü\nb 😀".encode("utf-16-be"),
    ],
    ids=["utf-8", "byte-order mark", "utf-16 little", "utf-16 big"],
)
@pytest.mark.parametrize("block", [None, 1, 3], ids=["one block", "single bytes", "blocks of 3"])
def test_text_becomes_utf8_without_mark(body: bytes, block: int | None) -> None:
    assert records(body, block=block) == as_lines("a ü".encode(), "b 😀".encode())


def test_byte_order_mark_before_json_is_removed() -> None:
    assert records(codecs.BOM_UTF8 + b'{"a":1}') == as_json(b'{"a":1}')


@pytest.mark.parametrize(
    ("body", "want"),
    [(b"a \xff b\nc", "a \ufffd b"), (b"x" * 5000 + b"\xe3\x83\nc", "x" * 5000 + "\ufffd"), (b"a\xf0\x9f", "a\ufffd")],
    ids=["byte", "cut character", "cut at the end"],
)
def test_invalid_utf8_is_replaced_with_a_warning(body: bytes, want: str) -> None:
    decoded = decode([body], max_bytes=MIB)

    lines = [record for chunk in decoded for record in chunk.records]

    assert lines[0].decode() == want
    assert decoded.warnings == ("invalid_utf8",)


def test_line_ends_and_blank_lines_are_no_part_of_records() -> None:
    assert records(b"a\r\n\r\n  \nb c \nd\r") == as_lines(b"a", b"b c ", b"d")


@pytest.mark.parametrize(
    ("text", "want", "warned"),
    [
        (rb'{"m":"\ud83d"}', rb'{"m":"\ufffd"}', True),
        (rb'{"m":"\uDE00 x"}', rb'{"m":"\ufffd x"}', True),
        (rb'{"m":"\ud83d\ud83d\ude00"}', rb'{"m":"\ufffd\ud83d\ude00"}', True),
        (rb'{"m":"\\ud83d\ude00"}', rb'{"m":"\\ud83d\ufffd"}', True),
        (rb'{"m":"\ud83d\u0041"}', rb'{"m":"\ufffd\u0041"}', True),
        (rb'{"m":"\ud83d\ude00"}', rb'{"m":"\ud83d\ude00"}', False),
        (rb'{"m":"C:\\udata\\ud83d"}', rb'{"m":"C:\\udata\\ud83d"}', False),
        (rb'{"m":"\u00fc \ud7ff"}', rb'{"m":"\u00fc \ud7ff"}', False),
    ],
)
def test_only_lone_surrogate_escapes_are_replaced(text: bytes, want: bytes, warned: bool) -> None:
    decoded = decode([text], max_bytes=MIB)

    (chunk,) = decoded

    assert [bytes(record) for record in chunk.records] == [want]
    assert json.loads(want)["m"].encode()
    assert decoded.warnings == (("lone_surrogate",) if warned else ())


def test_lone_surrogate_inside_a_cloudwatch_message_is_replaced() -> None:
    body = subscription(r'{"m":"\ud83d"}')

    assert records(body) == as_json(rb'{"m":"\ufffd"}')


def test_text_that_only_begins_like_json_is_lines() -> None:
    body = b"[2026-02-03 04:05] start\n{x} y\n"

    assert records(body) == as_lines(b"[2026-02-03 04:05] start", b"{x} y")


def test_line_over_the_bound_is_cut_and_set_apart() -> None:
    decoded = decode(blocks(b"a\n" + b"x" * (MAX_LINE_BYTES + 5) + b"\nb\n", MIB), max_bytes=64 * MIB)

    found = [(chunk.first_row, [len(line) for line in chunk.records], dict(chunk.context)) for chunk in decoded]

    assert found == [(0, [1], {}), (1, [65_536], {"defect": "line_too_long"}), (2, [1], {})]
    assert decoded.warnings == ("line_too_long",)


# JSON framing


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


# Several chunks


@pytest.mark.parametrize("shape", ["json", "lines"])
def test_long_line_based_text_comes_in_several_numbered_chunks(shape: str) -> None:
    texts = [b'{"n":%d}' % number if shape == "json" else b"line %d" % number for number in range(1000)]

    found = chunks(b"\n".join(texts), block=100, segment_bytes=1024)

    assert len(found) > 5
    assert [bytes(record) for chunk in found for record in chunk.records] == texts
    starts = [sum(len(chunk.records) for chunk in found[:index]) for index in range(len(found))]
    assert [chunk.first_row for chunk in found] == starts


@pytest.mark.parametrize(
    "body",
    [
        b'{"Records":[' + b",".join([b'{"a":1}'] * 1000) + b"]}",
        b"[\n" + b",\n".join([b'{"a":1}'] * 1000) + b"\n]",
        b'{"a":1}' * 1000,
    ],
    ids=["records", "array over lines", "concatenated"],
)
def test_long_document_is_split_as_a_whole(body: bytes) -> None:
    assert [(chunk.shape, len(chunk.records)) for chunk in chunks(body, block=100, segment_bytes=1024)] == [
        ("json", 1000)
    ]


def test_value_over_the_end_of_a_segment_stays_whole() -> None:
    pretty = b'{\n"n": [\n' + b"1,\n" * 600 + b"1\n]\n}\n"

    assert len(records(b'{"a":1}\n' + pretty * 3, block=100, segment_bytes=1024)) == 4


def test_first_chunk_arrives_before_the_end_is_read() -> None:
    def stream() -> Iterator[bytes]:
        yield b'{"a":1}\n' * 2000
        raise AssertionError("read to the end")

    first = next(decode(stream(), max_bytes=MIB, segment_bytes=1024))

    assert len(first.records) == 2000


# Faults seen in the field


def field_cases() -> list[Any]:
    """Field faults that say how many records a body holds or how it fails, where their folder is present."""
    path = SHARED / "cases/cases.jsonl"
    if not path.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason="shared cases are absent"))]
    cases = {case["id"]: case for case in map(json.loads, path.read_text().splitlines())}
    wanted = "D01 D03 D04 D06 D07 D09 D10 D12 D13 P29 P30 T13 T14 U02 U05 U06"
    return [pytest.param(cases[name], id=name) for name in wanted.split(" ")]


@pytest.mark.parametrize("case", field_cases())
def test_field_object_is_decoded_as_its_case_says(case: dict[str, Any]) -> None:
    body = (SHARED / "cases" / case["input_file"]).read_bytes()
    check = case["check"]
    decoded = decode([body], max_bytes=check.get("max_uncompressed_bytes", 64 * MIB))

    if "error" in check or "reason_any_of" in check:
        with pytest.raises(ObjectError) as caught:
            list(decoded)
        assert caught.value.kind == check.get("error", "unsupported")
        assert any(reason in str(caught.value) for reason in check.get("reason_any_of", [""]))
        return
    assert sum(len(chunk.records) for chunk in decoded) == check.get("count", check.get("lines"))
    assert check.get("warning") in (None, *decoded.warnings)


def test_every_field_sample_is_decoded_or_refused_cleanly() -> None:
    folder = SHARED / "samples/envelopes"
    if not folder.exists():
        pytest.skip("shared samples are absent")

    refused = {}
    for path in sorted(folder.iterdir()):
        try:
            finished(path.read_bytes())
        except ObjectError as error:
            refused[path.name] = error.kind

    assert refused == {"logstash-corrupted.txt.gz": "truncated"}
