"""Looks after the sources: says how each is, alerts on those that are not well, and on the queues."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from headwater.aws.sqs import Depth, Message
from headwater.errors import AccessDenied, HeadwaterError
from headwater.model import Source
from headwater.pipeline import Store
from headwater.state import activity, breakers, chores
from headwater.state.activity import DEAD_LETTER, INTAKE, Activity, QueueHealth
from headwater.state.breakers import Breaker
from headwater.state.database import Database
from headwater.state.episodes import tell
from headwater.state.health import REJECT_SHARE
from headwater.state.resolve import resolve_others
from headwater.state.silence import HOUR, Silence, configured_silence, drop, learnt_silence
from headwater.state.status import RULES, Judged, Signs, SourceLimits, alerts_of, dead_letter_alerts, is_behind, judge
from headwater.worker.meters import Meters
from headwater.worker.telemetry import Telemetry

LOG = structlog.get_logger()
CHORE = "Headwater.Health"
LEASE_S = 120.0
FORGET_EVERY = timedelta(hours=6)


class Depths(Protocol):
    """The queues, as far as they are asked how they are."""

    @property
    def latest(self) -> Sequence[Message] | None:
        """What was received last."""

    def depth(self) -> Depth:
        """Of the intake queue."""

    def dead_letters(self) -> Depth | None:
        """Of the dead-letter queue, if there is one."""


@dataclass(frozen=True, slots=True)
class Survey:
    """Every source as it is, and the queues. behind: older news wait unread, so that nobody can be called silent."""

    judged: tuple[Judged, ...]
    queues: Mapping[str, QueueHealth]
    behind: bool


def survey(database: Database, sources: Sequence[Source], limits: SourceLimits, now: datetime) -> Survey:
    """How every source is now. Reads the state database alone."""
    queues = activity.queues(database)
    behind = is_behind(queues.get(INTAKE), now)
    known = activity.activities(database, now)
    found = {source.source_id: known.get(source.source_id, Activity(source.source_id, now)) for source in sources}
    silent = _silences(database, sources, found, now)
    drops = activity.drop_rows(database, now) if limits.drop_share else {}
    paused = {each.subject: each for each in breakers.list_breakers(database)}
    judged = []
    for source in sources:
        signs = Signs(
            silence=silent.get(source.source_id),
            drop=drop(drops.get(source.source_id, {}), now, limits.drop_share),
            breaker=_breaker(paused, source),
            behind=behind,
        )
        judged.append(judge(source.source_id, source.label, found[source.source_id], signs, limits, now))
    return Survey(tuple(judged), queues, behind)


def _breaker(known: Mapping[str, Breaker], source: Source) -> Breaker | None:
    """Of the source or of its whole account; an open one counts more."""
    found = [known[subject] for subject in (source.source_id, source.account_id) if subject in known]
    return next((each for each in found if each.is_open), found[0] if found else None)


def _silences(
    database: Database, sources: Sequence[Source], known: Mapping[str, Activity], now: datetime
) -> dict[str, Silence | None]:
    """The sources that sent nothing for an hour or more, and whether that is too long."""
    quiet: list[str] = []
    found: dict[str, Silence | None] = {}
    for source in sources:
        one = known[source.source_id]
        last = one.last_seen or one.known_since
        if source.silence_after_s:
            found[source.source_id] = configured_silence(last, now, timedelta(seconds=source.silence_after_s))
        elif source.silence_after_s is None and one.last_seen is not None and now - last >= HOUR:
            quiet.append(source.source_id)
    for source_id, hours in activity.hours(database, quiet, now).items():
        last_seen = known[source_id].last_seen
        if last_seen is not None:
            counts = {hour.starts_at: hour.objects for hour in hours}
            found[source_id] = learnt_silence(counts, last_seen, now)
    return found


class Watch:
    """Beside the worker's loop: keeps what happens to sources, and looks at them all now and then.

    looks: whether this worker looks. Of those that do, one looks at a time, and what it tells is told once.
    """

    def __init__(
        self,
        store: Store,
        sources: Sequence[Source],
        queue: Depths,
        limits: SourceLimits,
        worker: str,
        telemetry: Telemetry | None = None,
        *,
        every_s: float = 60.0,
        looks: bool = True,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._sources = {source.source_id: source for source in sources}
        self._queue = queue
        self._limits = limits
        self._worker = worker
        self._telemetry = telemetry or Telemetry(Meters())
        self._meters = self._telemetry.meters
        self._looks = looks
        self._every = timedelta(seconds=every_s)
        self._now = now
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="health")
        self._running: Future[None] | None = None
        self._looked_at: datetime | None = None
        self._forgot_at: datetime | None = None
        self._latest: Sequence[Message] | None = None
        self._oldest: tuple[datetime, float] | None = None  # when a message came for the first time, how long it waited

    def start(self) -> None:
        """Note the sources that are new."""
        activity.register(self._store.database, self._sources, self._now())

    def _hear(self, now: datetime) -> None:
        """Note how long the messages received last had waited; those that come again tell nothing."""
        messages = self._queue.latest
        if messages is None or messages is self._latest:
            return
        self._latest = messages
        ages = [(now - each.sent_at).total_seconds() for each in messages if each.sent_at and each.attempt == 1]
        if ages or not messages:
            self._oldest = (now, max((*ages, 0.0)))

    def failed(self, source: Source, kind: str, error: HeadwaterError) -> None:
        """Note what went wrong with an object of a source."""
        denied = isinstance(error, AccessDenied)
        statement = error.statement if isinstance(error, AccessDenied) else ""
        activity.record_error(
            self._store.database, source.source_id, kind, str(error), self._now(), denied=denied, statement=statement
        )

    def turned(self, *, buffered: int, in_flight: int) -> None:
        """The loop begins another round: give a sign of life, and begin a look if it is time; takes no time itself.

        No look before the first answer of the queue: after a pause of the service, every source seems silent.
        """
        now = self._now()
        self._meters.gauge("BufferedObjects", buffered)
        self._meters.gauge("ObjectsInFlight", in_flight)
        self._telemetry.turned(now)
        self._hear(now)
        is_due = self._looked_at is None or now - self._looked_at >= self._every
        is_ready = self._looks and self._oldest is not None
        if is_ready and is_due and (self._running is None or self._running.done()):
            self._looked_at = now
            self._running = self._pool.submit(self._try_look)

    def stop(self, left_s: float | None = None) -> None:
        """Take a last look, so that what this worker did is seen; waits for it no longer than left_s."""
        self._hear(self._now())
        if self._looks and self._oldest is not None:
            wait([self._pool.submit(self._try_look, final=True)], timeout=left_s)
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._telemetry.stop(self._now())

    def _try_look(self, *, final: bool = False) -> None:
        try:
            every = timedelta() if final else self._every / 2  # a little early is better than a whole period late
            database, now = self._store.database, self._now()
            if chores.take(database, CHORE, worker=self._worker, now=now, lease_s=LEASE_S, every=every):
                try:
                    self.look(now)
                finally:
                    chores.end(database, CHORE, worker=self._worker, done_at=now)
            else:
                self._clear()
        except HeadwaterError as error:
            LOG.warning("health_check_failed", error=str(error))

    def look(self, now: datetime) -> Survey:
        """Look at the queues and at every source; tell what is new, resolve what is over."""
        database = self._store.database
        self._note_queues(now)
        found = survey(database, tuple(self._sources.values()), self._limits, now)
        faults = alerts_of(found.judged, self._sources, now)
        faults += dead_letter_alerts(found.queues.get(DEAD_LETTER), now)
        told = tell(database, RULES, faults, now, self._store.destinations)
        for alert in told.opened:
            LOG.warning("source_unwell", rule=alert.rule_id, subject=alert.dedup, title=alert.title)
        for alert in told.resolved:
            LOG.info("source_well_again", rule=alert.rule_id, subject=alert.dedup)
        rejecting = {each.source_id for each in found.judged for fault in each.faults if fault.status == "rejecting"}
        resolve_others(database, REJECT_SHARE, rejecting, now)
        self._measure(found, now)
        if self._forgot_at is None or now - self._forgot_at >= FORGET_EVERY:
            self._forgot_at = now
            activity.forget(database, now)
        return found

    def _note_queues(self, now: datetime) -> None:
        if self._oldest is None:
            return
        intake, dead = self._queue.depth(), self._queue.dead_letters()
        received_at, waited_s = self._oldest
        oldest_s = waited_s + (now - received_at).total_seconds() if waited_s else 0.0
        known = QueueHealth(INTAKE, now, intake.waiting, intake.in_flight, int(oldest_s) if intake.waiting else 0)
        activity.note_queue(self._store.database, known)
        if dead is not None:
            activity.note_queue(
                self._store.database, QueueHealth(DEAD_LETTER, now, dead.waiting + dead.in_flight, dead.in_flight)
            )

    def _measure(self, found: Survey, now: datetime) -> None:
        self._clear()
        self._meters.gauge("SourcesUnwell", sum(1 for each in found.judged if each.faults))
        for each in found.judged:
            newest = each.activity.newest_event_at
            if newest is not None and each.source_id in self._sources:
                source = self._sources[each.source_id]
                lag_s = (now - newest).total_seconds()
                self._meters.gauge("LagSeconds", lag_s, account_id=source.account_id, source=source.name)
        intake, dead = found.queues.get(INTAKE), found.queues.get(DEAD_LETTER)
        if intake is not None:
            self._meters.gauge("QueueWaiting", intake.waiting)
            self._meters.gauge("QueueAgeSeconds", intake.oldest_s)
        if dead is not None:
            self._meters.gauge("DeadLetters", dead.waiting)

    def _clear(self) -> None:
        """The worker that looks measures; what another one measured before is old."""
        for name in ("SourcesUnwell", "LagSeconds", "QueueWaiting", "QueueAgeSeconds", "DeadLetters"):
            self._meters.clear(name)
