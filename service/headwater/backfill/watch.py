"""What the service looks for by itself: new objects of polled sources, and what notifications missed.

Both list a bucket, compare it with the ledger, and send what is new to the intake queue, from where it takes the way of
every other object: fair turns, retries, alerts. One worker at a time looks at a source.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal, Protocol

import structlog

from headwater.accounts import Accounts
from headwater.backfill.find import Finder, Found
from headwater.backfill.layout import DAY, Window
from headwater.errors import HeadwaterError
from headwater.model import ObjectRef, Source
from headwater.state import chores, objects

LOG = structlog.get_logger()
OVERLAP = timedelta(hours=6)  # an upload in parts is dated by its begin
GRACE = timedelta(hours=1)  # so long a notification may take before its object counts as missed
RECONCILED = 2 * DAY  # how far back the service compares by itself
LEASE_S = 3600.0
LOOK_EVERY_S = 5.0
Look = Literal["poll", "reconcile"]


class Announce(Protocol):
    """Sends objects to the intake queue."""

    def __call__(self, refs: Sequence[ObjectRef], account_id: str) -> None:
        """Send a notification of each."""


class Watch:
    """Looks at sources when it is time. every: how often; what is missing there is never done."""

    def __init__(
        self,
        finder: Finder,
        announce: Announce,
        worker: str,
        every: Mapping[Look, timedelta],
        *,
        now: Callable[[], datetime],
    ) -> None:
        self.stopped = threading.Event()
        self._finder = finder
        self._announce = announce
        self._worker = worker
        self._every = every
        self._now = now
        self._polled = polled(finder.accounts)
        self._tried: dict[str, datetime] = {}

    def run(self) -> None:
        """Look at every source that is due; one that refuses us is tried again when it would be due again."""
        done = chores.last_done(self._finder.database)
        for source in self._finder.accounts.sources:
            look: Look = "poll" if source.source_id in self._polled else "reconcile"
            if look in self._every and not self.stopped.is_set():
                self._look(source, look, done.get(_chore(look, source)))
        objects.unannounce(self._finder.database, self._now() - DAY)

    def _look(self, source: Source, look: Look, last: datetime | None) -> None:
        database, now, name, every = self._finder.database, self._now(), _chore(look, source), self._every[look]
        if any(time is not None and now - time < every for time in (last, self._tried.get(name))):
            return
        self._tried[name] = now
        if not chores.take(database, name, worker=self._worker, now=now, lease_s=LEASE_S, every=every):
            return
        done_at: datetime | None = None
        try:
            sent, found = self._send(source, _window(look, last, now))
            done_at = now
            LOG.info("source_listed", look=look, source=source.source_id, listed=found.listed, sent=sent)
        except HeadwaterError as error:
            LOG.warning("source_not_listed", look=look, source=source.source_id, error=str(error))
        finally:
            chores.end(database, name, worker=self._worker, done_at=done_at)

    def _send(self, source: Source, window: Window) -> tuple[int, Found]:
        found, sent, database = Found(), 0, self._finder.database
        for wanted in self._finder.missing(source, window, found):
            refs = [listed.ref for listed in wanted]
            fresh = objects.announce(database, source.source_id, refs, self._now())
            try:
                # without the ETag, so that the worker asks for the version: its notification would have named it
                self._announce([replace(ref, etag=None) for ref in fresh], source.account_id)
            except HeadwaterError:
                objects.unannounce(database, self._now() - DAY, fresh)
                raise
            sent += len(fresh)
        return sent, found


def _window(look: Look, last: datetime | None, now: datetime) -> Window:
    """A poll goes on from the last one, with an overlap; the first one begins a day before."""
    if look == "poll":
        return Window((last or now - DAY) - OVERLAP, now)
    return Window(now - RECONCILED, now - GRACE)


def polled(accounts: Accounts) -> frozenset[str]:
    """The ids of the sources that nobody announces: `notifications: none`."""
    return frozenset(
        f"{account.id}/{config.name}"
        for account in accounts.accounts
        for config in account.sources
        if config.notifications == "none"
    )


def _chore(look: Look, source: Source) -> str:
    return f"{look} {source.source_id}"


class Watching:
    """A watch in a thread of its own: a listing may take minutes, the queue does not wait."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look at no further source; what is being listed is left to the next worker."""
        self._watch.stopped.set()

    def _run(self) -> None:
        while not self._watch.stopped.wait(LOOK_EVERY_S):
            try:
                self._watch.run()
            except HeadwaterError as error:
                LOG.warning("watch_failed", error=str(error))
