"""Rules say of a batch made from raw events what they say of the events themselves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from headwater.detect.load import builtin_path, load_pack
from headwater.detect.raw_events import batches
from headwater.ingest.rows import row_dicts
from headwater.schema.load import load_library
from support import ordinary_cloudtrail, raw

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CLOUDTRAIL = load_library()["AWS.CloudTrail"]
PLAIN = ordinary_cloudtrail.records(1)[0]


def test_built_in_rules_match_the_same_through_columns_and_on_raw_events() -> None:
    some = raw.events(load_pack([builtin_path()]), 1_500)

    through_columns = raw.matched_by_engine(load_pack([builtin_path()]), some)

    assert through_columns == raw.matched_directly(load_pack([builtin_path()]), some)
    assert len(through_columns) > 500


@pytest.mark.parametrize(
    "changes",
    [
        {"readOnly": "false"},
        {"eventTime": "2026-03-01T10:00:00.5+01:00"},
        {"eventVersion": 1.08},
        {"p_row_id": "mine", "p_any_ip_addresses": ["192.0.2.1"]},
        {"noSuchField": {"a": [1]}},
        {"EVENTNAME": "Other"},
        {"resources": {"not": "a list"}},
        {"userIdentity": "root"},
    ],
    ids=lambda changes: next(iter(changes)),
)
@pytest.mark.parametrize("known", [True, False], ids=["schema", "no schema"])
def test_rows_are_the_events_as_they_were_written(changes: dict[str, Any], known: bool) -> None:
    written = [{**PLAIN, **changes}, {key: PLAIN[key] for key in ("eventName", "eventTime")}, PLAIN]
    lines = [orjson.dumps(event) for event in written]

    shown: dict[int, dict[str, Any]] = {}
    for one in batches(lines, "T", CLOUDTRAIL if known else None, NOW):
        shown.update(zip(one.numbers, row_dicts(one.batch.table), strict=True))

    assert [shown[number] for number in range(3)] == [
        {key: value for key, value in event.items() if value is not None} for event in written
    ]


def test_stored_rows_have_the_columns_of_the_lake() -> None:
    (one,) = batches([orjson.dumps(PLAIN)], "AWS.CloudTrail", CLOUDTRAIL, NOW, stored=True)

    (row,) = row_dicts(one.batch.table)

    assert row["p_event_time"] == PLAIN["eventTime"]
    assert row["p_log_type"] == "AWS.CloudTrail"
