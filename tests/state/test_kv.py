"""The cache of detections in the state database keeps what the one in memory keeps, among workers too."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from headwater.detect.cache import ABSENT, ENTRY_MAX_CHARS, Cache, Change, MemoryCache
from headwater.state.database import connect
from headwater.state.kv import StateCache
from headwater.state.maintain import prune
from headwater.state.schema import remembered
from support.protocol import NOW

LATER = (NOW + timedelta(hours=1)).timestamp()


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def cache(request: pytest.FixtureRequest, clock: Clock, tmp_path: Path) -> Iterator[Cache]:
    if request.param == "memory":
        yield MemoryCache(lambda: clock().timestamp())
        return
    is_sqlite = request.param == "sqlite"
    engine = connect(f"sqlite:///{tmp_path / 's.db'}" if is_sqlite else request.getfixturevalue("postgresql_url"))
    yield StateCache(engine, clock)
    engine.dispose()


def test_steps_add_up(cache: Cache) -> None:
    cache.change("k", Change(strings=frozenset("ab"), expires_at=LATER))
    cache.change("k", Change(add=frozenset("cd"), remove=frozenset("a"), by=3))
    made = cache.change("k", Change(by=-1, text='{"a": "\\u0000 \\ud800"}'))

    assert (made.strings, made.count, made.expires_at) == (frozenset("bcd"), 2, LATER)
    assert cache.read("k") == made
    assert cache.read("other") == ABSENT


def test_expired_entries_are_absent_and_start_anew(cache: Cache, clock: Clock) -> None:
    cache.change("k", Change(by=5, expires_at=LATER))
    clock.now += timedelta(hours=1)

    assert cache.read("k") == ABSENT
    assert cache.change("k", Change(by=1)).count == 1


def test_an_entry_too_large_is_refused_and_the_one_before_stays(cache: Cache) -> None:
    cache.change("k", Change(text="a"))

    with pytest.raises(ValueError, match="would hold 400001 characters"):
        cache.change("k", Change(text="a" * ENTRY_MAX_CHARS))

    assert cache.read("k").text == "a"


@pytest.mark.parametrize("key", ["", "a" * 5_000, "\0\ud800 ü"], ids=["empty", "long", "not-utf8"])
def test_every_text_is_a_key(cache: Cache, key: str) -> None:
    cache.change(key, Change(by=1))

    assert cache.read(key).count == 1


def test_no_step_of_many_workers_is_lost(engine: Engine, clock: Clock) -> None:
    cache = StateCache(engine, clock)

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(lambda number: cache.change("k", Change(by=1, add=frozenset((str(number),)))), range(40)))

    entry = cache.read("k")
    assert (entry.count, len(entry.strings)) == (40, 40)


def test_upkeep_deletes_what_has_expired(engine: Engine, clock: Clock) -> None:
    cache = StateCache(engine, clock)
    cache.change("gone", Change(by=1, expires_at=LATER))
    cache.change("kept", Change(by=1))

    prune(engine, NOW + timedelta(days=1))

    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(remembered)) == 1
    assert cache.read("kept").count == 1
