"""JSON texts cut into segments yield what they yield as a whole."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headwater.errors import ObjectError
from headwater.ingest.decode import decode
from headwater.ingest.text import KEPT_BYTES
from support.decoding import as_json, blocks, chunks, error_of, finished, records

WHOLE = 1024 * 1024
SMALL = 16  # bytes of a segment, so that every few bytes are a place to cut

TEXTS = st.text(st.sampled_from('a,"\\{}[]:\n é'), max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
ROWS = st.lists(st.dictionaries(st.sampled_from("abc") | TEXTS, VALUES, max_size=3), min_size=1, max_size=12)
FRAMINGS = st.sampled_from(
    ["lines", "concatenated", "array", "records", "late records", "pretty", "documents", "lookup", "subscription"]
)


def framed(rows: list[dict[str, Any]], framing: str) -> bytes:
    """The rows as one text."""
    texts = [json.dumps(row) for row in rows]
    match framing:
        case "lines" | "concatenated":
            return ("\n" if framing == "lines" else "").join(texts).encode()
        case "array":
            return json.dumps(rows, indent=1).encode()
        case "records":
            return json.dumps({"Records": rows}, separators=(",", ":")).encode()
        case "late records":
            return json.dumps({"first": {"a": [1]}, "Records": rows, "last": ["}"]}).encode()
        case "pretty":
            return "\n".join(json.dumps(row or {"a": 1}, indent=2) for row in rows).encode()  # `{}` is a line
        case "documents":
            return "".join(json.dumps({"Records": [row, row]}) for row in rows).encode()
        case "lookup":
            return json.dumps({"Events": [{"Username": "u", "CloudTrailEvent": text} for text in texts]}).encode()
        case _:
            events = [{"id": "1", "message": text} for text in texts]
            return json.dumps({"messageType": "DATA_MESSAGE", "owner": "1", "logEvents": events}).encode()


def outcome(body: bytes, **limits: int) -> list[tuple[str, bytes, dict[str, str]]] | str:
    """Every record of a body, or the kind of its error."""
    try:
        found = list(decode(blocks(body, 7), max_bytes=WHOLE, **limits))
    except ObjectError as error:
        return error.kind
    return [(chunk.shape, bytes(record), dict(chunk.context)) for chunk in found for record in chunk.records]


@settings(derandomize=True, deadline=None, max_examples=300)
@given(ROWS, FRAMINGS, st.integers(min_value=1, max_value=80))
@example([{"a": [{"a": 1}, {"a": 2}]}] * 4, "records", SMALL)
@example([{"a": '},{"a'}] * 4, "array", SMALL)
@example([{"a": "\\"}] * 6, "subscription", 1)
def test_text_cut_anywhere_yields_what_it_yields_as_a_whole(
    rows: list[dict[str, Any]], framing: str, segment: int
) -> None:
    body = framed(rows, framing)

    assert outcome(body, segment_bytes=segment) == outcome(body, segment_bytes=WHOLE)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(
    ROWS,
    FRAMINGS,
    st.integers(1, 40),
    st.integers(0, 400),
)
def test_text_that_ends_early_is_never_taken_for_whole(
    rows: list[dict[str, Any]], framing: str, segment: int, at: int
) -> None:
    body = framed(rows, framing)[:at]

    found, whole = outcome(body, segment_bytes=segment), outcome(body, segment_bytes=WHOLE)

    assert (found == "truncated") == (whole == "truncated")


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.text(st.sampled_from('{}[]",:\\a \n'), max_size=200), st.integers(1, 40), st.integers(1, 60))
def test_any_text_yields_records_or_an_object_error(text: str, segment: int, record: int) -> None:
    body = b'{"a":1}' + text.encode()

    found = outcome(body, segment_bytes=segment, record_bytes=record)

    assert found in ("truncated", "corrupt") or isinstance(found, list)


@pytest.mark.parametrize("framing", ["lines", "concatenated", "array", "records", "late records", "pretty"])
def test_record_too_long_is_kept_cut_and_apart(framing: str) -> None:
    rows = [{"a": 1}, {"a": "x" * 200_000}, {"a": 3}]

    found = chunks(framed(rows, framing), block=1000, segment_bytes=2000, record_bytes=20_000)

    assert [json.loads(bytes(r)) for c in found if c.shape == "json" for r in c.records] == [rows[0], rows[2]]
    (cut,) = [chunk for chunk in found if chunk.shape == "lines"]
    assert (cut.first_row, dict(cut.context)) == (1, {"defect": "record_too_long"})
    assert 2000 <= len(cut.records[0]) <= KEPT_BYTES


def test_broken_record_in_a_long_list_is_set_apart_alone() -> None:
    rows = [b'{"a":1}'] * 200
    rows[100] = b'{"a":NaN}'

    found = records(b'{"Records":[' + b",".join(rows) + b"]}", block=50, segment_bytes=100)

    assert found == [("lines" if b"NaN" in row else "json", row) for row in rows]


def test_broken_line_in_a_long_text_is_set_apart_alone() -> None:
    rows = [b'{"a":1}'] * 200
    rows[100] = b'{"a":'

    found = records(b"\n".join(rows), block=50, segment_bytes=100)

    assert found == [("lines" if row == b'{"a":' else "json", row) for row in rows]


def test_list_of_texts_is_cut_at_commas() -> None:
    rows = [b'"a, b"'] * 2000

    found = chunks(b"[" + b",".join(rows) + b"]", block=50, segment_bytes=100, record_bytes=300)

    assert len(found) > 3
    assert [bytes(record) for chunk in found for record in chunk.records] == rows


@pytest.mark.parametrize("segment", [64, WHOLE], ids=["in segments", "as a whole"])
@pytest.mark.parametrize("before", [b"", b'"NextToken":"x",'], ids=["first", "after others"])
def test_members_beside_the_records_are_counted(before: bytes, segment: int) -> None:
    body = b"{" + before + b'"Records":[' + b",".join([b'{"a":1}'] * 100) + b'],"more":[1]}'

    decoded = decode(blocks(body, 10), max_bytes=WHOLE, segment_bytes=segment)
    found = [bytes(record) for chunk in decoded for record in chunk.records]

    assert found == [b'{"a":1}'] * 100
    assert decoded.ignored == {"beside_records": 1 + bool(before)}


def test_records_document_has_nothing_beside_its_records() -> None:
    assert finished(b'{"Records":[{"a":1}]}').ignored == {}


def test_record_of_ten_thousand_levels_in_a_long_text_is_set_apart() -> None:
    deep = b'{"a":' * 10_000 + b"1" + b"}" * 10_000
    body = b'{"Records":[' + b",".join([b'{"a":1}'] * 5 + [deep] + [b'{"a":1}'] * 5) + b"]}"

    found = chunks(body, block=1000, segment_bytes=2000)

    assert [(chunk.shape, len(chunk.records)) for chunk in found if chunk.shape == "lines"] == [("lines", 1)]
    assert sum(len(chunk.records) for chunk in found) == 11


def test_endless_nesting_is_truncated() -> None:
    error = error_of(b"[" * 100_000, block=1000, segment_bytes=2000, record_bytes=4000)

    assert error.kind == "truncated"


def test_rows_after_a_long_document_are_read() -> None:
    body = b'{"Records":[' + b",".join([b'{"a":1}'] * 100) + b"]}\n" + b'{"b":2}\n' * 3

    assert records(body, block=50, segment_bytes=64) == as_json(*[b'{"a":1}'] * 100, *[b'{"b":2}'] * 3)
