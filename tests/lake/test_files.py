"""Orphans: what no snapshot names goes once it is old; all else stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pyiceberg.catalog import Catalog

from headwater.lake.commit import append
from headwater.lake.compact import compact
from headwater.lake.files import clean_up, orphans, referenced
from headwater.lake.maintain import expire_snapshots
from support.customers_lake import FLOW, LATER, both, fill, row_ids

TESTS = Path(__file__).parents[1]
SOON = datetime.now(UTC) + timedelta(days=1)


def urls(folder: Path) -> set[str]:
    return {f"file://{path}" for path in folder.rglob("*") if path.is_file()}


def test_every_file_of_a_table_is_named_by_its_metadata(catalog: Catalog, tmp_path: Path) -> None:
    fill(catalog)
    compact(catalog, LATER)

    assert referenced(catalog.load_table(FLOW)) == urls(tmp_path / "lake")
    assert clean_up(catalog, SOON) == []


def test_files_of_forgotten_snapshots_go(catalog: Catalog, tmp_path: Path) -> None:
    fill(catalog)
    compact(catalog, LATER)
    expire_snapshots(catalog, SOON)

    gone = clean_up(catalog, SOON)

    assert len([orphan for orphan in gone if orphan.url.endswith(".parquet")]) == 6
    assert len(list(tmp_path.rglob("*.parquet"))) == 2
    assert referenced(catalog.load_table(FLOW)) == urls(tmp_path / "lake")
    assert len(row_ids(catalog)) == 60


def test_files_of_a_writer_that_died_go_but_not_while_it_could_be_alive(catalog: Catalog, tmp_path: Path) -> None:
    fill(catalog)
    dead = subprocess.run(
        [sys.executable, "-m", "support.dying_lake", str(tmp_path), "4", "append"], cwd=TESTS, check=False
    )
    assert dead.returncode == -signal.SIGKILL
    left = orphans(catalog, FLOW)
    assert len(left) >= 2

    assert clean_up(catalog, min(orphan.modified_at for orphan in left)) == []
    assert clean_up(catalog, SOON) == left

    assert orphans(catalog, FLOW) == []
    assert len(row_ids(catalog)) == 60


def test_a_dry_run_lists_and_keeps(catalog: Catalog, tmp_path: Path) -> None:
    fill(catalog)
    stray = tmp_path / "lake" / "logs" / "aws_vpcflow" / "data" / "stray.parquet"
    stray.write_bytes(b"12345")
    os.utime(stray, (1_000_000, 1_000_000))

    (orphan,) = clean_up(catalog, SOON, dry_run=True)

    assert (orphan.table, orphan.url, orphan.size_bytes) == (FLOW, f"file://{stray}", 5)
    assert orphan.modified_at == datetime.fromtimestamp(1_000_000, UTC)
    assert stray.exists()


def test_files_beside_the_tables_are_nobodys_business(catalog: Catalog, tmp_path: Path) -> None:
    fill(catalog)
    beside = [tmp_path / "lake" / "mine.txt", tmp_path / "lake" / "logs" / "aws_vpcflow_old" / "x.parquet"]
    for path in beside:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")

    assert clean_up(catalog, SOON) == []

    assert all(path.exists() for path in beside)


def test_a_file_is_no_orphan_once_it_is_committed(catalog: Catalog) -> None:
    fill(catalog)
    append(catalog, FLOW, both("new"), batch_id="new")

    assert orphans(catalog, FLOW) == []


def test_orphans_in_s3_go(glue_catalog: Catalog) -> None:
    fill(glue_catalog)
    compact(glue_catalog, LATER)
    expire_snapshots(glue_catalog, SOON)

    gone = clean_up(glue_catalog, SOON)

    assert len([orphan for orphan in gone if orphan.url.endswith(".parquet")]) == 6
    assert all(orphan.url.startswith("s3://headwater-lake/") for orphan in gone)
    assert orphans(glue_catalog, FLOW) == []
    assert len(row_ids(glue_catalog)) == 60
