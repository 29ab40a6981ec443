"""The keys of a bucket, walked so that only the days that are wanted are listed.

Most services write below folders of dates: AWSLogs/<account>/CloudTrail/<region>/2026/02/03/, 2026/2/3/ (Config),
year=2026/month=02/day=03/ (Hive), eventDay=20260203/ (Security Lake), date=2026-02-03/. S3's access logs lie in one
folder and begin with the time. Such folders and names are known by their form, whatever log they hold; below other
folders every key is listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from headwater.aws.s3 import Listed, Page

YEAR = re.compile(r"(?:[A-Za-z_-]+=)?(20\d\d)")
PART = re.compile(r"(?:[A-Za-z_-]+=)?(\d{1,2})")
WHOLE = re.compile(r"(?:[A-Za-z_-]+=)?(20\d\d)-?(\d\d)-?(\d\d)")
NAME = re.compile(r"(20\d\d)-(\d\d)-(\d\d)")
BEHIND = "\U0010ffff"  # sorts behind every other character
MANY_FOLDERS = 200  # without dates; so many are more requests than a listing of everything
MAX_DEPTH = 16
DAY = timedelta(days=1)


class Pages(Protocol):
    """Lists what lies below a prefix: everything, or objects and folders of one level."""

    def __call__(self, prefix: str, *, start_after: str = "", folders: bool = False) -> Iterator[Page]:
        """Its pages."""


@dataclass(frozen=True, slots=True)
class Window:
    """The objects of a time, from `since` on and before `until`.

    by_day: an object below a day's folder belongs to that day, whenever it was written (copies keep their folders); on
    the first and the last day both count. Otherwise, and below other folders, only when it was written counts; that may
    be a day later than its folder says.
    """

    since: datetime
    until: datetime
    by_day: bool = False

    @property
    def first(self) -> date:
        """The first day whose folder is listed."""
        return (self.since.astimezone(UTC) - (timedelta() if self.by_day else DAY)).date()

    @property
    def last(self) -> date:
        """The last one."""
        return self.until.astimezone(UTC).date()

    def may_have(self, year: int, month: int | None = None) -> bool:
        """Whether days of a year, or of a month of it, are wanted."""
        if month is None:
            return self.first.year <= year <= self.last.year
        return (self.first.year, self.first.month) <= (year, month) <= (self.last.year, self.last.month)

    def has_day(self, day: date) -> bool:
        """Whether a day is wanted."""
        return self.first <= day <= self.last

    def has(self, listed: Listed, day: date | None) -> bool:
        """Whether an object is. day: of its folder or name."""
        if not self.by_day or day is None:
            return self.since <= listed.modified_at < self.until
        starts_within = day > self.since.astimezone(UTC).date() or listed.modified_at >= self.since
        return self.has_day(day) and starts_within and listed.modified_at < self.until


@dataclass(frozen=True, slots=True)
class _Place:
    """A folder, and what its name and those above it say of the date."""

    prefix: str
    year: int | None = None
    month: int | None = None
    day: date | None = None
    depth: int = 0

    def step(self, folder: str) -> _Place:
        """A folder below."""
        name = folder[len(self.prefix) :].rstrip("/")
        below = replace(self, prefix=folder, depth=self.depth + 1)
        if self.day is not None:
            return below
        if (found := WHOLE.fullmatch(name)) and (day := _date(*map(int, found.groups()))):
            return replace(below, day=day)
        if self.year is None or self.month is not None:
            found = YEAR.fullmatch(name)
            return replace(below, year=int(found[1]) if found else None, month=None)
        return below._month(name)

    def _month(self, name: str) -> _Place:
        found = PART.fullmatch(name)
        if found and 1 <= int(found[1]) <= 12:
            return replace(self, month=int(found[1]))
        return replace(self, year=None)


def walk(pages: Pages, prefix: str, window: Window) -> Iterator[Listed]:
    """The objects below a prefix that are in the window; nothing is collected."""
    for listed, day in _walk(pages, _Place(prefix), window):
        if window.has(listed, day):
            yield listed


def _walk(pages: Pages, place: _Place, window: Window) -> Iterator[tuple[Listed, date | None]]:
    if place.day is not None or place.depth >= MAX_DEPTH:
        yield from _all(pages, place)
        return
    first = True
    for page in pages(place.prefix, folders=True):
        if first and _day_of_name(page, place.prefix):
            yield from _dated_names(pages, place, window)
            return
        below = [_below(place, folder) for folder in page.folders]
        if first and sum(_is_undated(each) for each in below) > MANY_FOLDERS:
            yield from _all(pages, place)
            return
        first = False
        yield from ((listed, None) for listed in page.objects)
        for child in below:
            if _is_wanted(child, window):
                yield from _walk(pages, child, window)


def _below(place: _Place, folder: str) -> _Place:
    """The place of a folder; a month's folders are its days."""
    name = folder[len(place.prefix) :].rstrip("/")
    if place.year is not None and place.month is not None and (found := PART.fullmatch(name)):
        day = _date(place.year, place.month, int(found[1]))
        if day is not None:
            return replace(place, prefix=folder, day=day, depth=place.depth + 1)
    return place.step(folder)


def _is_undated(place: _Place) -> bool:
    return place.year is None and place.day is None


def _is_wanted(place: _Place, window: Window) -> bool:
    if place.day is not None:
        return window.has_day(place.day)
    return place.year is None or window.may_have(place.year, place.month)


def _all(pages: Pages, place: _Place) -> Iterator[tuple[Listed, date | None]]:
    for page in pages(place.prefix):
        yield from ((listed, place.day) for listed in page.objects)


def _dated_names(pages: Pages, place: _Place, window: Window) -> Iterator[tuple[Listed, date | None]]:
    """A folder of objects whose names begin with their day: listed from the first day on, then behind all days."""
    start_after = place.prefix + window.first.isoformat()
    is_behind = False
    while True:
        end = start_after
        for page in pages(place.prefix, start_after=start_after, folders=True):
            days = [(listed, _day_of(listed.ref.key, place.prefix)) for listed in page.objects]
            yield from days
            for child in (place.step(folder) for folder in page.folders):
                if _is_wanted(child, window):
                    yield from _walk(pages, child, window)
            end = max([end, *(listed.ref.key for listed, _ in days), *(f"{folder}{BEHIND}" for folder in page.folders)])
            if not is_behind and any(day and day > window.last for _, day in days):
                break
        else:
            return
        is_behind, start_after = True, max(end, place.prefix + "3")


def _day_of_name(page: Page, prefix: str) -> bool:
    """Whether the very first entry is an object whose name begins with a day."""
    if not page.objects or _day_of(page.objects[0].ref.key, prefix) is None:
        return False
    return not page.folders or page.objects[0].ref.key < page.folders[0]


def _day_of(key: str, prefix: str) -> date | None:
    found = NAME.match(key[len(prefix) :])
    return _date(*map(int, found.groups())) if found else None


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
