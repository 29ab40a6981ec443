"""No input makes a parser of the schema language raise or lose a line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import SchemaError
from headwater.ingest.parse import Part, parse
from headwater.ingest.rows import row_dicts
from headwater.model import Chunk, ObjectRef, Source
from headwater.schema.load import load_library, load_schema
from headwater.schema.logtype import JsonParser, LogType

NOW = datetime(2026, 2, 4, tzinfo=UTC)
SOURCE = Source("111122223333", "payments", "app", "example-logs-111122223333")
CLEANING = "emptyValues: ['-'], trimSpace: true, expandFields: {all: '%{a}/%{b}'}"
PARSERS = {
    "json": "json: {}",
    "fastmatch": f"""fastmatch: {{match: ['%{{a}} "%{{b}}" %{{c}}', '%{{a}},%{{b}}'], {CLEANING}}}""",
    "regex": f"regex: {{match: '^%{{NOTSPACE:a}}( %{{IP:b}})? %{{GREEDYDATA:c}}$', {CLEANING}}}",
    "csv": f"csv: {{hasHeader: true, {CLEANING}}}",
    "csv without header": f"csv: {{columns: [a, b, c], skipPrefix: '#', skipLines: 1, {CLEANING}}}",
    "delimited": f"delimited: {{delimiter: ' ', columns: [a, b, c], {CLEANING}}}",
}
DEFINED = "definitions: {K: {type: string, trimSpace: true, mask: {type: redact}}}\n"
FIELDS = """\
  - {name: a, type: timestamp, isEventTime: true, timeFormats: [rfc3339, unix, '%d/%b/%Y:%H:%M:%S', '%b %d %T']}
  - {name: b, type: string, validate: {deny: [x]}, mask: {type: obfuscate}, indicators: [ip, url, aws_arn, username]}
  - {name: number, type: int, split: {from: c, separator: ':', index: 1}}
  - {name: real, type: float, rename: {from: all}}
  - {name: list, type: array, element: {type: bigint}, copy: {from: c}}
  - {name: parts, type: object, isEmbeddedJSON: true, rename: {from: c}, fields: [{name: k, type: ref, target: K}]}
  - {name: both, type: string, concat: {paths: [a, parts.k, number], separator: '-'}}
"""

LINES = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=40).map(lambda text: text.encode(errors="surrogatepass")),
    st.lists(
        st.sampled_from([b"a", b"b", b"c", b" ", b",", b'"', b":", b"-", b"[1]", b"7", b"192.0.2.1", b"\\", b"{", b"}"])
    ).map(b"".join),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10), st.just('{"k": 1}')),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["k", "K", "x"]), inner)),
    max_leaves=8,
)
KEYS = st.sampled_from(["a", "b", "c", "A", "all", "parts", "number", "other"])


@pytest.fixture(scope="session")
def types(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, LogType]:
    """A log type for every parser of the language, and those of the library."""
    made = {}
    for name, parser in PARSERS.items():
        path = tmp_path_factory.mktemp("schema") / "schema.yml"
        path.write_text(f"schema: Custom.App\nparser: {{{parser}}}\n{DEFINED}fields:\n{FIELDS}", encoding="utf-8")
        made[name] = load_schema(path)
    return made


def count(log_type: LogType, records: list[bytes]) -> int:
    """How many records became rows or rejects."""
    shape = "json" if isinstance(log_type.parser, JsonParser) else "lines"
    parsed = parse(log_type, [Part(ObjectRef("b", "k"), SOURCE, Chunk(shape, records))], NOW)
    assert parsed.batch is None or len(row_dicts(parsed.batch.table)) == parsed.rows[0]
    return parsed.rows[0] + parsed.rejected[0]


@pytest.mark.parametrize("name", ["fastmatch", "regex"])
@settings(max_examples=150, deadline=None)
@given(lines=st.lists(LINES, max_size=6))
def test_every_line_becomes_a_row_or_a_reject(types: Mapping[str, LogType], name: str, lines: list[bytes]) -> None:
    assert count(types[name], lines) == len(lines)


@pytest.mark.parametrize("name", ["csv", "csv without header", "delimited"])
@settings(max_examples=150, deadline=None)
@given(lines=st.lists(LINES, max_size=6))
def test_no_table_makes_a_parser_raise(types: Mapping[str, LogType], name: str, lines: list[bytes]) -> None:
    blank = sum(not line.strip() for line in lines)
    left_out = {
        "csv": 1,
        "csv without header": 1 + sum(line.startswith(b"#") for line in lines),
        "delimited": len(lines),
    }

    assert len(lines) - blank - left_out[name] <= count(types[name], lines) <= len(lines)


@settings(max_examples=200, deadline=None)
@given(records=st.lists(st.dictionaries(KEYS, VALUES, max_size=5), max_size=4), noise=st.lists(LINES, max_size=2))
def test_every_json_record_becomes_a_row_or_a_reject(
    types: Mapping[str, LogType], records: list[dict[str, object]], noise: list[bytes]
) -> None:
    raw = [dumps(record) for record in records] + noise

    assert count(types["json"], raw) == len(raw)


def dumps(record: dict[str, object]) -> bytes:
    """JSON with whatever Python writes: NaN, lone surrogates, numbers without end."""

    return json.dumps(record).encode()


@settings(max_examples=100, deadline=None)
@given(lines=st.lists(LINES, max_size=4), name=st.sampled_from(sorted(load_library())))
def test_no_line_makes_a_log_type_of_the_library_raise(lines: list[bytes], name: str) -> None:
    assert count(LIBRARY[name], lines) <= len(lines)


LIBRARY = load_library()


@settings(max_examples=300, deadline=None)
@given(text=st.text(st.sampled_from("schema:- {}[]\nfieldsnametyprg,&*'\"#"), max_size=80), data=st.data())
def test_no_file_makes_the_loader_raise_anything_else(
    tmp_path_factory: pytest.TempPathFactory, text: str, data: st.DataObject
) -> None:
    path: Path = tmp_path_factory.getbasetemp() / "fuzzed.yml"
    path.write_text(data.draw(st.sampled_from(["", "schema: A.B\nfields:\n", "parser: "])) + text, encoding="utf-8")

    try:
        loaded = load_schema(path)
    except SchemaError:
        return
    assert loaded.fields
