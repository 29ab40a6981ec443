"""What people did to the data, as rows of monitor.audit; never the data itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
import pyarrow as pa
from pyiceberg.catalog import Catalog

from headwater.lake.commit import append
from headwater.lake.tables import AUDIT, EVENT_TIME

SCHEMA = pa.schema(
    [
        pa.field(EVENT_TIME, pa.timestamp("us", tz="UTC"), metadata={b"description": b"When it was done"}),
        pa.field("action", pa.string(), metadata={b"description": b"What was done, such as account_deleted"}),
        pa.field("subject", pa.string(), metadata={b"description": b"To whom or what, such as the id of an account"}),
        pa.field("actor", pa.string(), metadata={b"description": b"Who did it"}),
        pa.field("detail", pa.string(), metadata={b"description": b"More of it, as JSON"}),
    ]
)


def record(
    catalog: Catalog, record_id: str, action: str, subject: str, actor: str, detail: Mapping[str, Any], now: datetime
) -> None:
    """Add one row, once for each record_id."""
    row = {
        EVENT_TIME: now,
        "action": action,
        "subject": subject,
        "actor": actor,
        "detail": orjson.dumps(detail, default=str).decode(),
    }
    append(catalog, AUDIT, pa.Table.from_pylist([row], SCHEMA), batch_id=record_id)
