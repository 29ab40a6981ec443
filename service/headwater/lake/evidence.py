"""The rows behind an alert, and what else its actor, its address and its account did around it; read-only, bounded."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from pyiceberg.catalog import Catalog

from headwater.lake.query import query
from headwater.lake.tables import MATCHES, existing_tables

TIMEOUT_S = 120.0
AROUND = timedelta(hours=1)
LOGS = "logs."
WHO = ("p_any_usernames", "p_any_emails", "p_any_aws_arns", "p_any_actor_ids")
WHENCE = ("p_any_ip_addresses",)
EVENTS = f"""
    SELECT p_event_time, p_log_type, p_kind, p_title, p_account_id, p_row_id, p_event FROM {MATCHES}
    WHERE p_alert_id = $alert AND p_event_time BETWEEN $first AND $last
    ORDER BY p_event_time DESC, p_row_id LIMIT $most
"""  # noqa: S608 - a constant


@dataclass(frozen=True, slots=True)
class Clues:
    """What to look for. account_id: nothing of any other account is shown. actor, address: empty for none."""

    account_id: str
    actor: str
    address: str
    begin: datetime
    end: datetime


def events(catalog: Catalog, alert_id: str, first: datetime, last: datetime, limit: int) -> list[dict[str, Any]]:
    """The matches of an alert, the latest first, each with the event that the detection saw."""
    if MATCHES not in existing_tables(catalog):
        return []
    values = {"alert": alert_id, "first": first, "last": last, "most": limit}
    rows = query(catalog, EVENTS, timeout_s=TIMEOUT_S, parameters=values).to_pylist()
    return [{**row, "p_event": orjson.loads(row["p_event"])} for row in rows]


def pivot(catalog: Catalog, clues: Clues, limit: int) -> list[dict[str, Any]]:
    """Rows of the account in that time, of every log type, the latest first: those of the actor, those of the address,
    and where neither is known all. `why` says which."""
    found = [
        row
        for name in existing_tables(catalog)
        if name.startswith(LOGS)
        for row in _of_table(catalog, name, clues, limit)
    ]
    return heapq.nlargest(limit, found, key=lambda row: (row["p_event_time"], row["p_row_id"]))


def _of_table(catalog: Catalog, name: str, clues: Clues, limit: int) -> list[dict[str, Any]]:
    columns = {field.name for field in catalog.load_table(name).schema().fields}
    reasons = {
        "actor": _holds(columns, WHO, "actor") if clues.actor else "",
        "address": _holds(columns, WHENCE, "address") if clues.address else "",
    }
    wanted = {why: condition for why, condition in reasons.items() if condition}
    if (clues.actor or clues.address) and not wanted:
        return []
    sql = _statement(name, wanted)
    values = {"account": clues.account_id, "begin": clues.begin, "end": clues.end, "most": limit}
    values |= {why: getattr(clues, why) for why in wanted}
    rows = query(catalog, sql, timeout_s=TIMEOUT_S, parameters=values).to_pylist()
    return [{**row, "event": orjson.loads(row["event"])} for row in rows]


def _statement(name: str, wanted: Mapping[str, str]) -> str:
    """Names of tables and columns are the lake's own; what comes from events is a parameter."""
    namespace, short = name.split(".", 1)
    whys = ", ".join(f"CASE WHEN {condition} THEN '{why}' END" for why, condition in wanted.items()) or "'account'"
    some = f"AND ({' OR '.join(wanted.values())})" if wanted else ""
    return f"""
        SELECT p_event_time, p_log_type, concat_ws(', ', {whys}) AS why, p_source_label, p_row_id, to_json(t) AS event
        FROM "{namespace}"."{short}" AS t
        WHERE p_account_id = $account AND p_event_time BETWEEN $begin AND $end {some}
        ORDER BY p_event_time DESC, p_row_id LIMIT $most
    """  # noqa: S608


def _holds(columns: set[str], lists: Sequence[str], parameter: str) -> str:
    """Whether one of the lists holds the parameter; a null list holds nothing."""
    found = [f"coalesce(list_contains({name}, ${parameter}), false)" for name in lists if name in columns]
    return f"({' OR '.join(found)})" if found else ""
