"""Queries: SQL over the lake's tables and over nothing else."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.catalog import Catalog

from headwater.errors import QueryError
from headwater.lake.commit import append
from headwater.lake.query import query
from support.lake import SCHEMA, START, TABLE, rows


@pytest.fixture
def lake(catalog: Catalog) -> Catalog:
    append(catalog, TABLE, rows(40, hours=4), batch_id="b1")
    return catalog


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (f"SELECT count(*) AS n FROM {TABLE}", [{"n": 40}]),
        ('select COUNT(*) as n from LOGS."AWS_CloudTrail" where httpstatus = 201', [{"n": 20}]),
        (f"FROM {TABLE} SELECT count(*) AS n WHERE p_event_time >= '2026-03-01 15:00:00'", [{"n": 10}]),
        (f"WITH x AS (SELECT * FROM {TABLE}) SELECT max(p_source_file.row) AS n FROM x", [{"n": 39}]),
        (f"SELECT count(*) AS n FROM {TABLE} WHERE list_contains(p_any_ip_addresses, '192.0.2.1')", [{"n": 20}]),
        (f"SELECT DISTINCT json_extract_string(requestParameters, '$.a') AS n FROM {TABLE}", [{"n": "1"}]),
        (f"SELECT min(p_event_time)::VARCHAR AS n FROM {TABLE}", [{"n": "2026-03-01 12:00:00+00"}]),
        (f"SELECT count(*) AS n FROM {TABLE} a JOIN {TABLE} b USING (p_event_time)", [{"n": 40}]),
        ("SELECT 1 AS n;", [{"n": 1}]),
    ],
    ids=["count", "any case", "from first", "with", "list", "json", "utc", "join", "no table"],
)
def test_tables_are_queried_by_name(lake: Catalog, sql: str, expected: list[dict[str, object]]) -> None:
    assert query(lake, sql).to_pylist() == expected


def test_a_query_for_an_hour_opens_no_file_of_another_hour(lake: Catalog, tmp_path: Path) -> None:
    for task in lake.load_table(TABLE).scan().plan_files():
        if task.file.partition[0] != START.timestamp() // 3600:
            Path(task.file.file_path.removeprefix("file://")).unlink()
    first_hour = f"p_event_time BETWEEN TIMESTAMPTZ '{START}' AND TIMESTAMPTZ '{START + timedelta(minutes=59)}'"

    assert query(lake, f"SELECT count(eventName) AS n FROM {TABLE} WHERE {first_hour}").to_pylist() == [{"n": 10}]


def test_a_column_that_older_files_lack_is_null_there(lake: Catalog) -> None:
    append(lake, TABLE, rows(2, schema=SCHEMA.append(pa.field("tlsDetails", pa.string()))), batch_id="b2")

    found = query(lake, f"SELECT tlsDetails, count(*) AS n FROM {TABLE} GROUP BY ALL ORDER BY ALL").to_pylist()

    assert found == [{"tlsDetails": "new", "n": 2}, {"tlsDetails": None, "n": 40}]


def test_a_table_without_rows_can_be_queried(catalog: Catalog) -> None:
    append(catalog, TABLE, rows(1).slice(0, 0), batch_id="b1")

    assert query(catalog, f"SELECT eventName FROM {TABLE}").num_rows == 0


def test_rows_deleted_by_another_tool_are_not_seen(lake: Catalog) -> None:
    lake.load_table(TABLE).delete("httpstatus = 201")

    assert query(lake, f"SELECT count(*) AS n FROM {TABLE}").to_pylist() == [{"n": 20}]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("DROP TABLE logs.aws_cloudtrail", "only a single SELECT"),
        ("SELECT 1; SELECT 2", "only a single SELECT"),
        ("", "only a single SELECT"),
        ("COPY (SELECT 1) TO 'out.csv'", "only a single SELECT"),
        ("ATTACH 'other.db'", "only a single SELECT"),
        ("INSTALL httpfs", "only a single SELECT"),
        ("SET enable_external_access = true", "only a single SELECT"),
        ("SELECT * FROM read_text('{file}')", "disabled by configuration"),
        ("SELECT * FROM '{file}'", "does not exist"),
        ("SELECT * FROM glob('{folder}/*')", "disabled by configuration"),
        ("SELECT * FROM 's3://headwater-lake/x.parquet'", "s3://"),
        ("SELECT * FROM START", "does not exist"),
        ("SELECT nope FROM logs.aws_cloudtrail", "nope"),
        ("SELECT * FROM logs.aws_alb", "aws_alb"),
        ("SELEC 1", "syntax error"),
    ],
    ids=lambda value: value[:30],
)
def test_anything_else_is_refused(lake: Catalog, tmp_path: Path, sql: str, message: str) -> None:
    (tmp_path / "secret.txt").write_text("secret")

    with pytest.raises(QueryError, match=message):
        query(lake, sql.format(file=tmp_path / "secret.txt", folder=tmp_path))


def test_an_unknown_table_is_answered_with_those_that_exist(lake: Catalog) -> None:
    append(lake, "monitor.rejects", rows(1), batch_id="b1")

    with pytest.raises(QueryError, match=r"Tables: logs\.aws_cloudtrail, monitor\.rejects"):
        query(lake, "SELECT * FROM cloudtrail")


def test_an_empty_lake_says_what_to_do(catalog: Catalog) -> None:
    with pytest.raises(QueryError, match="no tables yet: ingest something first"):
        query(catalog, f"SELECT * FROM {TABLE}")


def test_a_query_that_needs_too_much_memory_is_refused(lake: Catalog) -> None:
    with pytest.raises(QueryError, match=r"[Mm]emory"):
        query(lake, "SELECT list(random()) FROM range(100_000_000)", memory_mb=64)
