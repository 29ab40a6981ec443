"""Matches: what a rule said about a row, or how it broke on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from headwater.detect import functions
from headwater.detect.load import Detection
from headwater.model import Match

EPOCH = "1970-01-01T00:00:00Z"


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
    place = location(error, detection.spec.root)
    return Match(
        kind="RULE_ERROR",
        rule_id=detection.rule_id,
        log_type=log_type,
        row_id=row_id,
        event_time=_time(row),
        account_id=str(row.get("p_account_id") or ""),
        title=functions.truncated(functions.shown(error)),
        dedup=type(error).__name__,
        severity=detection.severity,
        event=row,
        description=f"{message} at {place}" if place else message,
        context=json.dumps({"error": type(error).__name__, "message": message, "location": place}),
        destinations=detection.destinations,
        window_min=detection.window_min,
        tags=detection.tags,
    )


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
