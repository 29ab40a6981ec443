"""All rows of one account out of every table, and out of every file."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.catalog import Catalog
from pyiceberg.expressions import BooleanExpression, EqualTo

from headwater.lake.drop import Mentions, drop_rows
from headwater.lake.faults import translated
from headwater.lake.files import Orphan, orphans, remove
from headwater.lake.forget import forget_past
from headwater.lake.retention import ACCOUNT
from headwater.lake.tables import MATCHES, table_names

SHARED_COLUMNS = ("p_event", "p_context", "p_title", "p_dedup")


@dataclass(frozen=True, slots=True)
class Erased:
    """What became of one table. files_deleted: from its storage. left: young files with rows of the account, or half
    written, that no snapshot names: a writer may commit them yet, and with them rows of others."""

    table: str
    rows: int = 0
    files_dropped: int = 0
    files_rewritten: int = 0
    files_deleted: int = 0
    left: int = 0


def erase(
    catalog: Catalog,
    account_id: str,
    *,
    before: datetime,
    unfinished: Callable[[], Collection[str]],
    renew: Callable[[], None] = lambda: None,
    dry_run: bool = False,
) -> list[Erased]:
    """Drop all rows of an account, forget the snapshots that had them, and delete all files that did.

    before: older than everything that a writer has written and not committed yet. unfinished: as for forget_past.
    renew: called between the steps. Safe to repeat: the next call goes on where one that was killed had come to.
    Rows that a writer adds meanwhile may stay; a second call finds them.
    """
    erased = []
    for name in table_names(catalog):
        with translated(f"delete an account from {name}"):
            columns = catalog.load_table(name).schema().column_names
        if ACCOUNT in columns:
            erased.append(_erase(catalog, name, account_id, before, unfinished, renew, dry_run))
    return erased


def _erase(
    catalog: Catalog,
    name: str,
    account_id: str,
    before: datetime,
    unfinished: Callable[[], Collection[str]],
    renew: Callable[[], None],
    dry_run: bool,
) -> Erased:
    def go_on() -> bool:
        renew()
        return True

    dropped = drop_rows(catalog, name, of_account(account_id), why="deletion", go_on=go_on, dry_run=dry_run)
    done = Erased(name, dropped.rows, dropped.files_dropped, dropped.files_rewritten)
    if name == MATCHES:  # findings about several accounts belong to none
        shared = Mentions(account_id, SHARED_COLUMNS)
        more = drop_rows(catalog, name, of_account(""), mentions=shared, why="deletion", go_on=go_on, dry_run=dry_run)
        done = Erased(
            name,
            done.rows + more.rows,
            done.files_dropped + more.files_dropped,
            done.files_rewritten + more.files_rewritten,
        )
    if dry_run:
        return done
    renew()
    # also where nothing was dropped: a run that was killed may have dropped it
    deleted = forget_past(catalog, name, unfinished)
    renew()
    with translated(f"clean up {name}"):
        found = orphans(catalog, name)
        old = [each for each in found if each.modified_at < before]
        remove(catalog, old)
        left = sum(_may_have_rows(catalog, each, account_id) for each in found if each.modified_at >= before)
    return Erased(name, done.rows, done.files_dropped, done.files_rewritten, deleted + len(old), left)


def of_account(account_id: str) -> BooleanExpression:
    """The rows of an account."""
    equal_to: Any = EqualTo  # its own __init__ is not what mypy sees
    return equal_to(ACCOUNT, account_id)  # type: ignore[no-any-return]


def _may_have_rows(catalog: Catalog, orphan: Orphan, account_id: str) -> bool:
    if not orphan.url.endswith(".parquet"):
        return False
    try:
        with catalog.load_table(orphan.table).io.new_input(orphan.url).open() as stream:
            column = pq.read_table(stream, columns=[ACCOUNT])[ACCOUNT]
    except FileNotFoundError:  # deleted meanwhile
        return False
    except pa.ArrowInvalid:  # not written to its end
        return True
    return bool(pc.any(pc.equal(column, account_id)).as_py())
