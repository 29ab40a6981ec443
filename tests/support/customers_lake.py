"""Rows of several customers for tests of the lake's upkeep.

python -m support.customers_lake HOME N
Appends N batches of both customers.
"""

from __future__ import annotations

import sys
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.catalog import Catalog

from headwater.lake.commit import append
from support.lake import open_lake

PAYMENTS = "111122223333"
SHOP = "444455556666"
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = START + timedelta(days=1)
FLOW = "logs.aws_vpcflow"
SCHEMA = pa.schema(
    [
        ("eventName", pa.string()),
        ("detail-type", pa.string()),
        ("bytes", pa.int64()),
        ("p_event_time", pa.timestamp("us", tz="UTC")),
        ("p_row_id", pa.string()),
        ("p_account_id", pa.string()),
        ("p_source_file", pa.struct([("bucket", pa.string()), ("row", pa.int64())])),
        ("p_any_ip_addresses", pa.list_(pa.string())),
    ]
)


def marker(account: str) -> str:
    """A text that stands in every row of the account."""
    return f"{account}-marker"


def customer_rows(
    account: str | None, batch: str, *, count: int = 10, hours: int = 2, start: datetime = START
) -> pa.Table:
    """Rows of one account spread over some hours."""
    step = timedelta(hours=hours) / count
    return pa.Table.from_pylist(
        [_row(account, batch, number, start + number * step) for number in range(count)], SCHEMA
    )


def _row(account: str | None, batch: str, number: int, time: datetime) -> dict[str, Any]:
    return {
        "eventName": marker(account or "nobody"),
        "detail-type": f"{marker(account or 'nobody')} {batch}",
        "bytes": number,
        "p_event_time": time,
        "p_row_id": f"{account}-{batch}-{number}",
        "p_account_id": account,
        "p_source_file": {"bucket": marker(account or "nobody"), "row": number},
        "p_any_ip_addresses": ["192.0.2.1"] if number % 2 else None,
    }


def both(batch: str, **options: Any) -> pa.Table:
    """Rows of both customers."""
    return pa.concat_tables([customer_rows(account, batch, **options) for account in (PAYMENTS, SHOP)])


def fill(catalog: Catalog, batches: int = 3, table: str = FLOW, **options: Any) -> None:
    """Some batches of both customers."""
    for number in range(batches):
        append(catalog, table, both(f"b{number}", **options), batch_id=f"b{number}")


def stored(catalog: Catalog, table: str = FLOW) -> list[dict[str, Any]]:
    """All rows, in one order."""
    return sorted(catalog.load_table(table).scan().to_arrow().to_pylist(), key=lambda row: str(row["p_row_id"]))


def row_ids(catalog: Catalog, table: str = FLOW) -> list[str]:
    return [row["p_row_id"] for row in stored(catalog, table)]


def data_files(catalog: Catalog, table: str = FLOW) -> int:
    return len(list(catalog.load_table(table).scan().plan_files()))


def places_of(text: str, folder: Path) -> list[str]:
    """The files below a folder that have the text in their bytes, or in what Parquet and Avro make of them."""
    return [str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file() and _has(file, text)]


def _has(file: Path, text: str) -> bool:
    content = file.read_bytes()
    if text.encode() in content:
        return True
    if file.suffix == ".parquet" and content.endswith(b"PAR1"):
        return text in str(pq.read_table(pa.BufferReader(content)).to_pydict())
    return file.suffix == ".avro" and text.encode() in _avro_blocks(content)


def _avro_blocks(content: bytes) -> bytes:
    """The blocks of an Avro container file, decompressed: a header with a sync marker, then count, size, data, sync."""
    assert b"deflate" in content[:20_000]
    sync, blocks = content[-16:], b""
    at = content.index(sync) + 16
    while at < len(content):
        _count, at = _varint(content, at)
        size, at = _varint(content, at)
        blocks += zlib.decompress(content[at : at + size], wbits=-15)
        at += size + 16
    return blocks


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return (value >> 1) ^ -(value & 1), at


def main(home: str, batches: str) -> None:
    catalog = open_lake(Path(home))
    for number in range(int(batches)):
        append(catalog, FLOW, both(f"w{number}"), batch_id=f"w{number}")


if __name__ == "__main__":
    main(*sys.argv[1:])
