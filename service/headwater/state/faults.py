"""What an error of the database means: try again at once, wait for the server, or ask a person."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, TimeoutError

from headwater.errors import StateUnavailable

T = TypeVar("T")
TRIES = 5  # of a transaction that another one was in the way of
PATIENCE_S = 20.0  # with a server that restarts; a failover of RDS takes longer, and is left to the callers' retries
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 2.0
Pause = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """kind: conflict is over in a moment, away when the server is back, stuck when a person has done as `advice` says.

    advice: empty, or a sentence.
    """

    kind: Literal["conflict", "away", "stuck"]
    advice: str = ""


CONFLICT = Fault("conflict")
AWAY = Fault("away")
CROWDED = Fault("away", "Raise max_connections, or run fewer workers: each process takes up to 15 connections.")
READ_ONLY = Fault("away", "It takes no writes: a failover is under way, or the URL names a read replica.")
SLOW = Fault("stuck", "A statement took too long: see docs/state.md, section Time limits.")
DISK_FULL = Fault("stuck", "Its disk is full: give it more storage, or lower HEADWATER_LEDGER_DAYS.")
LOGIN = Fault("stuck", "Check the user and password of HEADWATER_STATE_URL; for IAM: headwater state prepare.")
NO_DATABASE = Fault("stuck", "Create the database, or correct the name in HEADWATER_STATE_URL.")
FORBIDDEN = Fault("stuck", "Give the user of HEADWATER_STATE_URL the right; headwater state prepare does so in RDS.")
NO_FILE = Fault("stuck", "Check the owner and the mode of the file and its folder.")
DAMAGED = Fault("stuck", "The file is damaged: restore a backup (docs/state.md).")

# https://www.postgresql.org/docs/current/errcodes-appendix.html; a class of two characters, or a whole code
SQLSTATES = {
    "40001": CONFLICT,
    "40P01": CONFLICT,
    "55P03": CONFLICT,
    "08": AWAY,
    "25006": READ_ONLY,
    "25P03": AWAY,
    "28": LOGIN,
    "3D000": NO_DATABASE,
    "42501": FORBIDDEN,
    "53100": DISK_FULL,
    "53200": AWAY,
    "53300": CROWDED,
    "57014": SLOW,
    "57P01": AWAY,
    "57P02": AWAY,
    "57P03": AWAY,
}

# psycopg gives no code with a connection that is refused, so the server's words must do
REFUSALS = {
    "too many": CROWDED,
    "remaining connection slots": CROWDED,
    "read-only": READ_ONLY,
    "authentication failed": LOGIN,
    "no pg_hba.conf entry": LOGIN,
    'role "': LOGIN,
    'database "': NO_DATABASE,
}

# https://www.sqlite.org/rescode.html, the primary codes
SQLITE_CODES = {
    sqlite3.SQLITE_BUSY: CONFLICT,
    sqlite3.SQLITE_LOCKED: CONFLICT,
    sqlite3.SQLITE_IOERR: AWAY,
    sqlite3.SQLITE_FULL: DISK_FULL,
    sqlite3.SQLITE_PERM: NO_FILE,
    sqlite3.SQLITE_READONLY: NO_FILE,
    sqlite3.SQLITE_CANTOPEN: NO_FILE,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
}


def judge(error: DBAPIError | TimeoutError) -> Fault | None:
    """What the error means; None: the statement is wrong, and would be again."""
    if isinstance(error, TimeoutError):
        return CROWDED  # all connections of our own pool are taken
    cause = error.orig
    found: Fault | None = None
    if isinstance(cause, sqlite3.Error):
        found = SQLITE_CODES.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF)
    elif isinstance(cause, psycopg.Error):
        found = _of_postgresql(cause)
    return found or (AWAY if error.connection_invalidated else None)


def persist(engine: Engine, attempt: Callable[[], T], *, patience_s: float, pause: Pause) -> T:
    """The result of the first attempt that the database does not break off.

    patience_s: how long to wait for a server that is away. Raises: StateUnavailable when that is over, at once where a
    person must act, and after TRIES conflicts.
    """
    began, waited_s, conflicts, pause_s = time.monotonic(), 0.0, 0, FIRST_PAUSE_S
    while True:
        try:
            return attempt()
        except (DBAPIError, TimeoutError) as error:
            fault = judge(error)
            if fault is None:
                raise
            conflicts += fault.kind == "conflict"
            is_over = fault.kind == "away" and max(waited_s, time.monotonic() - began) >= patience_s
            if is_over or fault.kind == "stuck" or conflicts == TRIES:
                raise _unavailable(engine, error, fault) from error
            if fault.kind == "away":
                engine.dispose()  # the other connections lead to the same server, which may not be the one for writes
        pause(pause_s)
        waited_s += pause_s
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


def _of_postgresql(error: psycopg.Error) -> Fault | None:
    if error.sqlstate is not None:
        return SQLSTATES.get(error.sqlstate) or SQLSTATES.get(error.sqlstate[:2])
    if not isinstance(error, psycopg.OperationalError):
        return None
    text = str(error)
    if "FATAL" not in text and "read-only" not in text:
        return AWAY
    return next((fault for words, fault in REFUSALS.items() if words in text), AWAY)


def _unavailable(engine: Engine, error: DBAPIError | TimeoutError, fault: Fault) -> StateUnavailable:
    cause: BaseException | None = error.orig if isinstance(error, DBAPIError) else error
    said = cause.diag.message_primary if isinstance(cause, psycopg.Error) else None
    text = " ".join((said or str(cause)).split())  # the server's words may have lines, with the statement
    return StateUnavailable(" ".join(part for part in (f"state database {engine.url!r}: {text}", fault.advice) if part))
