"""The tables of the lake: their names, layout and growth."""

from __future__ import annotations

import re
from contextlib import suppress

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NamespaceAlreadyExistsError, NoSuchTableError, TableAlreadyExistsError
from pyiceberg.table import Table
from pyiceberg.transforms import HourTransform, IdentityTransform

from headwater.lake.faults import LOST_RACE

NAMESPACES = ("logs", "detections", "monitor")
MATCHES = "detections.matches"
REJECTS = "monitor.rejects"
EVENT_TIME = "p_event_time"
BATCH_ID = "headwater.batch-id"  # snapshot property: the batch that a snapshot added

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


def open_table(catalog: Catalog, name: str, schema: pa.Schema) -> Table:
    """The table, created or given new columns where `schema` asks for it.

    Raises: CommitFailedException when another writer changed the table's columns at the same moment.
    """
    try:
        table = catalog.load_table(name)
    except NoSuchTableError:
        table = _create(catalog, name, schema)
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
