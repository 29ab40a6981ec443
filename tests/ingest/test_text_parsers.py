"""fastmatch, regex with grok, csv and native parsers, each held to what the language reference says."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headwater.ingest.parse import Parsed, Part, parse
from headwater.ingest.rows import row_dicts
from headwater.model import Chunk, ObjectRef, Source
from headwater.schema.load import load_schema
from headwater.schema.logtype import LogType

NOW = datetime(2026, 2, 4, tzinfo=UTC)
SOURCE = Source("111122223333", "payments", "app", "example-logs-111122223333")
Read = Callable[..., list[dict[str, Any] | str]]


def log_type(folder: Path, parser: str, fields: str) -> LogType:
    """A log type of one parser. fields: `a b:int` are a text and a whole number."""
    declared = [f"  - {{name: '{name}', type: {kind or 'string'}}}" for name, _, kind in _pairs(fields)]
    path = folder / "schema.yml"
    path.write_text("\n".join(["schema: Custom.App", "parser:", parser, "fields:", *declared, ""]), encoding="utf-8")
    return load_schema(path)


def _pairs(fields: str) -> list[tuple[str, str, str]]:
    return [each.partition(":") for each in fields.split()]


def rows(parsed: Parsed) -> list[dict[str, Any] | str]:
    """Rows without the standard columns, but p_unmapped; behind them the reasons of the rejects."""
    events = row_dicts(parsed.batch.table) if parsed.batch else []
    kept = [{k: v for k, v in event.items() if not k.startswith("p_") or k == "p_unmapped"} for event in events]
    return [*kept, *(reject.reason for reject in parsed.rejects)]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """read(parser, fields, *lines) gives the rows of one object."""

    def read_lines(parser: str, fields: str, *lines: str) -> list[dict[str, Any] | str]:
        records = [line.encode() for line in lines]
        part = Part(ObjectRef("b", "k"), SOURCE, Chunk("lines", records))
        return rows(parse(log_type(tmp_path, parser, fields), [part], NOW))

    return read_lines


# fastmatch


@pytest.mark.parametrize(
    ("pattern", "line", "expected"),
    [
        pytest.param(
            "%{a} [%{b}] %{c}", "x [INFO] all the rest", {"a": "x", "b": "INFO", "c": "all the rest"}, id="tail"
        ),
        pytest.param("%{a} %{} %{b}", "x drop y", {"a": "x", "b": "y"}, id="anonymous"),
        pytest.param("%{a}@%{b}", "user@host@x", {"a": "user", "b": "host@x"}, id="first place of the delimiter"),
        pytest.param("%{a}--%{b}", "x-y--z", {"a": "x-y", "b": "z"}, id="long delimiter"),
        pytest.param('"%{a}" %{b}', r'"say \"hi\" now" y', {"a": 'say "hi" now', "b": "y"}, id="escaped quotes"),
        pytest.param("''%{a}'' %{b}", "'it''s' y", None, id="quotes inside quotes"),
        pytest.param("%{a} %{b}$", "x 5$", {"a": "x", "b": "5"}, id="text behind the last field"),
        pytest.param("%{a}] %{b}", "x] y", {"a": "x", "b": "y"}, id="bracket as delimiter"),
        pytest.param("%{a}^%{b}", "x^y", {"a": "x", "b": "y"}, id="caret as delimiter"),
        pytest.param("%{a}é%{b}", "xéy", {"a": "x", "b": "y"}, id="letter of two bytes as delimiter"),
        pytest.param("%{a} %{b}", "x  y", {"a": "x", "b": " y"}, id="two blanks"),
        pytest.param("%{user-agent} %{b}", "x y", {"user-agent": "x", "b": "y"}, id="name that no group can have"),
        pytest.param("%{a} %{b}", "one", None, id="no match"),
    ],
)
def test_fastmatch_cuts_lines_at_the_texts_between_fields(
    read: Read, pattern: str, line: str, expected: dict[str, Any] | None
) -> None:
    quoted = json.dumps(pattern)

    found = read(f"  fastmatch: {{match: [{quoted}]}}", "a b c user-agent", line)

    assert found == [expected or "not a line of Custom.App"]


def test_patterns_of_fastmatch_are_tried_in_order(read: Read) -> None:
    parser = "  fastmatch: {match: ['%{a} %{b} %{c}', '%{a} %{c}']}"

    assert read(parser, "a b c", "1 2", "1 2 3", "nothing", "4 5") == [
        {"a": "1", "c": "2"},
        {"a": "1", "b": "2", "c": "3"},
        {"a": "4", "c": "5"},
        "not a line of Custom.App",
    ]


def test_common_log_format_is_read_as_panther_reads_it(read: Read) -> None:
    pattern = '%{remote_ip} %{identity} %{user} [%{timestamp}] "%{method} %{request_uri} %{protocol}" %{status} %{sent}'
    parser = f"  fastmatch: {{match: [{json.dumps(pattern)}], emptyValues: ['-']}}"
    line = '192.0.2.1 - frank [10/Oct/2025:13:55:36 -0700] "GET /a.gif HTTP/1.0" 200 2326'

    (row,) = read(parser, "remote_ip identity user method request_uri protocol status:int sent:bigint", line)

    assert row == {
        "remote_ip": "192.0.2.1",
        "user": "frank",
        "method": "GET",
        "request_uri": "/a.gif",
        "protocol": "HTTP/1.0",
        "status": 200,
        "sent": 2326,
        "p_unmapped": {"timestamp": "10/Oct/2025:13:55:36 -0700"},
    }


# regex


@pytest.mark.parametrize(
    ("match", "line", "expected"),
    [
        pytest.param(r"^(?P<a>\S+) (?P<b>.*)$", "x y z", {"a": "x", "b": "y z"}, id="named groups"),
        pytest.param("%{WORD:a} %{GREEDYDATA:b}", "x y z", {"a": "x", "b": "y z"}, id="grok"),
        pytest.param("^%{IP:a} ", "192.0.2.1 x", {"a": "192.0.2.1"}, id="address"),
        pytest.param("^%{IP:a} ", "2001:db8::1 x", {"a": "2001:db8::1"}, id="address of version 6"),
        pytest.param("^%{IPORHOST:a}$", "app-1.example.com", {"a": "app-1.example.com"}, id="host"),
        pytest.param(
            "^%{HTTPDATE:a}$", "10/Oct/2000:13:55:36 -0700", {"a": "10/Oct/2000:13:55:36 -0700"}, id="http date"
        ),
        pytest.param("^%{SYSLOGTIMESTAMP:a} ", "Feb  3 04:05:06 x", {"a": "Feb  3 04:05:06"}, id="syslog time"),
        pytest.param(
            "^%{TIMESTAMP_ISO8601:a} %{LOGLEVEL:b} ",
            "2026-02-03T04:05:06.7+01:00 WARN x",
            {"a": "2026-02-03T04:05:06.7+01:00", "b": "WARN"},
            id="iso time and level",
        ),
        pytest.param(
            "^%{URI:a}$", "https://example.com:8443/a/b?c=d", {"a": "https://example.com:8443/a/b?c=d"}, id="uri"
        ),
        pytest.param("^%{EMAILADDRESS:a}$", "jo.doe@example.com", {"a": "jo.doe@example.com"}, id="e-mail"),
        pytest.param(
            "^%{UUID:a}$",
            "00000000-0000-4000-8000-000000000001",
            {"a": "00000000-0000-4000-8000-000000000001"},
            id="uuid",
        ),
        pytest.param(
            "^%{QUOTEDSTRING:a} %{NUMBER:b}$", '"x y" -1.5', {"a": '"x y"', "b": "-1.5"}, id="quoted and number"
        ),
        pytest.param(r"(\[%{INT:a}\]|<%{INT:b}>)", "<5>", {"b": "5"}, id="one of two"),
        pytest.param(r"^(x|y) (?<a>[(](u)*[)])$", "y (uu)", {"a": "(uu)"}, id="groups without a name"),
        pytest.param("%{WORD:a}-%{WORD:a}|%{WORD:b}=", "x-y", {"a": "x"}, id="name that comes twice"),
        pytest.param("%{WORD:a-b} %{WORD:b}", "x y", {"a-b": "x", "b": "y"}, id="name that no group can have"),
        pytest.param("^%{TAIL:a}$", "#5", {"a": "#5"}, id="own pattern"),
        pytest.param("^%{NUMBERED:b}$", "#5-#6", {"b": "#5-#6"}, id="own pattern of own patterns"),
    ],
)
def test_regex_takes_named_groups_and_grok(read: Read, match: str, line: str, expected: dict[str, Any]) -> None:
    definitions = "{TAIL: '#[0-9]+', NUMBERED: '%{TAIL}-%{TAIL}'}"
    parser = f"  regex: {{match: [{json.dumps(match)}], patternDefinitions: {definitions}}}"

    assert read(parser, "a b a-b", line) == [expected]


def test_parts_of_a_pattern_are_put_together_without_blanks(read: Read) -> None:
    assert read("  regex: {match: ['^(?P<a>x)', '(?P<b>y)$']}", "a b", "xy", "x y") == [
        {"a": "x", "b": "y"},
        "not a line of Custom.App",
    ]


def test_bytes_that_are_no_utf_8_are_kept_as_far_as_they_go(tmp_path: Path) -> None:
    made = log_type(tmp_path, "  regex: {match: '^(?P<a>.*)$'}", "a")

    parsed = parse(made, [Part(ObjectRef("b", "k"), SOURCE, Chunk("lines", [b"caf\xe9", "é".encode()]))], NOW)

    assert rows(parsed) == [{"a": "caf�"}, {"a": "é"}]


# What all parsers of text share


@pytest.mark.parametrize(
    "parser",
    [
        pytest.param("  fastmatch: {match: ['%{a}|%{b}'], OPTIONS}", id="fastmatch"),
        pytest.param("  regex: {match: '^(?P<a>[^|]*)[|](?P<b>.*)$', OPTIONS}", id="regex"),
        pytest.param("  csv: {delimiter: '|', columns: [a, b], OPTIONS}", id="csv"),
        pytest.param("  delimited: {delimiter: '|', columns: [a, b], hasHeader: false, OPTIONS}", id="delimited"),
    ],
)
@pytest.mark.parametrize(
    ("options", "lines", "expected"),
    [
        pytest.param(
            "emptyValues: ['-', n/a]",
            ["-|n/a", "x|-"],
            ["no field of the schema is there", {"a": "x"}],
            id="empty values",
        ),
        pytest.param("trimSpace: true", [" x | "], [{"a": "x"}], id="blanks"),
        pytest.param(
            "trimSpace: true, emptyValues: ['-']", ["x | - "], [{"a": "x"}], id="blanks around an empty value"
        ),
        pytest.param("expandFields: {c: '%{a}T%{b}Z'}", ["x|y"], [{"a": "x", "b": "y", "c": "xTyZ"}], id="template"),
        pytest.param(
            "expandFields: {c: '<%{a}>', b: '%{nothing}'}", ["x|"], [{"a": "x", "c": "<x>"}], id="template of nothing"
        ),
        pytest.param("skipPrefix: '#'", ["#a|b", "x|y", "#"], [{"a": "x", "b": "y"}], id="comments"),
        pytest.param("skipLines: 2", ["one|1", "two|2", "x|y"], [{"a": "x", "b": "y"}], id="first lines"),
    ],
)
def test_texts_are_cleaned_whatever_the_parser(
    read: Read, parser: str, options: str, lines: Sequence[str], expected: Sequence[Any]
) -> None:
    found = read(parser.replace("OPTIONS", options), "a b c", *lines)

    assert sorted(map(str, found)) == sorted(map(str, expected))


def test_letter_case_of_names_does_not_count_and_the_second_is_kept(read: Read) -> None:
    assert read("  csv: {hasHeader: true}", "user", "USER,User,other", "x,y,z") == [
        {"user": "x", "p_unmapped": {"User": "y", "other": "z"}}
    ]


def test_spelling_as_declared_goes_before_other_letter_case(read: Read) -> None:
    assert read("  csv: {hasHeader: true}", "user", "USER,user", "x,y") == [{"user": "y", "p_unmapped": {"USER": "x"}}]


# csv


@pytest.mark.parametrize(
    ("options", "lines", "expected"),
    [
        pytest.param("hasHeader: true", ["b,a", "1,2"], [{"b": 1, "a": "2"}], id="header names the columns"),
        pytest.param("hasHeader: true, columns: [a, b]", ["x,y", "1,2"], [{"a": "1", "b": 2}], id="header left out"),
        pytest.param("columns: [a, b]", ["x,1", "y,2"], [{"a": "x", "b": 1}, {"a": "y", "b": 2}], id="no header"),
        pytest.param("columns: [a, '', b]", ["x,drop,1"], [{"a": "x", "b": 1}], id="column without name"),
        pytest.param("columns: [a, b]", ['"x, ""y""",1'], [{"a": 'x, "y"', "b": 1}], id="quotes"),
        pytest.param("columns: [a, b], quotes: false", ['"x",1'], [{"a": '"x"', "b": 1}], id="quotes as text"),
        pytest.param('columns: [a, b], quotes: "\'"', ["'x,y',1"], [{"a": "x,y", "b": 1}], id="other quotes"),
        pytest.param('columns: [a, b], delimiter: "\\t"', ["x y\t1"], [{"a": "x y", "b": 1}], id="tabs"),
        pytest.param("columns: [a, b]", ["x,1", "y"], [{"a": "x", "b": 1}, "1 columns, not 2"], id="short line"),
        pytest.param("columns: [a, b]", ["x,1,2"], ["3 columns, not 2"], id="long line"),
        pytest.param("columns: [a, b]", ["x,one"], ["b: 'one' is not of type int"], id="word for a number"),
        pytest.param("columns: [a, b]", [",", "x,"], [{"a": "x"}, "no field of the schema is there"], id="empty cells"),
        pytest.param("hasHeader: true, skipLines: 1", ["title", "a,b", "x,1"], [{"a": "x", "b": 1}], id="title above"),
        pytest.param(
            "hasHeader: true, skipPrefix: '#'",
            ["# by me", "a,b", "x,1", "# end"],
            [{"a": "x", "b": 1}],
            id="comment above",
        ),
        pytest.param("hasHeader: true", ["a,b"], [], id="header alone"),
        pytest.param(
            "hasHeader: true",
            ["a,b,$cost", "x,1,9"],
            [{"a": "x", "b": 1, "p_unmapped": {"$cost": "9"}}],
            id="unknown column",
        ),
        pytest.param(
            "hasHeader: true",
            ["a,b,c,c", "x,1,2,3"],
            [{"a": "x", "b": 1, "p_unmapped": {"c": "2", "c_3": "3"}}],
            id="name twice",
        ),
    ],
)
def test_csv_is_read(read: Read, options: str, lines: Sequence[str], expected: Sequence[Any]) -> None:
    assert read(f"  csv: {{{options}}}", "a b:int", *lines) == expected


