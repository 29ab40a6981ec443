"""Upkeep of the lake's files: compaction, retention and orphans, by one worker at a time, beside its loop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final

import structlog

from headwater.accounts import Accounts
from headwater.errors import HeadwaterError
from headwater.lake.compact import Compacted, compact
from headwater.lake.drop import Dropped
from headwater.lake.files import Orphan, clean_up
from headwater.lake.retention import retain
from headwater.lake.tables import table_names
from headwater.pipeline import Store
from headwater.settings import Settings
from headwater.state import chores, ledger

LOG = structlog.get_logger()
LAKE = "lake"  # the chore of whoever changes or deletes files: one at a time
LEASE_S = 1800.0  # renewed before every snapshot, which takes a minute at the most
EVERY: Final = {
    "lake.compaction": timedelta(minutes=10),
    "lake.retention": timedelta(hours=6),
    "lake.orphans": timedelta(hours=6),  # it lists every file
}
SKEW = timedelta(minutes=10)  # of the clocks of a database and of S3


class Tidier:
    """The lake's upkeep. stop: ends it after the snapshot that it is at."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        accounts: Accounts | None,
        worker: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._settings = settings
        self._accounts = accounts
        self._worker = worker
        self._clock = clock
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._since: datetime | None = None

    def start(self, now: datetime) -> None:
        """Begin what is due, in a thread, unless a run is at work; not in the first minutes of a process, which has
        other things to do. Takes no time itself."""
        self._since = self._since or now
        if now - self._since < EVERY["lake.compaction"] or (self._thread and self._thread.is_alive()):
            return
        self._thread = threading.Thread(target=self._run, args=(now,), name="tidy", daemon=True)
        self._thread.start()

    def stop(self, wait_s: float | None = None) -> None:
        """Let the run that is at work end with its snapshot; after wait_s it is left to die with the process, which
        harms nothing."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(wait_s)

    def _run(self, now: datetime) -> None:
        try:
            self.run(now)
        except HeadwaterError as error:
            LOG.warning("lake_upkeep_failed", error=str(error))

    def run(self, now: datetime) -> None:
        """Do what is due, if no other worker is at it."""
        mine = {f"lake.{name}" for name in self._settings.lake_upkeep}
        last = chores.last_done(self._store.database)
        due = [
            name for name, every in EVERY.items() if name in mine and (name not in last or now - last[name] >= every)
        ]
        if not due or not self._take(now):
            return
        try:
            for name in due:
                self._do(name, now)
        finally:
            chores.end(self._store.database, LAKE, worker=self._worker, done_at=now)

    def _take(self, now: datetime) -> bool:
        return chores.take(self._store.database, LAKE, worker=self._worker, now=now, lease_s=LEASE_S)

    def _do(self, name: str, now: datetime) -> None:
        """One chore, within its time; what is left of it is due again at the next run."""
        chores.take(self._store.database, name, worker=self._worker, now=now, lease_s=LEASE_S)
        started = self._clock()
        limited = name == "lake.compaction"  # the others begin anew each time: they would never come to their end

        def go_on() -> bool:
            spent = self._clock() - started
            in_time = not limited or spent < self._settings.lake_upkeep_s
            return in_time and not self._stop.is_set() and self._take(now + timedelta(seconds=spent))

        whole = False
        try:
            whole = self._chore(name, now, go_on)
        finally:
            chores.end(self._store.database, name, worker=self._worker, done_at=now if whole else None)

    def _chore(self, name: str, now: datetime, go_on: Callable[[], bool]) -> bool:
        """Whether nothing is left."""
        catalog = self._store.catalog
        if name == "lake.compaction":
            made = compact(catalog, now, tables=_rotated(table_names(catalog), now), go_on=go_on)
            log_compacted(made)
            return not any(each.left for each in made)
        if name == "lake.orphans":
            gone = clean_up(catalog, orphans_before(self._store, self._settings.lake_orphan_h, now), go_on=go_on)
            log_orphans(gone)
            return go_on()
        if self._accounts is None:
            return True
        dropped = retain(catalog, self._accounts, now, go_on=go_on)
        log_dropped(dropped)
        return not any(each.unfinished for each in dropped)


def next_runs(last: Mapping[str, datetime], now: datetime) -> dict[str, datetime]:
    """When each chore of the lake is due. last: when it was done last."""
    return {name: max(last[name] + every, now) if name in last else now for name, every in EVERY.items()}


def _rotated(names: Sequence[str], now: datetime) -> Sequence[str]:
    """Another table first each time, so that one that takes all the time cannot starve the others."""
    first = int(now.timestamp() / EVERY["lake.compaction"].total_seconds()) % max(len(names), 1)
    return (*names[first:], *names[:first])


@contextmanager
def lake_turn(store: Store, worker: str, now: Callable[[], datetime]) -> Iterator[Callable[[], bool]]:
    """No other process changes the lake's files meanwhile, but for writers that add rows. Gives what renews the turn,
    and tells whether it still is ours. Raises: HeadwaterError where another process has it."""

    def take() -> bool:
        return chores.take(store.database, LAKE, worker=worker, now=now(), lease_s=LEASE_S)

    if not take():
        raise HeadwaterError("the lake's upkeep is at work in another process; try again in some minutes")
    try:
        yield take
    finally:
        chores.end(store.database, LAKE, worker=worker, done_at=None)


def orphans_before(store: Store, hours: float, now: datetime) -> datetime:
    """Files from before that time belong to no batch that is being written."""
    return min(now - timedelta(hours=hours), uncommitted_since(store, now))


def uncommitted_since(store: Store, now: datetime) -> datetime:
    """Whatever a writer has written and not committed yet is younger."""
    return min(ledger.oldest_prepared(store.database) or now, now) - SKEW


def log_compacted(made: list[Compacted]) -> None:
    """A line for each table that changed."""
    for each in made:
        if each.snapshots or each.conflicts:
            LOG.info("table_compacted", **asdict(each))


def log_dropped(dropped: list[Dropped]) -> None:
    """A line for each table that changed."""
    for each in dropped:
        if each.rows:
            LOG.info("rows_expired", **asdict(each))


def log_orphans(gone: list[Orphan]) -> None:
    """One line for all."""
    if gone:
        LOG.info("orphans_deleted", files=len(gone), bytes=sum(each.size_bytes for each in gone))
