"""Housekeeping between batches, so that lake metadata and state stay small."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from headwater.errors import HeadwaterError
from headwater.lake.maintain import expire_snapshots
from headwater.pipeline import Store
from headwater.settings import Settings
from headwater.state import ledger
from headwater.state.maintain import Retention, retain

LOG = structlog.get_logger()
EVERY = timedelta(minutes=10)
SNAPSHOTS_KEPT = timedelta(hours=6)


class Upkeep:
    """Forgets old snapshots, finished batches and what the settings let go, now and then."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._kept = Retention(done=timedelta(days=settings.ledger_days), alerts=timedelta(days=settings.alert_days))
        self._expires = "snapshots" in settings.lake_upkeep
        self._last: datetime | None = None

    def run(self, now: datetime) -> None:
        """Do the work if it is time; a failure waits for the next time."""
        if self._last is not None and now - self._last < EVERY:
            return
        self._last = now
        try:
            forgotten = self._forget_snapshots(now) if self._expires else {}
            deleted = retain(self._store.database, now, self._kept)
            LOG.info(
                "upkeep_done",
                snapshots_forgotten=sum(forgotten.values()),
                **{f"{name}_forgotten": count for name, count in deleted.items()},
            )
        except HeadwaterError as error:
            LOG.warning("upkeep_failed", error=str(error))

    def _forget_snapshots(self, now: datetime) -> dict[str, int]:
        unfinished = ledger.oldest_prepared(self._store.database) or now  # its snapshots prove what was added
        return expire_snapshots(self._store.catalog, min(now - SNAPSHOTS_KEPT, unfinished))
