"""Every way in which the database breaks off, told apart and with what to do."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from headwater.errors import StateUnavailable
from headwater.state.database import run
from headwater.state.faults import judge


def sqlite_error(code: int, text: str) -> sqlite3.Error:
    """The error of SQLite with a result code."""
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error


def refusal(text: str) -> psycopg.Error:
    """The error of a connection that the server did not accept."""
    return psycopg.OperationalError(f'connection failed: connection to server at "192.0.2.1" failed: {text}')


@pytest.mark.parametrize(
    ("cause", "kind", "advice"),
    [
        pytest.param(errors.DeadlockDetected(), "conflict", "", id="deadlock"),
        pytest.param(errors.SerializationFailure(), "conflict", "", id="serialization"),
        pytest.param(errors.LockNotAvailable(), "conflict", "", id="lock time-out"),
        pytest.param(errors.AdminShutdown(), "away", "", id="restart"),
        pytest.param(errors.CannotConnectNow(), "away", "", id="starting up"),
        pytest.param(errors.ReadOnlySqlTransaction(), "away", "failover", id="old primary"),
        pytest.param(errors.IdleInTransactionSessionTimeout(), "away", "", id="idle in transaction"),
        pytest.param(errors.TooManyConnections(), "away", "max_connections", id="too many connections"),
        pytest.param(errors.DiskFull(), "stuck", "more storage", id="disk full"),
        pytest.param(errors.QueryCanceled(), "stuck", "too long", id="statement time-out"),
        pytest.param(errors.InsufficientPrivilege(), "stuck", "state prepare", id="no right"),
        pytest.param(refusal("Connection refused"), "away", "", id="refused"),
        pytest.param(refusal("FATAL:  the database system is starting up"), "away", "", id="refused while starting"),
        pytest.param(
            refusal("FATAL:  sorry, too many clients already"), "away", "max_connections", id="too many clients"
        ),
        pytest.param(refusal("session is read-only"), "away", "replica", id="a replica"),
        pytest.param(refusal('FATAL:  PAM authentication failed for user "x"'), "stuck", "for IAM", id="IAM login"),
        pytest.param(refusal('FATAL:  role "x" does not exist'), "stuck", "user", id="no such user"),
        pytest.param(refusal('FATAL:  database "x" does not exist'), "stuck", "Create the database", id="no database"),
        pytest.param(sqlite_error(sqlite3.SQLITE_BUSY, "database is locked"), "conflict", "", id="sqlite locked"),
        pytest.param(sqlite_error(sqlite3.SQLITE_BUSY_SNAPSHOT, "locked"), "conflict", "", id="sqlite snapshot"),
        pytest.param(sqlite_error(sqlite3.SQLITE_FULL, "disk is full"), "stuck", "more storage", id="sqlite full"),
        pytest.param(sqlite_error(sqlite3.SQLITE_READONLY, "readonly"), "stuck", "mode", id="sqlite read-only"),
        pytest.param(sqlite_error(sqlite3.SQLITE_CORRUPT, "malformed"), "stuck", "backup", id="sqlite damaged"),
    ],
)
def test_a_fault_is_told_by_its_code(cause: Exception, kind: str, advice: str) -> None:
    fault = judge(DBAPIError("UPDATE", {}, cause))

    assert fault is not None
    assert fault.kind == kind
    assert advice in fault.advice


@pytest.mark.parametrize(
    "cause",
    [errors.UniqueViolation(), errors.UndefinedTable(), sqlite_error(sqlite3.SQLITE_ERROR, "no such table: x")],
    ids=["duplicate key", "no table", "sqlite no table"],
)
def test_a_mistake_of_a_statement_is_no_fault_of_the_database(cause: Exception) -> None:
    assert judge(OperationalError("SELECT", {}, cause)) is None


def test_an_exhausted_pool_is_waited_for() -> None:
    fault = judge(PoolTimeout("QueuePool limit of size 5 overflow 10 reached"))

    assert fault is not None
    assert fault.kind == "away"


def test_what_a_person_must_mend_is_told_at_once(engine: Engine) -> None:
    pauses: list[float] = []

    def work(connection: object) -> None:
        raise OperationalError("INSERT", {}, errors.DiskFull("could not extend file: No space left on device"))

    with pytest.raises(StateUnavailable, match=r"No space left.*give it more storage"):
        run(engine, work, pause=pauses.append)

    assert pauses == []


def test_conflicts_end_after_some_tries(engine: Engine) -> None:
    pauses: list[float] = []

    def work(connection: object) -> None:
        raise OperationalError("UPDATE", {}, errors.DeadlockDetected("deadlock detected"))

    with pytest.raises(StateUnavailable, match="deadlock"):
        run(engine, work, pause=pauses.append)

    assert len(pauses) == 4
