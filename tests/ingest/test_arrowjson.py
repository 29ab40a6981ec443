"""Arrow values as JSON are what Python makes of them, but for attributes that are null."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.ingest.arrowjson import json_texts

TEXT = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
NUMBER = st.none() | st.integers(-(2**63), 2**63 - 1)
INNER = st.fixed_dictionaries({"t": TEXT, "n": NUMBER, "nothing": st.none()})
ROWS = st.lists(
    st.none()
    | st.fixed_dictionaries(
        {
            "text": TEXT,
            "flag": st.none() | st.booleans(),
            "float": st.none() | st.floats(allow_nan=False, allow_infinity=False),
            "inner": st.none() | INNER,
            "list": st.none() | st.lists(st.none() | INNER, max_size=3),
            "texts": st.none() | st.lists(TEXT, max_size=3),
            "map": st.none() | st.dictionaries(st.text('ab"\\', max_size=2), NUMBER, max_size=3),
        }
    ),
    min_size=1,
    max_size=5,
)
PART = pa.struct([("t", pa.string()), ("n", pa.int64()), ("nothing", pa.null())])
KIND = pa.struct(
    [
        ("text", pa.string()),
        ("flag", pa.bool_()),
        ("float", pa.float64()),
        ("inner", PART),
        ("list", pa.list_(PART)),
        ("texts", pa.list_(pa.string())),
        ("map", pa.map_(pa.string(), pa.int64())),
    ]
)


def _present(value: Any, *, is_map: bool = False) -> Any:
    if isinstance(value, dict):
        return {k: _present(v, is_map=k == "map") for k, v in value.items() if v is not None or is_map}
    return [_present(item) for item in value] if isinstance(value, list) else value


@given(rows=ROWS, skip=st.integers(0, 2))
def test_texts_hold_the_values(rows: list[Any], skip: int) -> None:
    maps = [row and {**row, "map": None if row["map"] is None else list(row["map"].items())} for row in rows]
    array = pa.array(maps, KIND).slice(skip)

    found = [None if text is None else json.loads(text) for text in json_texts(array).to_pylist()]

    assert found == [_present(row) for row in rows[skip:]]


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        pytest.param(pa.array([1, None], pa.uint8()), ["1", None], id="number"),
        pytest.param(pa.array([datetime(2026, 2, 3, tzinfo=UTC)]), ['"2026-02-03T00:00:00Z"'], id="time"),
        pytest.param(pa.array([Decimal("1.10")]), ['"1.10"'], id="decimal"),
        pytest.param(pa.array([b"a\xff"]), ['"a\ufffd"'], id="bytes"),
        pytest.param(pa.array([float("nan"), 1.0]), ["null", "1.0"], id="float"),
        pytest.param(pa.array([{}, None], pa.struct([])), ["{}", None], id="object without parts"),
        pytest.param(pa.array([[], None], pa.list_(pa.int8())), ["[]", None], id="empty list"),
        pytest.param(pa.nulls(2), [None, None], id="nothing"),
    ],
)
def test_other_types(array: pa.Array, expected: list[str | None]) -> None:
    assert json_texts(array).to_pylist() == expected
