"""Rejected rows as rows of monitor.rejects."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from headwater.lake.tables import storable
from headwater.model import Reject

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
    ]
)


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
            }
            for reject in rejects
        ],
        SCHEMA,
    )
