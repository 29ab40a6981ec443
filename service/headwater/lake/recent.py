"""What a source sent lately and no schema took: rows of the raw tables, and rejects."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal, NamedTuple

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError

from headwater.lake.faults import translated
from headwater.lake.rejects import read_rejects
from headwater.lake.tables import table_name


class Recent(NamedTuple):
    """One raw record. row: its number in its object."""

    shape: Literal["json", "lines"]
    text: str
    row: int


def recent_rows(catalog: Catalog, log_type: str, column: str, source: str, since: datetime) -> Iterator[Recent]:
    """The rows of a raw table that a source sent since a time. column: the one that holds the record as it was."""
    shape: Literal["json", "lines"] = "json" if log_type == "Raw.JSON" else "lines"
    name = table_name(log_type)
    with translated(f"read {name}"):
        try:
            table = catalog.load_table(name)
        except (NoSuchTableError, NoSuchNamespaceError):
            return
        scan = table.scan(
            f"p_parse_time >= '{since.isoformat()}'",
            selected_fields=(column, "p_source_id", "p_source_label", "p_source_file"),
        )
        for batch in scan.to_arrow_batch_reader():
            for row in batch.to_pylist():
                if row[column] is not None and is_source(source, row["p_source_id"], row["p_source_label"]):
                    yield Recent(shape, row[column], row["p_source_file"]["row"])


def recent_rejects(catalog: Catalog, source: str, since: datetime) -> Iterator[Recent]:
    """The rejected records of a source since a time; those that were cut are left out."""
    for batch in read_rejects(catalog, since):
        for stored in batch:
            reject = stored.reject
            if not reject.cut and is_source(source, reject.source_id, reject.source_label):
                yield Recent(reject.shape, reject.raw, reject.row)


def is_source(wanted: str, source_id: str, label: str) -> bool:
    """Whether a source is meant: by its id, its label, or its name alone."""
    return wanted in (source_id, label) or source_id.rpartition("/")[2] == wanted
