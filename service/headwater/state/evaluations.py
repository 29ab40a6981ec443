"""Who evaluates a rule over stored data, and what it found: each slot by one worker, each finding once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, select, update

from headwater.errors import TurnLost
from headwater.model import Match
from headwater.state.database import chunks, insert_missing, query, read, run
from headwater.state.schema import batches, evaluations, findings

NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Turn:
    """One worker's turn at a rule. evaluated_at: its last evaluation, None before the first. batch_id: to be finished
    before the next evaluation, for its worker died over it."""

    rule_id: str
    worker: str
    evaluated_at: datetime | None
    batch_id: str | None


def last_evaluated(engine: Engine) -> dict[str, datetime]:
    """When each rule was last evaluated; those that never were are left out."""
    with read(engine) as connection:
        rows = connection.execute(select(evaluations.c.rule_id, evaluations.c.evaluated_at))
        return {row.rule_id: row.evaluated_at for row in rows if row.evaluated_at > NEVER}


def unfinished(engine: Engine) -> frozenset[str]:
    """The rules that have a batch to be finished."""
    with read(engine) as connection:
        return frozenset(connection.scalars(select(evaluations.c.rule_id).where(evaluations.c.batch_id.is_not(None))))


def take(
    engine: Engine, rule_id: str, seen: datetime | None, *, worker: str, now: datetime, lease_s: float
) -> Turn | None:
    """The worker's turn at a rule, or None where another has it or has evaluated the rule since it was seen.

    seen: the last evaluation that the caller knows of. Safe to repeat: a worker that has the turn keeps it.
    """
    lease = now + timedelta(seconds=lease_s)
    free = {"rule_id": rule_id, "evaluated_at": NEVER, "worker": "", "lease_until": NEVER, "batch_id": None}

    def work(connection: Connection) -> Turn | None:
        insert_missing(connection, evaluations, [free])
        row = connection.execute(select(evaluations).where(evaluations.c.rule_id == rule_id).with_for_update()).one()
        taken = row.lease_until > now and row.worker != worker
        if taken or row.evaluated_at != (seen or NEVER):
            return None
        connection.execute(_of(rule_id).values(worker=worker, lease_until=lease))
        return Turn(rule_id, worker, seen, row.batch_id)

    return run(engine, work)


def bind(
    engine: Engine, turn: Turn, batch_id: str, matches: Sequence[Match], *, now: datetime, keep: timedelta
) -> tuple[Match, ...]:
    """Bind new findings to a batch; those that were bound before, to whichever batch, are left out.

    keep: how long a finding is recognised. Raises: TurnLost where another worker has the turn by now.
    """
    by_id = {match.match_id: match for match in matches}
    rows = [
        {"match_id": i, "batch_id": batch_id, "match": to_json(match), "expires_at": now + keep}
        for i, match in sorted(by_id.items())
    ]

    def work(connection: Connection) -> tuple[Match, ...]:
        for piece in chunks(rows):
            insert_missing(connection, findings, piece)
        mine = _matches(connection, batch_id)
        mark = _of(turn.rule_id).where(evaluations.c.worker == turn.worker).values(batch_id=batch_id if mine else None)
        if connection.execute(mark).rowcount != 1:
            raise TurnLost(f"rule {turn.rule_id}: another worker evaluates it by now")
        return mine

    return run(engine, work)


def bound(engine: Engine, batch_id: str) -> tuple[Match, ...]:
    """The findings of a batch."""
    return query(engine, lambda connection: _matches(connection, batch_id))


def is_done(engine: Engine, batch_id: str) -> bool:
    """Whether a batch was committed."""
    with read(engine) as connection:
        return connection.scalar(select(batches.c.status).where(batches.c.batch_id == batch_id)) == "done"


def end(engine: Engine, turn: Turn, evaluated_at: datetime | None) -> None:
    """Give the turn back. evaluated_at: when the rule was evaluated; None: it was not, the next worker may."""
    values: dict[str, Any] = {"lease_until": NEVER}
    if evaluated_at is not None:
        values |= {"evaluated_at": evaluated_at, "batch_id": None}
    statement = _of(turn.rule_id).where(evaluations.c.worker == turn.worker).values(**values)
    run(engine, lambda connection: connection.execute(statement))


def _of(rule_id: str) -> Any:
    return update(evaluations).where(evaluations.c.rule_id == rule_id)


def _matches(connection: Connection, batch_id: str) -> tuple[Match, ...]:
    statement = select(findings.c.match).where(findings.c.batch_id == batch_id).order_by(findings.c.match_id)
    return tuple(from_json(text) for text in connection.scalars(statement))


def to_json(match: Match) -> str:
    """A match as JSON text."""
    values = {each.name: getattr(match, each.name) for each in fields(match)}
    return json.dumps(values | {"event_time": match.event_time.isoformat()}, default=str)


def from_json(text: str) -> Match:
    """The match of to_json."""
    values = json.loads(text)
    values["event_time"] = datetime.fromisoformat(values["event_time"])
    values["tags"] = _tuple(values["tags"])
    values["destinations"] = None if values["destinations"] is None else _tuple(values["destinations"])
    return Match(**values)


def _tuple(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(values)
