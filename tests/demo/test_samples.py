"""The samples are what they say: every object is recognised, every row but one parsed, every incident matched."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date, datetime

import pytest

from headwater.demo.samples import SampleObject, sample_objects
from headwater.detect.engine import Engine
from headwater.detect.load import builtin_path, load_pack
from headwater.model import GroupKey, ObjectRef, Source
from headwater.pipeline import Digest, digest, open_object
from headwater.schema.load import load_library

EXPECTED_ALERTS = {
    "AWS.CloudTrail.RootActivity": 1,
    "AWS.CloudTrail.AccessKeyForAnotherUser": 1,
    "AWS.CloudTrail.LoggingStopped": 1,
    "AWS.CloudTrail.BucketMadePublic": 1,
    "AWS.S3Access.AdministratorRead": 1,
    "AWS.VPCFlow.RemoteAdminFromInternet": 1,
}


@pytest.fixture(scope="module")
def digested() -> Digest:
    library = load_library()
    opened = [
        open_object(_ref(each), _source(each), [each.body], library, max_bytes=10_000_000) for each in sample_objects()
    ]
    return digest(opened, library, Engine(load_pack([builtin_path()])), datetime(2026, 2, 4, tzinfo=UTC))


def _ref(sample: SampleObject) -> ObjectRef:
    return ObjectRef(sample.customer.bucket, sample.key, etag="etag")


def _source(sample: SampleObject) -> Source:
    return Source(sample.customer.account_id, sample.customer.name, "logs", sample.customer.bucket)


def test_same_day_gives_the_same_bytes() -> None:
    assert sample_objects() == sample_objects()
    assert {each.key for each in sample_objects()} & {each.key for each in sample_objects(date(2026, 2, 4))} == set()


def test_every_object_is_recognised_as_its_log_type(digested: Digest) -> None:
    found = {receipt.ref.key: receipt.log_types for receipt in digested.receipts}

    assert found == {sample.key: (sample.log_type,) for sample in sample_objects()}


def test_every_row_but_the_cut_one_is_parsed(digested: Digest) -> None:
    found = {receipt.ref.key: (receipt.rows_in, receipt.rejects) for receipt in digested.receipts}

    assert found == {sample.key: (sample.rows, sample.bad) for sample in sample_objects()}
    assert sum(sample.bad for sample in sample_objects()) == 1


def test_every_incident_is_alerted_on_and_nothing_else(digested: Digest) -> None:
    counted: dict[GroupKey, set[str]] = defaultdict(set)
    thresholds = {match.group_key: match.threshold for match in digested.matches}
    for match in digested.matches:
        if match.create_alert:
            counted[match.group_key].add(match.unique or match.row_id)
    alerts = Counter(key.rule_id for key, values in counted.items() if len(values) >= thresholds[key])

    assert alerts == EXPECTED_ALERTS
    assert {match.kind for match in digested.matches} == {"RULE"}
