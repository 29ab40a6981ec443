"""The tables of the lake: their names, layout and growth."""

from __future__ import annotations

import re
from contextlib import suppress

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NamespaceAlreadyExistsError, NoSuchTableError, TableAlreadyExistsError
from pyiceberg.table import Table
from pyiceberg.transforms import HourTransform, IdentityTransform

from headwater.errors import ConfigError, Problem
from headwater.lake.faults import LOST_RACE, translated

NAMESPACES = ("logs", "detections", "monitor")
MATCHES = "detections.matches"
REJECTS = "monitor.rejects"
EVENT_TIME = "p_event_time"
AUDIT = "monitor.audit"
BATCH_ID = "headwater.batch-id"  # snapshot property: the batch that a snapshot added
CARRIED = "headwater.batch-ids"  # snapshot property: unfinished batches that forgotten snapshots had added

PROPERTIES = {
    "write.parquet.compression-codec": "zstd",
    # PyIceberg would retry a conflicting append four times without a look at what the other writer has added, which
    # doubles the rows when that was the same batch. commit.append retries instead.
    "commit.retry.num-retries": "0",
    # every append adds a manifest, which every later append and query would list
    "commit.manifest-merge.enabled": "true",
    "commit.manifest.min-count-to-merge": "50",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "20",
}

RENAME = "Give the field another name: a column keeps its type for ever (`headwater schema diff` tells beforehand)."


def table_name(log_type: str) -> str:
    """`logs.aws_cloudtrail` for `AWS.CloudTrail`."""
    return "logs." + re.sub(r"[^a-z0-9]+", "_", log_type.lower()).strip("_")


def storable(text: str) -> str:
    """The text as UTF-8 can hold it: lone surrogates, which a rule may make out of JSON escapes, become U+FFFD."""
    return text if text.isascii() else text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def existing_tables(catalog: Catalog) -> tuple[str, ...]:
    """The names of all tables, sorted."""
    namespaces = {".".join(name) for name in catalog.list_namespaces()}
    found = (table for name in NAMESPACES if name in namespaces for table in catalog.list_tables(name))
    return tuple(sorted(".".join(table) for table in found))


def table_names(catalog: Catalog) -> tuple[str, ...]:
    """The same; the catalog's errors as ours."""
    with translated("list the tables of the lake"):
        return existing_tables(catalog)


def open_table(catalog: Catalog, name: str, schema: pa.Schema) -> Table:
    """The table, created or given new columns where `schema` asks for it.

    Raises: CommitFailedException when another writer changed the table's columns at the same moment; ConfigError where
    a column would change its type.
    """
    try:
        table = catalog.load_table(name)
    except NoSuchTableError:
        table = _create(catalog, name, schema)
    require_fit(table, schema, name)
    if set(schema.names) - set(table.schema().column_names):
        with table.update_schema() as update:
            update.union_by_name(_documented(schema))
    return table


def _create(catalog: Catalog, name: str, schema: pa.Schema) -> Table:
    namespace = name.split(".", 1)[0]
    with suppress(NamespaceAlreadyExistsError, *LOST_RACE):  # another process was faster
        catalog.create_namespace_if_not_exists(namespace)
    with (
        suppress(TableAlreadyExistsError),
        catalog.create_table_transaction(name, _documented(schema), properties=PROPERTIES) as create,
    ):
        with create.update_spec() as spec:
            spec.add_field(EVENT_TIME, HourTransform(), "p_event_hour")
        with create.update_sort_order() as order:
            order.asc(EVENT_TIME, IdentityTransform())
    return catalog.load_table(name)


def _documented(schema: pa.Schema) -> pa.Schema:
    """The schema with descriptions where PyIceberg looks for them."""
    return pa.schema([_field(field) for field in schema])


def _field(field: pa.Field) -> pa.Field:
    description = (field.metadata or {}).get(b"description")
    return field.with_metadata({b"doc": description} if description else None)


def require_fit(table: Table, schema: pa.Schema, what: str) -> None:
    """Nothing, where the columns that both have are of one type. what: the log type or table, for the message.

    Raises: ConfigError that names every column of another type, or of a name that differs by letter case alone.
    """
    stored = {field.name: field.type for field in table.schema().as_arrow()}
    spelt = {name.lower(): name for name in stored}
    problems = []
    for field in schema:
        there = spelt.get(field.name.lower())
        if there is None:
            continue
        if there != field.name:
            message = f"the table has the column {there}, which differs by letter case alone"
        elif not _same(stored[there], field.type):
            message = f"the table's column is {stored[there]}, not {field.type}"
        else:
            continue
        problems.append(Problem(what, None, field.name, message, RENAME))
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
