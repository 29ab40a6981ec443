"""Connections and transactions of the state database, alike on SQLite and PostgreSQL."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Executable,
    Result,
    ScalarResult,
    Table,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.sql.selectable import TypedReturnsRows

from headwater.errors import ConfigError
from headwater.state import migrate as migrations
from headwater.state.faults import PATIENCE_S, Pause, persist
from headwater.state.migrate import Migrate

LOG = structlog.get_logger()
T = TypeVar("T")
Database = Engine  # what the packages outside state call it
URL_FIX = "Use sqlite:////absolute/path/state.db or postgresql://user:password@host/database."
CHUNK = 500  # ids per statement: SQLite allows 32,766 parameters, PostgreSQL 65,535
BUSY_TIMEOUT_MS = 30_000
CONNECT_TIMEOUT_S = 10
RECYCLE_S = 1800  # a connection that is older is replaced: after a failover, load returns to all servers behind a name
# A server that vanished without a word (a failover of RDS) is noticed after a minute, not after the kernel's two hours.
KEEPALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 30_000}
TIME_LIMITS_S = {"statement_timeout": 60, "lock_timeout": 20, "idle_in_transaction_session_timeout": 60}


def connect(url: str, password: Callable[[], str] | None = None, *, migrate: Migrate = "auto") -> Engine:
    """The database at an SQLAlchemy URL (`sqlite:///…` or `postgresql+psycopg://…`) with the schema of this release.

    password: makes one for each new connection, where the URL has none.  migrate: auto brings an older schema to this.
    Raises: ConfigError for a URL of another kind, a newer schema, or (check) an older one; StateUnavailable.
    """
    engine = open_database(url, password)
    found = query(engine, migrations.status, patience_s=0)
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


def run(
    engine: Engine, work: Callable[[Connection], T], *, patience_s: float = PATIENCE_S, pause: Pause = time.sleep
) -> T:
    """The result of `work` in one transaction, again from the start when the database broke it off.

    work: must be idempotent, for a connection can break after the commit and before its answer.
    Raises: StateUnavailable as of `persist`.
    """

    def attempt() -> T:
        with engine.begin() as connection:
            return work(connection)

    return persist(engine, attempt, patience_s=patience_s, pause=pause)


def query(
    engine: Engine, work: Callable[[Connection], T], *, patience_s: float = PATIENCE_S, pause: Pause = time.sleep
) -> T:
    """The result of `work`, which reads alone; on SQLite it does not wait for writers. Raises: as of `run`."""

    def attempt() -> T:
        with engine.connect().execution_options(read_only=True) as connection:
            return work(connection)

    return persist(engine, attempt, patience_s=patience_s, pause=pause)


class Reader:
    """SELECTs alone, each asked again on a new connection when the database breaks it off."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def execute(self, statement: Executable) -> Result[*tuple[Any, ...]]:
        """The rows."""
        return self._ask(lambda connection: connection.execute(statement))

    def scalars(self, statement: TypedReturnsRows[T]) -> ScalarResult[T]:
        """The first value of each row."""
        return self._ask(lambda connection: connection.scalars(statement))

    def scalar(self, statement: TypedReturnsRows[T]) -> T | None:
        """The first value of the first row; None where there is none."""
        return self._ask(lambda connection: connection.scalar(statement))

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, question: Callable[[Connection], T]) -> T:
        def attempt() -> T:
            self._connection = self._connection or self._engine.connect().execution_options(read_only=True)
            try:
                return question(self._connection)
            except DBAPIError:
                self.close()
                raise

        return persist(self._engine, attempt, patience_s=PATIENCE_S, pause=time.sleep)


Reading = Connection | Reader  # what a function that only reads takes


@contextmanager
def read(engine: Engine) -> Iterator[Reader]:
    """A reader for some SELECTs; on SQLite it does not wait for writers. Raises: StateUnavailable as of `persist`."""
    with closing(Reader(engine)) as reader:
        yield reader


def lift_time_limit(connection: Connection) -> None:
    """Let the statements of this transaction take as long as they need."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0"))


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
    defaults = {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "application_name": "headwater",
        "target_session_attrs": "read-write",  # not the old primary, which takes no writes after a failover
        **KEEPALIVE,
    }
    engine = create_engine(
        address,
        pool_pre_ping=True,
        pool_recycle=RECYCLE_S,
        isolation_level="READ COMMITTED",
        connect_args={name: value for name, value in defaults.items() if name not in address.query},
    )
    event.listen(engine, "connect", partial(_limit_time, given=str(address.query.get("options", ""))))
    if password is not None:
        made = password

        def log_in(_dialect: object, _record: object, _arguments: object, parameters: dict[str, Any]) -> None:
            parameters["password"] = made()

        event.listen(engine, "do_connect", log_in)
    return engine


def _limit_time(connection: Any, _record: object, *, given: str) -> None:
    """Set the limits that the URL's options do not name."""
    limits = [f"SET {name} = '{seconds}s'" for name, seconds in TIME_LIMITS_S.items() if name not in given]
    connection.execute("; ".join(limits) or "SELECT 1")
    connection.commit()


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
