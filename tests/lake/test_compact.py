"""Compaction: few files instead of many, and every row as it was, whoever writes or dies meanwhile."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyiceberg.catalog import Catalog
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from headwater.errors import HeadwaterError
from headwater.lake import rewrite as rewriting
from headwater.lake.commit import append, has_batch
from headwater.lake.compact import OPEN_FILES, Limits, compact, groups
from headwater.lake.maintain import expire_snapshots
from headwater.lake.query import query
from headwater.lake.replace import UPKEEP, replace
from headwater.lake.rewrite import file_schema, rewrite
from support.customers_lake import (
    FLOW,
    LATER,
    SCHEMA,
    SHOP,
    START,
    both,
    customer_rows,
    data_files,
    fill,
    row_ids,
    stored,
)
from support.lake import open_lake

TESTS = Path(__file__).parents[1]
HOUR_US = 3_600_000_000


def test_small_files_of_an_hour_become_one_and_the_rows_stay(catalog: Catalog) -> None:
    fill(catalog, 5)
    before = stored(catalog)

    (done,) = compact(catalog, LATER)

    assert (done.table, done.files_before, done.files_after, done.snapshots, done.left) == (FLOW, 10, 2, 1, 0)
    assert done.bytes_after < done.bytes_before
    assert data_files(catalog) == 2
    assert stored(catalog) == before


def test_a_second_run_finds_nothing_to_do(catalog: Catalog) -> None:
    fill(catalog, 5)
    compact(catalog, LATER)
    location = catalog.load_table(FLOW).metadata_location

    assert compact(catalog, LATER)[0].snapshots == 0

    assert catalog.load_table(FLOW).metadata_location == location


def test_the_new_files_are_sorted_by_time(catalog: Catalog) -> None:
    fill(catalog, 3)
    compact(catalog, LATER)
    table = catalog.load_table(FLOW)

    for task in table.scan().plan_files():
        pieces = rewriting.read_file(table, task, file_schema(table), ["p_event_time"])
        times = pa.concat_tables(pieces)["p_event_time"].to_pylist()
        assert len(times) == 30
        assert times == sorted(times)


def test_queries_and_columns_with_odd_names_read_the_new_files(catalog: Catalog) -> None:
    fill(catalog, 3)
    sql = f'SELECT "detail-type" AS kind, count(*) AS n, sum(bytes) AS total FROM {FLOW} GROUP BY 1 ORDER BY 1'
    before = query(catalog, sql)

    compact(catalog, LATER)

    assert query(catalog, sql).equals(before)


def test_columns_that_came_later_are_null_in_older_rows(catalog: Catalog) -> None:
    append(catalog, FLOW, customer_rows(SHOP, "old").drop_columns(["bytes", "p_any_ip_addresses"]), batch_id="old")
    append(catalog, FLOW, customer_rows(SHOP, "new"), batch_id="new")
    before = stored(catalog)

    assert compact(catalog, LATER)[0].files_after == 2

    assert stored(catalog) == before
    assert [row["bytes"] for row in before if "old" in row["p_row_id"]] == [None] * 10


def test_batches_are_still_known_and_the_new_snapshot_says_what_it_is(catalog: Catalog) -> None:
    fill(catalog, 3)

    compact(catalog, LATER)

    table = catalog.load_table(FLOW)
    assert all(has_batch(table, f"b{number}") for number in range(3))
    assert not append(catalog, FLOW, both("b0"), batch_id="b0")
    snapshot = table.current_snapshot()
    assert snapshot is not None
    assert snapshot.summary is not None
    assert snapshot.summary[UPKEEP] == "compaction"


def test_the_snapshots_that_prove_batches_are_kept_as_long_as_before(catalog: Catalog) -> None:
    fill(catalog, 3)
    compact(catalog, LATER)

    expire_snapshots(catalog, datetime.now(UTC) - timedelta(hours=6))

    assert has_batch(catalog.load_table(FLOW), "b0")


def test_an_hour_that_still_gets_rows_waits_for_many_files(catalog: Catalog) -> None:
    fill(catalog, 4, hours=1)
    table, soon = catalog.load_table(FLOW), START + timedelta(minutes=90)

    assert groups(table, soon) == []
    assert len(groups(table, soon, Limits(open_files=4))) == 1
    assert len(groups(table, START + timedelta(hours=3))) == 1
    assert OPEN_FILES > 4


def test_a_large_file_is_not_made_anew_for_a_few_small_ones(catalog: Catalog) -> None:
    append(catalog, FLOW, customer_rows(SHOP, "large", count=20_000, hours=1), batch_id="large")
    fill(catalog, 3, hours=1)

    (done,) = compact(catalog, LATER, limits=Limits(always_bytes=1_000))

    assert (done.files_before, done.files_after, data_files(catalog)) == (3, 1, 2)


def test_files_of_the_wanted_size_are_left_alone(catalog: Catalog) -> None:
    fill(catalog, 3)

    assert compact(catalog, LATER, limits=Limits(target_bytes=2_000))[0].snapshots == 0


def test_what_there_is_no_time_for_is_told_and_left(catalog: Catalog) -> None:
    fill(catalog, 3)

    (done,) = compact(catalog, LATER, go_on=lambda: False)

    assert (done.left, done.snapshots, data_files(catalog)) == (2, 0, 6)


def test_a_dry_run_writes_nothing(catalog: Catalog, tmp_path: Path) -> None:
    fill(catalog, 3)
    before = sorted(tmp_path.rglob("*"))

    assert compact(catalog, LATER, dry_run=True)[0].left == 2

    assert sorted(tmp_path.rglob("*")) == before


def test_only_the_named_tables_are_compacted(catalog: Catalog) -> None:
    fill(catalog, 3)
    fill(catalog, 3, "logs.aws_alb")

    assert [done.table for done in compact(catalog, LATER, tables=["logs.aws_alb"])] == ["logs.aws_alb"]

    assert (data_files(catalog), data_files(catalog, "logs.aws_alb")) == (6, 2)


def test_files_that_another_has_replaced_first_are_left_to_it(catalog: Catalog, tmp_path: Path) -> None:
    fill(catalog, 3, hours=1)
    table = catalog.load_table(FLOW)
    tasks = list(table.scan().plan_files())
    mine = rewrite(table, tasks).files
    compact(catalog, LATER)
    before = stored(catalog)

    assert not replace(catalog, FLOW, tasks, mine, why="compaction")

    assert stored(catalog) == before


def test_rows_that_were_added_meanwhile_stay(catalog: Catalog) -> None:
    fill(catalog, 3, hours=1)
    table = catalog.load_table(FLOW)
    tasks = list(table.scan().plan_files())
    mine = rewrite(table, tasks).files
    append(catalog, FLOW, both("late", hours=1), batch_id="late")

    assert replace(catalog, FLOW, tasks, mine, why="compaction")

    assert len(row_ids(catalog)) == len(set(row_ids(catalog))) == 80
    assert data_files(catalog) == 2


def test_a_file_with_fewer_rows_than_the_table_says_is_refused(catalog: Catalog, tmp_path: Path) -> None:
    fill(catalog, 2, hours=1)
    table = catalog.load_table(FLOW)
    large, small = list(table.scan().plan_files())
    short = rewrite(table, [small], drop=pa.compute.field("bytes") < 5).files[0]
    Path(small.file.file_path.removeprefix("file://")).write_bytes(
        Path(short.file_path.removeprefix("file://")).read_bytes()
    )

    with pytest.raises(HeadwaterError, match="nothing was changed"):
        compact(catalog, LATER)

    assert large.file.record_count == 20
    assert len(list(tmp_path.rglob("*.parquet"))) == 3


ROWS = st.lists(
    st.tuples(
        st.integers(0, 2 * HOUR_US - 1),
        st.one_of(st.none(), st.text(st.characters(codec="utf-8"), max_size=20)),
        st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
        st.one_of(st.none(), st.lists(st.one_of(st.none(), st.just("192.0.2.1")), max_size=3)),
    ),
    max_size=30,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(ROWS, min_size=1, max_size=4), slice_bytes=st.sampled_from([200, 1_000, 10**8]))
def test_every_row_is_the_same_after_a_rewrite(
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[list[tuple[int, str | None, int | None, list[str | None] | None]]],
    slice_bytes: int,
) -> None:
    catalog = open_lake(tmp_path_factory.mktemp("lake"))
    for number, batch in enumerate(batches):
        made = [_row(number, position, *values) for position, values in enumerate(batch)]
        append(catalog, FLOW, pa.Table.from_pylist(made, SCHEMA), batch_id=f"b{number}")
    before, table = stored(catalog), catalog.load_table(FLOW)

    for hour in {task.file.partition[0] for task in table.scan().plan_files()}:
        tasks = [task for task in table.scan().plan_files() if task.file.partition[0] == hour]
        new = rewrite(table, tasks, slice_bytes=slice_bytes, target_bytes=5_000).files
        assert replace(catalog, FLOW, tasks, new, why="compaction")

    assert stored(catalog) == before


def _row(
    batch: int, position: int, time_us: int, text: str | None, number: int | None, ips: list[str | None] | None
) -> dict[str, Any]:
    return {
        "eventName": text,
        "detail-type": text,
        "bytes": number,
        "p_event_time": START + timedelta(microseconds=time_us),
        "p_row_id": f"{batch:03}-{position:03}",
        "p_account_id": SHOP,
        "p_source_file": {"bucket": text, "row": number},
        "p_any_ip_addresses": ips,
    }


def test_rows_that_do_not_fit_into_memory_are_sorted_all_the_same(catalog: Catalog) -> None:
    fill(catalog, 4, hours=1, count=5_000)
    table = catalog.load_table(FLOW)
    tasks = list(table.scan().plan_files())

    made = rewrite(table, tasks, slice_bytes=200_000, target_bytes=40_000)

    assert len(made.files) > 1
    assert replace(catalog, FLOW, tasks, made.files, why="compaction")
    times = [_bounds(table, file) for file in made.files]
    assert all(last <= first for (_, last), (first, _) in pairwise(times))
    assert len(set(row_ids(catalog))) == 40_000


def _bounds(table: Table, file: DataFile) -> tuple[int, int]:
    field = table.schema().find_field("p_event_time").field_id
    return int.from_bytes(file.lower_bounds[field], "little"), int.from_bytes(file.upper_bounds[field], "little")


def test_processes_that_append_and_compact_at_once_lose_and_double_nothing(catalog: Catalog, tmp_path: Path) -> None:
    fill(catalog, 3)
    writer = subprocess.Popen(
        [sys.executable, "-m", "support.customers_lake", str(tmp_path), "12"],
        cwd=TESTS,
        stderr=subprocess.PIPE,
        text=True,
    )
    snapshots = 0
    while writer.poll() is None:
        snapshots += compact(open_lake(tmp_path), LATER)[0].snapshots
    compact(catalog, LATER)

    assert writer.returncode == 0, writer.communicate()[1]
    assert snapshots > 0
    assert len(row_ids(catalog)) == len(set(row_ids(catalog))) == 15 * 20
    assert data_files(catalog) == 2


@pytest.mark.parametrize("fatal", range(1, 7))
def test_a_compaction_that_is_killed_before_any_write_loses_and_doubles_nothing(
    catalog: Catalog, tmp_path: Path, fatal: int
) -> None:
    fill(catalog, 3)
    before = stored(catalog)

    killed = subprocess.run(
        [sys.executable, "-m", "support.dying_lake", str(tmp_path), str(fatal), "compact"], cwd=TESTS, check=False
    )

    assert killed.returncode == -signal.SIGKILL
    assert stored(catalog) == before
    compact(catalog, LATER)
    assert stored(catalog) == before
    assert data_files(catalog) == 2


def test_tables_in_glue_and_s3_are_compacted(glue_catalog: Catalog) -> None:
    fill(glue_catalog, 3)
    before = stored(glue_catalog)

    assert compact(glue_catalog, LATER)[0].files_after == 2

    assert stored(glue_catalog) == before
