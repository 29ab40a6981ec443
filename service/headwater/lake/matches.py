"""Matches as rows of detections.matches."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

import pyarrow as pa

from headwater.lake.tables import storable
from headwater.model import GroupKey, Match

ALERT_ID = "p_alert_id"
TIME = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [
        ("p_match_id", pa.string()),
        ("p_rule_id", pa.string()),
        (ALERT_ID, pa.string()),
        ("p_kind", pa.string()),
        ("p_severity", pa.string()),
        ("p_title", pa.string()),
        ("p_dedup", pa.string()),
        ("p_context", pa.string()),
        ("p_log_type", pa.string()),
        ("p_event_time", TIME),
        ("p_row_id", pa.string()),
        ("p_account_id", pa.string()),
        ("p_event", pa.string()),
        ("p_tags", pa.list_(pa.string())),
        ("p_created_at", TIME),
    ]
)


def to_arrow(matches: Sequence[Match], alert_ids: Mapping[GroupKey, str], created_at: datetime) -> pa.Table:
    """One row for each match; p_alert_id is null for matches that only signal (create_alert False)."""
    return pa.Table.from_pylist([_row(match, alert_ids, created_at) for match in matches], SCHEMA)


def _row(match: Match, alert_ids: Mapping[GroupKey, str], created_at: datetime) -> dict[str, object]:
    return {
        "p_match_id": match.match_id,
        "p_rule_id": match.rule_id,
        ALERT_ID: alert_ids[match.group_key] if match.create_alert else None,
        "p_kind": match.kind,
        "p_severity": match.severity,
        "p_title": storable(match.title),
        "p_dedup": storable(match.dedup),
        "p_context": storable(match.context),
        "p_log_type": match.log_type,
        "p_event_time": match.event_time,
        "p_row_id": match.row_id,
        "p_account_id": match.account_id,
        "p_event": match.event_json,
        "p_tags": [storable(tag) for tag in match.tags],
        "p_created_at": created_at,
    }


def to_arrow_unassigned(matches: Sequence[Match], created_at: datetime) -> pa.Table:
    """As to_arrow, before the alerts are known; `assigned` puts them in."""
    return to_arrow(matches, {match.group_key: _token(match.group_key) for match in matches}, created_at)


def assigned(rows: pa.Table, alert_ids: Mapping[GroupKey, str]) -> pa.Table:
    """The rows of to_arrow_unassigned with their alerts."""
    by_token = {_token(key): alert_id for key, alert_id in alert_ids.items()}
    tokens = rows[ALERT_ID].to_pylist()
    found = pa.array([None if token is None else by_token[token] for token in tokens], pa.string())
    return rows.set_column(rows.schema.get_field_index(ALERT_ID), ALERT_ID, found)


def _token(key: GroupKey) -> str:
    return json.dumps(key)  # ASCII, also for lone surrogates
