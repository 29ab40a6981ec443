"""What detections remember, shared by all workers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, select, update

from headwater.detect.cache import ABSENT, Change, Entry, check_size
from headwater.state.database import insert_missing, read, run
from headwater.state.schema import remembered

LAST = datetime(9999, 12, 31, tzinfo=UTC)


class StateCache:
    """The cache of detections in the state database.

    A step is atomic among workers; one whose connection breaks between commit and answer may be done twice.
    """

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    def read(self, key: str) -> Entry:
        """The entry of a key; the empty one where it is absent or expired."""
        now = self._now().timestamp()
        with read(self._engine) as connection:
            row = connection.execute(select(remembered).where(remembered.c.key_hash == _hash(key))).one_or_none()
        entry = _entry(row) if row else ABSENT
        return entry if entry.expires_at > now else ABSENT

    def change(self, key: str, step: Change) -> Entry:
        """The entry after one step, which is kept. Raises: ValueError where it grows too large."""
        now = self._now()

        def work(connection: Connection) -> Entry:
            insert_missing(connection, remembered, [{"key_hash": _hash(key), "key": key, **_values(ABSENT)}])
            statement = select(remembered).where(remembered.c.key_hash == _hash(key)).with_for_update()
            made = step.of(_entry(connection.execute(statement).one()), now.timestamp())
            check_size(key, made)
            connection.execute(update(remembered).where(remembered.c.key_hash == _hash(key)).values(**_values(made)))
            return made

        made = run(self._engine, work)
        return made if made.expires_at > now.timestamp() else ABSENT


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _entry(row: Row[Any]) -> Entry:
    return Entry(frozenset(row.strings), row.counter, row.content, row.expires_at.timestamp())


def _values(entry: Entry) -> dict[str, Any]:
    return {
        "strings": sorted(entry.strings),
        "counter": entry.count,
        "content": entry.text,
        "expires_at": _time(entry.expires_at),
    }


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(max(seconds, 0.0), UTC) if seconds < LAST.timestamp() else LAST
