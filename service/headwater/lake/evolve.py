"""The lake's table of a log type follows its schema: columns are added, never changed or dropped."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import (
    CommitFailedException,
    CommitStateUnknownException,
    NoSuchNamespaceError,
    NoSuchTableError,
)

from headwater.errors import CommitConflict
from headwater.lake.faults import translated
from headwater.lake.tables import open_table, require_fit, table_name
from headwater.schema.logtype import LogType

TRIES = 8  # against other writers
WAIT_S = 0.05


def evolve_table(
    catalog: Catalog,
    log_type: LogType,
    *,
    jitter: Callable[[], float] = random.random,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[str, ...] | None:
    """Give the table of a log type the columns that it lacks; their names, or None where there is no table yet.

    Raises: ConfigError where a column of the table is of another type, or differs by letter case alone (nothing is
    changed then); CommitConflict, LakeUnavailable, AccessDenied.
    """
    name = table_name(log_type.name)
    for attempt in range(TRIES):
        try:
            with translated(f"evolve {name}"):
                table = catalog.load_table(name)
                require_fit(table, log_type.arrow_schema, log_type.name)
                lacking = set(log_type.arrow_schema.names) - set(table.schema().column_names)
                open_table(catalog, name, log_type.arrow_schema)
                return tuple(each for each in log_type.arrow_schema.names if each in lacking)
        except (NoSuchTableError, NoSuchNamespaceError):
            return None
        except (CommitFailedException, CommitStateUnknownException):
            sleep(WAIT_S * 2**attempt * (0.5 + jitter()))
    raise CommitConflict(f"{name}: other writers were faster {TRIES} times")
