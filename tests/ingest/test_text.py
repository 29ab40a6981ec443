"""Bytes of any encoding become clean UTF-8 lines."""

from __future__ import annotations

import codecs
import json

import pytest

from headwater.ingest.decode import MAX_LINE_BYTES, decode
from support.decoding import MIB, as_json, as_lines, blocks, records


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


def test_text_that_only_begins_like_json_is_lines() -> None:
    body = b"[2026-02-03 04:05] start\n{x} y\n"

    assert records(body) == as_lines(b"[2026-02-03 04:05] start", b"{x} y")


def test_line_over_the_bound_is_cut_and_set_apart() -> None:
    decoded = decode(blocks(b"a\n" + b"x" * (MAX_LINE_BYTES + 5) + b"\nb\n", MIB), max_bytes=64 * MIB)

    found = [(chunk.first_row, [len(line) for line in chunk.records], dict(chunk.context)) for chunk in decoded]

    assert found == [(0, [1], {}), (1, [65_536], {"defect": "line_too_long"}), (2, [1], {})]
    assert decoded.warnings == ("line_too_long",)
