"""Faults of the service, told as alerts outside of any batch of objects."""

from __future__ import annotations

from datetime import datetime

from headwater.model import Match
from headwater.pipeline import Store
from headwater.state import commit as state_commit


def tell(store: Store, worker: str, batch_id: str, match: Match, now: datetime) -> None:
    """Alert on a fault once: a second call with the same batch_id does nothing."""
    state_commit.prepare(store.database, batch_id, (), (match,), worker=worker, now=now)
    state_commit.finish(store.database, batch_id, (), (match,), now=now, destinations=store.destinations)
