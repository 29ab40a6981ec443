"""Objects, matches and receipts for tests of the commit protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any, TypeVar

from sqlalchemy import Engine

from headwater.model import Match, ObjectRef, Receipt, Source
from headwater.state import commit, ledger
from headwater.state.outbox import Destinations
from headwater.state.storms import AlertPolicy

T = TypeVar("T")
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SOURCE = Source("111122223333", "payments", "cloudtrail", "payments-logs")


def later(minutes: float) -> datetime:
    """A time after NOW."""
    return NOW + timedelta(minutes=minutes)


def refs(count: int, first: int = 0) -> list[ObjectRef]:
    """Different objects."""
    return [ObjectRef("payments-logs", f"AWSLogs/{number}.json.gz", etag="e") for number in range(first, first + count)]


def claim(engine: Engine, objects: Sequence[ObjectRef], worker: str = "w1", now: datetime = NOW) -> ledger.Claim:
    """Claim objects of SOURCE for ten minutes."""
    return ledger.claim(engine, [(ref, SOURCE.source_id) for ref in objects], worker=worker, now=now, lease_s=600)


def match(row: int = 0, **changes: Any) -> Match:
    """A match of one rule; each row gives another event."""
    fields: dict[str, Any] = {
        "kind": "RULE",
        "rule_id": "Root.Login",
        "log_type": "AWS.CloudTrail",
        "row_id": f"row-{row}",
        "event_time": NOW - timedelta(minutes=row),
        "account_id": "111122223333",
        "title": f"root login {row}",
        "dedup": "root",
        "severity": "HIGH",
        "event": {"eventName": "ConsoleLogin", "row": row},
    }
    return Match(**(fields | changes))


def receipt(ref: ObjectRef, **changes: Any) -> Receipt:
    """An object of ten rows."""
    fields: dict[str, Any] = {
        "log_types": ("AWS.CloudTrail",),
        "rows_in": 10,
        "rows_out": 9,
        "rejects": 1,
        "matches": 0,
        "bytes_in": 100,
        "elapsed_ms": 5,
    }
    return Receipt(ref, SOURCE, **(fields | changes))


def commit_batch(
    engine: Engine,
    batch_id: str,
    matches: Sequence[Match],
    *,
    now: datetime = NOW,
    destinations: Destinations = (),
    storm_limit: int = 0,
    reopens: bool = False,
) -> commit.Finished:
    """Claim, prepare and finish one new object that yields the matches."""
    ref = ObjectRef("payments-logs", f"of {batch_id}", etag="e")
    claim(engine, [ref], now=now)
    policy = AlertPolicy(storm_limit, reopens)
    commit.prepare(engine, batch_id, [ref.object_id], matches, worker="w1", now=now, policy=policy)
    return commit.finish(engine, batch_id, [receipt(ref)], matches, now=now, destinations=destinations, policy=policy)


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """The results of calls that start together, each in a thread of its own."""
    barrier = Barrier(len(calls))

    def wait_and_call(call: Callable[[], T]) -> T:
        barrier.wait(timeout=30)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(wait_and_call, calls))
