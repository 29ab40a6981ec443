"""Decoding of anything at all: no record lost, no exception but ObjectError, however the stream is cut."""

from __future__ import annotations

import bz2
import gzip
import json
from collections.abc import Callable
from typing import Any

import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headwater.errors import ObjectError
from headwater.ingest.decode import decode

MAX_BYTES = 1024 * 1024

Pack = Callable[[bytes], bytes]
PACKS: st.SearchStrategy[Pack] = st.sampled_from([bytes, gzip.compress, bz2.compress, zstandard.compress])
CUTS = st.integers(min_value=1, max_value=64)
LINES = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0", exclude_categories=["Cs"]), min_size=1)
JSON_ROWS = st.lists(
    st.dictionaries(
        st.text(max_size=5).filter(lambda key: key not in ("Records", "Events", "messageType")),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"), max_size=10),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
            max_leaves=6,
        ),
        max_size=4,
    ),
    min_size=1,
    max_size=8,
)
JSON_PIECES = st.sampled_from(
    (
        *(b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b"\n", b" ", b"1", b"x", b'{"a":1}', b'"}]}', b"\\ud83d"),
        *(b'{"Records":[', b'{"Events":[{"CloudTrailEvent":"'),
        b'{"messageType":"DATA_MESSAGE","logEvents":[{"message":"',
    )
)


def outcome(body: bytes, size: int) -> list[tuple[str, int, list[bytes]]] | str:
    """Every chunk of a body delivered in blocks of `size`, or the kind of its ObjectError."""
    stream = [body[start : start + size] for start in range(0, len(body), size)]
    try:
        return [
            (chunk.shape, chunk.first_row, [bytes(record) for record in chunk.records])
            for chunk in decode(stream, max_bytes=MAX_BYTES)
        ]
    except ObjectError as error:
        return error.kind


def is_json(text: str) -> bool:
    """True for one JSON value that UTF-8 can hold."""
    return bool(json.dumps(json.loads(text), ensure_ascii=False).encode())


def rows(body: bytes, size: int) -> list[bytes]:
    """All records of a body that decodes."""
    found = outcome(body, size)
    assert not isinstance(found, str), found
    return [record for _, _, records in found for record in records]


@settings(derandomize=True, deadline=None)
@given(st.binary(max_size=400), PACKS, CUTS)
@example(b"\x1f\x8b\x08", bytes, 1)
@example(b"BZh9", bytes, 1)
@example(b"\x28\xb5\x2f\xfd", bytes, 1)
@example(b"\xff\xfe\x00", bytes, 1)
def test_any_bytes_decode_or_raise_an_object_error(body: bytes, pack: Pack, size: int) -> None:
    packed = pack(body)

    assert outcome(packed, size) == outcome(packed, len(packed) or 1)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.lists(JSON_PIECES, max_size=30).map(b"".join), CUTS)
def test_any_json_like_text_decodes_to_utf8_or_raises_an_object_error(body: bytes, size: int) -> None:
    found = outcome(body, size)

    if not isinstance(found, str):
        for shape, _, records in found:
            for record in records:
                text = record.decode()
                assert shape == "lines" or is_json(text)


@settings(derandomize=True, deadline=None)
@given(st.binary(min_size=1, max_size=60), st.integers(0, 400), PACKS)
def test_damaged_archive_decodes_or_raises_an_object_error(junk: bytes, at: int, pack: Pack) -> None:
    packed = pack(b'{"a":1}\n' * 40)

    assert outcome(packed[:at] + junk + packed[at + len(junk) :], 50)


@settings(derandomize=True, deadline=None)
@given(st.lists(LINES.filter(str.strip), min_size=1), PACKS, CUTS, st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_every_line_of_a_text_is_a_record(lines: list[str], pack: Pack, size: int, end: str) -> None:
    texts = ["# head", *lines]  # a first line that is neither JSON nor binary
    body = pack(end.join(texts).encode())

    assert [row.decode() for row in rows(body, size)] == texts


@settings(derandomize=True, deadline=None)
@given(
    JSON_ROWS,
    PACKS,
    CUTS,
    st.sampled_from(["lines", "concatenated", "array", "records", "pretty"]),
    st.booleans(),
)
def test_every_json_record_survives_its_framing(
    values: list[dict[str, Any]], pack: Pack, size: int, framing: str, ascii_only: bool
) -> None:
    body = pack(frame(values, framing, ascii_only).encode())

    assert [json.loads(row) for row in rows(body, size)] == values


def frame(values: list[dict[str, Any]], framing: str, ascii_only: bool) -> str:
    """JSON values as one text."""
    if framing == "array":
        return json.dumps(values, ensure_ascii=ascii_only)
    if framing == "records":
        return json.dumps({"Records": values}, ensure_ascii=ascii_only)
    indent = 2 if framing == "pretty" else None
    return {"lines": "\n"}.get(framing, "").join(json.dumps(v, ensure_ascii=ascii_only, indent=indent) for v in values)
