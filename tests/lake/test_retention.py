"""Retention: what is over goes, what is kept stays, and an account may have its own times."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from pyiceberg.catalog import Catalog

from headwater.accounts.model import Account, Accounts, Central, Retention
from headwater.lake.commit import append
from headwater.lake.drop import Dropped, drop_rows
from headwater.lake.erase import of_account
from headwater.lake.retention import Kept, expired, kept, retain
from headwater.lake.tables import AUDIT, MATCHES, REJECTS
from support.customers_lake import FLOW, PAYMENTS, SHOP, START, both, customer_rows, data_files, fill, row_ids, stored

CENTRAL = Central("999988887777", "us-east-1", "aws", None, "lake", "", "", "", "")
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
NOW = START + 100 * DAY


def accounts(everybody: Retention, **own: Retention) -> Accounts:
    """Payments and shop; own: their names → what accounts.yml says of them."""
    ids = {"payments": PAYMENTS, "shop": SHOP}
    made = [Account(ids[n], n, "", None, "/", "", (), retention=own.get(n, Retention())) for n in ids]
    return Accounts.of(CENTRAL, made, (), everybody)


def days_of(catalog: Catalog, table: str = FLOW) -> Counter[tuple[str, int]]:
    """Rows by account and age in days."""
    return Counter((row["p_account_id"], (NOW + HOUR - row["p_event_time"]).days) for row in stored(catalog, table))


@pytest.fixture
def aged(catalog: Catalog) -> Catalog:
    """Two rows of each account every ten days, of 0 to 90 days of age; none at the turn of a day."""
    for age in range(0, 100, 10):
        append(catalog, FLOW, both(f"d{age}", count=2, hours=1, start=NOW - age * DAY), batch_id=f"d{age}")
    return catalog


@pytest.mark.parametrize(
    ("everybody", "own", "table", "expected"),
    [
        (Retention(), Retention(), FLOW, Kept(None, {})),
        (Retention(90), Retention(), FLOW, Kept(90, {})),
        (Retention(90), Retention(90), FLOW, Kept(90, {})),
        (Retention(90, {"AWS.VPCFlow": 7}), Retention(), FLOW, Kept(7, {})),
        (Retention(90, {"AWS.VPCFlow": 7}), Retention(30), FLOW, Kept(7, {PAYMENTS: 30})),
        (Retention(90, {"AWS.ALB": 7}), Retention(30, {"AWS.VPCFlow": 400}), FLOW, Kept(90, {PAYMENTS: 400})),
        (Retention(), Retention(30), FLOW, Kept(None, {PAYMENTS: 30})),
        (Retention(90, matches=400), Retention(30), MATCHES, Kept(400, {PAYMENTS: 30})),
        (Retention(90, rejects=7), Retention(30, rejects=3), REJECTS, Kept(7, {PAYMENTS: 3})),
        (Retention(90), Retention(30), AUDIT, Kept(None, {})),
    ],
    ids=[
        "nothing",
        "days",
        "same",
        "log type",
        "account",
        "account's type",
        "account alone",
        "matches",
        "rejects",
        "audit",
    ],
)
def test_what_is_said_more_closely_wins(everybody: Retention, own: Retention, table: str, expected: Kept) -> None:
    assert kept(accounts(everybody, payments=own), table) == expected


def test_nothing_is_limited_unless_somebody_says_so(aged: Catalog) -> None:
    assert retain(aged, accounts(Retention()), NOW) == []
    assert expired(Kept(None, {}), NOW) is None


def test_rows_go_with_the_day_that_is_over(aged: Catalog) -> None:
    (dropped,) = retain(aged, accounts(Retention(45)), NOW)

    assert dropped == Dropped(FLOW, rows=20, files_dropped=5)
    assert days_of(aged) == {(account, age): 2 for account in (PAYMENTS, SHOP) for age in (0, 10, 20, 30, 40)}


def test_hours_that_are_over_for_everybody_go_unread(aged: Catalog, tmp_path: Path) -> None:
    for task in aged.load_table(FLOW).scan(f"p_event_time < '{(NOW - 45 * DAY).isoformat()}'").plan_files():
        Path(task.file.file_path.removeprefix("file://")).write_bytes(b"broken")

    limits = accounts(Retention(30), payments=Retention(45))
    dropped = retain(aged, limits, NOW + 10 * DAY)

    assert dropped[0].files_dropped >= 4
    assert len(stored(aged)) == 20 * 2 - dropped[0].rows


def test_an_account_may_keep_its_rows_for_a_shorter_time(aged: Catalog) -> None:
    (dropped,) = retain(aged, accounts(Retention(75), payments=Retention(25)), NOW)

    ages = days_of(aged)
    assert max(age for account, age in ages if account == PAYMENTS) <= 25
    assert 40 < max(age for account, age in ages if account == SHOP) <= 75
    assert dropped.files_rewritten > 0
    assert set(ages.values()) == {2}


def test_an_account_may_keep_its_rows_for_longer(aged: Catalog) -> None:
    retain(aged, accounts(Retention(25), shop=Retention(1000)), NOW)

    ages = days_of(aged)
    assert max(age for account, age in ages if account == PAYMENTS) <= 25
    assert max(age for account, age in ages if account == SHOP) == 90


def test_accounts_alone_can_be_limited(aged: Catalog) -> None:
    retain(aged, accounts(Retention(), payments=Retention(25)), NOW)

    assert len([1 for account, _ in days_of(aged).elements() if account == SHOP]) == 20


def test_a_second_run_finds_nothing(aged: Catalog) -> None:
    limits = accounts(Retention(75), payments=Retention(25))
    retain(aged, limits, NOW)
    location = aged.load_table(FLOW).metadata_location

    assert retain(aged, limits, NOW) == [Dropped(FLOW)]

    assert aged.load_table(FLOW).metadata_location == location


def test_a_dry_run_counts_and_keeps(aged: Catalog) -> None:
    assert retain(aged, accounts(Retention(45)), NOW, dry_run=True)[0].rows == 20

    assert len(stored(aged)) == 40


def test_what_there_is_no_time_for_is_told(aged: Catalog) -> None:
    assert retain(aged, accounts(Retention(45)), NOW, go_on=lambda: False) == [Dropped(FLOW, unfinished=True)]


def test_rows_of_no_account_stay_where_one_account_is_meant(catalog: Catalog) -> None:
    append(catalog, FLOW, customer_rows(None, "none"), batch_id="none")
    fill(catalog, 1)

    dropped = drop_rows(catalog, FLOW, of_account(PAYMENTS), why="deletion")

    assert dropped.rows == 10
    assert Counter(row["p_account_id"] for row in stored(catalog)) == {None: 10, SHOP: 10}


def test_the_rows_that_stay_are_the_rows_that_were(catalog: Catalog) -> None:
    fill(catalog, 3)
    before = [row for row in stored(catalog) if row["p_account_id"] == SHOP]

    dropped = drop_rows(catalog, FLOW, of_account(PAYMENTS), why="deletion")

    assert dropped == Dropped(FLOW, rows=30, files_rewritten=6)
    assert stored(catalog) == before
    assert data_files(catalog) == 2


def test_rows_in_glue_and_s3_expire(glue_catalog: Catalog) -> None:
    fill(glue_catalog, 2)

    retain(glue_catalog, accounts(Retention(), payments=Retention(25)), NOW)

    assert {row.partition("-")[0] for row in row_ids(glue_catalog)} == {SHOP}
