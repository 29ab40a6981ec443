"""Opened objects, buffered and committed in batches; and batches that a dead worker left half-way."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog

from headwater.detect.engine import Detector
from headwater.enrich.lookup import NO_LOOKUPS, Lookups
from headwater.errors import HeadwaterError, LeaseLost, ObjectError, ObjectMissing, TransientError
from headwater.lake.spool import Spool
from headwater.model import Alert, ObjectRef, Receipt
from headwater.pipeline import Bound, Digest, Opened, Step, Store, commit, digest, digest_pieces
from headwater.schema.logtype import LogType
from headwater.settings import Settings
from headwater.state import history, ledger
from headwater.state.rule_health import RULE_SUSPENDED

LOG = structlog.get_logger()
LARGE_BYTES = 16 * 1024 * 1024  # each doubling costs some 20 to 40 MiB of memory at the peak, and saves no time
COMMIT_PAUSES_S = (1.0, 4.0, 15.0)
OpenRef = Callable[[ObjectRef, str], Opened]


def large(settings: Settings) -> Bound:
    """From which size on an object is read in pieces that wait on disk."""
    return Bound(min(settings.batch_max_bytes, LARGE_BYTES), settings.batch_max_rows)


def utc_now() -> datetime:
    """The current time; the default clock."""
    return datetime.now(UTC)


def new_id() -> str:
    """A random batch id; the default source of ids."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class Committed:
    """What one flush wrote. failed: large objects that turned out broken, or could not be read to their end."""

    receipts: tuple[Receipt, ...] = ()
    alerts: tuple[Alert, ...] = ()
    failed: tuple[tuple[Opened, HeadwaterError], ...] = ()


class Committer:
    """Buffers opened objects until a limit of the settings is reached, then commits them under one batch id."""

    def __init__(
        self,
        store: Store,
        library: Mapping[str, LogType],
        detector: Detector | None,
        settings: Settings,
        worker: str,
        *,
        now: Callable[[], datetime] = utc_now,
        ids: Callable[[], str] = new_id,
        step: Step = lambda name: None,
        lookups: Callable[[], Lookups] = lambda: NO_LOOKUPS,
    ) -> None:
        self.store = store
        self.worker = worker
        self.now = now
        self.library = library
        self.detector = detector
        self._settings = settings
        self._ids = ids
        self._step = step
        self._lookups = lookups
        self._buffer: list[Opened] = []
        self._records = self._bytes = 0
        self._oldest: datetime | None = None

    @property
    def buffered(self) -> int:
        """Objects that wait for the next flush."""
        return len(self._buffer)

    @property
    def size_bytes(self) -> int:
        """Their text."""
        return self._bytes

    @property
    def object_ids(self) -> list[str]:
        """The objects that wait for the next flush."""
        return [opened.ref.object_id for opened in self._buffer]

    def add(self, opened: Opened) -> None:
        """Put one opened object into the buffer."""
        self._buffer.append(opened)
        self._bytes += opened.bytes_in
        self._records += sum(len(part.chunk.records) for parts in opened.parts.values() for part in parts)
        self._oldest = self._oldest or self.now()

    def due(self) -> bool:
        """Whether the buffer is full or has a large object, or its oldest object has waited long enough."""
        if self._oldest is None:
            return False
        return (
            any(opened.pieces for opened in self._buffer)
            or self._records >= self._settings.batch_max_rows
            or self._bytes >= self._settings.batch_max_bytes
            or (self.now() - self._oldest).total_seconds() >= self._settings.batch_max_s
        )

    def flush(self) -> Committed:
        """Digest and commit what is buffered; objects that other workers took over meanwhile are left to them.

        The buffer is empty afterwards, also after an error: a retry or the end of the lease brings its objects back.
        """
        objects, self._buffer = self._buffer, []
        self._records = self._bytes = 0
        self._oldest = None
        done = [self._flush([opened for opened in objects if not opened.pieces])]
        for opened in objects:
            if opened.pieces:  # in a batch of its own: it may turn out broken
                done.append(self._flush_large(opened))
        return _joined(done)

    def _flush(self, objects: list[Opened]) -> Committed:
        while objects:
            try:
                return self._commit(self._ids(), objects, self.store)
            except LeaseLost as error:
                lost = set(error.object_ids)
                LOG.warning("leases_lost", objects=len(lost))
                objects = [opened for opened in objects if opened.ref.object_id not in lost]
        return Committed()

    def _flush_large(self, opened: Opened) -> Committed:
        try:
            return self._flush([opened])
        except HeadwaterError as error:
            return Committed(failed=((opened, error),))

    def sweep(self, open_ref: OpenRef) -> Committed:
        """Take over every batch whose worker is gone, whether or not its notifications come again."""
        expired = ledger.expired_batches(self.store.database, self.now())
        return _joined([self.try_take_over(batch_id, open_ref) for batch_id in expired])

    def try_take_over(self, batch_id: str, open_ref: OpenRef) -> Committed:
        """As take_over; a batch that cannot be finished now is tried again when its lease ends, and holds up no other:
        its customer may refuse us."""
        try:
            return self.take_over(batch_id, open_ref)
        except HeadwaterError as error:
            LOG.error("take_over_failed", batch_id=batch_id, error=str(error))
            return Committed()

    def take_over(self, batch_id: str, open_ref: OpenRef) -> Committed:
        """Finish a batch whose worker died after prepare: the same objects, the same batch id, the same alert ids."""
        lease_s = self._settings.lease_s
        if not ledger.take_over(self.store.database, batch_id, worker=self.worker, now=self.now(), lease_s=lease_s):
            return Committed()
        LOG.warning("batch_taken_over", batch_id=batch_id)
        alerting = history.alerting(self.store.database, batch_id)
        store = replace(self.store, is_live=alerting is None, alerting=alerting is not False)
        try:
            return self._commit(batch_id, self._reopen(batch_id, open_ref), store)
        except ObjectError:  # only its end shows that a large object can be read no longer
            return self._commit(batch_id, self._reopen(batch_id, _to_the_end(open_ref)), store)

    def _reopen(self, batch_id: str, open_ref: OpenRef) -> list[Opened]:
        opened = []
        for ref, source_id in ledger.batch_objects(self.store.database, batch_id):
            try:
                opened.append(open_ref(ref, source_id))
            except (ObjectMissing, ObjectError) as error:  # it was readable before: it was deleted or replaced since
                LOG.error("object_lost_in_take_over", object=ref.url, batch_id=batch_id, error=str(error))
        return opened

    def _commit(self, batch_id: str, objects: list[Opened], store: Store) -> Committed:
        started = time.monotonic()
        with_pieces = any(opened.pieces for opened in objects)
        done = (self._commit_pieces if with_pieces else self._commit_whole)(batch_id, objects, store)
        elapsed_ms = int((time.monotonic() - started) * 1000)
        rows = sum(receipt.rows_in for receipt in done.receipts)
        LOG.info("batch_committed", batch_id=batch_id, objects=len(objects), rows=rows, elapsed_ms=elapsed_ms)
        return done

    def _commit_whole(self, batch_id: str, objects: list[Opened], store: Store) -> Committed:
        now = self.now()
        made = digest(objects, self.library, self.detector, now, lookups=self._lookups())
        alerts = self._write(batch_id, made, now, store)
        for receipt, opened in zip(made.receipts, objects, strict=True):
            log_object(receipt, opened)
        return Committed(made.receipts, alerts)

    def _commit_pieces(self, batch_id: str, objects: list[Opened], store: Store) -> Committed:
        """The same in little memory: all is read to its end, and put aside on disk, before anything is written."""
        with Spool() as spool:
            lookups = self._lookups()
            made, ended = digest_pieces(objects, self.library, self.detector, self.now(), spool, lookups=lookups)
            alerts = self._write(batch_id, made, self.now(), store)
        for receipt, opened in zip(made.receipts, ended, strict=True):
            log_object(receipt, opened)
        return Committed(made.receipts, alerts)

    def _write(self, batch_id: str, made: Digest, now: datetime, store: Store) -> tuple[Alert, ...]:
        """Commit, again with the same id while the lake or the database is out of reach for a moment."""
        for pause_s in (*COMMIT_PAUSES_S, None):
            try:
                opened = commit(
                    store,
                    batch_id,
                    made,
                    worker=self.worker,
                    now=now,
                    lease_s=self._settings.lease_s,
                    step=self._step,
                )
                _log_suspensions(opened)
                return opened
            except LeaseLost:
                raise
            except TransientError as error:
                if pause_s is None:
                    self._let_go(batch_id)
                    raise
                LOG.warning("commit_failed", batch_id=batch_id, error=str(error), retry_in_s=pause_s)
                time.sleep(pause_s)
        raise AssertionError("unreachable")

    def _let_go(self, batch_id: str) -> None:
        """End the lease of a batch that could not be written, so that its next try need not wait for that."""
        with suppress(TransientError):  # where the database is out of reach, the lease ends by itself
            ledger.extend_batch(self.store.database, batch_id, worker=self.worker, now=self.now(), lease_s=0)


