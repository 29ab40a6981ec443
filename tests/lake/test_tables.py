"""Tables: their names, layout and documentation."""

from __future__ import annotations

import pytest
from pyiceberg.catalog import Catalog

from headwater.lake.commit import append
from headwater.lake.tables import existing_tables, open_table, table_name
from support.lake import SCHEMA, TABLE, rows


@pytest.mark.parametrize(
    ("log_type", "name"),
    [
        ("AWS.CloudTrail", "logs.aws_cloudtrail"),
        ("AWS.S3ServerAccess", "logs.aws_s3serveraccess"),
        ("Custom.My-App.V2", "logs.custom_my_app_v2"),
    ],
)
def test_a_table_is_named_like_its_log_type(log_type: str, name: str) -> None:
    assert table_name(log_type) == name


def test_a_table_is_partitioned_by_hour_sorted_and_documented(catalog: Catalog) -> None:
    table = open_table(catalog, TABLE, SCHEMA)

    assert [str(field.transform) for field in table.spec().fields] == ["hour"]
    assert [table.schema().find_column_name(field.source_id) for field in table.sort_order().fields] == ["p_event_time"]
    assert table.schema().find_field("eventName").doc == "The action"
    assert table.properties["write.parquet.compression-codec"] == "zstd"


def test_pyiceberg_itself_never_retries_an_append(catalog: Catalog) -> None:
    assert open_table(catalog, TABLE, SCHEMA).properties["commit.retry.num-retries"] == "0"


def test_tables_are_listed_by_name(catalog: Catalog) -> None:
    assert existing_tables(catalog) == ()
    for name in (TABLE, "monitor.rejects", "logs.aws_alb"):
        append(catalog, name, rows(1), batch_id="b1")

    assert existing_tables(catalog) == ("logs.aws_alb", TABLE, "monitor.rejects")
