"""Rejected rows as rows of monitor.rejects, and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError

from headwater.lake.faults import translated
from headwater.lake.tables import EVENT_TIME, REJECTS, storable
from headwater.model import Reject

CUT_BYTES = 64 * 1024  # texts of this length in tables that are older than the column `cut` were cut
SCHEMA = pa.schema(
    [
        ("p_event_time", pa.timestamp("us", tz="UTC")),
        ("p_log_type", pa.string()),
        ("p_source_id", pa.string()),
        ("p_account_id", pa.string()),
        ("object_id", pa.string()),
        ("bucket", pa.string()),
        ("key", pa.string()),
        ("row", pa.int64()),
        ("reason", pa.string()),
        ("raw", pa.string()),
        ("p_row_id", pa.string()),
        ("p_source_label", pa.string()),
        ("shape", pa.string()),
        ("context", pa.string()),
        ("cut", pa.bool_()),
    ]
)


@dataclass(frozen=True, slots=True)
class Stored:
    """A reject of the lake, and when it was rejected."""

    reject: Reject
    rejected_at: datetime


def to_arrow(rejects: Sequence[Reject], now: datetime) -> pa.Table:
    """One row for each reject; p_event_time is the time of the rejection, for the row's own could not be read."""
    return pa.Table.from_pylist(
        [
            {
                "p_event_time": now,
                "p_log_type": reject.log_type,
                "p_source_id": reject.source_id,
                "p_account_id": reject.account_id,
                "object_id": reject.object_id,
                "bucket": reject.bucket,
                "key": storable(reject.key),
                "row": reject.row,
                "reason": storable(reject.reason),
                "raw": storable(reject.raw),
                "p_row_id": reject.reject_id,
                "p_source_label": reject.source_label,
                "shape": reject.shape,
                "context": storable(orjson.dumps(dict(reject.context)).decode()) if reject.context else None,
                "cut": reject.cut,
            }
            for reject in rejects
        ],
        SCHEMA,
    )


def read_rejects(catalog: Catalog, since: datetime | None = None, *, raw: bool = True) -> Iterator[list[Stored]]:
    """All rejects, or those since a time, some thousand at once; without `raw` their text is left out."""
    with translated(f"read {REJECTS}"):
        try:
            table = catalog.load_table(REJECTS)
        except (NoSuchTableError, NoSuchNamespaceError):
            return
        there = table.schema().column_names
        wanted = tuple(name for name in SCHEMA.names if name in there and (raw or name != "raw"))
        newer = "true" if since is None else f"{EVENT_TIME} >= '{since.isoformat()}'"
        for batch in table.scan(newer, selected_fields=wanted).to_arrow_batch_reader():
            yield [_stored(row) for row in batch.to_pylist()]


def _stored(row: dict[str, Any]) -> Stored:
    """The reject of a row; tables of earlier versions lack the last columns."""
    raw = row.get("raw") or ""
    cut = row.get("cut")
    reject = Reject(
        object_id=row["object_id"],
        bucket=row["bucket"],
        key=row["key"],
        row=row["row"],
        reason=row["reason"],
        raw=raw,
        log_type=row["p_log_type"],
        source_id=row["p_source_id"],
        account_id=row["p_account_id"],
        source_label=row.get("p_source_label") or "",
        shape=row.get("shape") or ("json" if raw.lstrip().startswith("{") else "lines"),
        context=orjson.loads(row.get("context") or "{}"),
        cut=len(raw.encode()) >= CUT_BYTES if cut is None else cut,
    )
    return Stored(reject, row["p_event_time"])
