"""Upkeep: old snapshots go, rows and recent batches stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from pyiceberg.catalog import Catalog

from headwater.lake.commit import append, has_batch
from headwater.lake.maintain import expire_snapshots
from headwater.lake.query import query
from support.lake import TABLE, open_lake, rows
from support.protocol import at_once


def fill(catalog: Catalog) -> None:
    for number in range(5):
        append(catalog, TABLE, rows(10), batch_id=f"b{number}")


def time_of(catalog: Catalog, batch: int) -> datetime:
    return datetime.fromtimestamp(catalog.load_table(TABLE).snapshots()[batch].timestamp_ms / 1000, UTC)


def test_snapshots_before_a_time_are_forgotten_and_their_rows_stay(catalog: Catalog) -> None:
    fill(catalog)

    assert expire_snapshots(catalog, time_of(catalog, 3)) == {TABLE: 3}

    table = catalog.load_table(TABLE)
    assert [has_batch(table, f"b{number}") for number in range(5)] == [False, False, False, True, True]
    assert query(catalog, f"SELECT count(*) AS n FROM {TABLE}").to_pylist() == [{"n": 50}]


def test_the_current_snapshot_is_never_forgotten(catalog: Catalog) -> None:
    fill(catalog)

    expire_snapshots(catalog, datetime.now(UTC) + timedelta(days=1))

    assert not append(catalog, TABLE, rows(10), batch_id="b4")
    assert len(catalog.load_table(TABLE).snapshots()) == 1


def test_processes_that_tidy_up_at_once_do_not_hinder_each_other(catalog: Catalog, tmp_path: Path) -> None:
    fill(catalog)
    before = time_of(catalog, 4)

    results = at_once([partial(expire_snapshots, open_lake(tmp_path), before) for _ in range(3)])

    assert sum(result.get(TABLE, 0) for result in results) == 4
    assert len(catalog.load_table(TABLE).snapshots()) == 1


def test_a_table_without_old_snapshots_is_left_alone(catalog: Catalog) -> None:
    fill(catalog)
    before = catalog.load_table(TABLE).metadata_location

    assert expire_snapshots(catalog, time_of(catalog, 0)) == {TABLE: 0}

    assert catalog.load_table(TABLE).metadata_location == before
