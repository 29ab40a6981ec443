"""The SQS loop: notifications in, commits out, acknowledged last."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

import structlog

from headwater.accounts import Accounts
from headwater.aws.s3 import fetch, identify
from headwater.aws.session import FETCH_THREADS, Sessions
from headwater.aws.sqs import Queue
from headwater.destinations.outlets import Outlets
from headwater.errors import AccessDenied, HeadwaterError, ObjectError, TransientError
from headwater.model import ObjectRef, Source
from headwater.pipeline import Opened, Step, open_object
from headwater.schema.logtype import LogType
from headwater.settings import Settings
from headwater.state import ledger
from headwater.worker.admission import Admission, Wanted
from headwater.worker.breaker import Breakers
from headwater.worker.committer import Committed, Committer, error_kind, large
from headwater.worker.deliveries import Deliveries
from headwater.worker.evaluate import Background, Evaluator
from headwater.worker.health import Watch
from headwater.worker.intake import Intake
from headwater.worker.lookups import Refresher
from headwater.worker.tidy import Tidier
from headwater.worker.upkeep import Upkeep

LOG = structlog.get_logger()
IDLE_WAIT_S = 10  # SQS long polling; a stop waits for the call that is on its way
ERROR_PAUSE_S = 5
MAX_FAULTS_ONCE = 3
TRUNCATED_TRIES = 2  # a truncated object may have been read while it was being written: one more try
DOWNLOAD_GRACE_S = 5.0  # for downloads that run when a stop comes


class Worker:
    """One process of the service. chores: whether it does what one process is enough for."""

    def __init__(
        self,
        settings: Settings,
        accounts: Accounts,
        library: Mapping[str, LogType],
        committer: Committer,
        queue: Queue,
        sessions: Sessions,
        outlets: Outlets,
        confirm: Callable[[str, str], None],
        step: Step = lambda name: None,
        lookups: Refresher | None = None,
        evaluator: Evaluator | None = None,
        *,
        chores: bool = True,
        watch: Watch | None = None,
        tidier: Tidier | None = None,
    ) -> None:
        self._settings = settings
        self._library = library
        self._committer = committer
        self._queue = queue
        self._sessions = sessions
        self._step = step
        self._lookups = lookups
        self._watch = watch
        self._evaluator = Background(evaluator) if evaluator and chores else None
        self._upkeep = Upkeep(committer.store, settings) if chores else None
        self._tidier = tidier
        sends = outlets.sends
        self._deliveries = Deliveries(committer.store.database, outlets, committer.now) if sends else None
        self._sources = {source.source_id: source for source in accounts.sources}
        self._breakers = Breakers(
            committer.store,
            committer.worker,
            most=settings.breaker_refusals,
            pause_s=settings.breaker_pause_s,
            now=committer.now,
        )
        admission = Admission(accounts, queue, committer, confirm)
        count = len({source.account_id for source in accounts.sources})
        self._intake = Intake(settings, admission, committer, queue, self._breakers, step, accounts=count)
        self._pool = ThreadPoolExecutor(FETCH_THREADS, thread_name_prefix="fetch")
        self._identifying: dict[Future[ObjectRef], Wanted] = {}
        self._running: dict[Future[Opened], Wanted] = {}
        self._stop = threading.Event()
        self._deadline: float | None = None
        self._faults = 0

    def stop(self) -> None:
        """Ask the loop to finish what is downloaded, to give back the rest, and to return within the stop time-out."""
        if not self._stop.is_set():
            self._deadline = time.monotonic() + self._settings.stop_timeout_s
            self._stop.set()
        self._intake.receiver.stop()

    def abandon(self) -> None:
        """Give back all that is in hand, unfinished as it is; the process must end with this."""
        ledger.abandon(self._committer.store.database, self._committer.worker)
        self._intake.release(self._intake.messages)

    def run(self, *, once: bool = False) -> None:
        """Work until stopped; with once, until the queue holds nothing more."""
        if self._lookups is not None:
            self._lookups.start(self._committer.now())
        if self._watch is not None:
            self._watch.start()
        heartbeat = threading.Thread(target=self._keep_hidden, name="heartbeat", daemon=True)
        heartbeat.start()
        self._intake.receiver.start()
        try:
            while not self._stop.is_set() and not self._try_turn(once=once):
                pass
            self._drain()
        finally:
            self._stop.set()
            self._pool.shutdown(wait=False, cancel_futures=True)
            heartbeat.join()

    def _try_turn(self, *, once: bool) -> bool:
        """One round; a passing fault is waited out, with once only so often. Gives whether the work is at its end."""
        try:
            received = self._turn(wait_s=1 if once else IDLE_WAIT_S)
            self._faults = 0
            return once and not received and self._intake.is_drained()
        except TransientError as error:
            self._faults += 1
            if once and self._faults > MAX_FAULTS_ONCE:
                raise
            LOG.warning("turn_failed", error=str(error), retry_in_s=ERROR_PAUSE_S)
            self._stop.wait(ERROR_PAUSE_S)
            return False

    def _turn(self, wait_s: int) -> bool:
        """One round: receive, fetch, commit what is due, acknowledge, deliver. Gives whether messages came."""
        if self._watch is not None:
            self._watch.turned(buffered=self._committer.buffered, in_flight=len(self._running))
        received = self._receive(wait_s)
        self._start(self._intake.next())
        self._collect(self._settings.batch_max_s if not received else 0)
        if self._is_due() or not (received or self._busy or self._intake.receiver.is_busy):
            self._flush()
        if not received and not self._busy:
            self._resolve_done(self._committer.sweep(self._reopen))
        if self._upkeep is not None:  # also where it is never idle: that is where snapshots and small files pile up
            self._upkeep.run(self._committer.now())
        if self._tidier is not None:
            self._tidier.start(self._committer.now())
        if self._lookups is not None:
            self._lookups.run(self._committer.now())
        self._intake.settle()
        if self._evaluator is not None:
            self._evaluator.run(self._committer.now())
        if self._deliveries is not None:
            self._deliveries.run()
        return received

    @property
    def _busy(self) -> bool:
        """Whether objects are on their way."""
        return bool(self._running or self._identifying)

    def _receive(self, wait_s: int) -> bool:
        """Admit what has arrived. Waits for it where there is nothing else to do."""
        if self._busy or self._intake.waiting:
            return self._intake.arrive(0, 0)
        if self._committer.buffered:
            return self._intake.arrive(0, self._settings.batch_max_s)
        return self._intake.arrive(wait_s, wait_s + ERROR_PAUSE_S)

    def _is_due(self) -> bool:
        return self._committer.due() or self._committer.size_bytes >= self._intake.batch_bytes

    def _start(self, items: Sequence[Wanted]) -> None:
        """Claim objects in one go, and begin to fetch those that are ours."""
        for item in items:
            if not item.is_identified:
                self._identifying[self._pool.submit(identify, self._sessions, item.ref, item.source)] = item
        wanted = {item.key: item for item in items if item.is_identified}
        if not wanted:
            return
        self._step("claim")
        claim = self._claim(wanted.values())
        self._step("open")
        for batch_id in claim.takeover:
            self._resolve_done(self._committer.try_take_over(batch_id, self._reopen))
        for ref in claim.owned:
            item = wanted[ref.object_id]
            self._running[self._pool.submit(self._open, item.ref, item.source)] = item
        for ref in claim.done:
            self._intake.resolve(ref.object_id)
        for ref in claim.failed:
            self._intake.resolve(ref.object_id, claim.reasons[ref.object_id])
        for ref in claim.busy:  # those of a batch just taken over are resolved already
            self._intake.resolve(ref.object_id, retry=True)

    def _claim(self, items: Iterable[Wanted]) -> ledger.Claim:
        return ledger.claim(
            self._committer.store.database,
            [(item.ref, item.source.source_id) for item in items],
            worker=self._committer.worker,
            now=self._committer.now(),
            lease_s=self._settings.lease_s,
        )

    def _open(self, ref: ObjectRef, source: Source) -> Opened:
        fetched = fetch(self._sessions, ref, source)
        settings = self._settings
        bound = large(settings)
        return open_object(ref, source, fetched.blocks, self._library, max_bytes=settings.max_object_bytes, bound=bound)

    def _reopen(self, ref: ObjectRef, source_id: str) -> Opened:
        return self._open(ref, self._sources[source_id])

    def _collect(self, timeout_s: float) -> None:
        """Move finished downloads into the buffer; errors settle their objects."""
        if not self._busy:
            return
        futures: list[Future[Any]] = [*self._identifying, *self._running]
        finished, _ = wait(futures, timeout=timeout_s, return_when=FIRST_COMPLETED)
        self._start([known for known in map(self._identified, finished & self._identifying.keys()) if known])
        loaded = sorted(finished & self._running.keys(), key=lambda future: self._intake.load(self._running[future]))
        for future in loaded:
            if self._is_due():
                break  # the rest is for the next batch
            item = self._running.pop(future)
            if (error := future.exception()) is None:
                opened = future.result()
                self._committer.add(opened)
                self._intake.loaded(item, None if opened.pieces else opened.bytes_in)
            else:
                self._fail(item, _ours(error))

    def _identified(self, future: Future[ObjectRef]) -> Wanted | None:
        """The object as it is now known, unless it cannot be found out, or is in hand already."""
        item = self._identifying.pop(future)
        if (error := future.exception()) is None:
            return self._intake.identified(item, future.result())
        failed = _ours(error)
        self._note(item, failed)
        if (pause_s := self._refused(item, failed)) is not None:
            self._intake.resolve(item.key, retry=True, pause_s=pause_s)
        else:
            retry = failed.retryable or self._intake.attempts(item.key) < self._settings.max_attempts
            counts = not failed.retryable
            self._intake.resolve(item.key, f"{error_kind(failed)}: {failed}", retry=retry, counts=counts)
        return None

    def _refused(self, item: Wanted, error: HeadwaterError) -> float | None:
        """How long to leave the object's source alone after this error; None: it is not to be left alone."""
        return self._breakers.refused(item.source, item.key, error) if isinstance(error, AccessDenied) else None

    def _fail(self, item: Wanted, error: HeadwaterError) -> None:
        """Give an object another try later, or give it up with its reason."""
        database, object_id = self._committer.store.database, item.key
        self._note(item, error)
        if (pause_s := self._refused(item, error)) is not None:  # not the object's fault: it counts for nothing
            ledger.release(database, [object_id], worker=self._committer.worker)
            self._intake.resolve(object_id, retry=True, pause_s=pause_s)
            return
        attempts = ledger.record_attempt(database, object_id, str(error), self._committer.now())
        tries = self._tries(error)
        gives_up = tries is not None and attempts >= tries
        LOG.warning(
            "object_failed",
            object=item.ref.url,
            account_id=item.source.account_id,
            kind=error_kind(error),
            error=str(error),
            attempts=attempts,
            gives_up=gives_up,
        )
        if gives_up:
            source_id = item.source.source_id
            ledger.fail(database, item.ref, error_kind(error), str(error), self._committer.now(), source_id=source_id)
            self._intake.resolve(object_id, f"{error_kind(error)}: {error}")
        else:
            ledger.release(database, [object_id], worker=self._committer.worker)
            self._intake.resolve(object_id, retry=True)

    def _note(self, item: Wanted, error: HeadwaterError) -> None:
        if self._watch is not None:
            self._watch.failed(item.source, error_kind(error), error)

    def _tries(self, error: HeadwaterError) -> int | None:
        """How often an object may fail this way; None: for ever, it is not the object's fault."""
        if isinstance(error, ObjectError):
            return TRUNCATED_TRIES if error.kind == "truncated" else 1
        return None if error.retryable else self._settings.max_attempts

    def _flush(self) -> None:
        """Commit the buffer. What was not committed comes back: another worker has it, or its lease will be over."""
        object_ids = self._committer.object_ids
        try:
            self._resolve_done(self._committer.flush())
        except TransientError as error:
            LOG.error("flush_failed", error=str(error), objects=len(object_ids))
        for object_id in object_ids:
            self._intake.resolve(object_id, retry=True)

    def _resolve_done(self, committed: Committed) -> None:
        for receipt in committed.receipts:
            self._intake.resolve(receipt.ref.object_id)
        for opened, error in committed.failed:
            self._fail(Wanted(opened.ref, opened.source), error)

    def _drain(self) -> None:
        """Finish what is downloaded, give back the rest: a stop loses no work and acknowledges nothing unfinished."""
        if self._deadline is not None:
            self._give_back_waiting()
        else:
            while self._busy:
                self._collect(self._settings.batch_max_s)
                if self._is_due():
                    self._flush()
        self._flush()
        self._intake.settle()
        self._give_back_unfinished()
        if self._evaluator is not None:
            self._evaluator.stop(self._left_s())
        if self._deliveries is not None:
            self._deliveries.stop(self._left_s())
        if self._lookups is not None:
            self._lookups.stop(self._left_s())
        if self._watch is not None:
            self._watch.stop(self._left_s())
        if self._tidier is not None:
            self._tidier.stop(self._left_s())
        self._intake.close()

    def _give_back_waiting(self) -> None:
        """Begin no more downloads; those that run have a moment to end."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        until = time.monotonic() + min(DOWNLOAD_GRACE_S, (self._left_s() or 0.0) / 4)
        running = [future for future in self._running if not future.cancelled()]
        wait(running, timeout=max(until - time.monotonic(), 0.0))
        for future in running:
            if future.done() and future.exception() is None:
                item = self._running.pop(future)
                self._committer.add(future.result())
                self._intake.loaded(item, None)

    def _give_back_unfinished(self) -> None:
        """Release what is neither committed nor given up: lease and message."""
        self._intake.receiver.stop()
        arrived = self._intake.receiver.join(self._left_s() or IDLE_WAIT_S)
        unfinished = self._intake.inbox.object_ids
        ledger.release(self._committer.store.database, unfinished, worker=self._committer.worker)
        self._intake.release([*arrived, *(pending.message for pending in self._intake.inbox.take_unsettled())])

    def _left_s(self) -> float | None:
        """Seconds until the stop's deadline; None: there is none."""
        return None if self._deadline is None else max(self._deadline - time.monotonic(), 0.0)

    def _keep_hidden(self) -> None:
        """Extend the visibility of every message and the lease of every object in hand, at half their time."""
        while not self._stop.wait(min(self._settings.visibility_timeout_s, self._settings.lease_s) / 2):
            try:
                self._queue.hide(self._intake.messages, self._settings.visibility_timeout_s)
                ledger.extend(
                    self._committer.store.database,
                    self._intake.inbox.object_ids,
                    worker=self._committer.worker,
                    now=self._committer.now(),
                    lease_s=self._settings.lease_s,
                )
            except HeadwaterError as error:
                LOG.warning("heartbeat_failed", error=str(error))


def _ours(error: BaseException) -> HeadwaterError:
    """The error of a download, if it is one of ours; others end the worker. Raises: the other."""
    if isinstance(error, HeadwaterError):
        return error
    raise error
