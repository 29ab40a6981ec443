"""What `headwater lake status` says of a table, by its metadata alone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pyiceberg.catalog import Catalog

from headwater.lake.compact import compact
from headwater.lake.status import status
from support.customers_lake import FLOW, LATER, START, fill


def test_a_table_is_described(catalog: Catalog, tmp_path: Path) -> None:
    fill(catalog)
    size = sum(file.stat().st_size for file in tmp_path.rglob("*.parquet"))

    (found,) = status(catalog, LATER)

    assert (found.table, found.rows, found.files, found.snapshots, found.to_compact) == (FLOW, 60, 6, 3, 6)
    assert (found.size_bytes, found.average_bytes) == (size, size // 6)
    assert (found.oldest, found.newest) == (START, START + timedelta(minutes=108))


def test_what_was_compacted_is_told(catalog: Catalog) -> None:
    fill(catalog)
    compact(catalog, LATER)

    (found,) = status(catalog, LATER)

    assert (found.files, found.snapshots, found.to_compact) == (2, 4, 0)


def test_an_empty_lake_has_nothing_to_tell(catalog: Catalog) -> None:
    assert list(status(catalog, LATER)) == []
