"""Rows for tests of the lake."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
from pyiceberg.catalog import Catalog

from headwater.lake.catalog import open_catalog
from headwater.lake.commit import append

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TABLE = "logs.aws_cloudtrail"
SCHEMA = pa.schema(
    [
        pa.field("eventName", pa.string(), metadata={b"description": b"The action"}),
        pa.field("requestParameters", pa.string(), metadata={b"json": b"1"}),
        pa.field("httpstatus", pa.int64()),
        pa.field("p_event_time", pa.timestamp("us", tz="UTC")),
        pa.field("p_schema_version", pa.int32()),
        pa.field("p_source_file", pa.struct([("bucket", pa.string()), ("key", pa.string()), ("row", pa.int64())])),
        pa.field("p_any_ip_addresses", pa.list_(pa.string())),
    ]
)


def rows(count: int, *, hours: int = 1, name: str = "ConsoleLogin", schema: pa.Schema = SCHEMA) -> pa.Table:
    """Rows spread over a number of hours from START on, latest first; columns unknown here hold text."""
    step = timedelta(hours=hours) / count
    known = [
        {
            "eventName": name,
            "requestParameters": '{"a": 1}',
            "httpstatus": 200 + number % 2,
            "p_event_time": START + number * step,
            "p_schema_version": 1,
            "p_source_file": {"bucket": "payments-logs", "key": "a.json.gz", "row": number},
            "p_any_ip_addresses": ["192.0.2.1"] if number % 2 else None,
        }
        for number in reversed(range(count))
    ]
    return pa.Table.from_pylist([{field: row.get(field, "new") for field in schema.names} for row in known], schema)


def open_lake(home: Path) -> Catalog:
    """The lake of the `catalog` fixture, for another process or thread."""
    return open_catalog("sqlite", str(home / "lake"), home=home, region="us-east-1")


def main(home: str, first: str, last: str) -> None:
    """A writer process: appends the batches of a range, ten rows each."""
    catalog = open_lake(Path(home))
    for number in range(int(first), int(last)):
        append(catalog, TABLE, rows(10, name=f"b{number}"), batch_id=f"b{number}")


if __name__ == "__main__":
    main(*sys.argv[1:])
