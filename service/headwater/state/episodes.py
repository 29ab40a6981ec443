"""Faults that last: each is told once, by one alert, which counts as resolved when the fault is over."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, delete, select, update

from headwater.model import Alert, Match
from headwater.state.commit import assign_alerts, count_matches
from headwater.state.database import Reading, insert_missing, random_id, read, run
from headwater.state.lifecycle import set_status
from headwater.state.outbox import Destinations
from headwater.state.resolve import OVER, reopen
from headwater.state.schema import batch_groups, episodes


@dataclass(frozen=True, slots=True)
class Episode:
    """A fault that goes on: what is at fault, since when it is known, and the alert that told it."""

    rule_id: str
    subject: str
    opened_at: datetime
    alert_id: str


@dataclass(frozen=True, slots=True)
class Told:
    """What one look changed. opened: alerts of new faults. resolved: alerts of those that are over."""

    opened: tuple[Alert, ...] = ()
    resolved: tuple[Alert, ...] = ()


def list_episodes(engine: Engine) -> tuple[Episode, ...]:
    """The faults that go on, by rule and subject."""
    with read(engine) as connection:
        rows = connection.execute(select(episodes).order_by(episodes.c.rule_id, episodes.c.subject))
        return tuple(Episode(**row._mapping) for row in rows)


def tell(
    engine: Engine,
    rules: Collection[str],
    faults: Sequence[Match],
    now: datetime,
    destinations: Destinations = (),
    *,
    new_id: Callable[[], str] = random_id,
) -> Told:
    """Alert on each fault that is not told yet, and resolve what is told and no more a fault.

    faults: all that there are now of these rules, a match each, whose dedup is the subject. All in one transaction, so
    that a fault is told once however many workers look at it.
    """
    current = {(match.rule_id, match.dedup): match for match in faults}

    def work(connection: Connection) -> Told:
        known = _known(connection, rules)
        over = sorted(key for key in known if key not in current)
        new = [current[key] for key in sorted(current) if key not in known]
        return Told(
            tuple(alert for match in new for alert in _open(connection, match, destinations, now, new_id)),
            _resolve(connection, [(key, known[key]) for key in over], now),
        )

    return run(engine, work) if current or _any_known(engine, rules) else Told()


def _any_known(engine: Engine, rules: Collection[str]) -> bool:
    with read(engine) as connection:
        return bool(_known(connection, rules))


def _known(connection: Reading, rules: Collection[str]) -> dict[tuple[str, str], str]:
    rows = connection.execute(select(episodes).where(episodes.c.rule_id.in_(sorted(rules))))
    return {(row.rule_id, row.subject): row.alert_id for row in rows}


def _open(
    connection: Connection, match: Match, destinations: Destinations, now: datetime, new_id: Callable[[], str]
) -> tuple[Alert, ...]:
    """The alert of a new fault, unless another worker tells it at the same time or an alert of its window is there."""
    mark = new_id()
    row = {"rule_id": match.rule_id, "subject": match.dedup, "opened_at": now, "alert_id": mark}
    insert_missing(connection, episodes, [row])  # waits for a transaction that inserts the same
    mine = (episodes.c.rule_id == match.rule_id, episodes.c.subject == match.dedup, episodes.c.alert_id == mark)
    if connection.scalar(select(episodes.c.alert_id).where(*mine)) is None:
        return ()
    batch_id = hashlib.sha256(mark.encode()).hexdigest()[:32]  # names this telling; no batch of the lake
    (alert_id,) = assign_alerts(connection, batch_id, (match,), now, new_id).values()
    opened = count_matches(connection, batch_id, (match,), destinations, now)
    reopen(connection, batch_id, now)
    connection.execute(delete(batch_groups).where(batch_groups.c.batch_id == batch_id))
    connection.execute(update(episodes).where(*mine).values(alert_id=alert_id))
    return opened


def _resolve(connection: Connection, over: Sequence[tuple[tuple[str, str], str]], now: datetime) -> tuple[Alert, ...]:
    for (rule_id, subject), _ in over:
        connection.execute(delete(episodes).where(episodes.c.rule_id == rule_id, episodes.c.subject == subject))
    return set_status(connection, [alert_id for _, alert_id in over], "resolved", now, OVER)
