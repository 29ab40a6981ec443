"""Functions of the built-in detections that the pre-filter asks about values alone."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson
import pytest

from headwater.detect.conditions import Asked, Than
from headwater.detect.engine import Engine
from headwater.detect.load import builtin_path, load_pack
from headwater.detect.prefilter.calls import is_of_value
from headwater.detect.raw_events import batches
from headwater.model import Batch
from headwater.schema.load import load_library

NOW = datetime(2026, 2, 4, tzinfo=UTC)
OF_VALUES = ("theirs",)
FLOW = {"srcAddr": "10.0.0.1", "dstAddr": "198.51.100.1", "srcPort": 50_000, "action": "ACCEPT", "bytes": 2 << 30}


def theirs(value: Any) -> bool:
    """What a pack that is not ours could have."""
    return bool(value)


@cache
def engine() -> Engine:
    return Engine(load_pack([builtin_path()]))


def flows(*changes: dict[str, Any]) -> Batch:
    lines = [orjson.dumps({**FLOW, **change}) for change in changes]
    [made] = batches(lines, "AWS.VPCFlow", load_library()["AWS.VPCFlow"], NOW, stored=False)
    return made.batch


def picked(rule_id: str, batch: Batch) -> list[int]:
    found = engine().picked(batch)
    return [row for row, runners in found.items() if rule_id in {one.detection.rule_id for one in runners}]


def test_rule_runs_where_its_functions_and_comparisons_hold() -> None:
    changes = [{}, {"bytes": 100}, {"dstAddr": "10.0.0.9"}, {"srcAddr": "198.51.100.7"}, {"bytes": None}]

    assert picked("AWS.VPCFlow.LargeUpload", flows(*changes)) == [0]


@pytest.mark.parametrize(
    ("answer", "held"), [("true", [4]), ("false", [1]), ("error", [0, "x"])], ids=["true", "false", "error"]
)
def test_function_has_one_answer_for_each_value(answer: Any, held: list[Any]) -> None:
    test = Asked("k", lambda value: 2 / value < 1, answer)

    assert [value for value in (0, 1, 4, "x") if test.holds(value)] == held


def test_function_sees_containers_as_a_rule_does() -> None:
    test = Asked("k", lambda answers: answers[0].get("RDATA") == "a", "true")

    assert test.holds([{"Rdata": "a"}])


def test_number_is_compared_and_text_is_not() -> None:
    test = Than("n", ">=", 2)

    assert [value for value in (1, 2, 2.5, True, "3", [3], {}) if test.holds(value)] == [2, 2.5]


def test_functions_of_other_packs_are_not_asked() -> None:
    assert not is_of_value(theirs)  # type: ignore[arg-type]
