"""Whether the YAML of a lookup table, or of a query over the lake, has the form of one."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from headwater.yamlfile import Path

MINUTES_MAX = 1440  # a day
MINUTES = frozenset(("RateMinutes", "TimeoutMinutes", "PeriodMinutes", "AlarmPeriodMinutes"))
SCHEDULE_KEYS = ("CronExpression", "RateMinutes", "TimeoutMinutes")
REFRESH_KEYS = ("ObjectPath", "PeriodMinutes", "AlarmPeriodMinutes", "RoleARN", "ObjectKMSKey")
CRON_FIELDS = 5

Complaint = tuple[Path, str]


def query_complaints(data: Mapping[str, Any]) -> Iterator[Complaint]:
    """What is wrong with the Schedule of a query."""
    schedule = data.get("Schedule")
    if not isinstance(schedule, Mapping):
        return
    given = [key for key in ("CronExpression", "RateMinutes") if schedule.get(key) is not None]
    if len(given) != 1:
        yield ("Schedule",), f"exactly one of CronExpression, RateMinutes must stand here, {len(given)} do"
    if schedule.get("TimeoutMinutes") is None:
        yield ("Schedule",), "TimeoutMinutes is missing"
    cron = schedule.get("CronExpression")
    if cron is not None and (not isinstance(cron, str) or len(cron.split()) != CRON_FIELDS):
        yield ("Schedule", "CronExpression"), "must be five fields: minute, hour, day, month, day of week"
    yield from _minutes(schedule, ("Schedule",))
    yield from _misspelt(schedule, SCHEDULE_KEYS, ("Schedule",))


def lookup_complaints(data: Mapping[str, Any]) -> Iterator[Complaint]:
    """What is wrong with the source of a lookup table's data, and with what it is matched to."""
    yield from _log_types(data.get("LogTypeMap"))
    refresh = data.get("Refresh")
    if data.get("Query") is not None:
        if refresh is None:
            yield ("Query",), "needs Refresh: {PeriodMinutes}, which says how often it runs"
        if data.get("Filename") is not None:
            yield ("Filename",), "a table with a Query takes no Filename"
    else:
        if data.get("Schema") is None:
            yield (), "Schema is missing"
        if (data.get("Filename") is None) is (refresh is None):
            yield (), "exactly one of Filename, Refresh must stand here"
        if isinstance(refresh, Mapping) and not str(refresh.get("ObjectPath") or "").startswith("s3://"):
            yield ("Refresh", "ObjectPath"), "must be the s3:// address of the table's file"
    if isinstance(refresh, Mapping):
        yield from _minutes(refresh, ("Refresh",))
        yield from _misspelt(refresh, REFRESH_KEYS, ("Refresh",))


def _log_types(given: Any) -> Iterator[Complaint]:
    if not isinstance(given, Mapping):
        return
    if not isinstance(given.get("PrimaryKey"), str) or not given["PrimaryKey"]:
        yield ("LogTypeMap",), "PrimaryKey is missing"
    entries = given.get("AssociatedLogTypes") or []
    if not isinstance(entries, list):
        yield ("LogTypeMap", "AssociatedLogTypes"), "must be a list of {LogType, Selectors}"
        return
    for index, entry in enumerate(entries):
        at: Path = ("LogTypeMap", "AssociatedLogTypes", index)
        if not isinstance(entry, Mapping) or not isinstance(entry.get("LogType"), str):
            yield at, "must be {LogType, Selectors}"
            continue
        selectors = entry.get("Selectors")
        if not isinstance(selectors, list) or not all(isinstance(each, str) for each in selectors):
            yield (*at, "Selectors"), "must be a list of field names or $.paths"
    yield from _misspelt(given, ("PrimaryKey", "AssociatedLogTypes"), ("LogTypeMap",))


def _minutes(given: Mapping[str, Any], at: Path) -> Iterator[Complaint]:
    for key in given:
        value = given[key]
        if key not in MINUTES or value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            yield (*at, key), "must be a whole number of minutes, 1 or more"
        elif key == "AlarmPeriodMinutes" and value > MINUTES_MAX:
            yield (*at, key), f"must be {MINUTES_MAX} or less"


def _misspelt(given: Mapping[str, Any], known: tuple[str, ...], at: Path) -> Iterator[Complaint]:
    """Keys that are nearly known ones; others may be news to us."""
    for key in given:
        found = difflib.get_close_matches(str(key), known, n=1, cutoff=0.8) if key not in known else []
        if found:
            yield (*at, key), f"there is no key {key!r} here; did you mean {found[0]}?"
