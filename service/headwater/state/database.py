"""Connections and transactions of the state database, alike on SQLite and PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import structlog
from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from headwater.errors import ConfigError, StateUnavailable
from headwater.state import migrate as migrations
from headwater.state.migrate import Migrate

LOG = structlog.get_logger()
T = TypeVar("T")
Database = Engine  # what the packages outside state call it
TRIES = 5  # of a transaction that a deadlock or a lost connection broke off
URL_FIX = "Use sqlite:////absolute/path/state.db or postgresql://user:password@host/database."
CHUNK = 500  # ids per statement: SQLite allows 32,766 parameters, PostgreSQL 65,535
BUSY_TIMEOUT_MS = 30_000
CONNECT_TIMEOUT_S = 10


def connect(url: str, password: Callable[[], str] | None = None, *, migrate: Migrate = "auto") -> Engine:
    """The database at an SQLAlchemy URL (`sqlite:///…` or `postgresql+psycopg://…`) with the schema of this release.

    password: makes one for each new connection, where the URL has none.  migrate: auto brings an older schema to this.
    Raises: ConfigError for a URL of another kind, a newer schema, or (check) an older one; StateUnavailable.
    """
    engine = open_database(url, password)
    with read(engine) as connection:
        found = migrations.status(connection)
    migrations.refuse_newer(found)
    if migrate == "check":
        migrations.refuse_old(found)
    elif found.kind != "current":
        upgrade(engine)
    return engine


def upgrade(engine: Engine) -> migrations.SchemaStatus:
    """Migrate the database; gives the schema it had. Raises: ConfigError for a newer one, StateUnavailable."""
    before = run(engine, migrations.upgrade)
    if before.kind in ("behind", "unversioned"):
        LOG.info("state_migrated", before=before.version or before.kind, after=before.head)
    return before


def open_database(url: str, password: Callable[[], str] | None = None) -> Engine:
    """The database as it is. Raises: ConfigError for a URL of another kind."""
    address = _parse(url)
    return _sqlite(address) if address.drivername == "sqlite" else _postgresql(address, password)


def run(engine: Engine, work: Callable[[Connection], T]) -> T:
    """The result of `work` in one transaction, again from the start when the database broke it off.

    work: must be idempotent, for a connection can break after the commit and before its answer.
    Raises: StateUnavailable when every try was broken off.
    """
    for left in reversed(range(TRIES)):
        try:
            with engine.begin() as connection:
                return work(connection)
        except DBAPIError as error:
            if not _broken_off(error):
                raise
            if not left:
                raise StateUnavailable(f"state database {engine.url!r}: {error.orig}") from error
    raise AssertionError("unreachable")


@contextmanager
def read(engine: Engine) -> Iterator[Connection]:
    """A connection for SELECTs alone; on SQLite it does not wait for writers."""
    try:
        with engine.connect().execution_options(read_only=True) as connection:
            yield connection
    except DBAPIError as error:
        if not _broken_off(error):
            raise
        raise StateUnavailable(f"state database {engine.url!r}: {error.orig}") from error


def insert_missing(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert the rows whose primary key is not there yet; give them in key order, or two writers can deadlock."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table).on_conflict_do_nothing(index_elements=list(table.primary_key.columns))
    if rows:
        connection.execute(statement, list(rows))


def chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """The items in pieces that fit into one statement."""
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))


def random_id() -> str:
    """32 hex digits."""
    return uuid.uuid4().hex


def _parse(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise ConfigError.one("environment", "HEADWATER_STATE_URL is no URL", fix=URL_FIX) from error
    kind = address.get_backend_name()
    if kind in ("postgresql", "postgres"):
        return address.set(drivername="postgresql+psycopg")
    if kind == "sqlite" and address.database not in (None, "", ":memory:"):
        return address.set(drivername="sqlite")
    raise ConfigError.one("environment", f"HEADWATER_STATE_URL is of kind {kind!r}", fix=URL_FIX)


def _postgresql(address: URL, password: Callable[[], str] | None) -> Engine:
    arguments = {"connect_timeout": CONNECT_TIMEOUT_S, "application_name": "headwater"}
    engine = create_engine(address, pool_pre_ping=True, isolation_level="READ COMMITTED", connect_args=arguments)
    if password is not None:
        made = password

        def log_in(_dialect: object, _record: object, _arguments: object, parameters: dict[str, Any]) -> None:
            parameters["password"] = made()

        event.listen(engine, "do_connect", log_in)
    return engine


def _sqlite(address: URL) -> Engine:
    Path(str(address.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(address)
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # or sqlite3 begins transactions of its own, too late
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(
        "PRAGMA synchronous = FULL"
    )  # a message is acknowledged after the commit: it must survive a crash


def _begin_sqlite(connection: Connection) -> None:
    # A writer that begins with a read cannot wait for another writer: SQLite refuses it at once. So lock at the start.
    read_only = connection.get_execution_options().get("read_only")
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def _broken_off(error: DBAPIError) -> bool:
    """Whether the same transaction could succeed on another try: locks, deadlocks, lost connections, full disks."""
    return isinstance(error, OperationalError) or error.connection_invalidated
