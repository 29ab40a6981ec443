"""The past of a table out of reach: every older snapshot forgotten, and the files that only those had deleted."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import CommitFailedException, CommitStateUnknownException
from pyiceberg.table import Table
from pyiceberg.table.refs import MAIN_BRANCH

from headwater.errors import CommitConflict, HeadwaterError
from headwater.lake.commit import FIRST_WAIT_S, LONGEST_WAIT_S, TRIES, batches_of, share_history
from headwater.lake.faults import translated
from headwater.lake.files import delete_files, referenced
from headwater.lake.landing import keep_files
from headwater.lake.replace import UPKEEP
from headwater.lake.tables import CARRIED


def forget_past(
    catalog: Catalog,
    name: str,
    unfinished: Callable[[], Collection[str]],
    *,
    jitter: Callable[[], float] = random.random,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Forget every snapshot that the table has now, and delete the files that only those name; gives how many files.

    What is in the table stays, under a new snapshot without new rows. unfinished: the batches that are not finished, at
    the time of the call; the new snapshot carries the ids of those that are in the table, so that whoever finishes them
    finds them there. Queries that have begun before may fail.
    Raises: CommitConflict, LakeUnavailable, AccessDenied; HeadwaterError where a tag or a branch holds on to the past.
    """
    for attempt in range(TRIES):
        try:
            with translated(f"forget old snapshots of {name}"):
                table = catalog.load_table(name)
                _require_no_tags(table, name)
                before = referenced(table)
                past = [snapshot.snapshot_id for snapshot in table.metadata.snapshots]
                _carry(table, unfinished())
                _expire(catalog.load_table(name), past)
                return _delete(catalog.load_table(name), before)
        except (CommitFailedException, CommitStateUnknownException, _Raced):
            sleep(min(FIRST_WAIT_S * 2**attempt, LONGEST_WAIT_S) * (0.5 + jitter()))
    raise CommitConflict(f"{name}: other writers were faster {TRIES} times")


def _carry(table: Table, unfinished: Collection[str]) -> None:
    """A snapshot of the same rows. Its manifests name no file that was taken out before, for an append drops those."""
    known = {batch for snapshot in table.metadata.snapshots for batch in batches_of(snapshot)}
    carried = " ".join(sorted(known.intersection(unfinished)))
    share_history(table)
    keep_files(table)
    properties = {UPKEEP: "deletion", **({CARRIED: carried} if carried else {})}
    with (
        table.transaction() as transaction,
        transaction.update_snapshot(snapshot_properties=properties).merge_append(),
    ):
        pass


class _Raced(Exception):
    """Another process forgets the same snapshots."""


def _require_no_tags(table: Table, name: str) -> None:
    others = sorted(set(table.metadata.refs) - {MAIN_BRANCH})
    if others:
        raise HeadwaterError(f"{name}: the tags or branches {', '.join(others)} keep old snapshots; remove them first")


def _expire(table: Table, past: Collection[int]) -> None:
    share_history(table)
    still = {snapshot.snapshot_id for snapshot in table.metadata.snapshots}
    try:
        table.maintenance.expire_snapshots().by_ids([each for each in past if each in still]).commit()
    except ValueError as error:
        raise _Raced from error


def _delete(table: Table, before: Collection[str]) -> int:
    still = referenced(table)
    gone = [url for url in before if url not in still and not url.endswith(".metadata.json")]
    delete_files(table, gone)
    return len(gone)
