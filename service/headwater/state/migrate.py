"""The schema of the state database: which one it has, and the steps to the one that this release needs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, inspect, text

from headwater.errors import ConfigError

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "headwater_version"
FIRST_TABLE = "objects"  # every database that was ever used has it
SCHEMA_LOCK = 4_853_200_911  # PostgreSQL advisory lock, any fixed number: two processes must not migrate at once
Migrate = Literal["auto", "check"]
Kind = Literal["current", "behind", "newer", "unversioned", "empty"]


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """version: what the database has, None before its first migration. head: what this release needs.

    kind: behind and empty need a migration, as does unversioned: a database from before there were migrations. newer:
    a later release has migrated it.
    """

    kind: Kind
    version: str | None
    head: str


@cache
def head() -> str:
    """The schema of this release; read from the names of files, since the import of alembic costs 0.15 s."""
    return max(path.name for path in MIGRATIONS.glob("versions/v????_*.py"))[1:5]


def status(connection: Connection) -> SchemaStatus:
    """Which schema the database has."""
    tables = inspect(connection)
    version = None
    if tables.has_table(VERSION_TABLE):
        version = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608 - a constant
    if version is None:
        return SchemaStatus("unversioned" if tables.has_table(FIRST_TABLE) else "empty", None, head())
    return SchemaStatus(_kind(version), version, head())


def upgrade(connection: Connection) -> SchemaStatus:
    """Bring the database to this release's schema in the transaction of the connection; gives what it was before.

    Of several processes one migrates, while the others wait. Raises: ConfigError for a newer database.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SCHEMA_LOCK})
    before = status(connection)
    refuse_newer(before)
    if before.kind != "current":
        _run_steps(connection)
    return before


def refuse_newer(found: SchemaStatus) -> None:
    """Raises: ConfigError where a later release has migrated the database."""
    if found.kind == "newer":
        raise ConfigError.one(
            "state database",
            f"its schema is {found.version}, but this release knows only {found.head}: a newer release has migrated it",
            fix="Run that release or a later one; to go back, restore the backup made before it (docs/state.md).",
        )


def refuse_old(found: SchemaStatus) -> None:
    """Raises: ConfigError where the database needs a migration that HEADWATER_STATE_MIGRATE=check leaves to others."""
    if found.kind != "current":
        raise ConfigError.one(
            "state database",
            f"its schema is {found.version or found.kind}, and this release needs {found.head}; "
            "HEADWATER_STATE_MIGRATE=check does not migrate it",
            fix="Run `headwater state migrate` once, then start again.",
        )


def _kind(version: str) -> Kind:
    if version == head():
        return "current"
    return "behind" if re.fullmatch(r"\d{4}", version) and version < head() else "newer"


def _run_steps(connection: Connection) -> None:
    # imported here: 0.15 s that only a start with a migration has to pay
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes.update(connection=connection, version_table=VERSION_TABLE)
    command.upgrade(config, "head")
