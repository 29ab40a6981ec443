"""Stored matches as correlation rules read them: by rule and time, a few columns, the values at a few paths."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError
from pyiceberg.expressions import In

from headwater.detect.correlate import Occurrence
from headwater.lake.faults import translated
from headwater.lake.tables import EVENT_TIME, MATCHES

CONTEXT = "p_alert_context"
TOP: Final = ("p_match_id", "p_rule_id", "p_row_id", "p_account_id", "p_title", "p_dedup", "p_severity", "p_log_type")
MAX_VALUES = 100  # of one path in one match


@dataclass(frozen=True, slots=True)
class Stored:
    """One stored match. occurrence: what is correlated of it."""

    rule_id: str
    row_id: str
    created_at: float
    occurrence: Occurrence


def event_times(catalog: Catalog, rules: Collection[str], created_since: datetime) -> tuple[datetime, datetime] | None:
    """When the first and the last event of the matches stored since a time happened; None where there is none."""
    stored = f"p_created_at >= '{created_since.isoformat()}'"
    bounds = [
        (min(times), max(times))
        for batch in _scan(catalog, stored, rules, (EVENT_TIME,))
        if (times := batch[EVENT_TIME].to_pylist())
    ]
    return (min(first for first, _ in bounds), max(last for _, last in bounds)) if bounds else None


def read_matches(
    catalog: Catalog, rules: Collection[str], since: datetime, until: datetime, paths: Collection[str]
) -> list[Stored]:
    """The matches of some rules whose events happened within a time, both ends included.

    paths: what to look up in each: `a.b` in its event, `p_alert_context.a.b` in its context.
    """
    inside = f"{EVENT_TIME} >= '{since.isoformat()}' and {EVENT_TIME} <= '{until.isoformat()}'"
    found: dict[str, Stored] = {}
    for batch in _scan(catalog, inside, rules, _columns(paths)):
        for row in batch.to_pylist():
            found[row["p_match_id"]] = _stored(row, paths)
    return sorted(found.values(), key=lambda each: (each.occurrence.at, each.occurrence.match_id))


def _scan(catalog: Catalog, condition: str, rules: Collection[str], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    with translated(f"read {MATCHES}"):
        try:
            table = catalog.load_table(MATCHES)
        except (NoSuchTableError, NoSuchNamespaceError):
            return
        scan = table.scan(f"p_kind = 'RULE' and {condition}", selected_fields=tuple(columns))
        in_set: Any = In  # its own __init__ is not what mypy sees
        yield from scan.filter(in_set("p_rule_id", set(rules))).to_arrow_batch_reader()


def _columns(paths: Collection[str]) -> tuple[str, ...]:
    """The columns that the paths need: events and contexts are large."""
    in_context = any(_in_context(path) for path in paths)
    in_event = any(not _in_context(path) and path not in TOP for path in paths)
    extra = (("p_context",) if in_context else ()) + (("p_event",) if in_event else ())
    return (*TOP, EVENT_TIME, "p_created_at", *extra)


def _in_context(path: str) -> bool:
    return path == CONTEXT or path.startswith(CONTEXT + ".")


def _stored(row: Mapping[str, Any], paths: Collection[str]) -> Stored:
    at = row[EVENT_TIME].timestamp()
    values = values_at(row, paths)
    occurrence = Occurrence(row["p_match_id"], at, values, row["p_account_id"] or "")
    return Stored(row["p_rule_id"], row["p_row_id"], row["p_created_at"].timestamp(), occurrence)


def values_at(row: Mapping[str, Any], paths: Collection[str]) -> dict[str, frozenset[str]]:
    """The values of a stored match at each path that has some. row: with p_event and p_context as JSON text."""
    event = _parsed(row.get("p_event"))
    context = _parsed(row.get("p_context"))
    found: dict[str, frozenset[str]] = {}
    for path in paths:
        if _in_context(path):
            values = _at(context, path.split(".")[1:])
        else:
            values = _at(event, path.split(".")) or _at(row, (path,) if path in TOP else ())
        if values:
            found[path] = frozenset(values[:MAX_VALUES])
    return found


def _parsed(text: str | None) -> Any:
    if not text:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # an integer above 64 bits, or a lone surrogate
        return json.loads(text)


def _at(value: Any, keys: Sequence[str]) -> list[str]:
    """The scalars below some keys as text; a list stands for each of its items."""
    if isinstance(value, list):
        return [text for item in value for text in _at(item, keys)]
    if not keys:
        return [] if value is None or isinstance(value, Mapping) else [_text(value)]
    if not isinstance(value, Mapping):
        return []
    return _at(value.get(_key(value, keys[0])), keys[1:])


def _key(value: Mapping[str, Any], wanted: str) -> str:
    """The key as the event spells it: equal, or else equal but for its letter case."""
    if wanted in value:
        return wanted
    folded = wanted.lower()
    return next((key for key in value if key.lower() == folded), wanted)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
