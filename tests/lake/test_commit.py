"""Appends: every batch is in its table once, whoever writes beside it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.catalog import Catalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table

from headwater.errors import CommitConflict, ConfigError
from headwater.lake.commit import TRIES, append
from headwater.lake.query import query
from headwater.lake.tables import BATCH_ID
from support.lake import SCHEMA, START, TABLE, open_lake, rows
from support.protocol import at_once

TESTS = Path(__file__).parents[1]


def stored(catalog: Catalog, table: str = TABLE) -> pa.Table:
    return catalog.load_table(table).scan().to_arrow()


def names(catalog: Catalog) -> Counter[str]:
    return Counter(stored(catalog)["eventName"].to_pylist())


def test_rows_come_back_as_they_were(catalog: Catalog) -> None:
    data = rows(50, hours=3)

    assert append(catalog, TABLE, data, batch_id="b1")

    found = stored(catalog).sort_by("p_event_time")
    assert found.to_pylist() == data.sort_by("p_event_time").to_pylist()
    assert found.schema.field("p_event_time").type == pa.timestamp("us", tz="UTC")


def test_the_same_batch_again_adds_nothing(catalog: Catalog, tmp_path: Path) -> None:
    append(catalog, TABLE, rows(10), batch_id="b1")

    assert not append(catalog, TABLE, rows(10), batch_id="b1")
    assert not append(open_lake(tmp_path), TABLE, rows(10), batch_id="b1")

    assert stored(catalog).num_rows == 10


def test_batches_of_other_tables_do_not_count(catalog: Catalog) -> None:
    append(catalog, TABLE, rows(10), batch_id="b1")

    assert append(catalog, "logs.aws_alb", rows(10), batch_id="b1")


def test_a_file_holds_one_hour_in_order_of_time(catalog: Catalog) -> None:
    append(catalog, TABLE, rows(48, hours=4), batch_id="b1")

    table = catalog.load_table(TABLE)
    files = [task.file for task in table.scan().plan_files()]
    assert [file.record_count for file in files] == [12] * 4
    for file in files:
        times = [row["p_event_time"] for row in read(table, file.file_path).to_pylist()]
        assert times == sorted(times)
        assert len({time.hour for time in times}) == 1


def read(table: Table, path: str) -> pa.Table:
    with table.io.new_input(path).open() as stream:
        return pa.parquet.read_table(stream)


def test_a_batch_without_rows_is_remembered(catalog: Catalog) -> None:
    assert append(catalog, TABLE, rows(1).slice(0, 0), batch_id="b1")
    assert not append(catalog, TABLE, rows(1).slice(0, 0), batch_id="b1")


def test_columns_of_a_newer_schema_are_added(catalog: Catalog) -> None:
    newer = SCHEMA.insert(1, pa.field("vpcEndpointId", pa.string(), metadata={b"description": b"Since 2017"}))
    append(catalog, TABLE, rows(1), batch_id="b1")

    append(catalog, TABLE, rows(2, schema=newer), batch_id="b2")
    append(catalog, TABLE, rows(3), batch_id="b3")  # a worker that still runs the older schema

    values = stored(catalog)["vpcEndpointId"].to_pylist()
    assert Counter(values) == {None: 4, "new": 2}
    assert catalog.load_table(TABLE).schema().find_field("vpcEndpointId").doc == "Since 2017"


@pytest.mark.parametrize("beside", [(), ("more",)], ids=["alone", "beside a new column"])
def test_a_column_of_another_type_is_refused_with_what_to_do(catalog: Catalog, beside: tuple[str, ...]) -> None:
    append(catalog, TABLE, rows(1), batch_id="b1")
    retyped = rows(1).drop_columns("httpstatus").append_column("httpstatus", [["200"]])
    for name in beside:
        retyped = retyped.append_column(name, [["new"]])

    with pytest.raises(ConfigError, match=r"(?s)httpstatus.*keeps its type"):
        append(catalog, TABLE, retyped, batch_id="b2")


def lose(monkeypatch: pytest.MonkeyPatch, times: int, before_each: partial[object] | None = None) -> list[float]:
    """Let commits fail as they do when another writer is faster; gives the waits between tries."""
    real, waits = Table._do_commit, []  # type: ignore[var-annotated]

    def commit(table: Table, updates: tuple, requirements: tuple) -> None:  # type: ignore[type-arg]
        if len(waits) < times and any(update.action == "add-snapshot" for update in updates):
            if before_each:
                monkeypatch.setattr(Table, "_do_commit", real)
                before_each()
            raise CommitFailedException("branch main has changed")
        real(table, updates, requirements)

    monkeypatch.setattr(Table, "_do_commit", commit)
    return waits


def test_a_conflict_is_retried_with_growing_waits_and_without_a_second_set_of_files(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    waits = lose(monkeypatch, 3)

    assert append(catalog, TABLE, rows(10), batch_id="b1", jitter=lambda: 0.5, sleep=waits.append)

    assert waits == [0.05, 0.1, 0.2]
    assert stored(catalog).num_rows == 10
    assert len(list(tmp_path.rglob("*.parquet"))) == 1


def test_a_loser_sees_that_the_winner_added_the_same_batch(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    append(catalog, TABLE, rows(1), batch_id="b0")
    waits = lose(monkeypatch, 1, partial(append, catalog, TABLE, rows(10, name="mine"), batch_id="b1"))

    assert not append(catalog, TABLE, rows(10, name="mine"), batch_id="b1", sleep=waits.append)

    assert names(catalog)["mine"] == 10


def test_a_commit_that_has_landed_and_is_refused_when_sent_again_leaves_a_table_that_can_be_read(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(catalog, TABLE, rows(1), batch_id="b0")
    real, lost = SqlCatalog.commit_table, []

    def commit_table(self: SqlCatalog, *arguments: object) -> object:
        answer = real(self, *arguments)  # type: ignore[arg-type]
        if not lost:
            lost.append(answer)
            raise CommitFailedException("the answer was lost; the same call, sent again, is out of date")
        return answer

    monkeypatch.setattr(SqlCatalog, "commit_table", commit_table)

    assert not append(catalog, TABLE, rows(10, name="mine"), batch_id="b1", sleep=lambda wait_s: None)

    assert lost
    assert names(catalog)["mine"] == 10


def test_endless_conflicts_are_a_transient_error(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = lose(monkeypatch, 1000)

    with pytest.raises(CommitConflict, match=TABLE) as error:
        append(catalog, TABLE, rows(10), batch_id="b1", sleep=waits.append)

    assert error.value.retryable
    assert len(waits) == TRIES


def test_threads_that_write_one_batch_at_once_add_it_once(catalog: Catalog, tmp_path: Path) -> None:
    append(catalog, TABLE, rows(1), batch_id="b0")
    write = partial(append, table=TABLE, data=rows(10, name="same"), batch_id="b1")

    results = at_once([partial(write, open_lake(tmp_path)) for _ in range(3)])

    assert sorted(results) == [False, False, True]
    assert names(catalog)["same"] == 10


def test_processes_that_write_at_once_lose_and_double_nothing(tmp_path: Path) -> None:
    """Three processes on a lake that does not exist yet; each batch but the first and last is written by two."""
    command = [sys.executable, "-m", "support.lake", str(tmp_path)]
    ranges = [("0", "4"), ("2", "6"), ("4", "8")]

    writers = [subprocess.Popen([*command, *range_], cwd=TESTS, stderr=subprocess.PIPE, text=True) for range_ in ranges]
    errors = [writer.communicate(timeout=120)[1] for writer in writers]

    assert [writer.returncode for writer in writers] == [0, 0, 0], errors
    assert names(open_lake(tmp_path)) == {f"b{number}": 10 for number in range(8)}


def test_glue_and_s3_hold_the_same_lake(glue_catalog: Catalog) -> None:
    assert append(glue_catalog, TABLE, rows(20, hours=2), batch_id="b1")
    assert not append(glue_catalog, TABLE, rows(20, hours=2), batch_id="b1")
    assert append(glue_catalog, TABLE, rows(5, name="CreateUser"), batch_id="b2")

    table = glue_catalog.load_table(TABLE)
    assert table.location().startswith("s3://headwater-lake/lake/")
    assert [snapshot.summary[BATCH_ID] for snapshot in table.snapshots() if snapshot.summary] == ["b1", "b2"]
    sql = f"SELECT eventName, count(*) AS n FROM {TABLE} GROUP BY ALL ORDER BY ALL"
    assert query(glue_catalog, sql).to_pylist() == [
        {"eventName": "ConsoleLogin", "n": 20},
        {"eventName": "CreateUser", "n": 5},
    ]
    at_noon = f"SELECT count(*) AS n FROM {TABLE} WHERE p_event_time < TIMESTAMPTZ '{START.replace(hour=13)}'"
    assert query(glue_catalog, at_noon).to_pylist() == [{"n": 15}]


def test_glue_refuses_a_commit_on_a_table_that_has_changed(glue_catalog: Catalog) -> None:
    name = "logs.aws_conflict"
    append(glue_catalog, name, rows(1), batch_id="b1")
    stale = glue_catalog.load_table(name)
    append(glue_catalog, name, rows(1), batch_id="b2")

    with pytest.raises(CommitFailedException):
        stale.append(rows(1))
