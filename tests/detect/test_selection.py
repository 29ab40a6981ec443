"""Which rules run on which rows: few, in order, and no more for a pack that is ten times as large."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from headwater.detect.budget import Progress
from headwater.detect.conditions import Condition, OneOf, Truthy, all_of, any_of
from headwater.detect.engine import Engine
from headwater.detect.load import load_pack
from headwater.detect.selection import Selector
from support import ordinary_cloudtrail
from support.mutations import mixed_batch

ON_NAME = "def rule(event):\n    return event.get('eventName') == '{name}' and not event.get('errorCode')\n"


def test_rules_keep_their_order_on_each_row() -> None:
    conditions: list[Condition] = [OneOf("k", frozenset("ab")), True, OneOf("k", frozenset("b"))]

    picked = Selector(list(zip(conditions, ["first", "second", "third"], strict=True))).select(
        pa.table({"k": ["b", "c"]})
    )

    assert picked == {0: ("first", "second", "third"), 1: ("second",)}


def test_rows_without_rules_are_left_out() -> None:
    assert Selector([(OneOf("k", frozenset("a")), "rule")]).select(pa.table({"k": ["b", "a", None]})) == {1: ("rule",)}


@pytest.mark.parametrize(
    ("column", "condition", "rows"),
    [
        (pa.array([1, 2, None]), OneOf("k", frozenset({1.0})), [0]),
        (pa.array([1.5, 2.0, None]), OneOf("k", frozenset({2})), [1]),
        (pa.array([True, False, None]), OneOf("k", frozenset({0})), [1]),
        (pa.array(["a", None, ""]), Truthy("k", negated=True, missing=True), [1, 2]),
        (pa.array([["a"], [], None]), OneOf("k", frozenset(), missing=True), [2]),
        (pa.array([["a"], [], None]), Truthy("k"), [0, 1]),
        (pa.array(["2026-03-01T00:00:00Z", None]).cast(pa.timestamp("us", "UTC")), Truthy("k"), [0]),
        (
            pa.array(["2026-03-01T00:00:00Z", None]).cast(pa.timestamp("us", "UTC")),
            OneOf("k", frozenset({"2026-03-01T00:00:00Z"})),
            [0],
        ),
        (pa.array(["a", "b"]), OneOf("k", frozenset({"a"}), inside=("x",)), []),
        (pa.array(["a", "b"]), OneOf("k", frozenset({"a"}), negated=True, missing=True, inside=("x",)), [0, 1]),
        (pa.array(["a", "b"]).dictionary_encode(), OneOf("k", frozenset({"a"})), [0, 1]),
    ],
    ids=["int", "float", "bool", "text", "no list", "list", "time", "time as text", "inside", "not inside", "unknown"],
)
def test_columns_of_every_type_are_told_as_rows_show_them(column: Any, condition: Condition, rows: list[int]) -> None:
    assert list(Selector([(condition, "rule")]).select(pa.table({"k": column}))) == rows


def test_json_decides_only_where_columns_do_not() -> None:
    condition = all_of(OneOf("k", frozenset("a")), any_of(OneOf("o", frozenset("x"), inside=("y",)), Truthy("n")))
    field = pa.field("o", pa.string(), metadata={b"json": b"true"})
    schema = pa.schema([pa.field("k", pa.string()), pa.field("n", pa.int64()), field])
    table = pa.table({"k": ["a", "a", "b", "a"], "n": [0, 1, 0, 0], "o": ['{"y": "x"}', "{", "{", "{"]}, schema=schema)

    assert list(Selector([(condition, "rule")]).select(table)) == [0, 1]


@pytest.mark.parametrize(
    ("document", "inside"), [('{"y": 123456789012345678901}', ("y",)), ("123456789012345678901", ())]
)
def test_whole_numbers_beyond_64_bits_are_texts_as_rows_show_them(document: str, inside: tuple[str, ...]) -> None:
    schema = pa.schema([pa.field("o", pa.string(), metadata={b"json": b"true"})])
    condition = OneOf("o", frozenset({"123456789012345678901"}), inside=inside)

    assert list(Selector([(condition, "rule")]).select(pa.table({"o": [document]}, schema=schema))) == [0]


def pairs_and_matches(folder: Any, rules: int) -> tuple[int, int]:
    """How many times a rule ran on a row of ordinary traffic. Names beyond those of the first rules occur nowhere."""
    names = sorted({record["eventName"] for record in ordinary_cloudtrail.records(2_000)})[:50]
    names += [f"NoSuchCall{number}" for number in range(rules - len(names))]
    target = folder / str(rules)
    target.mkdir()
    for number, name in enumerate(names):
        head = f"AnalysisType: rule\nRuleID: R{number}\nEnabled: true\nSeverity: Low\nLogTypes: [AWS.CloudTrail]\n"
        (target / f"r{number}.yml").write_text(f"{head}Filename: r{number}.py\n")
        (target / f"r{number}.py").write_text(ON_NAME.format(name=name))
    progress = Progress()
    batch = mixed_batch(ordinary_cloudtrail.records(2_000), "AWS.CloudTrail")
    found = Engine(load_pack([target]), progress=progress).find(batch)
    return progress.cells[0], len(found)


def test_ten_times_the_rules_run_on_no_more_rows_of_ordinary_traffic(tmp_path: Any) -> None:
    small, large = pairs_and_matches(tmp_path, 100), pairs_and_matches(tmp_path, 1_000)

    assert small == large
    assert small[0] == small[1] > 0
