"""The chunks of an object, and the faults seen in the field."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headwater.errors import ObjectError
from headwater.ingest.decode import decode
from support.decoding import MIB, chunks, finished, records

SHARED = Path(os.environ.get("HEADWATER_SHARED", Path(__file__).parents[2] / "../shared"))


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
def test_long_document_is_split_where_records_end(body: bytes) -> None:
    found = chunks(body, block=100, segment_bytes=1024)

    assert len(found) > 3
    assert {chunk.shape for chunk in found} == {"json"}
    assert [bytes(record) for chunk in found for record in chunk.records] == [b'{"a":1}'] * 1000


def test_value_over_the_end_of_a_segment_stays_whole() -> None:
    pretty = b'{\n"n": [\n' + b"1,\n" * 600 + b"1\n]\n}\n"

    assert len(records(b'{"a":1}\n' + pretty * 3, block=100, segment_bytes=1024)) == 4


def test_first_chunk_arrives_before_the_end_is_read() -> None:
    def stream() -> Iterator[bytes]:
        yield b'{"a":1}\n' * 2000
        raise AssertionError("read to the end")

    first = next(decode(stream(), max_bytes=MIB, segment_bytes=1024))

    assert len(first.records) == 2000


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
        assert caught.value.kind == check.get("error", "corrupt")
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
