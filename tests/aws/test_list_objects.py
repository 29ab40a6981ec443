"""A bucket is listed page by page, however many objects it has."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from typing import Any

from headwater.aws.s3 import list_objects
from headwater.model import Source

SOURCE = Source("111122223333", "payments", "logs", "example-logs-111122223333")
PAGE = 1000  # keys that S3 gives at a time
MIB = 1024 * 1024


class Bucket:
    """Sessions, client and paginator of a bucket with `count` objects, some of them empty or folder markers."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.asked: dict[str, Any] = {}

    def s3(self, source: Source) -> Bucket:
        return self

    def get_paginator(self, name: str) -> Bucket:
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        self.asked = asked
        for start in range(0, self.count, PAGE):
            yield {"Contents": [_item(number) for number in range(start, start + PAGE)]}


def _item(number: int) -> dict[str, Any]:
    folder = number % PAGE == 0
    return {"Key": f"AWSLogs/{number:09d}" + ("/" if folder else ""), "Size": number % PAGE, "ETag": f'"{number:032x}"'}


def test_million_keys_are_listed_in_bounded_memory() -> None:
    bucket = Bucket(1_000_000)
    tracemalloc.start()

    found = sum(1 for _ in list_objects(bucket, SOURCE, "AWSLogs/", "AWSLogs/0"))  # type: ignore[arg-type]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert found == 999_000
    assert peak < 16 * MIB
    assert bucket.asked == {"Bucket": SOURCE.bucket, "Prefix": "AWSLogs/", "StartAfter": "AWSLogs/0"}


def test_listed_object_is_the_one_that_its_notification_names() -> None:
    ref = next(list_objects(Bucket(PAGE), SOURCE))  # type: ignore[arg-type]

    assert (ref.bucket, ref.key, ref.etag, ref.size_bytes) == (SOURCE.bucket, "AWSLogs/000000001", f"{1:032x}", 1)
