"""Test messages that `headwater onboard verify` sends through a customer's notifications, and whether they arrived."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine, select, update

from headwater.state.database import insert_missing, read, run
from headwater.state.schema import link_tests


def expect(engine: Engine, nonce: str, *, account_id: str, link: str, now: datetime) -> None:
    """Announce a test message before it is sent: a worker marks those alone that somebody waits for."""
    row = {"nonce": nonce, "account_id": account_id, "link": link, "sent_at": now}
    run(engine, lambda connection: insert_missing(connection, link_tests, [row]))


def mark_received(engine: Engine, nonce: str, *, worker: str, now: datetime) -> bool:
    """Note that a worker has read a test message; whether somebody waits for it."""
    waiting = (link_tests.c.nonce == nonce, link_tests.c.received_at.is_(None))
    statement = update(link_tests).where(*waiting).values(received_at=now, worker=worker)
    return run(engine, lambda connection: connection.execute(statement).rowcount > 0)


def received_by(engine: Engine, nonce: str) -> str | None:
    """The worker that read a test message; None as long as none has."""
    with read(engine) as connection:
        statement = select(link_tests.c.worker).where(
            link_tests.c.nonce == nonce, link_tests.c.received_at.is_not(None)
        )
        return connection.execute(statement).scalar_one_or_none()
