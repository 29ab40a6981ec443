"""What detections remember between events: strings, a counter and a text under each key, until it expires.

Detections reach it as `panther_detection_helpers.caching`; the service keeps it in the state database.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

DEFAULT_LIFE_S = 90 * 86_400
ENTRY_MAX_CHARS = 400_000  # about what DynamoDB, for which these detections were written, takes


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept under a key. expires_at: seconds since 1970."""

    strings: frozenset[str] = frozenset()
    count: int = 0
    text: str = ""
    expires_at: float = 0.0


ABSENT = Entry()


@dataclass(frozen=True, slots=True)
class Change:
    """One atomic step on an entry; what is not named stays as it is.

    strings, count, text: new values. Then strings are added and removed, the counter is moved by `by`.
    expires_at: seconds since 1970; None keeps an entry's end, and gives a new entry the default life.
    """

    strings: frozenset[str] | None = None
    add: frozenset[str] = field(default_factory=frozenset)
    remove: frozenset[str] = field(default_factory=frozenset)
    count: int | None = None
    by: int = 0
    text: str | None = None
    expires_at: float | None = None

    def of(self, entry: Entry, now: float) -> Entry:
        """The entry after this step; expired and absent ones count as empty."""
        before = entry if entry.expires_at > now else ABSENT
        strings = before.strings if self.strings is None else self.strings
        return Entry(
            strings=(strings | self.add) - self.remove,
            count=(before.count if self.count is None else self.count) + self.by,
            text=before.text if self.text is None else self.text,
            expires_at=(before.expires_at or now + DEFAULT_LIFE_S) if self.expires_at is None else self.expires_at,
        )


def check_size(key: str, entry: Entry) -> None:
    """Raises: ValueError for an entry that is too large to be kept."""
    size = len(key) + len(entry.text) + sum(map(len, entry.strings))
    if size > ENTRY_MAX_CHARS:
        raise ValueError(f"cache key {key[:100]!r} would hold {size} characters, more than {ENTRY_MAX_CHARS}")


class Cache(Protocol):
    """Where entries are kept. Each change is atomic among all workers."""

    def read(self, key: str) -> Entry:
        """The entry of a key; the empty one where it is absent or expired."""

    def change(self, key: str, step: Change) -> Entry:
        """The entry after one step, which is kept. Raises: ValueError where it grows too large."""


class MemoryCache:
    """A cache that lives as long as its process: for unit tests and for runs without a state database."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._entries: dict[str, Entry] = {}
        self._lock = threading.Lock()

    def read(self, key: str) -> Entry:
        """The entry of a key; the empty one where it is absent or expired."""
        entry = self._entries.get(key, ABSENT)
        return entry if entry.expires_at > self._clock() else ABSENT

    def change(self, key: str, step: Change) -> Entry:
        """The entry after one step, which is kept. Raises: ValueError where it grows too large."""
        with self._lock:
            made = step.of(self._entries.get(key, ABSENT), self._clock())
            check_size(key, made)
            self._entries[key] = made
        return made if made.expires_at > self._clock() else ABSENT
