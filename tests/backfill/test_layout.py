"""Only the days that are wanted are listed, in every layout of keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.aws.s3 import Listed, Page
from headwater.backfill import layout
from headwater.backfill.layout import Window, walk
from headwater.model import ObjectRef

DAYS = [date(2026, 1, 25) + timedelta(days=number) for number in range(20)]


def at(day: date, hour: int = 12) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


class Bucket:
    """Keys with the time they were written; says what was asked of it."""

    def __init__(self, written: dict[str, datetime], page: int = 1000) -> None:
        self.written = dict(sorted(written.items()))
        self.page = page
        self.asked: list[str] = []
        self.listed = 0

    def __call__(self, prefix: str, *, start_after: str = "", folders: bool = False) -> Iterator[Page]:
        self.asked.append(prefix)
        entries: dict[str, Listed | None] = {}
        for key, written in self.written.items():
            if key.startswith(prefix) and key > start_after:
                head, slash, _ = key[len(prefix) :].partition("/")
                if folders and slash:
                    entries[prefix + head + "/"] = None
                else:
                    entries[key] = Listed(ObjectRef("b", key, etag="e"), written)
        items = list(entries.items())
        for start in range(0, max(len(items), 1), self.page):
            part = items[start : start + self.page]
            objects = tuple(listed for _, listed in part if listed)
            self.listed += len(part)
            yield Page(objects, tuple(name for name, listed in part if listed is None))


def keys(bucket: Bucket, window: Window, prefix: str = "") -> list[str]:
    return sorted(listed.ref.key for listed in walk(bucket, prefix, window))


LAYOUTS = {
    "CloudTrail": "AWSLogs/111122223333/CloudTrail/us-east-1/%Y/%m/%d/{n}.json.gz",
    "organization trail": "AWSLogs/o-exampleorgid/111122223333/CloudTrail/us-east-1/%Y/%m/%d/{n}.json.gz",
    "Config, without zeros": "AWSLogs/111122223333/Config/us-east-1/%Y/{month}/{day}/ConfigHistory/{n}.json.gz",
    "hours below days": "AWSLogs/111122223333/WAFLogs/us-east-1/acl/%Y/%m/%d/04/05/{n}.log.gz",
    "Hive": "AWSLogs/aws-account-id=111122223333/aws-region=us-east-1/year=%Y/month=%m/day=%d/hour=04/{n}.log.gz",
    "Security Lake": "ext/region=us-east-1/accountId=111122223333/eventDay=%Y%m%d/{n}.parquet",
    "one folder a day": "app/date=%Y-%m-%d/{n}.gz",
    "S3 access logs": "access/%Y-%m-%d-04-05-06-{n:016X}",
}


@pytest.mark.parametrize("pattern", LAYOUTS.values(), ids=LAYOUTS.keys())
@pytest.mark.parametrize("by_day", [True, False], ids=["by day", "by time"])
def test_only_the_wanted_days_are_listed(pattern: str, by_day: bool) -> None:
    written = {
        day.strftime(pattern).format(n=n, month=day.month, day=day.day): at(day) for day in DAYS for n in range(50)
    }
    bucket = Bucket(written, page=100)
    window = Window(at(DAYS[4], 0), at(DAYS[7], 0), by_day)

    found = keys(bucket, window)

    assert found == sorted(key for key, time in written.items() if window.since <= time < window.until)
    assert bucket.listed < 600  # of 1,000


def test_copied_history_is_found_by_the_day_of_its_folder() -> None:
    copied = at(date(2026, 3, 1))
    bucket = Bucket({day.strftime("AWSLogs/%Y/%m/%d/1.gz"): copied for day in DAYS})

    by_day = keys(bucket, Window(at(DAYS[2], 0), at(date(2026, 3, 2)), by_day=True))

    assert len(by_day) == 18
    assert keys(bucket, Window(at(DAYS[2], 0), at(DAYS[5], 0), by_day=True)) == []  # written after `until`


def test_what_is_written_after_midnight_into_yesterdays_folder_is_found_by_its_time() -> None:
    bucket = Bucket(
        {"AWSLogs/2026/02/03/late.gz": at(date(2026, 2, 4), 1), "AWSLogs/2026/02/03/1.gz": at(date(2026, 2, 3))}
    )

    assert keys(bucket, Window(at(date(2026, 2, 4), 0), at(date(2026, 2, 5)))) == ["AWSLogs/2026/02/03/late.gz"]


def test_folders_that_are_no_dates_are_all_looked_into() -> None:
    written = {
        f"app/{name}/x.gz": at(DAYS[5]) for name in ("2026", "20265", "13", "v1.2", "2026/99", "2026/02/30", "prod")
    }
    bucket = Bucket(written)

    assert keys(bucket, Window(at(DAYS[0]), at(DAYS[9]))) == sorted(written)


def test_many_folders_without_dates_are_listed_at_once() -> None:
    bucket = Bucket({f"by-request/{number:05d}/x.gz": at(DAYS[5]) for number in range(3000)})

    assert len(keys(bucket, Window(at(DAYS[0]), at(DAYS[9])))) == 3000
    assert len(bucket.asked) < 10


def test_access_logs_beside_folders_hide_nothing() -> None:
    written = {day.strftime(f"%Y-%m-%d-04-05-06-{n:04X}"): at(day) for day in DAYS for n in range(3)}
    written |= {"AWSLogs/x/2026/02/01/1.gz": at(date(2026, 2, 1)), "zz.gz": at(DAYS[6])}
    window = Window(at(DAYS[5], 0), at(DAYS[8], 0))

    assert keys(Bucket(written), window) == sorted(
        key for key, time in written.items() if window.since <= time < window.until
    )


NAMES = st.sampled_from(
    ["2026", "2025", "02", "2", "13", "30", "year=2026", "month=02", "day=3", "20260203", "a", "2026-02-03"]
)


@given(
    paths=st.lists(st.lists(NAMES, min_size=0, max_size=5), max_size=30),
    names=st.sampled_from(["x.gz", "2026-02-03-1"]),
    page=st.integers(1, 5),
)
def test_a_window_of_all_time_finds_every_object_once(paths: Sequence[Sequence[str]], names: str, page: int) -> None:
    written = {"/".join([*path, names]): at(DAYS[0]) for path in paths}
    everything = Window(datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))

    assert keys(Bucket(written, page), everything) == sorted(written)


def test_walking_needs_no_more_depth_than_it_has() -> None:
    deep = "/".join("a" * (layout.MAX_DEPTH + 5)) + "/x.gz"

    assert keys(Bucket({deep: at(DAYS[0])}), Window(at(DAYS[0], 0), at(DAYS[1], 0))) == [deep]
