"""The lake's table of a log type follows its schema: columns are added, never changed or dropped."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import (
    CommitFailedException,
    CommitStateUnknownException,
    NoSuchNamespaceError,
    NoSuchTableError,
)
from pyiceberg.table import Table

from headwater.errors import CommitConflict, ConfigError, Problem
from headwater.lake.faults import translated
from headwater.lake.tables import open_table, table_name
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
                _require_fit(table, log_type)
                lacking = set(log_type.arrow_schema.names) - set(table.schema().column_names)
                open_table(catalog, name, log_type.arrow_schema)
                return tuple(each for each in log_type.arrow_schema.names if each in lacking)
        except (NoSuchTableError, NoSuchNamespaceError):
            return None
        except (CommitFailedException, CommitStateUnknownException):
            sleep(WAIT_S * 2**attempt * (0.5 + jitter()))
    raise CommitConflict(f"{name}: other writers were faster {TRIES} times")


def _require_fit(table: Table, log_type: LogType) -> None:
    stored = {field.name: field.type for field in table.schema().as_arrow()}
    spelt = {name.lower(): name for name in stored}
    problems = []
    for field in log_type.arrow_schema:
        there = spelt.get(field.name.lower())
        if there is None:
            continue
        if there != field.name:
            message = f"the table has the column {there}, which differs by letter case alone"
        elif not _same(stored[there], field.type):
            message = f"the table's column is {stored[there]}, not {field.type}"
        else:
            continue
        problems.append(Problem(log_type.name, None, field.name, message, "Give the field another name."))
    if problems:
        raise ConfigError(problems)


def _same(stored: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether two types hold the same values; Arrow has texts and lists of two sizes."""
    if _is_list(stored) and _is_list(wanted):
        return _same(stored.value_type, wanted.value_type)
    if pa.types.is_struct(stored) and pa.types.is_struct(wanted):
        return [each.name for each in stored] == [each.name for each in wanted]
    return bool(stored == wanted) or (_is_text(stored) and _is_text(wanted))


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
