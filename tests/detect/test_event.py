"""The event that detections read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from headwater.detect.event import ImmutableCaseInsensitiveDict, ImmutableList, PantherEvent

ROW: dict[str, Any] = {
    "Name": "Bob",
    "nothing": None,
    "zero": 0,
    "list": [1, {"A": 2}, [3]],
    "nested": {"Inner": {"deep": 1, "nothing": None}},
    "dup": 1,
    "DUP": 2,
    "records": [{"ip": "1", "tags": [{"k": "a"}, {"k": "b"}]}, {"ip": "2", "tags": []}, {"ip": "1"}],
    "p_event_time": "2024-01-02 03:04:05.123456789",
    "p_udm": {"user": {"email": "u@example.com"}, "zero": 0},
}


@pytest.fixture
def event() -> PantherEvent:
    return PantherEvent(ROW)


@pytest.mark.parametrize(
    ("key", "expected"),
    [("Name", "Bob"), ("NAME", "Bob"), ("dup", 1), ("DUP", 2), ("Dup", 1), ("nothing", None), ("absent", "default")],
)
def test_get_prefers_the_exact_key_then_the_first_of_other_case(event: PantherEvent, key: str, expected: Any) -> None:
    assert event.get(key, "default") == expected
    assert (key in event) is (key != "absent")


def test_missing_key_raises_key_error_with_the_name_asked_for(event: PantherEvent) -> None:
    with pytest.raises(KeyError, match=r"^'Absent'$"):
        event["Absent"]


def test_missing_key_that_is_no_text_raises_attribute_error(event: PantherEvent) -> None:
    with pytest.raises(AttributeError, match="'int' object has no attribute 'lower'"):
        event.get(1)


def test_nested_values_are_wrapped_on_every_way_out(event: PantherEvent) -> None:
    wrapped = [
        event["nested"],
        event.get("nested"),
        dict(event)["nested"],
        dict(event.items())["nested"],
        event.deep_get("nested"),
    ]

    assert {type(value) for value in wrapped} == {ImmutableCaseInsensitiveDict}
    assert [type(value) for value in event["list"]] == [int, ImmutableCaseInsensitiveDict, ImmutableList]
    assert event["list"][1].get("a") == 2


def test_containers_are_mapping_and_sequence_but_not_dict_and_list(event: PantherEvent) -> None:
    assert isinstance(event, Mapping)
    assert not isinstance(event, dict)
    assert isinstance(event["list"], Sequence)
    assert not isinstance(event["list"], list)


@pytest.mark.parametrize("call", ["pop", "update", "setdefault", "clear", "__setitem__", "__delitem__"])
def test_mapping_has_no_mutators(event: PantherEvent, call: str) -> None:
    with pytest.raises(AttributeError, match=f"'PantherEvent' object has no attribute '{call}'"):
        getattr(event, call)


def test_list_slices_to_a_raw_tuple_and_does_not_add(event: PantherEvent) -> None:
    assert event["list"][0:2] == (1, {"A": 2})
    with pytest.raises(TypeError, match="unsupported operand"):
        event["list"] + [1]
    with pytest.raises(IndexError, match="tuple index out of range"):
        event["list"][9]


def test_containers_equal_plain_ones_and_are_unhashable(event: PantherEvent) -> None:
    assert event["list"] == [1, {"A": 2}, [3]]
    assert event["list"] == (1, {"A": 2}, [3])
    assert event["nested"] == {"Inner": {"deep": 1, "nothing": None}}
    assert {"A": 2} in event["list"]
    for container in (event, event["list"], event["nested"]):
        with pytest.raises(TypeError, match="unhashable type"):
            hash(container)


def test_repr_names_the_container(event: PantherEvent) -> None:
    assert f"{event['list']}" == "ImmutableList((1, {'A': 2}, [3]))"
    assert f"{event['list'][1]}" == "ImmutableCaseInsensitiveDict({'A': 2})"


def test_copies_are_deep_plain_and_free_to_change(event: PantherEvent) -> None:
    copied = event.copy()
    copied["nested"]["Inner"]["deep"] = 9
    copied["list"].append(4)

    assert ROW["nested"]["Inner"]["deep"] == 1
    assert event["list"].as_list() == [1, {"A": 2}, [3]]
    assert event["nested"].to_dict() == ROW["nested"]


def test_json_needs_the_encoder(event: PantherEvent) -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        json.dumps(event["nested"])
    assert json.loads(json.dumps({"e": event}, default=PantherEvent.json_encoder)) == {"e": ROW}
    with pytest.raises(TypeError, match="object of type <class 'set'> is not JSON serializable"):
        json.dumps({1}, default=PantherEvent.json_encoder)


@pytest.mark.parametrize(
    ("keys", "default", "expected"),
    [
        (("nested", "inner", "DEEP"), "D", 1),
        (("nested", "Inner", "nothing"), "D", "D"),
        (("nested", "absent", "x"), "D", "D"),
        (("nested", "absent", "x"), {"x": 3}, 3),
        (("Name", "x"), "D", "D"),
        (("list", 0), "D", "D"),
        (("zero",), "D", 0),
    ],
    ids=str,
)
def test_deep_get_walks_mappings_only(event: PantherEvent, keys: tuple[Any, ...], default: Any, expected: Any) -> None:
    assert event.deep_get(*keys, default=default) == expected


@pytest.mark.parametrize(
    ("keys", "options", "expected"),
    [
        (("records", "ip"), {}, ["1", "2"]),
        (("records", "ip"), {"return_val": "first"}, "1"),
        (("records", "ip"), {"return_val": "last"}, "2"),
        (("records", "ip"), {"return_val": "any"}, "all"),
        (("records", "tags", "k"), {}, ["a", "b"]),
        (("RECORDS", "ip"), {"default": "D"}, "D"),
        (("nested", "Inner", "deep"), {}, 1),
        (("nothing",), {"default": "D"}, "D"),
        (("records", "absent"), {}, None),
    ],
    ids=str,
)
def test_deep_walk_goes_through_lists(event: PantherEvent, keys: Any, options: Any, expected: Any) -> None:
    assert event.deep_walk(*keys, **options) == expected


def test_deep_walk_gives_raw_values(event: PantherEvent) -> None:
    assert type(event.deep_walk("nested", "Inner")) is dict


def test_udm_without_model_reads_p_udm_then_the_row(event: PantherEvent) -> None:
    assert event.udm("user", "email") == "u@example.com"
    assert event.udm("Name") == "Bob"
    assert event.udm("zero", default="D") == "D"
    assert event.udm() is None
    with pytest.raises(Exception, match="a data model hasn't been specified") as caught:
        event.udm_path("Name")
    assert type(caught.value).__name__ == "PantherError"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-02 03:04:05.123456789", 1704164645),
        ("2024-01-02T03:04:05Z", 1704164645),
        ("2024-01-02T03:04:05.25Z", 1704164645),
        ("2024-01-02T05:04:05+02:00", 1704164645),
        (None, 0),
    ],
    ids=str,
)
def test_event_time_is_whole_seconds(text: str | None, expected: int) -> None:
    assert PantherEvent({"p_event_time": text}).event_time_epoch() == expected


def test_lookup_gives_the_enrichment_row() -> None:
    event = PantherEvent({"p_enrichment": {"owners": {"i-1": {"Team": "core"}}}})

    assert event.lookup("owners", "i-1").get("team") == "core"
    assert event.lookup("owners", "i-2") is None
    assert event.lookup("absent", "i-1") is None


def test_lookup_finds_a_row_by_the_value_that_matched() -> None:
    rows = {"accountId": {"team": "core", "p_match": "1"}, "p_any_aws_account_ids": [{"team": "edge", "p_match": "2"}]}
    event = PantherEvent({"p_enrichment": {"owners": rows}})

    assert [event.lookup("owners", value)["team"] for value in ("1", "2")] == ["core", "edge"]
    assert event.lookup("owners", "3") is None
