"""The service's login inside PostgreSQL: made once by an administrator, without a password where IAM can log in."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, make_url, text

from headwater.errors import ConfigError
from headwater.state.database import run

IAM_ROLE = "rds_iam"  # RDS lets its members log in with a token of IAM


def user_of(url: str) -> str | None:
    """The user that a URL names."""
    return make_url(url).username


def as_user(url: str, user: str, password: str) -> str:
    """The same database for another user."""
    return make_url(url).set(username=user, password=password).render_as_string(hide_password=False)


def create_login(engine: Engine, username: str) -> bool:
    """Make the role `username`, let it create its tables, and log in by IAM; whether it is new.

    engine: connected as an administrator to the database of the service.
    Raises: ConfigError where the database is no PostgreSQL with IAM authentication.
    """
    if engine.dialect.name != "postgresql":
        raise ConfigError.one(
            "environment", "HEADWATER_STATE_URL is no PostgreSQL", fix="SQLite needs no login; there is nothing to do."
        )

    def work(connection: Connection) -> bool:
        if not _has_role(connection, IAM_ROLE):
            raise ConfigError.one(
                "environment",
                f"the database has no role {IAM_ROLE}: it is not in RDS",
                fix="Create the login with a password, and put the whole URL into HEADWATER_STATE_URL.",
            )
        role = engine.dialect.identifier_preparer.quote_identifier(username)
        database = engine.dialect.identifier_preparer.quote_identifier(str(engine.url.database))
        is_new = not _has_role(connection, username)
        if is_new:
            connection.execute(text(f"CREATE ROLE {role} LOGIN"))
        connection.execute(text(f"GRANT {IAM_ROLE} TO {role}"))
        connection.execute(text(f"GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {role}"))
        connection.execute(text(f"GRANT USAGE, CREATE ON SCHEMA public TO {role}"))
        return is_new

    return run(engine, work)


def _has_role(connection: Connection, name: str) -> bool:
    return bool(connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :name"), {"name": name}))
