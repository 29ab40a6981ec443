"""Inference: types that keep every value, the same whatever the order of the rows."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.schema.infer import Proposed, Rules, infer
from headwater.schema.observe import MAX_COLUMNS, MAX_DEPTH, MAX_MEMBERS, MAX_NODES, Observations
from headwater.schema.yamltext import schema_yaml


def observed(records: Sequence[dict[str, Any]]) -> Observations:
    seen = Observations()
    for record in records:
        seen.add(record)
    return seen


def inferred(*records: dict[str, Any], text: bool = False) -> dict[str, Proposed]:
    return {each.wire: each for each in infer(observed(records), Rules(text=text))}


def values(name: str, *found: Any, text: bool = False) -> Proposed:
    return inferred(*({name: value} for value in found), text=text)[name]


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        ([1, 2], "int"),
        ([1, 2**31], "bigint"),
        ([9007199254740993], "bigint"),
        ([1, 18446744073709551616], "string"),
        ([1, 2.5], "float"),
        ([9007199254740993, 2.5], "string"),
        ([float("inf")], "string"),
        ([True, False], "boolean"),
        ([True, 1], "string"),
        ([123, "abc", None], "string"),
        (["1", "2"], "string"),
        (["011122223333"], "string"),
        ([None], "string"),
        ([["a"], "b", None], "array"),
        ([[]], "array"),
        ([[1, [2]]], "json"),
        ([[{"a": 1}], {"a": 1}], "json"),
        ([[{"a": 1}], "x"], "json"),
        ([{"a": 1}, "x"], "json"),
        ([{"a": 1}], "object"),
        ([{}], "json"),
        ([[{"a": 1}, {"b": "x"}]], "array"),
    ],
    ids=str,
)
def test_type_keeps_every_value(found: list[Any], kind: str) -> None:
    assert values("x", *found).type == kind


@pytest.mark.parametrize(
    ("found", "element"),
    [([["a"], "b"], "string"), ([[1], 2], "int"), ([[1], ["a"]], "string"), ([[1], 2.5], "float"), ([[]], "string")],
    ids=str,
)
def test_single_value_beside_lists_is_a_list_of_one(found: list[Any], element: str) -> None:
    inner = values("x", *found).element

    assert inner is not None
    assert inner.type == element


@pytest.mark.parametrize(
    ("name", "found", "formats"),
    [
        ("x", ["2026-02-03T04:05:06Z", "2026-02-03T04:05:06.123456789+01:00"], ("rfc3339",)),
        ("x", ["2026-02-03 04:05:06"], ("rfc3339",)),
        ("x", ["2026-02-03T04:05:06+0000"], ("%Y-%m-%dT%H:%M:%S%z",)),
        ("x", ["03/Feb/2026:04:05:06 +0000"], ("%d/%b/%Y:%H:%M:%S %z",)),
        ("x", ["13/02/2026 04:05:06", "01/02/2026 04:05:06"], ("%d/%m/%Y %H:%M:%S",)),
        ("x", ["01/02/2026 04:05:06"], ()),
        ("x", ["2026-02-03T04:05:06Z", "20260203T040506Z"], ("rfc3339", "%Y%m%dT%H%M%SZ")),
        ("x", ["2026-02-03T04:05:06Z", "never"], ()),
        ("x", ["2026-13-03T04:05:06Z"], ()),
        ("apiVersion", ["2010-03-22"], ()),
        ("eventDate", ["2010-03-22"], ("%Y-%m-%d",)),
        ("ts", [1770091500], ("unix",)),
        ("timestamp", [1770091500123], ("unix_ms",)),
        ("event_time", [1770091500123456, 0], ("unix_us",)),
        ("time_ns", [1770091500123456789], ("unix_ns",)),
        ("created", [1770091500.25], ("unix",)),
        ("time", [1770091500, 1770091500123], ()),
        ("time", [0], ()),
        ("timeout", [1770091500], ()),
        ("requests", [1770091500], ()),
        ("time", ["1770091500"], ("unix",)),
    ],
    ids=str,
)
def test_times_are_known_by_look_range_and_name(name: str, found: list[Any], formats: tuple[str, ...]) -> None:
    assert values(name, *found).time_formats == formats


@pytest.mark.parametrize(
    ("name", "found", "indicator"),
    [
        ("x", ["192.0.2.1", "2001:db8::1"], "ip"),
        ("x", ["192.0.2.1", "www.example.com"], "hostname"),
        ("x", ["www.example.com"], "domain"),
        ("x", ["report.html"], None),
        ("x", ["https://example.com/a"], "url"),
        ("x", ["arn:aws:iam::111122223333:root"], "aws_arn"),
        ("x", ["111122223333", "011122223333"], "aws_account_id"),
        ("x", ["202602030405"], "aws_account_id"),
        ("startTime", ["202602030405"], None),
        ("accountId", ["111122223333", "anonymous"], "aws_account_id"),
        ("x", ["i-0123456789abcdef0"], "aws_instance_id"),
        ("x", ["d41d8cd98f00b204e9800998ecf8427e"], "md5"),
        ("traceId", ["d41d8cd98f00b204e9800998ecf8427e"], "trace_id"),
        ("x", ["a" * 40], "sha1"),
        ("x", ["0" * 64], "sha256"),
        ("x", ["ann@example.com"], "email"),
        ("userName", ["ann"], "username"),
        ("x", [["192.0.2.1"], "192.0.2.2"], "ip"),
        ("x", ["hello"], None),
    ],
    ids=str,
)
def test_indicators_are_found_by_value_and_name(name: str, found: list[Any], indicator: str | None) -> None:
    assert values(name, *found).indicators == ((indicator,) if indicator else ())


def test_account_numbers_are_indicators_by_name() -> None:
    assert values("recipientAccountId", 111122223333).indicators == ("aws_account_id",)


@pytest.mark.parametrize(
    ("name", "cells", "kind"),
    [
        ("status", ["200", "404"], "int"),
        ("bytes", ["1", "9007199254740993"], "bigint"),
        ("bytes", ["18446744073709551616"], "string"),
        ("cost", ["1", "2.5"], "float"),
        ("cost", ["1e400", "2.5"], "string"),
        ("code", ["007", "8"], "string"),
        ("accountId", ["111122223333"], "string"),
        ("zip", ["98765"], "string"),
        ("version", ["1.10"], "string"),
        ("flag", ["true", "false"], "boolean"),
        ("flag", ["true", "no"], "string"),
        ("x", ["+1"], "string"),
        ("x", ["-0"], "string"),
    ],
    ids=str,
)
def test_cells_become_numbers_only_where_nothing_is_lost(name: str, cells: list[str], kind: str) -> None:
    assert values(name, *cells, text=True).type == kind


def test_field_is_required_when_no_row_lacks_it() -> None:
    fields = inferred({"a": 1, "b": 1, "c": None}, {"a": 2, "b": None}, {})

    assert {name: each.required for name, each in fields.items()} == {"a": True, "b": False, "c": False}


def test_event_time_is_chosen_by_name_then_by_presence() -> None:
    time = "2026-02-03T04:05:06Z"

    fields = inferred({"createdAt": time, "eventTime": time, "other": time}, {"createdAt": time, "eventTime": time})

    assert [name for name, each in fields.items() if each.event_time] == ["eventTime"]


def test_names_that_differ_by_letter_case_are_one_field() -> None:
    fields = inferred({"UserName": "ann"}, {"userName": "bob"})

    assert list(fields) == ["UserName"]


def test_odd_names_become_columns_that_need_no_quotes() -> None:
    fields = inferred({"@timestamp": 1, "timestamp": 2, "a.b": 3, "1e5": 4, "p_log_type": 5})

    assert {wire: each.name for wire, each in fields.items()} == {
        "@timestamp": "timestamp_2",
        "timestamp": "timestamp",
        "a.b": "a_b",
        "1e5": "f_1e5",
        "p_log_type": "raw_p_log_type",
    }


def test_map_whose_keys_are_data_is_json() -> None:
    wide = {f"key{number}": number for number in range(MAX_MEMBERS + 1)}

    assert inferred({"tags": wide})["tags"].type == "json"


def test_deep_objects_end_in_json() -> None:
    record: dict[str, Any] = {"leaf": 1}
    for _ in range(MAX_DEPTH + 2):
        record = {"inner": record}

    found = inferred(record)["inner"]

    for _ in range(MAX_DEPTH - 2):
        found = found.fields[0]
    assert found.fields[0].type == "json"


def test_too_many_columns_are_noticed() -> None:
    assert observed([{f"c{number}": 1 for number in range(MAX_COLUMNS + 1)}]).too_wide


def test_memory_is_bounded_whatever_the_records() -> None:
    seen = Observations()
    for outer in range(60):
        seen.add({f"o{outer}": {f"m{n}": {f"i{k}": 1 for k in range(90)} for n in range(90)}})

    text = schema_yaml("Custom.X", infer(seen, Rules()), description="d", parser={})

    assert text.count("- name:") <= MAX_NODES


@pytest.mark.parametrize(
    "value", ["hunter2-hunter2-hunter2", "AKIAIOSFODNN7EXAMPLE", "eyJhbGciOiJIUzI1NiJ9"], ids=["long", "key", "jwt"]
)
def test_opaque_values_are_no_examples(value: str) -> None:
    assert value not in values("x", value).description


def test_values_of_secret_fields_are_no_examples() -> None:
    assert "hunter2" not in values("userPassword", "hunter2").description


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "-", "a", "007", "2026-02-03T04:05:06Z", "192.0.2.1", "1770091500", "111122223333", "x.com"]),
    st.text(max_size=5),
)
NAMES = st.sampled_from(["a", "A", "b", "time", "id", "x.y", "@ts", "p_x"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)
RECORDS = st.lists(st.dictionaries(NAMES, VALUES, max_size=5), min_size=1, max_size=8)


@settings(max_examples=200, deadline=None)
@given(RECORDS, st.integers(0, 1000))
def test_order_of_rows_does_not_count(records: list[dict[str, Any]], seed: int) -> None:
    shuffled = random.Random(seed).sample(records, len(records))

    texts = [
        schema_yaml("Custom.X", infer(observed(rows), Rules()), description="d", parser={})
        for rows in (records, shuffled)
    ]

    assert texts[0] == texts[1]
