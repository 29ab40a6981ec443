"""A bucket is listed page by page, however many objects it has."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from headwater.aws.s3 import list_objects
from headwater.model import Source

SOURCE = Source("111122223333", "payments", "logs", "example-logs-111122223333")
PAGE = 1000  # keys that S3 gives at a time
MIB = 1024 * 1024
WRITTEN = datetime(2026, 2, 3, tzinfo=UTC)


class Bucket:
    """Sessions and client of a bucket with `count` objects, some of them empty or folder markers."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.asked: list[dict[str, Any]] = []

    def ask(self, source: Source, call: Callable[[Bucket], Any]) -> Any:
        return call(self)

    def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        start = int(asked.get("ContinuationToken", "0"))
        end = start + PAGE
        page: dict[str, Any] = {"Contents": [_item(number) for number in range(start, end)]}
        return page | {"IsTruncated": end < self.count, "NextContinuationToken": str(end)}


def _item(number: int) -> dict[str, Any]:
    folder = number % PAGE == 0
    return {
        "Key": f"AWSLogs/{number:09d}" + ("/" if folder else ""),
        "Size": number % PAGE,
        "ETag": f'"{number:032x}"',
    } | {"LastModified": WRITTEN}


@pytest.mark.slow
def test_million_keys_are_listed_in_bounded_memory() -> None:
    bucket = Bucket(1_000_000)
    tracemalloc.start()

    found = sum(1 for _ in list_objects(bucket, SOURCE, "AWSLogs/", "AWSLogs/0"))  # type: ignore[arg-type,misc]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert found == 999_000
    assert peak < 16 * MIB
    assert len(bucket.asked) == 1000
    assert bucket.asked[0] == {"Bucket": SOURCE.bucket, "Prefix": "AWSLogs/", "StartAfter": "AWSLogs/0"}


def test_listed_object_is_the_one_that_its_notification_names() -> None:
    ref = next(list_objects(Bucket(PAGE), SOURCE)).ref  # type: ignore[arg-type]

    assert (ref.bucket, ref.key, ref.etag, ref.size_bytes) == (SOURCE.bucket, "AWSLogs/000000001", f"{1:032x}", 1)
