"""The login that an administrator makes for the service, on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import Engine, make_url, text

from headwater.errors import ConfigError
from headwater.state.database import connect, open_database
from headwater.state.login import create_login


@pytest.fixture
def admin(postgresql_url: str) -> Iterator[Engine]:
    """An administrator of a database that looks as one of RDS does."""
    engine = open_database(postgresql_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE ROLE rds_iam"))
    yield engine
    with engine.begin() as connection:
        connection.execute(text('DROP OWNED BY "head-water", rds_iam'))
        connection.execute(text('DROP ROLE IF EXISTS "head-water"'))
        connection.execute(text("DROP ROLE rds_iam"))
    engine.dispose()


def test_the_login_may_make_its_tables_and_log_in_by_iam(admin: Engine, postgresql_url: str) -> None:
    assert create_login(admin, "head-water") is True
    assert create_login(admin, "head-water") is False

    with admin.connect() as connection:
        member = (
            "SELECT pg_has_role('head-water', 'rds_iam', 'member'), rolsuper FROM pg_roles WHERE rolname = 'head-water'"
        )
        assert connection.execute(text(member)).one() == (True, False)
    own = make_url(postgresql_url).set(username="head-water", query={"host": make_url(postgresql_url).query["host"]})
    with psycopg.connect(own.set(drivername="postgresql").render_as_string(hide_password=False)) as connection:
        connection.execute("CREATE TABLE public.probe (id int)")


def test_each_connection_gets_a_password_of_its_own(postgresql_url: str) -> None:
    made: list[str] = []

    def password() -> str:
        made.append(f"token-{len(made)}")
        return made[-1]

    engine = connect(postgresql_url, password)
    engine.dispose()
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1

    assert len(made) == 2
    engine.dispose()


def test_a_database_outside_of_rds_is_told_apart(postgresql_url: str) -> None:
    engine = open_database(postgresql_url)

    with pytest.raises(ConfigError, match="no role rds_iam"):
        create_login(engine, "headwater")

    engine.dispose()


def test_sqlite_needs_no_login(tmp_path: object) -> None:
    with pytest.raises(ConfigError, match="no PostgreSQL"):
        create_login(open_database(f"sqlite:///{tmp_path}/state.db"), "headwater")
