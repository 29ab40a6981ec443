"""All of one state database into another: how a deployment moves from SQLite to PostgreSQL."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, func, insert, select

from headwater.errors import ConfigError
from headwater.state.database import lift_time_limit, read, run
from headwater.state.schema import metadata

ROWS = 1000  # read and written at a time


def copy_all(source: Engine, target: Engine) -> dict[str, int]:
    """Copy every row into a database that has none, in one transaction; gives how many rows of each table.

    Nobody may work on the source meanwhile. Raises: ConfigError where the target has rows, StateUnavailable.
    """

    def work(connection: Connection) -> dict[str, int]:
        lift_time_limit(connection)
        for table in metadata.sorted_tables:
            if connection.scalar(select(func.count()).select_from(select(table).limit(1).subquery())):
                raise ConfigError.one(
                    "environment",
                    f"the database to copy to has rows already, in {table.name}",
                    fix="Give an empty database; headwater copies nothing over what is there.",
                )
        return {str(table.name): _copy(source, connection, table.name) for table in metadata.sorted_tables}

    return run(target, work)


def _copy(source: Engine, target: Connection, name: str) -> int:
    table = metadata.tables[name]
    copied = 0
    with read(source) as connection:
        for rows in connection.execute(select(table)).mappings().partitions(ROWS):
            target.execute(insert(table), [dict(row) for row in rows])
            copied += len(rows)
    return copied
