"""What must be true at the end of a soak: every object accounted for, nothing lost, nothing twice."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from objects import Thing
from pyiceberg.catalog import Catalog

from aws import LASTING
from headwater.lake.query import query

LEDGER = "SELECT bucket, key, status, error_kind FROM objects"
ALERTS = "SELECT alert_id, dedup, match_count FROM alerts WHERE rule_id = 'Soak.Stopped'"

ROWS = "SELECT p_source_file.key AS k, count(*) AS n, count(DISTINCT p_row_id) AS d FROM logs.aws_cloudtrail GROUP BY 1"
REJECTS = "SELECT key AS k, count(*) AS n, count(DISTINCT p_row_id) AS d FROM monitor.rejects GROUP BY 1"
MATCHES = "SELECT count(*) AS n, count(DISTINCT p_match_id) AS d FROM detections.matches"


@dataclass(frozen=True)
class Found:
    """What a soak has left.

    ends: of each bucket and key: done, or the kind of the failure. rows, rejects, matches: of each key, all and
    distinct. alerts: of each account: ids and matches. delivered: keys of deliveries. dead: reason and objects.
    """

    ends: Mapping[tuple[str, str], str]
    rows: Mapping[str, tuple[int, int]]
    rejects: Mapping[str, tuple[int, int]]
    matches: tuple[int, int]
    alerts: Mapping[str, list[tuple[str, int]]]
    delivered: frozenset[str]
    dead: Sequence[tuple[str, frozenset[str]]]


def look(state_url: str, catalog: Catalog, alerts_file: Path, dead: Iterable[Mapping[str, Any]]) -> Found:
    """Read the state, the lake, the delivered alerts and the dead letters."""
    alerts: dict[str, list[tuple[str, int]]] = defaultdict(list)
    with psycopg.connect(state_url) as connection:
        ledger = {
            (bucket, key): status if status != "failed" else str(kind)
            for bucket, key, status, kind in connection.execute(LEDGER)
        }
        for alert_id, dedup, count in connection.execute(ALERTS):
            alerts[dedup].append((alert_id, count))
    lines = alerts_file.read_text().splitlines() if alerts_file.exists() else []
    (matches,) = query(catalog, MATCHES).to_pylist()
    return Found(
        ledger,
        _by_key(catalog, ROWS),
        _by_key(catalog, REJECTS),
        (matches["n"], matches["d"]),
        alerts,
        frozenset(json.loads(line)["idempotency_key"] for line in lines),
        [_letter(message) for message in dead],
    )


def _by_key(catalog: Catalog, sql: str) -> dict[str, tuple[int, int]]:
    return {row["k"]: (row["n"], row["d"]) for row in query(catalog, sql).to_pylist()}


def _letter(message: Mapping[str, Any]) -> tuple[str, frozenset[str]]:
    keys = frozenset(record["s3"]["object"]["key"] for record in json.loads(message["Body"])["Records"])
    return message["MessageAttributes"]["reason"]["StringValue"], keys


def check(every: Sequence[Thing], found: Found) -> dict[str, Any]:
    """Counts of what is wrong, all of which must be nought."""
    wrong = Counter(_wrong_objects(every, found)) + Counter(_wrong_alerts(every, found))
    wrong += Counter(_wrong_letters(every, found))
    lost = sum(max(thing.rows - found.rows.get(thing.key, (0, 0))[1], 0) for thing in every)
    doubled = sum(n - distinct for n, distinct in (*found.rows.values(), *found.rejects.values(), found.matches))
    ends = Counter(found.ends.values())
    return {
        "rows": sum(n for n, _ in found.rows.values()),
        "rows_lost": lost,
        "rows_doubled": doubled,
        "ends": dict(ends.most_common()),
        "dead_letters": len(found.dead),
        "alerts": sum(map(len, found.alerts.values())),
        "wrong": dict(wrong),
        "ok": not wrong and not lost and not doubled,
    }


def _wrong_objects(every: Sequence[Thing], found: Found) -> Iterator[str]:
    for thing in every:
        end = found.ends.get((thing.bucket, thing.key))
        if end != (None if thing.kind == "unknown" else thing.end):
            yield f"{thing.kind} ended {end}"
        if found.rows.get(thing.key, (0, 0)) != (thing.rows, thing.rows):
            yield f"{thing.kind} has {found.rows.get(thing.key, (0, 0))} rows"
        rejects = int(thing.kind == "reject")
        if found.rejects.get(thing.key, (0, 0)) != (rejects, rejects):
            yield f"{thing.kind} has {found.rejects.get(thing.key, (0, 0))} rejects"


def _wrong_alerts(every: Sequence[Thing], found: Found) -> Iterator[str]:
    expected = Counter(thing.account for thing in every if thing.kind == "alert")
    if found.matches != (expected.total(), expected.total()):
        yield f"{found.matches} matches, not {expected.total()}"
    for account, count in expected.items():
        alerts = found.alerts.get(account, [])
        if [matches for _, matches in alerts] != [count]:
            yield f"alerts of {alerts} matches, not one of {count}"
        if any(f"{alert_id}:file" not in found.delivered for alert_id, _ in alerts):
            yield "alert not delivered"


def _wrong_letters(every: Sequence[Thing], found: Found) -> Iterator[str]:
    """Each object that is never done is in a dead letter, and each dead letter says why for one of its objects."""
    lasting = {thing.key: thing.end for thing in every if thing.kind in LASTING}
    named = set()
    for reason, keys in found.dead:
        ends = {lasting[key] for key in keys if key in lasting}
        named |= keys
        if reason.partition(":")[0] not in ends:
            yield f"dead letter {reason.partition(':')[0]} of objects that ended {sorted(ends)}"
    for key, end in lasting.items():
        if key not in named:
            yield f"{end} is in no dead letter"