def _to_the_end(open_ref: OpenRef) -> OpenRef:
    """Opens objects that can be read to their end. Raises: ObjectError for others."""

    def open_whole(ref: ObjectRef, source_id: str) -> Opened:
        for _ in open_ref(ref, source_id).pieces or ():
            pass
        return open_ref(ref, source_id)

    return open_whole


def _joined(done: Sequence[Committed]) -> Committed:
    return Committed(
        tuple(receipt for each in done for receipt in each.receipts),
        tuple(alert for each in done for alert in each.alerts),
        tuple(failure for each in done for failure in each.failed),
    )


def _log_suspensions(opened: Sequence[Alert]) -> None:
    """A line for each detection that runs no more; alarms of the deployment count them."""
    for alert in opened:
        if alert.rule_id == RULE_SUSPENDED:
            LOG.error("detection_suspended", detection=alert.dedup, title=alert.title)


def log_object(receipt: Receipt, opened: Opened) -> None:
    """The one canonical line of an object."""
    LOG.info(
        "object_processed",
        object=receipt.ref.url,
        account_id=receipt.source.account_id,
        source=receipt.source.name,
        log_types=list(receipt.log_types),
        rows_in=receipt.rows_in,
        rows_out=receipt.rows_out,
        rejects=receipt.rejects,
        matches=receipt.matches,
        ignored=dict(opened.ignored),
        warnings=list(opened.warnings),
        bytes=receipt.bytes_in,
        elapsed_ms=receipt.elapsed_ms,
    )


def error_kind(error: HeadwaterError) -> str:
    """A stable word for the ledger and the dead-letter queue."""
    return error.kind if isinstance(error, ObjectError) else type(error).__name__
