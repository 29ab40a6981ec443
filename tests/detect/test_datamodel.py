"""Data models: paths, methods, and what udm makes of them."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.detect.datamodel import DataModel, compile_path
from headwater.detect.event import PantherEvent

ROW = {"Name": "Bob", "nothing": None, "d": {"x": {"Y": 1}}, "recs": [{"ip": "1"}, {"ip": "2"}], "one": [{"ip": "1"}]}


def raising(_event: Any) -> None:
    raise ValueError("broken")


@pytest.fixture
def event() -> PantherEvent:
    paths = {"simple": "Name", "nested": "$.d.x.Y", "null": "nothing", "missing": "$.q.r", "case": "name"}
    paths |= {"many": "$.recs[*].ip", "single": "$.one[*].ip", "first": "$.recs[0].ip", "object": "$.d"}
    methods = {"shouting": lambda row: row.get("NAME").upper(), "none": lambda _row: None, "raising": raising}
    methods |= {"kinds": lambda row: [hasattr(row, "udm"), hasattr(row, "deep_get")]}
    return PantherEvent(
        ROW, DataModel("M", ("T",), {name: compile_path(path) for name, path in paths.items()}, methods)
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("simple", "Bob"),
        ("nested", 1),
        ("null", None),
        ("missing", "D"),
        ("case", "D"),
        ("single", "1"),
        ("first", "1"),
        ("object", {"x": {"Y": 1}}),
        ("shouting", "BOB"),
        ("none", None),
        ("kinds", [False, True]),
        ("Name", "Bob"),
        ("absent", "D"),
    ],
)
def test_udm_value(event: PantherEvent, name: str, expected: Any) -> None:
    assert event.udm(name, default="D") == expected


def test_udm_raises_for_many_values_and_what_a_method_raises(event: PantherEvent) -> None:
    with pytest.raises(
        Exception, match=r"JSONPath \[\$\.recs\.\[\*\]\.ip\] in DataModel \[M\], matched multiple fields\."
    ):
        event.udm("many")
    with pytest.raises(ValueError, match="broken"):
        event.udm("raising")


def test_udm_path_names_the_way(event: PantherEvent) -> None:
    assert event.udm_path("nested") == "d.x.Y"
    assert event.udm_path("raising") == "raising"
    assert event.udm_path("missing") is None
    assert event.udm_path("absent") is None


@pytest.mark.parametrize("text", ["", "$", "a[", "a[?(@.b)]", "$.."])
def test_bad_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no field name"):
        compile_path(text)
