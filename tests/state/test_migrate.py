"""The schema: migrated once, from whatever was there, never from what a later release made."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import partial

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, Table, inspect, text

from headwater.errors import ConfigError
from headwater.state import migrate
from headwater.state.database import connect, open_database, query, read
from headwater.state.schema import metadata
from support.protocol import at_once, claim, commit_batch, match, refs


@pytest.fixture
def bare(state_url: str) -> Iterator[Engine]:
    """A database without any table, once for each engine."""
    engine = open_database(state_url)
    yield engine
    engine.dispose()


def definitions(connection: Connection) -> dict[str, str]:
    """The SQL of every table and index; of PostgreSQL, the indexes alone."""
    if connection.dialect.name == "postgresql":
        statement = "SELECT indexname, replace(indexdef, current_schema() || '.', '') FROM pg_indexes" + (
            " WHERE schemaname = current_schema()"
        )
    else:
        statement = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"
    rows = connection.execute(text(statement))
    return {row[0]: " ".join(row[1].split()) for row in rows if migrate.VERSION_TABLE not in row[0]}


def test_the_steps_lead_to_the_schema_of_the_code(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": migrate.VERSION_TABLE, "compare_type": True}
        )

        assert compare_metadata(context, metadata) == []


def test_the_indexes_are_those_of_the_code(bare: Engine) -> None:
    with bare.begin() as connection:
        metadata.create_all(connection)
        wanted = definitions(connection)
        metadata.drop_all(connection)
    with bare.begin() as connection:
        migrate.upgrade(connection)

        assert definitions(connection) == wanted


def test_the_file_names_tell_the_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    config.set_main_option("path_separator", "os")

    assert ScriptDirectory.from_config(config).get_heads() == [migrate.head()]


def test_an_empty_database_is_brought_to_the_head(bare: Engine, state_url: str) -> None:
    assert query(bare, migrate.status) == migrate.SchemaStatus("empty", None, migrate.head())

    connect(state_url).dispose()

    assert query(bare, migrate.status) == migrate.SchemaStatus("current", migrate.head(), migrate.head())


def before_migrations(connection: Connection) -> None:
    """Make the tables as releases without migrations did: fewer, with fewer columns, and with other indexes."""
    old = MetaData()
    younger = {"assignee", "resolution", "storm_id", "action", "sequence", "note", "refused_at"}
    for table in metadata.sorted_tables:
        if table.name in ("objects", "batches", "alerts", "outbox"):
            Table(table.name, old, *(column._copy() for column in table.columns if column.name not in younger))
    for table in old.sorted_tables:
        table.indexes.clear()
    old.create_all(connection)
    connection.execute(text("CREATE INDEX objects_status ON objects (status, updated_at)"))
    connection.execute(text("CREATE INDEX alerts_rule_id ON alerts (rule_id, created_at)"))


def test_a_database_of_before_the_migrations_keeps_its_rows(bare: Engine, state_url: str) -> None:
    with bare.begin() as connection:
        before_migrations(connection)
    held = claim(bare, refs(3)).owned

    engine = connect(state_url)

    assert claim(engine, refs(4), "w2").busy == held
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": migrate.VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
        assert "objects_status" not in {index["name"] for index in inspect(connection).get_indexes("objects")}
    engine.dispose()


def test_processes_that_start_at_once_migrate_once(bare: Engine, state_url: str) -> None:
    with bare.begin() as connection:
        before_migrations(connection)

    for engine in at_once([partial(connect, state_url)] * 4):
        engine.dispose()

    assert query(bare, migrate.status).kind == "current"
    with read(bare) as connection:
        assert connection.execute(text(f"SELECT count(*) FROM {migrate.VERSION_TABLE}")).scalar() == 1


@pytest.mark.parametrize("version", ["0999", "of-a-branch"])
@pytest.mark.parametrize("mode", ["auto", "check"])
def test_a_database_of_a_newer_release_is_refused_untouched(
    engine: Engine, state_url: str, version: str, mode: migrate.Migrate
) -> None:
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {migrate.VERSION_TABLE} SET version_num = :v"), {"v": version})

    with pytest.raises(ConfigError, match=rf"schema is {version}.*Run that release or a later one"):
        connect(state_url, migrate=mode)

    assert query(engine, migrate.status).version == version


def test_check_refuses_a_database_that_is_not_migrated(bare: Engine, state_url: str) -> None:
    with pytest.raises(ConfigError, match="headwater state migrate"):
        connect(state_url, migrate="check")

    assert inspect(bare).get_table_names() == []


def test_check_takes_a_database_that_is_migrated(engine: Engine, state_url: str) -> None:
    checked = connect(state_url, migrate="check")

    assert claim(checked, refs(1)).owned
    checked.dispose()


def test_a_start_that_has_nothing_to_migrate_loads_no_alembic(tmp_path: object) -> None:
    url = f"sqlite:///{tmp_path}/state.db"
    connect(url).dispose()
    program = "import sys, headwater.state.database as d; d.connect(sys.argv[1]); print('alembic' in sys.modules)"

    shown = subprocess.run([sys.executable, "-c", program, url], capture_output=True, text=True, check=True)

    assert shown.stdout.strip() == "False"


def test_a_count_of_an_alert_or_a_source_touches_no_index(postgresql_url: str) -> None:
    engine = connect(postgresql_url)
    for number in range(20):
        commit_batch(engine, f"b{number}", [match(number)])

    counts = "SELECT relname, n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = :name"
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_stat_force_next_flush()"))
    with engine.connect() as connection:
        found = {
            name: connection.execute(text(counts + " AND schemaname = current_schema()"), {"name": name}).one()
            for name in ("alerts", "source_counters")
        }

    engine.dispose()
    for _, updates, without_index in found.values():
        assert updates >= 19
        assert without_index >= updates - 2  # the one that opens the alert changes its status
