"""Rows put aside on disk come back by hour, in bounded slices, and become few files."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyiceberg.catalog import Catalog

from headwater.lake import spool as spool_module
from headwater.lake.commit import append
from headwater.lake.spool import Spool
from support.lake import TABLE, rows


def test_rows_of_many_pieces_become_one_file_an_hour(catalog: Catalog) -> None:
    with Spool() as spool:
        for _ in range(20):
            spool.add(TABLE, rows(30, hours=3))

        assert append(catalog, TABLE, spool.tables[TABLE], batch_id="b1")

    table = catalog.load_table(TABLE)
    assert table.scan().to_arrow().num_rows == 600
    assert len(list(table.scan().plan_files())) == 3


def test_spooled_rows_are_added_once(catalog: Catalog) -> None:
    with Spool() as spool:
        spool.add(TABLE, rows(10))

        added = [append(catalog, TABLE, spool.tables[TABLE], batch_id="b1") for _ in range(2)]

    assert added == [True, False]
    assert catalog.load_table(TABLE).scan().to_arrow().num_rows == 10


def test_slices_are_bounded_and_in_order_of_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "SLICE_BYTES", 1000)
    with Spool() as spool:
        for _ in range(10):
            spool.add(TABLE, rows(40, hours=4))

        slices = list(spool.tables[TABLE].slices())

    hours = pc.floor_temporal(pa.concat_tables(slices)["p_event_time"], unit="hour").to_pylist()
    assert len(slices) > 10
    assert hours == sorted(hours)
    assert len(hours) == 400


def test_nothing_is_left_behind() -> None:
    with Spool() as spool:
        spool.add(TABLE, rows(10))
        folder = spool.tables[TABLE].folder
        assert list(folder.iterdir())

    assert not Path(folder).exists()
