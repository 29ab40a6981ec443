"""Circuit breakers: who refuses us again and again is left alone for a while, by all workers together.

A breaker is of a subject: an account (its role refuses us) or one of its sources (its bucket or key does). It counts
refusals; open, it lets one worker try at the end of each pause, and a success deletes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, select, update

from headwater.state.database import insert_missing, read, run
from headwater.state.schema import breakers

LONGEST_PAUSE_S = 900  # what SQS can delay a message by; who mends a role waits no longer than that


@dataclass(frozen=True, slots=True)
class Breaker:
    """A subject that refused us since its last success. account_id, source_id: what it stands for; "": all sources.

    refusals: of so many different tries. opened_at: since when it is left alone; None: it is tried as ever.
    probe_at: when the next try is due. pauses: so many pauses by now. reason, statement: of the last refusal.
    """

    subject: str
    account_id: str
    source_id: str
    refusals: int
    reason: str
    statement: str
    pauses: int
    opened_at: datetime | None
    probe_at: datetime | None
    updated_at: datetime

    @property
    def is_open(self) -> bool:
        """Whether the subject is left alone."""
        return self.opened_at is not None


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused try. token: tells it from others that count too; the same object refused twice counts once."""

    account_id: str
    source_id: str
    token: str
    reason: str
    statement: str

    @property
    def subject(self) -> str:
        """The source, or the account where that refuses us as a whole."""
        return self.source_id or self.account_id


def list_breakers(engine: Engine) -> tuple[Breaker, ...]:
    """Every subject that refused us since its last success."""
    with read(engine) as connection:
        return tuple(map(_breaker, connection.execute(select(breakers).order_by(breakers.c.subject))))


def refused(engine: Engine, refusal: Refusal, now: datetime, *, most: int, pause_s: float) -> Breaker:
    """Count a refusal; the breaker as it is now. It opens at `most` refusals, and pauses longer after a failed try."""

    def work(connection: Connection) -> Breaker:
        insert_missing(connection, breakers, [_new(refusal, now)])
        statement = select(breakers).where(breakers.c.subject == refusal.subject).with_for_update()
        row = connection.execute(statement).one()
        values = _counted(row, refusal, now, most, pause_s)
        connection.execute(update(breakers).where(breakers.c.subject == refusal.subject).values(**values))
        return _breaker(connection.execute(statement).one())

    return run(engine, work)


def take_probe(engine: Engine, subject: str, now: datetime, *, pause_s: float) -> bool:
    """Whether the caller is to make the try that is due; of several workers that ask, one is."""
    due = (breakers.c.subject == subject, breakers.c.opened_at.is_not(None), breakers.c.probe_at <= now)
    again = {"probe_at": now + timedelta(seconds=pause_s), "probing": True, "updated_at": now}
    return run(engine, lambda connection: connection.execute(update(breakers).where(*due).values(**again)).rowcount > 0)


def succeeded(engine: Engine, subject: str) -> Breaker | None:
    """Forget the refusals of a subject that can be read again; gives what is forgotten."""

    def work(connection: Connection) -> Breaker | None:
        mine = breakers.c.subject == subject
        row = connection.execute(select(breakers).where(mine).with_for_update()).one_or_none()
        connection.execute(delete(breakers).where(mine))
        return _breaker(row) if row else None

    return run(engine, work)


def _new(refusal: Refusal, now: datetime) -> dict[str, Any]:
    return {
        "subject": refusal.subject,
        "account_id": refusal.account_id,
        "source_id": refusal.source_id,
        "tokens": (),
        "reason": refusal.reason,
        "statement": refusal.statement,
        "pauses": 0,
        "probing": False,
        "updated_at": now,
    }


def _counted(row: Row[Any], refusal: Refusal, now: datetime, most: int, pause_s: float) -> dict[str, Any]:
    tokens = tuple(dict.fromkeys((*row.tokens, refusal.token)))[-most:]
    values = {"tokens": tokens, "reason": refusal.reason, "statement": refusal.statement, "updated_at": now}
    opens = row.opened_at is None and len(tokens) >= most
    if not opens and not row.probing:  # of tries that were on their way when it opened, nothing is learned
        return values
    wait = timedelta(seconds=min(pause_s * 2 ** min(row.pauses, 16), LONGEST_PAUSE_S))
    opened = {"opened_at": row.opened_at or now, "probe_at": now + wait, "pauses": row.pauses + 1, "probing": False}
    return values | opened


def _breaker(row: Row[Any]) -> Breaker:
    return Breaker(
        row.subject,
        row.account_id,
        row.source_id,
        len(row.tokens),
        row.reason,
        row.statement,
        row.pauses,
        row.opened_at,
        row.probe_at,
        row.updated_at,
    )
