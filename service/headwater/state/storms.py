"""Storm control: of a detection that opens too many alerts an hour, all further ones are one alert.

Counted apart for each account, severity and choice of destinations, so that a flood hides nothing of another customer
and nothing worse than itself. Of the limit two messages are the storm's own: its beginning and its end. Alerts of the
service's own health are left alone: each is about another fault.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, Row, bindparam, delete, select, update

from headwater.model import Match
from headwater.state import lifecycle
from headwater.state.database import CHUNK, chunks, insert_missing, read, run
from headwater.state.schema import alerts, storms

WINDOW = timedelta(hours=1)
OWN_MESSAGES = 2
MIN_LIMIT = 3  # one alert as usual, and the storm's two messages
OVER = "The storm is over: matches from now on open alerts as usual."


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """storm_limit: messages of one detection an hour, 0: any number. reopens: matches of a resolved alert's window open
    it again, instead of another one."""

    storm_limit: int = 0
    reopens: bool = False

    def counts(self, match: Match) -> bool:
        """Whether the match can be one of a storm."""
        return self.storm_limit > 0 and match.kind != "HEALTH"

    @property
    def room(self) -> int:
        """Alerts of their own, before the storm begins."""
        return max(self.storm_limit, MIN_LIMIT) - OWN_MESSAGES


@dataclass(frozen=True, slots=True)
class Storm:
    """One row of the table; locked by this transaction. groups: how many are merged into its alert."""

    storm_id: str
    alert_id: str
    until: datetime
    opened: int
    groups: int

    def admit(self, policy: AlertPolicy) -> Storm:
        """With one alert more: opened by itself, or merged."""
        if self.opened < policy.room:
            return replace(self, opened=self.opened + 1)
        return replace(self, groups=self.groups + 1)


def storm_id(match: Match) -> str:
    """64 hex digits of what is counted together."""
    parts = (match.kind, match.rule_id, match.account_id, match.severity, *(match.destinations or ("",)))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def lock(
    connection: Connection, matches: Iterable[Match], now: datetime, new_id: Callable[[], str]
) -> dict[str, Storm]:
    """The hour of each storm that the matches could be of, locked in the order of ids; one that is over begins anew."""
    accounts = {storm_id(match): match.account_id for match in matches}
    fresh = {
        key: {"storm_id": key, "account_id": accounts[key], "alert_id": new_id(), "until": now + WINDOW}
        | {"opened": 0, "groups": 0}
        for key in sorted(accounts)
    }
    for piece in chunks(list(fresh.values())):
        insert_missing(connection, storms, piece)
    rows = [row for piece in chunks(list(fresh)) for row in _locked(connection, piece)]
    over = [row for row in rows if row.until <= now]
    _tell_end(connection, over, now)
    _replace(connection, [fresh[row.storm_id] for row in over])
    current = {row.storm_id: row._asdict() for row in rows} | {row.storm_id: fresh[row.storm_id] for row in over}
    return {
        key: Storm(key, row["alert_id"], row["until"], row["opened"], row["groups"]) for key, row in current.items()
    }


def save(connection: Connection, changed: Iterable[Storm]) -> None:
    """Store the counts of locked storms."""
    rows = [{"at_storm": storm.storm_id, "opened": storm.opened, "groups": storm.groups} for storm in changed]
    if rows:
        connection.execute(update(storms).where(storms.c.storm_id == bindparam("at_storm")), rows)


def groups_of(connection: Connection, rows: Sequence[Row[Any]]) -> dict[str, int]:
    """How many groups are merged into each storm's alert, also of one whose hour is over."""
    found: dict[str, int] = {row.alert_id: _noted(row.context) for row in rows}
    for piece in chunks([row.group_id for row in rows]):
        for storm in connection.execute(select(storms).where(storms.c.storm_id.in_(piece))):
            if storm.alert_id in found:
                found[storm.alert_id] = storm.groups
    return found


def face(rule_id: str, groups: int, matches: int, example: str) -> dict[str, str]:
    """What the alert of a storm shows of its size."""
    title = f"Storm: {groups:,} more alerts of {rule_id} merged, {matches:,} matches. Such as: {example}"
    told = {"storm": True, "groups": groups, "matches": matches, "example": example}
    return {"title": title[:1000], "context": orjson.dumps(told).decode()}


def example(context: str, otherwise: str) -> str:
    """The title of the first match of a storm, from its alert's context."""
    found = _context(context).get("example")
    return found if isinstance(found, str) else otherwise


def end(engine: Engine, now: datetime) -> int:
    """Tell the end of storms whose hour is over, and forget all hours that are; gives how many storms ended."""
    oldest = select(storms.c.storm_id).where(storms.c.until <= now).order_by(storms.c.until).limit(1)
    with read(engine) as connection:
        if connection.scalar(oldest) is None:
            return 0
    ended = 0
    while True:
        told, found = run(engine, lambda connection: _end_some(connection, now))
        ended += told
        if found < CHUNK:
            return ended


def _end_some(connection: Connection, now: datetime) -> tuple[int, int]:
    oldest = select(storms).where(storms.c.until <= now).order_by(storms.c.until).limit(CHUNK)
    rows = connection.execute(oldest.with_for_update(skip_locked=True)).all()
    told = _tell_end(connection, rows, now)
    connection.execute(delete(storms).where(storms.c.storm_id.in_([row.storm_id for row in rows])))
    return told, len(rows)


def _locked(connection: Connection, keys: Sequence[str]) -> Sequence[Row[Any]]:
    statement = select(storms).where(storms.c.storm_id.in_(keys)).order_by(storms.c.storm_id).with_for_update()
    return connection.execute(statement).all()


def _tell_end(connection: Connection, over: Sequence[Row[Any]], now: datetime) -> int:
    groups = {row.alert_id: row.groups for row in over if row.groups}
    rows = [row for piece in chunks(sorted(groups)) for row in _alerts(connection, piece)]
    changes = [
        {
            "at_alert": row.alert_id,
            **face(row.rule_id, groups[row.alert_id], row.match_count, example(row.context, row.title)),
        }
        for row in rows
    ]
    if changes:
        connection.execute(update(alerts).where(alerts.c.alert_id == bindparam("at_alert")), changes)
    told = lifecycle.record(connection, [row.alert_id for row in rows], "storm over", now, tell="updated", comment=OVER)
    return len(told)


def _alerts(connection: Connection, ids: Sequence[str]) -> Sequence[Row[Any]]:
    """Those that were opened: of a batch that was never finished nothing has been counted."""
    statement = select(alerts).where(alerts.c.alert_id.in_(ids), alerts.c.status != "pending")
    return connection.execute(statement.order_by(alerts.c.alert_id).with_for_update()).all()


def _replace(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    anew = [{"at_storm": row["storm_id"], **row} for row in rows]
    if anew:
        connection.execute(update(storms).where(storms.c.storm_id == bindparam("at_storm")), anew)


def _noted(context: str) -> int:
    groups = _context(context).get("groups", 0)
    return groups if isinstance(groups, int) else 0


def _context(text: str) -> Mapping[str, Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) and found.get("storm") is True else {}
