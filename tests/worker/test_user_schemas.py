"""The service reads logs by the user's own schemas."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from headwater.cli import build
from headwater.lake.query import query
from support.world import World

SCHEMA = """
schema: Custom.Orders
version: 1
description: Orders of a shop.
content:
  keys: [orderNumber]
fields:
  - {name: orderNumber, type: int, required: true, description: Number of the order.}
"""


def test_object_of_a_users_log_type_reaches_its_table(world: World, tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "orders.yml").write_text(SCHEMA)
    mine = replace(world, settings=world.settings.model_copy(update={"schemas": (tmp_path / "schemas",)}))
    key = "AWSLogs/orders/1.json"
    etag = mine.s3.put_object(Bucket=mine.bucket, Key=key, Body=b'{"orderNumber": 7}')["ETag"].strip('"')
    mine.notify(
        {
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "awsRegion": "us-east-1",
            "s3": {"bucket": {"name": mine.bucket}, "object": {"key": key, "size": 18, "eTag": etag}},
        }
    )

    mine.run()

    stored = query(build.catalog(mine.settings), "SELECT orderNumber FROM logs.custom_orders").to_pylist()
    assert stored == [{"orderNumber": 7}]
