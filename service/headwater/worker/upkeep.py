"""Housekeeping between batches, so that lake metadata and state stay small."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from headwater.errors import HeadwaterError
from headwater.lake.maintain import expire_snapshots
from headwater.pipeline import Store
from headwater.state import ledger
from headwater.state.maintain import prune

LOG = structlog.get_logger()
EVERY = timedelta(minutes=10)
SNAPSHOTS_KEPT = timedelta(hours=6)
STATE_KEPT = timedelta(days=1)  # of finished batches and sent deliveries; objects and alerts stay


class Upkeep:
    """Forgets old snapshots and finished batches, now and then."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last: datetime | None = None

    def run(self, now: datetime) -> None:
        """Do the work if it is time; a failure waits for the next time."""
        if self._last is not None and now - self._last < EVERY:
            return
        self._last = now
        try:
            unfinished = ledger.oldest_prepared(self._store.database) or now  # its snapshots prove what was added
            forgotten = expire_snapshots(self._store.catalog, min(now - SNAPSHOTS_KEPT, unfinished))
            prune(self._store.database, now - STATE_KEPT)
            LOG.info("upkeep_done", snapshots_forgotten=sum(forgotten.values()))
        except HeadwaterError as error:
            LOG.warning("upkeep_failed", error=str(error))
