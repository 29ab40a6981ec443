"""The lake's upkeep beside the loop: one worker at a time, when it is due, within its time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from headwater.accounts.model import Account, Accounts, Central, Retention
from headwater.errors import HeadwaterError
from headwater.lake.catalog import open_catalog
from headwater.pipeline import Store
from headwater.settings import Settings
from headwater.state import chores, commit
from headwater.state.database import connect
from headwater.worker.erase import Request, erase_account
from headwater.worker.tidy import EVERY, LAKE, Tidier, lake_turn, uncommitted_since
from support.customers_lake import FLOW, LATER, PAYMENTS, SHOP, data_files, fill, row_ids
from support.protocol import NOW, claim, refs

CENTRAL = Central("999988887777", "us-east-1", "aws", None, "lake", "", "", "", "")
PAYMENTS_ACCOUNT = Account(PAYMENTS, "payments", "", None, "/", "", (), retention=Retention(1))
SOON = timedelta(minutes=10)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A lake with small files of two customers, and an empty state database."""
    catalog = open_catalog("sqlite", str(tmp_path / "lake"), home=tmp_path, region="us-east-1")
    fill(catalog)
    return Store(connect(f"sqlite:///{tmp_path / 'state.db'}"), catalog)


def tidier(store: Store, worker: str = "w1", clock: Callable[[], float] = lambda: 0.0, **settings: object) -> Tidier:
    accounts = Accounts.of(CENTRAL, [PAYMENTS_ACCOUNT])
    return Tidier(store, Settings.model_validate(settings), accounts, worker, clock=clock)


def test_a_run_compacts_and_notes_when(store: Store) -> None:
    tidier(store).run(LATER)

    assert data_files(store.catalog) == 2
    assert set(chores.last_done(store.database)) == {LAKE, *EVERY}


def test_rows_that_are_over_go(store: Store) -> None:
    tidier(store).run(LATER + timedelta(days=2))

    assert {row.partition("-")[0] for row in row_ids(store.catalog)} == {SHOP}


def test_what_glue_does_is_left_to_it(store: Store) -> None:
    tidier(store, lake_upkeep=("orphans",)).run(LATER + timedelta(days=2))

    assert (data_files(store.catalog), len(row_ids(store.catalog))) == (6, 60)
    assert set(chores.last_done(store.database)) == {LAKE, "lake.orphans"}


def test_another_worker_leaves_the_lake_alone_meanwhile(store: Store) -> None:
    chores.take(store.database, LAKE, worker="w2", now=LATER, lease_s=600)

    tidier(store).run(LATER)

    assert data_files(store.catalog) == 6


def test_what_is_not_due_yet_waits(store: Store) -> None:
    tidier(store).run(LATER)
    fill(store.catalog, table="logs.aws_alb")

    tidier(store, "w2").run(LATER + SOON - timedelta(seconds=1))
    assert data_files(store.catalog, "logs.aws_alb") == 6

    tidier(store, "w2").run(LATER + SOON)
    assert data_files(store.catalog, "logs.aws_alb") == 2


def test_work_that_does_not_fit_into_its_time_is_due_at_once(store: Store) -> None:
    ticks = iter(range(0, 10_000, 100))

    tidier(store, clock=lambda: float(next(ticks))).run(LATER)

    assert data_files(store.catalog) == 6
    assert "lake.compaction" not in chores.last_done(store.database)
    tidier(store, "w2").run(LATER)
    assert data_files(store.catalog) == 2


def test_nothing_begins_in_the_first_minutes_of_a_process(store: Store) -> None:
    mine = tidier(store)

    mine.start(LATER)
    mine.start(LATER + SOON - timedelta(seconds=1))
    mine.stop()

    assert data_files(store.catalog) == 6


def test_a_run_goes_on_beside_the_caller_and_ends_with_it(store: Store) -> None:
    mine = tidier(store)

    mine.start(LATER)
    mine.start(LATER + SOON)
    mine.stop()

    assert chores.take(store.database, LAKE, worker="w2", now=LATER + SOON, lease_s=1)


def test_files_of_a_batch_that_is_being_written_are_no_orphans(store: Store) -> None:
    (ref,) = refs(1)
    claim(store.database, [ref])
    commit.prepare(store.database, "b1", [ref.object_id], [], worker="w1", now=NOW)

    assert uncommitted_since(store, LATER) < NOW
    commit.finish(store.database, "b1", [], [], now=NOW)
    assert NOW < uncommitted_since(store, LATER) < LATER


def test_a_deletion_waits_for_no_upkeep_of_others(store: Store, tmp_path: Path) -> None:
    request = Request(PAYMENTS, "me", "w1")
    with (
        lake_turn(store, "w2", lambda: LATER),
        pytest.raises(HeadwaterError, match="another process"),
    ):
        erase_account(store, tmp_path / "alerts.jsonl", request, now=lambda: LATER)

    assert erase_account(store, tmp_path / "alerts.jsonl", request, now=lambda: LATER).rows == 30


def test_a_deletion_says_that_objects_are_still_being_written(store: Store, tmp_path: Path) -> None:
    (ref,) = refs(1)
    claim(store.database, [ref])
    commit.prepare(store.database, "b1", [ref.object_id], [], worker="w1", now=NOW)
    waits: list[float] = []

    report = erase_account(
        store, tmp_path / "alerts.jsonl", Request(PAYMENTS, "me", "w1"), wait_s=3, now=lambda: LATER, sleep=waits.append
    )

    assert (report.in_flight, report.complete, report.rows, len(waits)) == (1, False, 30, 3)
    assert {row.partition("-")[0] for row in row_ids(store.catalog, FLOW)} == {SHOP}
