"""Deletion of one account: no byte of it is left in any file, and nothing of the others is touched."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pyarrow as pa
import pytest
from pyiceberg.catalog import Catalog

from headwater.errors import HeadwaterError
from headwater.lake.commit import append, has_batch
from headwater.lake.compact import compact
from headwater.lake.erase import Erased, erase
from headwater.lake.maintain import expire_snapshots
from headwater.lake.tables import MATCHES
from support.customers_lake import (
    FLOW,
    LATER,
    PAYMENTS,
    SHOP,
    both,
    customer_rows,
    fill,
    marker,
    places_of,
    row_ids,
    stored,
)
from support.lake import open_lake

TESTS = Path(__file__).parents[1]
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
SOON = datetime.now(UTC) + timedelta(days=1)


def test_the_scan_of_these_tests_sees_data_statistics_and_compressed_metadata(catalog: Catalog, tmp_path: Path) -> None:
    fill(catalog)

    suffixes = [Path(place).suffix for place in places_of(PAYMENTS, tmp_path)]

    assert {".parquet", ".avro"} <= set(suffixes)


def test_no_file_holds_a_byte_of_the_account_afterwards(catalog: Catalog, tmp_path: Path) -> None:
    fill(catalog)
    fill(catalog, 2, "logs.aws_alb")
    compact(catalog, LATER)
    append(catalog, FLOW, both("late"), batch_id="late")
    before = [row for row in stored(catalog) if row["p_account_id"] == SHOP]

    alb, flow = erase(catalog, PAYMENTS, before=LONG_AGO, unfinished=list)

    assert (alb.rows, flow.rows, flow.left) == (20, 40, 0)
    assert flow.files_deleted > 0
    assert places_of(PAYMENTS, tmp_path) == []
    assert stored(catalog) == before
    assert len(places_of(SHOP, tmp_path)) >= 2


def test_files_of_the_account_alone_are_dropped_unread(catalog: Catalog, tmp_path: Path) -> None:
    append(catalog, FLOW, customer_rows(PAYMENTS, "mine"), batch_id="mine")

    (done,) = erase(catalog, PAYMENTS, before=LONG_AGO, unfinished=list)

    assert (done.rows, done.files_dropped, done.files_rewritten) == (10, 2, 0)
    assert places_of(PAYMENTS, tmp_path) == []


def test_an_account_without_rows_changes_no_row(catalog: Catalog) -> None:
    fill(catalog)
    before = stored(catalog)

    (done,) = erase(catalog, "777766665555", before=LONG_AGO, unfinished=list)

    assert done.rows == 0
    assert stored(catalog) == before


def test_a_dry_run_counts_and_changes_nothing(catalog: Catalog, tmp_path: Path) -> None:
    fill(catalog)
    before = sorted(tmp_path.rglob("*"))

    assert erase(catalog, PAYMENTS, before=LONG_AGO, unfinished=list, dry_run=True) == [
        Erased(FLOW, rows=30, files_rewritten=6)
    ]

    assert sorted(tmp_path.rglob("*")) == before


def test_a_batch_that_is_not_finished_is_not_added_again(catalog: Catalog) -> None:
    fill(catalog)

    erase(catalog, PAYMENTS, before=LONG_AGO, unfinished=lambda: ["b1", "of another table"])

    table = catalog.load_table(FLOW)
    assert (has_batch(table, "b1"), has_batch(table, "b0"), len(table.snapshots())) == (True, False, 1)
    assert not append(catalog, FLOW, both("b1"), batch_id="b1")


def test_its_proof_outlives_a_second_deletion_and_the_upkeep(catalog: Catalog) -> None:
    fill(catalog)
    for account in (PAYMENTS, SHOP):
        erase(catalog, account, before=LONG_AGO, unfinished=lambda: ["b1"])
    append(catalog, FLOW, both("new"), batch_id="new")

    expire_snapshots(catalog, datetime.now(UTC) - timedelta(hours=6))

    assert not append(catalog, FLOW, both("b1"), batch_id="b1")


def test_a_file_that_a_dead_writer_left_goes_once_it_is_old(catalog: Catalog, tmp_path: Path) -> None:
    fill(catalog)
    killed = subprocess.run(
        [sys.executable, "-m", "support.dying_lake", str(tmp_path), "4", "append"], cwd=TESTS, check=False
    )
    assert killed.returncode == -signal.SIGKILL

    (young,) = erase(catalog, PAYMENTS, before=LONG_AGO, unfinished=list)
    assert young.left > 0
    assert places_of(PAYMENTS, tmp_path) != []

    (old,) = erase(catalog, PAYMENTS, before=SOON, unfinished=list)
    assert old.left == 0
    assert places_of(PAYMENTS, tmp_path) == []
    assert {row.partition("-")[0] for row in row_ids(catalog)} == {SHOP}


def test_a_finding_about_several_accounts_goes_with_each_of_them(catalog: Catalog) -> None:
    rows = [("", f"seen in {PAYMENTS} and {SHOP}"), ("", f"seen in {SHOP}"), (SHOP, f"says {PAYMENTS}"), (None, "x")]
    schema = pa.schema([(name, pa.string()) for name in ("p_account_id", "p_event", "p_context", "p_title", "p_dedup")])
    made = pa.Table.from_pylist([{"p_account_id": a, "p_event": text} for a, text in rows], schema)
    times = customer_rows(SHOP, "x", count=4)["p_event_time"]
    append(catalog, MATCHES, made.append_column("p_event_time", times), batch_id="m")

    (done,) = erase(catalog, PAYMENTS, before=LONG_AGO, unfinished=list)

    assert done.rows == 1
    left = catalog.load_table(MATCHES).scan().to_arrow()["p_event"].to_pylist()
    assert sorted(left) == sorted(text for _, text in rows[1:])


def test_a_tag_that_holds_on_to_the_past_is_refused(catalog: Catalog) -> None:
    fill(catalog)
    table = catalog.load_table(FLOW)
    table.manage_snapshots().create_tag(table.snapshots()[0].snapshot_id, "audit-2026").commit()

    with pytest.raises(HeadwaterError, match="audit-2026"):
        erase(catalog, PAYMENTS, before=LONG_AGO, unfinished=list)


def test_a_writer_at_the_same_time_loses_and_doubles_nothing(catalog: Catalog, tmp_path: Path) -> None:
    fill(catalog)
    writer = subprocess.Popen([sys.executable, "-m", "support.customers_lake", str(tmp_path), "10"], cwd=TESTS)
    rounds = 0
    while writer.poll() is None:
        erase(open_lake(tmp_path), PAYMENTS, before=LONG_AGO, unfinished=lambda: [f"w{number}" for number in range(10)])
        rounds += 1
    erase(catalog, PAYMENTS, before=LONG_AGO, unfinished=list)

    assert (writer.returncode, rounds > 0) == (0, True)
    assert row_ids(catalog) == sorted(
        f"{SHOP}-{batch}-{row}"
        for batch in [*(f"b{n}" for n in range(3)), *(f"w{n}" for n in range(10))]
        for row in range(10)
    )
    erase(catalog, PAYMENTS, before=SOON, unfinished=list)
    assert places_of(PAYMENTS, tmp_path) == []


@pytest.mark.parametrize("fatal", [1, 3, 5, 7, 10, 14])
def test_a_deletion_that_was_killed_is_finished_by_the_next(catalog: Catalog, tmp_path: Path, fatal: int) -> None:
    fill(catalog, 2)
    before = [row for row in stored(catalog) if row["p_account_id"] == SHOP]

    killed = subprocess.run(
        [sys.executable, "-m", "support.dying_lake", str(tmp_path), str(fatal), "erase"], cwd=TESTS, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert [row for row in stored(catalog) if row["p_account_id"] == SHOP] == before
    erase(catalog, PAYMENTS, before=SOON, unfinished=lambda: ["b0"])

    assert stored(catalog) == before
    assert places_of(PAYMENTS, tmp_path) == []
    assert not append(catalog, FLOW, both("b0"), batch_id="b0")


def test_glue_and_s3_hold_nothing_of_it_either(glue_catalog: Catalog, tmp_path: Path) -> None:
    fill(glue_catalog)

    erase(glue_catalog, PAYMENTS, before=LONG_AGO, unfinished=list)

    s3 = boto3.client("s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket="headwater-lake"):
        for item in page["Contents"]:
            file = tmp_path / item["Key"]
            file.parent.mkdir(parents=True, exist_ok=True)
            if not item["Key"].endswith("/"):  # what Arrow leaves of a folder
                s3.download_file("headwater-lake", item["Key"], str(file))
    assert len(places_of(SHOP, tmp_path)) >= 2
    assert places_of(PAYMENTS, tmp_path) == []
    assert {row["eventName"] for row in stored(glue_catalog)} == {marker(SHOP)}
