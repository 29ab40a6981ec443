"""headwater state status | migrate."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from headwater.state.alerts import list_alerts
from headwater.state.database import connect
from headwater.state.migrate import VERSION_TABLE, head
from support.protocol import commit_batch, match

Headwater = Callable[..., Any]


def test_migrate_makes_what_a_start_with_check_asks_for(headwater: Headwater) -> None:
    refused = headwater("alerts", "list", HEADWATER_STATE_MIGRATE="check")
    migrated = headwater("state", "migrate")
    taken = headwater("alerts", "list", HEADWATER_STATE_MIGRATE="check")

    assert (refused.code, migrated.code, taken.code) == (2, 0, 0)
    assert "headwater state migrate" in refused.err
    assert migrated.out == f"Migrated the schema from empty to {head()}.\n"


def test_a_second_migration_has_nothing_to_do(headwater: Headwater) -> None:
    first = headwater("state", "migrate", "-o", "json")
    second = headwater("state", "migrate", "-o", "json")

    assert first.json == {"before": None, "was": "empty", "version": head()}
    assert second.json == {"before": head(), "was": "current", "version": head()}


def test_status_says_whether_the_schema_fits(headwater: Headwater) -> None:
    empty = headwater("state", "status", "-o", "json")
    headwater("state", "migrate")
    current = headwater("state", "status")

    assert (empty.code, empty.json["state"], empty.json["needed"]) == (1, "empty", head())
    assert current.code == 0
    assert "Nothing to do." in current.out


def test_status_shows_no_password(headwater: Headwater, tmp_path: Path, postgresql_url: str) -> None:
    url = postgresql_url.replace("postgres:@", "postgres:hunter2@")

    shown = headwater("state", "status", HEADWATER_STATE_URL=url)

    assert "postgres:***@" in shown.out
    assert "hunter2" not in shown.out + shown.err


def test_a_state_moves_from_sqlite_to_postgresql(headwater: Headwater, tmp_path: Path, postgresql_url: str) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    engine = connect(url)
    commit_batch(engine, "b1", [match()], destinations=["file"])
    shown = list_alerts(engine)
    engine.dispose()

    copied = headwater("state", "copy", "--to", postgresql_url, "-o", "json", HEADWATER_STATE_URL=url)
    again = headwater("state", "copy", "--to", postgresql_url, HEADWATER_STATE_URL=url)

    moved = connect(postgresql_url)
    assert copied.json["objects"] == copied.json["alerts"] == 1
    assert (again.code, "has rows already" in again.err) == (2, True)
    assert list_alerts(moved) == shown
    moved.dispose()


def test_a_newer_database_is_refused_with_what_to_do(headwater: Headwater, tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    url = f"sqlite:///{path}"
    headwater("state", "migrate", HEADWATER_STATE_URL=url)
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '0999'")

    refused = headwater("alerts", "list", HEADWATER_STATE_URL=url)

    assert refused.code == 2
    assert "Run that release or a later one" in refused.err
    assert headwater("state", "status", HEADWATER_STATE_URL=url).code == 1
