"""The circuit breakers as a worker sees them: whom to leave alone, for how long, and who tells of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from headwater.errors import AccessDenied
from headwater.model import Match, Source, health_match
from headwater.pipeline import Store
from headwater.state import breakers
from headwater.state.breakers import Breaker, Refusal
from headwater.state.resolve import resolve_alerts
from headwater.worker.telling import tell

LOG = structlog.get_logger()
PAUSED = "Headwater.SourcePaused"
READ_EVERY = timedelta(seconds=5)
LEAST_PAUSE_S = 5.0  # messages come back a little after the try that is due, not before
PROBE_S = 60.0  # a try that is not heard of so long may be made by another worker


class Breakers:
    """most: refused tries that open a breaker. pause_s: its first pause; each is twice as long as the one before."""

    def __init__(self, store: Store, worker: str, *, most: int, pause_s: float, now: Callable[[], datetime]) -> None:
        self._store = store
        self._worker = worker
        self._most = most
        self._pause_s = pause_s
        self._least = timedelta(seconds=min(pause_s, LEAST_PAUSE_S))
        self._probe_s = min(pause_s, PROBE_S)
        self._now = now
        self._known: dict[str, Breaker] = {}
        self._read_at: datetime | None = None
        self._told: set[str] = set()

    @property
    def any_open(self) -> bool:
        """Whether somebody is left alone."""
        return any(breaker.is_open for breaker in self._known.values())

    def refresh(self) -> None:
        """See what other workers have seen, now and then; an open breaker is told of once a day."""
        now = self._now()
        if self._read_at is not None and now - self._read_at < READ_EVERY:
            return
        self._read_at = now
        self._known = {breaker.subject: breaker for breaker in breakers.list_breakers(self._store.database)}
        for breaker in self._known.values():
            self._tell(breaker, now)

    def pause_s(self, source: Source) -> float | None:
        """How long to leave a source alone; None: it may be read, if only to see whether it can be."""
        now = self._now()
        for subject in (source.account_id, source.source_id):
            breaker = self._known.get(subject)
            if breaker is None or breaker.opened_at is None or breaker.probe_at is None:
                continue
            if breaker.probe_at <= now:
                due_again = now + timedelta(seconds=self._probe_s)
                self._known[subject] = replace(breaker, probe_at=due_again)
                if breakers.take_probe(self._store.database, subject, now, pause_s=self._probe_s):
                    LOG.info("source_probed", subject=subject)
                    return None
            return self._left_s(self._known[subject], now)
        return None

    def is_paused(self, source: Source) -> bool:
        """Whether the source, or its account, is left alone."""
        return any(self._is_open(subject) for subject in (source.account_id, source.source_id))

    def refused(self, source: Source, object_id: str, error: AccessDenied) -> float | None:
        """Count a refusal; how long to leave the source alone by now, or None: it is not yet.

        A refused role counts with each try: it is the whole account's. A refused read counts once an object: one object
        can have a key of its own.
        """
        if not error.service:
            return None
        now = self._now()
        whole = error.service == "sts"
        refusal = Refusal(
            account_id=source.account_id,
            source_id="" if whole else source.source_id,
            token=f"{object_id} {now.isoformat()}" if whole else object_id,
            reason=str(error),
            statement=error.statement,
        )
        breaker = breakers.refused(self._store.database, refusal, now, most=self._most, pause_s=self._pause_s)
        self._known[breaker.subject] = breaker
        self._tell(breaker, now)
        return self._left_s(breaker, now) if breaker.is_open else None

    def succeeded(self, source: Source) -> None:
        """An object of the source was read: nothing refuses us."""
        for subject in (source.account_id, source.source_id):
            if self._known.pop(subject, None) is not None:
                forgotten = breakers.succeeded(self._store.database, subject)
                if forgotten is not None and forgotten.opened_at is not None:
                    resolve_alerts(self._store.database, PAUSED, [subject], self._now())
                    LOG.info("source_resumed", subject=subject, paused_since=forgotten.opened_at.isoformat())

    def _left_s(self, breaker: Breaker, now: datetime) -> float:
        """How long until the try that is due next."""
        return max((breaker.probe_at or now) - now, self._least).total_seconds()

    def _is_open(self, subject: str) -> bool:
        breaker = self._known.get(subject)
        return breaker is not None and breaker.is_open

    def _tell(self, breaker: Breaker, now: datetime) -> None:
        if breaker.opened_at is None:
            return
        days = (now - breaker.opened_at).days
        parts = (PAUSED, breaker.subject, breaker.opened_at.isoformat(), str(days))
        batch_id = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
        if batch_id in self._told:
            return
        LOG.error("source_paused", subject=breaker.subject, reason=breaker.reason, statement=breaker.statement)
        tell(self._store, self._worker, batch_id, _match(breaker, now, days), now)
        self._told.add(batch_id)


def _match(breaker: Breaker, now: datetime, days: int) -> Match:
    what = f"source {breaker.source_id}" if breaker.source_id else f"account {breaker.account_id}"
    since = f"{breaker.opened_at:%Y-%m-%d %H:%M} UTC"
    return health_match(
        PAUSED,
        breaker.subject,
        now,
        title=f"No access to {what} since {since}: it is paused",
        description=f"Its notifications wait in the queue, nothing is lost, and other accounts go on. {breaker.reason}",
        runbook=f"Grant: {breaker.statement or 'see the reason'}. It resumes by itself, within 15 minutes of that.",
        told={
            "subject": breaker.subject,
            "account_id": breaker.account_id,
            "source_id": breaker.source_id,
            "reason": breaker.reason,
            "statement": breaker.statement,
            "paused_since": since,
        },
        severity="HIGH",
        account_id=breaker.account_id,
        window_min=1440,
        occasion=f"{since} {days}",
    )
