"""Matches: what a rule said about a row, or how it broke on it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from headwater.detect import functions
from headwater.detect.load import Detection
from headwater.model import Match

EPOCH = "1970-01-01T00:00:00Z"
ALIKE_MAX = 10  # error matches of one rule and class on one batch
DETECTIONS_FAILED = "Headwater.DetectionsFailed"


def rule_match(
    detection: Detection, row: Mapping[str, Any], log_type: str, values: Mapping[str, Any], row_id: str
) -> Match:
    """The match of an alerting rule. values: of its auxiliary functions."""
    unique: str | None = values.get("unique")
    return Match(
        kind="RULE",
        rule_id=detection.rule_id,
        log_type=log_type,
        row_id=row_id,
        event_time=_time(row),
        account_id=str(row.get("p_account_id") or ""),
        title=values.get("title") or detection.display_name or detection.rule_id,
        dedup=values["dedup"],
        severity=values.get("severity", detection.severity),
        event=row,
        description=values.get("description", detection.description),
        runbook=values.get("runbook", detection.runbook),
        reference=values.get("reference", detection.reference),
        context=values.get("alert_context", "{}"),
        unique=unique,
        destinations=values.get("destinations") or detection.destinations,
        threshold=detection.threshold,
        window_min=detection.window_min,
        create_alert=detection.create_alert,
        tags=detection.tags,
    )


def error_match(
    detection: Detection, row: Mapping[str, Any], log_type: str, error: BaseException, row_id: str
) -> Match:
    """The match of a rule that raised, or that could not be loaded."""
    message = functions.attempt(lambda: str(error))[0] or type(error).__name__
    told = Told(type(error).__name__, functions.shown(error), message, location(error, detection.spec.root))
    return told_match(face_of(detection), row, log_type, told, row_id)


@dataclass(frozen=True, slots=True)
class Face:
    """What an error match shows of its rule."""

    rule_id: str
    severity: str
    destinations: tuple[str, ...] | None
    window_min: int
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """An error in words. name: its class. place: `file:line`, or ""."""

    name: str
    title: str
    message: str
    place: str = ""


def face_of(detection: Detection) -> Face:
    """What an error match shows of this rule."""
    return Face(detection.rule_id, detection.severity, detection.destinations, detection.window_min, detection.tags)


def told_match(face: Face, row: Mapping[str, Any], log_type: str, told: Told, row_id: str) -> Match:
    """The match of an error that is known in words alone."""
    return Match(
        kind="RULE_ERROR",
        rule_id=face.rule_id,
        log_type=log_type,
        row_id=row_id,
        event_time=_time(row),
        account_id=str(row.get("p_account_id") or ""),
        title=functions.truncated(told.title),
        dedup=told.name,
        severity=face.severity,
        event=row,
        description=f"{told.message} at {told.place}" if told.place else told.message,
        context=json.dumps({"error": told.name, "message": told.message, "location": told.place}),
        destinations=face.destinations,
        window_min=face.window_min,
        tags=face.tags,
    )


def outage_match(row: Mapping[str, Any], log_type: str, row_id: str, message: str) -> Match:
    """The health match of rows that no detection has seen."""
    return Match(
        kind="HEALTH",
        rule_id=DETECTIONS_FAILED,
        log_type=log_type,
        row_id=row_id,
        event_time=_time(row),
        account_id="",
        title=functions.truncated(message),
        dedup=log_type,
        severity="HIGH",
        event=row,
        description=message,
        runbook="The rows are in the lake. Look at the service's log, then run the detections on them again.",
        tags=("health",),
    )


def with_event(match: Match, event: Mapping[str, Any], index: int) -> Match:
    """The match on the row itself. index: its number, which stands for a row id that it does not have."""
    return replace(
        match,
        event=event,
        row_id=str(event.get("p_row_id") or index),
        event_time=_time(event),
        account_id="" if match.kind == "HEALTH" else str(event.get("p_account_id") or ""),
    )


class ErrorLimit:
    """Of alike errors on one batch a few matches are made; the last stands for all further ones."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[str, str]] = Counter()
        self._last: dict[tuple[str, str], tuple[int, Match]] = {}

    def admit(self, row: int, match: Match) -> list[tuple[int, Match]]:
        """The match with its row, or nothing where there were enough of its rule and class."""
        key = (match.rule_id, match.dedup)
        self._seen[key] += 1
        if self._seen[key] < ALIKE_MAX:
            return [(row, match)]
        self._last.setdefault(key, (row, match))
        return []

    def rest(self) -> Iterator[tuple[int, Match]]:
        """The last match of each kind of error of which there were many."""
        for key, (row, match) in self._last.items():
            yield row, replace(match, occurrences=self._seen[key] - ALIKE_MAX + 1)


def location(error: BaseException, root: Path) -> str:
    """`file:line` of the innermost frame inside the folder of detections, relative to it; "" without one."""
    if isinstance(error, SyntaxError) and Path(error.filename or "").is_relative_to(root):
        return f"{Path(error.filename or '').relative_to(root)}:{error.lineno}"
    place = ""
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if Path(file).is_relative_to(root):
            place = f"{Path(file).relative_to(root)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _time(row: Mapping[str, Any]) -> datetime:
    moment = datetime.fromisoformat(str(row.get("p_event_time") or EPOCH))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
