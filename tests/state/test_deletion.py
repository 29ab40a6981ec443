"""Deletion of an account's state: all of it, nothing of others, and no byte in the files of SQLite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, Table, insert, select

from headwater.model import Match, Source
from headwater.state import commit, ledger
from headwater.state.columns import Strings, Time
from headwater.state.database import connect
from headwater.state.deletion import (
    BY_COLUMN,
    BY_HAND,
    NOTHING_OF_CUSTOMERS,
    compact_storage,
    delete_account,
    in_flight,
    unfinished_batches,
)
from headwater.state.evaluations import to_json
from headwater.state.schema import metadata
from support.protocol import NOW, claim, match, receipt, refs

MINE, OTHER = "111122223333", "444455556666"
MARKER = f"marker of {MINE}"


def row(table: Table, **given: Any) -> dict[str, Any]:
    """A row of a table with something in every column."""
    return {column.name: given.get(column.name, _value(column)) for column in table.columns}


def _value(column: Any) -> Any:
    if isinstance(column.type, Time):
        return NOW
    if isinstance(column.type, Strings):
        return ("a",)
    return {bool: False, int: 1}.get(column.type.python_type, column.name[:12])


def fill(engine: Engine, account: str) -> None:
    """A row of the account in every table that can have one."""
    given = {"account_id": account, "source_id": f"{account}/trail", "alert_id": f"alert {account}"}
    text = f"marker of {account}"
    special: dict[str, dict[str, Any]] = {
        "objects": {"object_id": f"{account:0>32}rest", "key": text, "status": "done"},
        "alerts": {"event": text, "title": text},
        "findings": {"match_id": account, "match": to_json(match(account_id=account, title=text))},
        "remembered": {"key_hash": account, "key": f"seen {account}", "content": text},
        "retried_rejects": {"reject_id": f"{account:0>32}00000001", "batch_id": f"retry {account}"},
        "rule_health": {"rule_id": f"rule {account[0]}", "last_error": text},
        "episodes": {"subject": account, "alert_id": "none"},
        "destination_health": {"name": f"{account}/pager"},
    }
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            if table.name in NOTHING_OF_CUSTOMERS:
                continue
            values = row(table, **{**given, **special.get(table.name, {})})
            for key in table.primary_key.columns:  # each account has its own
                if values[key.name] == _value(key) and isinstance(values[key.name], str):
                    values[key.name] = f"{key.name[:8]} {account}"
            connection.execute(insert(table).values(**values))


def rows_of(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    with engine.connect() as connection:
        tables = {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=str)
            for table in metadata.sorted_tables
        }
    return {name: rows for name, rows in tables.items() if rows}


def test_every_table_is_known_to_the_deletion() -> None:
    by_column = {t.name for t in metadata.sorted_tables if any(name in t.columns for name in BY_COLUMN)}

    assert {t.name for t in metadata.sorted_tables} - by_column == NOTHING_OF_CUSTOMERS | BY_HAND
    assert not by_column & (NOTHING_OF_CUSTOMERS | BY_HAND)


def test_everything_of_the_account_goes_and_all_else_stays(engine: Engine) -> None:
    fill(engine, OTHER)
    before = rows_of(engine)
    fill(engine, MINE)

    gone = delete_account(engine, MINE)

    left = rows_of(engine)
    assert {name: rows for name, rows in left.items() if MINE in str(rows)} == {}
    assert {name: rows for name, rows in left.items() if name != "rule_health"} == {
        name: rows for name, rows in before.items() if name != "rule_health"
    }
    tables = {table.name for table in metadata.sorted_tables} - NOTHING_OF_CUSTOMERS
    assert gone == dict.fromkeys(sorted(tables), 1) | {"rule_health": 2}


def test_a_dry_run_counts_the_same_and_deletes_nothing(engine: Engine) -> None:
    fill(engine, MINE)
    before = rows_of(engine)

    counted = delete_account(engine, MINE, dry_run=True)

    assert rows_of(engine) == before
    assert delete_account(engine, MINE) == counted


def test_alerts_and_findings_about_several_accounts_go_when_they_name_it(engine: Engine) -> None:
    alerts, findings = metadata.tables["alerts"], metadata.tables["findings"]
    shared = match(account_id="", title=f"{MINE} and {OTHER}", event={"accounts": [MINE, OTHER]})
    with engine.begin() as connection:
        for name, text, account in (
            ("a1", f"{MINE} and {OTHER}", ""),
            ("a2", OTHER, ""),
            ("a3", f"says {MINE}", OTHER),
        ):
            connection.execute(insert(alerts).values(**row(alerts, alert_id=name, event=text, account_id=account)))
            found = shared if name == "a1" else match(account_id=account, title=text)
            connection.execute(insert(findings).values(**row(findings, match_id=name, match=to_json(found))))

    delete_account(engine, MINE)

    with engine.connect() as connection:
        assert sorted(connection.scalars(select(alerts.c.alert_id))) == ["a2", "a3"]
        assert sorted(connection.scalars(select(findings.c.match_id))) == ["a2", "a3"]


@pytest.mark.parametrize(("everything", "left"), [(False, 1), (True, 0)], ids=["what names it", "everything"])
def test_what_detections_remember_goes(engine: Engine, everything: bool, left: int) -> None:
    remembered = metadata.tables["remembered"]
    with engine.begin() as connection:
        for number, (key, strings) in enumerate([("x", ()), (f"count {MINE}", ()), ("seen", (f"arn:{MINE}",))]):
            values = row(remembered, key_hash=str(number), key=key, strings=strings, content="")
            connection.execute(insert(remembered).values(**values))

    delete_account(engine, MINE, everything_remembered=everything)

    assert len(rows_of(engine).get("remembered", [])) == left


def test_a_batch_that_is_being_written_can_be_finished(engine: Engine) -> None:
    (ref,) = refs(1)
    claim(engine, [ref])
    found: list[Match] = [match()]
    commit.prepare(engine, "b1", [ref.object_id], found, worker="w1", now=NOW)

    delete_account(engine, MINE)

    assert (in_flight(engine, MINE), unfinished_batches(engine)) == (1, frozenset({"b1"}))
    commit.finish(engine, "b1", [receipt(ref)], found, now=NOW, destinations=("file",))
    assert (in_flight(engine, MINE), unfinished_batches(engine)) == (0, frozenset())
    delete_account(engine, MINE)
    assert MINE not in str(rows_of(engine))


def test_a_worker_gives_up_objects_that_it_only_claimed(engine: Engine) -> None:
    (ref,) = refs(1)
    claim(engine, [ref])

    delete_account(engine, MINE)

    with pytest.raises(Exception, match="belong to another worker"):
        commit.prepare(engine, "b1", [ref.object_id], [], worker="w1", now=NOW)


def test_a_claim_by_another_account_is_none_of_its_objects(engine: Engine) -> None:
    shop = Source(OTHER, "shop", "trail", "shop-logs")
    ledger.claim(engine, [(ref, shop.source_id) for ref in refs(1)], worker="w1", now=NOW, lease_s=600)

    assert "objects" not in delete_account(engine, MINE)


def test_no_byte_is_left_in_the_files_of_sqlite(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'state.db'}")
    fill(engine, OTHER)
    fill(engine, MINE)
    assert any(MARKER.encode() in file.read_bytes() for file in tmp_path.iterdir())

    delete_account(engine, MINE)
    compact_storage(engine)

    assert [file.name for file in tmp_path.iterdir() if MINE.encode() in file.read_bytes()] == []
    assert any(OTHER.encode() in file.read_bytes() for file in tmp_path.iterdir())


def test_a_database_in_use_is_compacted_all_the_same(engine: Engine) -> None:
    fill(engine, OTHER)
    before = rows_of(engine)

    with engine.connect() as reader:
        reader.execute(select(metadata.tables["alerts"])).all()
        reader.rollback()
        compact_storage(engine)

    assert rows_of(engine) == before
