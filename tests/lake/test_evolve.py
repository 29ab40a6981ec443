"""Tables follow their schemas: columns come, and none goes or changes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.catalog import Catalog

from headwater.errors import ConfigError
from headwater.lake.commit import append
from headwater.lake.evolve import evolve_table
from headwater.lake.query import query
from headwater.lake.tables import table_name
from headwater.schema.load import load_schema
from headwater.schema.logtype import LogType

NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)


def log_type(tmp_path: Path, *fields: str) -> LogType:
    """A custom log type of the fields given as `name: type`."""
    path = tmp_path / "schema.yml"
    lines = [f"  - {{{field}, description: D.}}\n" for field in fields]
    path.write_text("schema: Custom.App\nversion: 1\ndescription: D.\nfields:\n" + "".join(lines))
    return load_schema(path)


def rows(made: LogType, **columns: object) -> pa.Table:
    """One row of a log type."""
    row = {"p_event_time": NOW, "p_log_type": made.name, **columns}
    return pa.Table.from_pylist([row], made.arrow_schema)


def test_new_fields_become_columns_before_the_first_row_has_them(catalog: Catalog, tmp_path: Path) -> None:
    old = log_type(tmp_path, "name: a, type: string")
    append(catalog, table_name(old.name), rows(old, a="x"), batch_id="1")

    added = evolve_table(catalog, log_type(tmp_path, "name: a, type: string", "name: b, type: float"))

    assert added == ("b",)
    assert query(catalog, "SELECT a, b FROM logs.custom_app").to_pylist() == [{"a": "x", "b": None}]


def test_rows_of_old_and_new_schema_live_in_one_table(catalog: Catalog, tmp_path: Path) -> None:
    old = log_type(tmp_path, "name: a, type: string")
    new = log_type(tmp_path, "name: a, type: string", "name: n, type: array, element: {type: int}")
    append(catalog, table_name(old.name), rows(old, a="x"), batch_id="1")
    append(catalog, table_name(new.name), rows(new, a="y", n=[1]), batch_id="2")
    append(catalog, table_name(old.name), rows(old, a="z"), batch_id="3")  # a worker that has not restarted yet

    found = query(catalog, "SELECT a, n FROM logs.custom_app ORDER BY a").to_pylist()

    assert found == [{"a": "x", "n": None}, {"a": "y", "n": [1]}, {"a": "z", "n": None}]


def test_evolving_twice_adds_nothing(catalog: Catalog, tmp_path: Path) -> None:
    old = log_type(tmp_path, "name: a, type: string")
    append(catalog, table_name(old.name), rows(old, a="x"), batch_id="1")
    new = log_type(tmp_path, "name: a, type: string", "name: b, type: json")
    evolve_table(catalog, new)

    assert evolve_table(catalog, new) == ()


def test_type_without_table_has_nothing_to_evolve(catalog: Catalog, tmp_path: Path) -> None:
    assert evolve_table(catalog, log_type(tmp_path, "name: a, type: string")) is None


@pytest.mark.parametrize("field", ["name: a, type: int", "name: A, type: string"], ids=["retyped", "letter-case"])
def test_column_that_does_not_fit_is_refused_and_nothing_changes(catalog: Catalog, tmp_path: Path, field: str) -> None:
    old = log_type(tmp_path, "name: a, type: string")
    append(catalog, table_name(old.name), rows(old, a="x"), batch_id="1")
    before = catalog.load_table("logs.custom_app").schema()

    with pytest.raises(ConfigError, match="Give the field another name"):
        evolve_table(catalog, log_type(tmp_path, field, "name: b, type: string"))

    assert catalog.load_table("logs.custom_app").schema() == before


def test_tables_from_before_enrichment_gain_its_column(catalog: Catalog, tmp_path: Path) -> None:
    made = log_type(tmp_path, "name: a, type: string")
    before = rows(made, a="x").drop_columns(["p_enrichment"])
    append(catalog, table_name(made.name), before, batch_id="1")

    append(catalog, table_name(made.name), rows(made, a="y", p_enrichment='{"t":{}}'), batch_id="2")

    found = query(catalog, "SELECT a, p_enrichment FROM logs.custom_app ORDER BY a").to_pylist()
    assert found == [{"a": "x", "p_enrichment": None}, {"a": "y", "p_enrichment": '{"t":{}}'}]
