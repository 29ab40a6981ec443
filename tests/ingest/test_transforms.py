"""rename, copy, concat, split, mask, validate and the cleaning of values, on JSON and on text alike."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headwater.ingest.parse import Parsed, Part, parse
from headwater.ingest.rows import row_dicts
from headwater.model import Chunk, ObjectRef, Source
from headwater.schema.load import load_schema

NOW = datetime(2026, 2, 4, tzinfo=UTC)
SOURCE = Source("111122223333", "payments", "app", "example-logs-111122223333")
Read = Callable[..., Parsed]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """read(fields, *records) parses records by fields in YAML, one a line; a dict is a record of JSON."""

    def parsed(fields: str, *records: dict[str, Any] | str, parser: str = "json: {}", more: str = "") -> Parsed:
        lines = [f"  - {line.strip()}" for line in fields.strip().splitlines()]
        path = tmp_path / "schema.yml"
        path.write_text("\n".join(["schema: Custom.App", f"parser: {{{parser}}}", more, "fields:", *lines, ""]))
        raw = [(each if isinstance(each, str) else json.dumps(each)).encode() for each in records]
        chunk = Chunk("json" if parser.startswith("json") else "lines", raw)
        return parse(load_schema(path), [Part(ObjectRef("b", "k"), SOURCE, chunk)], NOW)

    return parsed


def rows(parsed: Parsed) -> list[dict[str, Any]]:
    """Rows without the standard columns, but p_unmapped and found indicators."""
    events = row_dicts(parsed.batch.table) if parsed.batch else []
    wanted = ("p_unmapped", "p_any_")
    return [{k: v for k, v in event.items() if not k.startswith("p_") or k.startswith(wanted)} for event in events]


@pytest.mark.parametrize(
    ("field", "record", "expected"),
    [
        pytest.param("{name: a, type: string, rename: {from: b}}", {"b": "x"}, {"a": "x"}, id="rename"),
        pytest.param("{name: a, type: string, rename: {from: b}}", {"B": "x"}, {"a": "x"}, id="rename in other case"),
        pytest.param("{name: a, type: int, rename: {from: $b}}", {"$b": 5}, {"a": 5}, id="rename of a strange name"),
        pytest.param(
            "{name: a, type: string, copy: {from: b.c}}",
            {"b": {"c": "x", "d": 1}},
            {"a": "x", "p_unmapped": {"b": {"c": "x", "d": 1}}},
            id="copy of a nested value",
        ),
        pytest.param(
            "{name: a, type: string, copy: {from: b}}", {"b": "x"}, {"a": "x"}, id="copy of a key nobody declares"
        ),
        pytest.param(
            "{name: a, type: string, copy: {from: b.C}}",
            {"b": {"c": "x"}},
            {"a": "x", "p_unmapped": {"b": {"c": "x"}}},
            id="copy in other case",
        ),
        pytest.param(
            "{name: a, type: json, copy: {from: b}}", {"b": {"c": [1]}}, {"a": {"c": [1]}}, id="copy of an object"
        ),
        pytest.param("{name: a, type: int, copy: {from: b}}", {"b": "7"}, {"a": 7}, id="copy into another type"),
        pytest.param(
            "{name: a, type: timestamp, timeFormat: unix, copy: {from: b}}",
            {"b": 1770091200},
            {"a": "2026-02-03T04:00:00Z"},
            id="copy into a time",
        ),
        pytest.param(
            "{name: a, type: string, copy: {from: b.c}}",
            {"b": "no object", "other": 1},
            {"x": 1, "p_unmapped": {"b": "no object"}},
            id="copy from nowhere",
        ),
        pytest.param(
            "{name: a, type: string, concat: {paths: [b, c, d], separator: '-'}}",
            {"b": "x", "c": 5, "d": True},
            {"a": "x-5-true"},
            id="concat",
        ),
        pytest.param(
            "{name: a, type: string, concat: {paths: [b, c], separator: '-'}}",
            {"c": "y"},
            {"a": "y"},
            id="concat of some",
        ),
        pytest.param(
            "{name: a, type: timestamp, concat: {paths: [d, t], separator: T}}",
            {"d": "2026-02-03", "t": "04:05:06Z"},
            {"a": "2026-02-03T04:05:06Z"},
            id="concat to a time",
        ),
        pytest.param(
            "{name: a, type: int, split: {from: b, separator: ':', index: 1}}", {"b": "h:80"}, {"a": 80}, id="split"
        ),
        pytest.param(
            "{name: a, type: string, split: {separator: ':', index: 0}}",
            {"a": "h:80"},
            {"a": "h"},
            id="split of itself",
        ),
        pytest.param(
            "{name: a, type: string, split: {from: b, separator: ':', index: 2}}",
            {"b": "h:80", "other": 1},
            {"x": 1},
            id="split beyond the last piece",
        ),
        pytest.param(
            "{name: a, type: string, copy: {from: b.c}, split: {separator: '/', index: 1}}",
            {"b": {"c": "x/y"}},
            {"a": "y", "p_unmapped": {"b": {"c": "x/y"}}},
            id="split of a copy",
        ),
        pytest.param("{name: a, type: string, mask: {type: redact}}", {"a": "secret"}, {"a": "REDACTED"}, id="redact"),
        pytest.param(
            "{name: a, type: string, mask: {type: redact, to: '*'}}", {"a": "secret"}, {"a": "*"}, id="redact to"
        ),
        pytest.param(
            "{name: a, type: string, mask: {type: redact}}",
            {"a": None, "other": 1},
            {"x": 1},
            id="redact nothing",
        ),
        pytest.param(
            "{name: a, type: string, rename: {from: pin}, mask: {type: redact}}",
            {"pin": 12},
            {"a": "REDACTED"},
            id="redact a number",
        ),
        pytest.param("{name: a, type: string, trimSpace: true}", {"a": " x "}, {"a": "x"}, id="trim"),
        pytest.param(
            "{name: a, type: string, emptyValues: ['-', '']}",
            {"a": "-", "other": 1},
            {"x": 1},
            id="empty text",
        ),
        pytest.param("{name: a, type: int, emptyValues: '-'}", {"a": "-", "other": 1}, {"x": 1}, id="empty number"),
        pytest.param(
            "{name: a, type: timestamp, emptyValues: '-'}",
            {"a": "-", "other": 1},
            {"x": 1},
            id="empty time",
        ),
        pytest.param(
            "{name: a, type: array, element: {type: string, trimSpace: true, emptyValues: ['-']}}",
            {"a": [" x", "-"]},
            {"a": ["x", None]},
            id="elements",
        ),
        pytest.param(
            "{name: a, type: object, isEmbeddedJSON: true}", {"a": '{"b":1}'}, {"a": {"b": 1}}, id="embedded object"
        ),
        pytest.param(
            "{name: a, type: json, isEmbeddedJSON: true}", {"a": " [1, 2] "}, {"a": [1, 2]}, id="embedded list"
        ),
        pytest.param(
            "{name: a, type: json, isEmbeddedJSON: true}", {"a": "plain"}, {"a": "plain"}, id="embedded nothing"
        ),
        pytest.param(
            "{name: a, type: json, isEmbeddedJSON: true}", {"a": {"b": 1}}, {"a": {"b": 1}}, id="not embedded at all"
        ),
        pytest.param(
            "{name: a, type: array, element: {type: int}, isEmbeddedJSON: true}",
            {"a": "[1, 2]"},
            {"a": [1, 2]},
            id="embedded numbers",
        ),
        pytest.param(
            "{name: a, type: array, element: {type: int}, isEmbeddedJSON: true}",
            {"a": [1, 2]},
            {"a": [1, 2]},
            id="plain numbers",
        ),
    ],
)
def test_value_of_a_json_record(read: Read, field: str, record: dict[str, Any], expected: dict[str, Any]) -> None:
    found = read(f"{field}\n{{name: x, type: int, rename: {{from: other}}}}", record, {"other": 1})

    assert found.rejects == ()
    assert rows(found) == [expected, {"x": 1}]


TEXT = "csv: {columns: [b, c], emptyValues: ['-']}"


@pytest.mark.parametrize(
    ("fields", "line", "expected"),
    [
        pytest.param("{name: a, type: int, rename: {from: c}}", "x,5", {"a": 5, "p_unmapped": {"b": "x"}}, id="rename"),
        pytest.param(
            "{name: b, type: string}\n{name: a, type: string, copy: {from: b}}", "x,-", {"a": "x", "b": "x"}, id="copy"
        ),
        pytest.param(
            "{name: a, type: string, concat: {paths: [b, c], separator: '-'}}", "x,y", {"a": "x-y"}, id="concat"
        ),
        pytest.param(
            "{name: a, type: int, split: {from: b, separator: ':', index: 1}}", "h:80,-", {"a": 80}, id="split"
        ),
        pytest.param("{name: b, type: string, mask: {type: redact, to: X}}", "secret,-", {"b": "X"}, id="mask"),
        pytest.param(
            "{name: a, type: string, copy: {from: b.k}}",
            '"{""k"":""v""}",-',
            {"a": "v", "p_unmapped": {"b": '{"k":"v"}'}},
            id="copy out of JSON",
        ),
        pytest.param("{name: b, type: array, element: {type: int}}", '"1,2",-', {"b": [1, 2]}, id="list"),
        pytest.param("{name: b, type: array, element: {type: int}}", '"[1, 2]",-', {"b": [1, 2]}, id="list in JSON"),
        pytest.param(
            "{name: b, type: array, split: '|', element: {type: string, trimSpace: true}}",
            "x | y,-",
            {"b": ["x", "y"]},
            id="separator",
        ),
        pytest.param(
            "{name: b, type: object, fields: [{name: k, type: string, mask: {type: redact}}]}",
            '"{""k"":""v""}",-',
            {"b": {"k": "REDACTED"}},
            id="mask inside",
        ),
    ],
)
def test_value_of_a_text_record(read: Read, fields: str, line: str, expected: dict[str, Any]) -> None:
    assert rows(read(fields, line, parser=TEXT)) == [expected]


def test_wrong_element_of_a_list_is_a_reject(read: Read) -> None:
    found = read("{name: b, type: array, element: {type: int}}", '"1,two",-', '"3",-', parser=TEXT)

    assert rows(found) == [{"b": [3]}]
    assert [each.reason for each in found.rejects] == ["b: 'two' is not of type int"]


def test_obfuscated_value_is_its_keyed_hash(read: Read) -> None:
    field = "{name: user, type: string, mask: {type: obfuscate, salt: s3}, indicators: [username]}"

    found = rows(read(field, {"user": "jo"}, {"user": "jo"}, {"user": "al"}))

    jo, al = (hmac.new(b"s3", name, hashlib.sha256).hexdigest() for name in (b"jo", b"al"))
    assert [row["user"] for row in found] == [jo, jo, al]
    assert found[0]["p_any_usernames"] == [jo]  # no trace of the name


def test_second_spelling_of_a_masked_key_is_masked_too(read: Read) -> None:
    found = rows(read("{name: pin, type: string, mask: {type: redact}}", '{"pin": "1", "PIN": "2"}'))

    assert found == [{"pin": "REDACTED", "p_unmapped": {"PIN": "REDACTED"}}]


def test_steps_see_what_the_steps_before_left(read: Read) -> None:
    fields = """
        {name: joined, type: string, concat: {paths: [host, copied], separator: '/'}}
        {name: host, type: string, rename: {from: h}}
        {name: copied, type: string, copy: {from: d.p}}
        {name: last, type: string, split: {from: joined, separator: '/', index: 1}}
    """

    (row,) = rows(read(fields, {"h": "a", "d": {"p": "b"}}))

    assert {name: row[name] for name in ("joined", "host", "copied", "last")} == {
        "joined": "a/b",
        "host": "a",
        "copied": "b",
        "last": "b",
    }


# Validation


@pytest.mark.parametrize(
    ("rule", "good", "bad", "reason"),
    [
        pytest.param("allow: [login, logout]", "login", "Login", "is not one of the allowed values", id="allow"),
        pytest.param("deny: [login]", "logout", "login", "is a denied value", id="deny"),
        pytest.param("ip: any", "2001:db8::1", "192.0.2.300", "is no IP address (any)", id="any address"),
        pytest.param("ip: ipv4", "192.0.2.1", "2001:db8::1", "is no IP address (ipv4)", id="address of version 4"),
        pytest.param("ip: ipv6", "::ffff:192.0.2.1", "192.0.2.1", "is no IP address (ipv6)", id="address of version 6"),
        pytest.param("cidr: any", "192.0.2.9/24", "192.0.2.9", "is no CIDR range (any)", id="any range"),
        pytest.param("cidr: ipv6", "2001:db8::/32", "192.0.2.0/24", "is no CIDR range (ipv6)", id="range of version 6"),
    ],
)
@pytest.mark.parametrize("parser", ["json: {}", "csv: {hasHeader: true}"])
def test_text_that_may_not_be_is_a_reject(read: Read, rule: str, good: str, bad: str, reason: str, parser: str) -> None:
    field = f"{{name: a, type: string, validate: {{{rule}}}}}\n{{name: n, type: int}}"
    values = (good, bad)
    records = (
        [{"a": value, "n": 1} for value in values] if parser == "json: {}" else ["a,n", *(f"{v},1" for v in values)]
    )

    found = read(field, *records, parser=parser)

    assert [row["a"] for row in rows(found)] == [good]
    assert [each.reason for each in found.rejects] == [f"a: {bad!r} {reason}"]


def test_absent_value_is_not_validated(read: Read) -> None:
    assert rows(read("{name: a, type: string, validate: {ip: any}}\n{name: n, type: int}", {"n": 1})) == [{"n": 1}]


def test_reason_does_not_show_a_masked_value(read: Read) -> None:
    found = read("{name: a, type: string, validate: {deny: [x]}, mask: {type: redact}}", {"a": "x"})

    assert [each.reason for each in found.rejects] == ["a: the value is a denied value"]


# Inside objects


@pytest.mark.parametrize(
    ("part", "before", "after"),
    [
        pytest.param(
            "{name: k, type: string, rename: {from: old}}", '{"x":1.50,"old":"v"}', '{"x":1.50,"k":"v"}', id="rename"
        ),
        pytest.param(
            "{name: k, type: string, copy: {from: o.p}}", '{"o":{"p":"v"}}', '{"o":{"p":"v"},"k":"v"}', id="copy"
        ),
        pytest.param(
            "{name: k, type: string, concat: {paths: [a, b], separator: +}}",
            '{"a":1,"b":"x"}',
            '{"a":1,"b":"x","k":"1+x"}',
            id="concat",
        ),
        pytest.param(
            "{name: k, type: string, split: {from: a, separator: '/', index: 1}}",
            '{"a":"1/2"}',
            '{"a":"1/2","k":"2"}',
            id="split",
        ),
        pytest.param("{name: k, type: string, mask: {type: redact, to: X}}", '{"K":"secret"}', '{"K":"X"}', id="mask"),
        pytest.param(
            "{name: k, type: string, mask: {type: redact}}",
            '{"k":{"deep":"secret"}}',
            '{"k":"REDACTED"}',
            id="mask of an object",
        ),
        pytest.param(
            "{name: k, type: json, isEmbeddedJSON: true}", '{"k":"{\\"a\\":1}"}', '{"k":{"a":1}}', id="embedded"
        ),
        pytest.param(
            "{name: k, type: string, trimSpace: true, emptyValues: ['-']}",
            '{"k":" - ","l":5}',
            '{"k":null,"l":5}',
            id="empty",
        ),
        pytest.param(
            "{name: k, type: object, fields: [{name: m, type: string, mask: {type: redact}}]}",
            '{"k":{"m":"s","n":[1]}}',
            '{"k":{"m":"REDACTED","n":[1]}}',
            id="two levels",
        ),
        pytest.param(
            "{name: k, type: array, element: {type: object, fields: [{name: m, type: string, mask: {type: redact}}]}}",
            '{"k":[{"m":"s"},5]}',
            '{"k":[{"m":"REDACTED"},5]}',
            id="in a list",
        ),
        pytest.param("{name: k, type: string, trimSpace: true}", "5", "5", id="no object at all"),
    ],
)
def test_declared_parts_change_and_the_rest_stays_as_it_was_written(
    read: Read, part: str, before: str, after: str
) -> None:
    found = read(f"{{name: o, type: object, fields: [{part}]}}", f'{{"o":{before}}}')

    assert found.batch is not None
    assert found.batch.table["o"].to_pylist() == [after]


def test_nested_text_that_may_not_be_is_a_reject(read: Read) -> None:
    field = "{name: o, type: object, fields: [{name: k, type: string, validate: {allow: [x]}}]}"

    found = read(field, {"o": {"k": "x"}}, {"o": {"k": "y"}})

    assert [each.reason for each in found.rejects] == ["o.k: 'y' is not one of the allowed values"]


def test_indicators_come_from_renamed_and_opened_parts(read: Read) -> None:
    field = (
        "{name: o, type: object, isEmbeddedJSON: true,"
        " fields: [{name: ip, type: string, rename: {from: addr}, indicators: [ip]}]}"
    )

    (row,) = rows(read(field, {"o": '{"addr":"192.0.2.1"}'}))

    assert row == {"o": {"ip": "192.0.2.1"}, "p_any_ip_addresses": ["192.0.2.1"]}


def test_event_time_may_stand_inside_an_object(read: Read) -> None:
    fields = """
        {name: late, type: timestamp, isEventTime: true}
        {name: d, type: object, fields: [{name: t, type: timestamp, isEventTime: true, timeFormat: unix_ms}]}
    """

    found = read(fields, {"d": {"t": 1770091200000}}, {"late": "2026-02-03T05:00:00Z", "d": {"t": 1770091200000}})

    assert found.batch is not None
    assert [time.hour for time in found.batch.table["p_event_time"].to_pylist()] == [4, 5]


# References


def test_definitions_are_used_where_they_are_named(read: Read) -> None:
    actor = "{type: object, fields: [{name: id, type: string, indicators: [actor_id]}]}"
    more = f"definitions: {{Actor: {actor}, Ip: {{type: string, indicators: [ip]}}}}"
    fields = """
        {name: by, type: ref, target: Actor, required: true}
        {name: all, type: array, element: {type: ref, target: Ip}}
        {name: from, type: ref, target: Ip, rename: {from: addr}}
    """

    (row,) = rows(read(fields, {"by": {"id": "X"}, "all": ["192.0.2.1"], "addr": "192.0.2.2"}, more=more))

    assert row["p_any_actor_ids"] == ["X"]
    assert row["p_any_ip_addresses"] == ["192.0.2.1", "192.0.2.2"]