def test_later_chunks_take_the_header_of_their_object(tmp_path: Path) -> None:
    made = log_type(tmp_path, "  csv: {hasHeader: true}", "a b:int")
    first, second = Chunk("lines", [b"b,a", b"1,x"]), Chunk("lines", [b"2,y"], first_row=2)
    other = Chunk("lines", [b"3,z"], first_row=7, context={"header": "b,a"})

    together = parse(made, [Part(ObjectRef("b", "k"), SOURCE, chunk) for chunk in (first, second)], NOW)
    apart = parse(made, [Part(ObjectRef("b", "k"), SOURCE, other)], NOW)

    assert rows(together) == [{"b": 1, "a": "x"}, {"b": 2, "a": "y"}]
    assert rows(apart) == [{"b": 3, "a": "z"}]


def test_million_columns_are_a_reject(read: Read) -> None:
    found = read("  csv: {columns: [a, b]}", "a b", ",".join(["x"] * 1_000_000), "x,y")

    assert found == [{"a": "x", "b": "y"}, "more than 10,000 columns"]


def test_lists_and_json_are_read_from_text(read: Read) -> None:
    parser = "  fastmatch: {match: ['%{j};%{o};%{l}']}"

    found = read(parser, "j:json o:json l", '{"a":[1]};plain;["x"]', "5;null;y")

    assert found == [{"j": {"a": [1]}, "o": "plain", "l": '["x"]'}, {"j": 5, "l": "y"}]
