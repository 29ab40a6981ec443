"""Values of other types than declared, as they come from the field: nothing is lost, no digit changes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headwater.ingest.parse import Parsed, Part, parse
from headwater.ingest.rows import row_dicts
from headwater.model import Chunk, ObjectRef, Source
from headwater.schema.load import load_schema

NOW = datetime(2026, 2, 4, tzinfo=UTC)
SOURCE = Source("111122223333", "payments", "app", "example-logs-111122223333")
FIELDS = {
    "string": "{name: x, type: string, description: X.}",
    "bigint": "{name: x, type: bigint, description: X.}",
    "float": "{name: x, type: float, description: X.}",
    "boolean": "{name: x, type: boolean, description: X.}",
    "timestamp": "{name: x, type: timestamp, description: X.}",
    "list<string>": "{name: x, type: array, element: {type: string}, description: X.}",
    "list<int>": "{name: x, type: array, element: {type: int}, description: X.}",
    "json": "{name: x, type: json, description: X.}",
}


def parsed(tmp_path: Path, field: str, *values: str) -> Parsed:
    """Records {"x": value, "n": 1} under a schema where x is of a type."""
    path = tmp_path / "schema.yml"
    path.write_text(
        "schema: Custom.Field\nversion: 1\ndescription: D.\nfields:\n"
        f"  - {FIELDS[field]}\n  - {{name: n, type: int, description: N.}}\n"
    )
    records = [f'{{"x":{value},"n":1}}'.encode() for value in values]
    return parse(load_schema(path), [Part(ObjectRef("b", "k"), SOURCE, Chunk("json", records))], NOW)


def column(made: Parsed) -> list[Any]:
    """The values of x."""
    assert made.rejects == ()
    assert made.batch is not None
    found: list[Any] = made.batch.table["x"].to_pylist()
    return found


@pytest.mark.parametrize(
    ("field", "value", "stored"),
    [
        ("list<string>", '"api"', ["api"]),
        ("list<string>", "5", ["5"]),
        ("list<string>", "null", None),
        ("list<int>", "7", [7]),
        ("string", '["api", 1]', '["api", 1]'),
        ("string", '{"a": 1}', '{"a": 1}'),
        ("string", "18446744073709551616", "18446744073709551616"),
        ("string", "1.10", "1.10"),
        ("string", "true", "true"),
        ("bigint", "9007199254740993", 9007199254740993),
        ("bigint", '"9007199254740993"', 9007199254740993),
        ("json", "18446744073709551616", "18446744073709551616"),
        ("string", '"011122223333"', "011122223333"),
    ],
)
def test_value_of_another_type_is_kept(tmp_path: Path, field: str, value: str, stored: Any) -> None:
    assert column(parsed(tmp_path, field, value)) == [stored]


@pytest.mark.parametrize(
    ("field", "value"),
    [("bigint", '"abc"'), ("bigint", "18446744073709551616"), ("float", '"abc"'), ("boolean", '"maybe"')],
)
def test_value_that_cannot_be_the_type_is_rejected_with_its_field(tmp_path: Path, field: str, value: str) -> None:
    made = parsed(tmp_path, field, "null", value)

    assert [(reject.row, reject.reason.split(":")[0]) for reject in made.rejects] == [(1, "x")]
    assert value.strip('"') in made.rejects[0].raw
    assert made.rows == (1,)


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_column_of_nulls_alone_is_written_with_its_declared_type(tmp_path: Path, field: str) -> None:
    some = {"list<string>": '["a"]', "list<int>": "[1]", "boolean": "true", "timestamp": '"2026-02-03T04:05:06Z"'}
    full = parsed(tmp_path, field, some.get(field, "1"))
    empty = parsed(tmp_path, field, "null")
    paths = [tmp_path / "full.parquet", tmp_path / "empty.parquet"]

    for made, path in zip((full, empty), paths, strict=True):
        assert made.batch is not None
        pq.write_table(made.batch.table, path)

    schemas: list[pa.Schema] = [pq.read_schema(path) for path in paths]
    assert schemas[0].equals(schemas[1], check_metadata=True)


def test_integers_beyond_a_double_reach_rules_exactly(tmp_path: Path) -> None:
    made = parsed(tmp_path, "json", '{"id": 9007199254740993, "big": 18446744073709551616}')

    assert made.batch is not None
    assert row_dicts(made.batch.table)[0]["x"] == {"id": 9007199254740993, "big": "18446744073709551616"}


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb", "a\x00b"], ids=["quote", "backslash", "line-end", "nul"])
def test_unknown_name_that_json_escapes_is_kept_however_often_it_comes(tmp_path: Path, name: str) -> None:
    value = f"1,{json.dumps(name)}:2"

    made = parsed(tmp_path, "bigint", *[value] * 40)

    assert made.batch is not None
    assert [json.loads(text) for text in made.batch.table["p_unmapped"].to_pylist()] == [{name: 2}] * 40
