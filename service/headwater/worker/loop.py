"""The SQS loop: notifications in, commits out, acknowledged last."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

import structlog

from headwater.accounts import Accounts
from headwater.aws.s3 import fetch, identify
from headwater.aws.session import FETCH_THREADS, Sessions
from headwater.aws.sqs import Message, Queue
from headwater.destinations.deliver import deliver
from headwater.destinations.destination import Destination
from headwater.errors import HeadwaterError, NoticeError, ObjectError, TransientError
from headwater.ingest.notice import Confirmation, Notice, NoticeKind, read_notice
from headwater.model import ObjectRef, Source
from headwater.pipeline import Opened, Step, open_object
from headwater.schema.logtype import LogType
from headwater.settings import Settings
from headwater.state import ledger, links
from headwater.worker.committer import Committed, Committer, error_kind, large
from headwater.worker.evaluate import Background, Evaluator
from headwater.worker.inbox import Inbox, Pending
from headwater.worker.lookups import Refresher
from headwater.worker.upkeep import Upkeep

LOG = structlog.get_logger()
IDLE_WAIT_S = 20  # SQS long polling: the longest wait
MAX_RETRY_S = 900
ERROR_PAUSE_S = 5
MAX_FAULTS_ONCE = 3
TRUNCATED_TRIES = 2  # a truncated object may have been read while it was being written: one more try


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object that a message names, and the source it belongs to."""

    ref: ObjectRef
    source: Source


class Worker:
    """One process of the service."""

    def __init__(
        self,
        settings: Settings,
        accounts: Accounts,
        library: Mapping[str, LogType],
        committer: Committer,
        queue: Queue,
        sessions: Sessions,
        destinations: Mapping[str, Destination],
        confirm: Callable[[str, str], None],
        step: Step = lambda name: None,
        lookups: Refresher | None = None,
        evaluator: Evaluator | None = None,
    ) -> None:
        self._settings = settings
        self._accounts = accounts
        self._library = library
        self._committer = committer
        self._queue = queue
        self._sessions = sessions
        self._destinations = destinations
        self._confirm = confirm
        self._step = step
        self._lookups = lookups
        self._evaluator = Background(evaluator) if evaluator else None
        self._upkeep = Upkeep(committer.store)
        self._sources = {source.source_id: source for source in accounts.sources}
        self._inbox = Inbox()
        self._running: dict[Future[Opened], Wanted] = {}
        self._stop = threading.Event()
        self._faults = 0

    def stop(self) -> None:
        """Ask the loop to finish what it holds and to return."""
        self._stop.set()

    def run(self, *, once: bool = False) -> None:
        """Work until stopped; with once, until the queue holds nothing more."""
        if self._lookups is not None:
            self._lookups.start(self._committer.now())
        heartbeat = threading.Thread(target=self._keep_hidden, name="heartbeat", daemon=True)
        heartbeat.start()
        try:
            with ThreadPoolExecutor(FETCH_THREADS, thread_name_prefix="fetch") as self._pool:
                while not self._stop.is_set() and not self._try_turn(once=once):
                    pass
                self._drain()
        finally:
            self._stop.set()
            heartbeat.join()
            if self._lookups is not None:
                self._lookups.stop()

    def _try_turn(self, *, once: bool) -> bool:
        """One round; a passing fault is waited out, with once only so often. Gives whether the work is at its end."""
        try:
            received = self._turn(wait_s=1 if once else IDLE_WAIT_S)
            self._faults = 0
            return once and not received and not self._inbox and self._queue.is_empty()
        except TransientError as error:
            self._faults += 1
            if once and self._faults > MAX_FAULTS_ONCE:
                raise
            LOG.warning("turn_failed", error=str(error), retry_in_s=ERROR_PAUSE_S)
            self._stop.wait(ERROR_PAUSE_S)
            return False

    def _turn(self, wait_s: int) -> bool:
        """One round: receive, fetch, commit what is due, acknowledge, deliver. Gives whether messages came."""
        messages = self._receive(wait_s)
        self._collect(block=not messages)
        if self._committer.due() or (not messages and not self._running):
            self._flush()
        if not messages:
            self._resolve_done(self._committer.sweep(self._reopen))
            self._upkeep.run(self._committer.now())
        if self._lookups is not None:
            self._lookups.run(self._committer.now())
        self._settle()
        if self._evaluator is not None:
            self._evaluator.run(self._committer.now())
        deliver(self._committer.store.database, self._destinations, self._committer.now())
        return bool(messages)

    def _receive(self, wait_s: int) -> list[Message]:
        if len(self._running) >= self._settings.max_in_flight:
            return []
        messages = self._queue.receive(0 if self._running or self._committer.buffered else wait_s)
        if messages:
            self._start(messages)
        return messages

    def _start(self, messages: Sequence[Message]) -> None:
        """Read the notices, claim their objects in one go, and begin to fetch those that are ours."""
        held = set(self._inbox.object_ids)
        wanted: dict[str, Wanted] = {}
        for message in messages:
            wanted.update(self._admit(message))
        fresh = [item for object_id, item in wanted.items() if object_id not in held]
        if not fresh:
            return
        self._step("claim")
        claim = self._claim(fresh)
        self._step("open")
        for batch_id in claim.takeover:
            self._resolve_done(self._committer.take_over(batch_id, self._reopen))
        for ref in claim.owned:
            item = wanted[ref.object_id]
            self._running[self._pool.submit(self._open, item.ref, item.source)] = item
        for ref in claim.done:
            self._inbox.resolve(ref.object_id)
        for ref in claim.failed:
            self._inbox.resolve(ref.object_id, claim.reasons[ref.object_id])
        for ref in claim.busy:  # those of a batch just taken over are resolved already
            self._inbox.resolve(ref.object_id, retry=True)

    def _claim(self, items: Sequence[Wanted]) -> ledger.Claim:
        return ledger.claim(
            self._committer.store.database,
            [(item.ref, item.source.source_id) for item in items],
            worker=self._committer.worker,
            now=self._committer.now(),
            lease_s=self._settings.lease_s,
        )

    def _admit(self, message: Message) -> dict[str, Wanted]:
        """The objects of one message that belong to a configured source; the message is tracked or settled."""
        try:
            notice = read_notice(message.body)
        except NoticeError as error:
            self._dead_letter(message, error.reason, str(error))
            return {}
        if notice.confirmation is not None:
            self._subscribe(message, notice.kind, notice.confirmation)
            return {}
        if notice.nonce is not None:
            self._prove_link(notice.nonce)
        wanted: dict[str, Wanted] = {}
        problems: list[str] = []
        retry = False
        for ref, source in self._located(notice, problems):
            try:
                known = identify(self._sessions, replace(ref, account_id=source.account_id), source)
                wanted[known.object_id] = Wanted(known, source)
            except HeadwaterError as error:
                retry = retry or error.retryable or message.attempt < self._settings.max_attempts
                problems.append(f"{error_kind(error)}: {error}")
        self._inbox.put(message, wanted, problems).retry = retry
        return wanted

    def _prove_link(self, nonce: str) -> None:
        """Tell `headwater onboard verify`, which waits for it, that its test message arrived."""
        committer = self._committer
        awaited = links.mark_received(committer.store.database, nonce, worker=committer.worker, now=committer.now())
        LOG.info("link_test_received", nonce=nonce, awaited=awaited)

    def _located(self, notice: Notice, problems: list[str]) -> Iterator[tuple[ObjectRef, Source]]:
        """The notice's objects with their sources; those of unknown buckets become problems, excluded ones nothing."""
        for ref in notice.objects:
            source = self._accounts.source_for(ref.bucket, ref.key)
            if source is not None:
                yield ref, source
            elif not self._accounts.excluded(ref.bucket, ref.key):
                problems.append(f"unknown_source: {ref.url} belongs to no source of accounts.yml")

    def _subscribe(self, message: Message, kind: NoticeKind, confirmation: Confirmation) -> None:
        """Confirm the subscription of a topic that accounts.yml expects; report any other, and the end of one."""
        arn = confirmation.topic_arn
        if kind == "unsubscribe_confirmation":
            self._dead_letter(message, "unsubscribed", f"{arn} no longer sends to our queue")
        elif arn not in self._accounts.topics:
            self._dead_letter(message, "unexpected_subscription", f"accounts.yml expects no notifications from {arn}")
        else:
            self._confirm(arn, confirmation.token)
            LOG.info("subscription_confirmed", topic_arn=arn)
            self._queue.acknowledge([message])

    def _open(self, ref: ObjectRef, source: Source) -> Opened:
        fetched = fetch(self._sessions, ref, source)
        settings = self._settings
        bound = large(settings)
        return open_object(ref, source, fetched.blocks, self._library, max_bytes=settings.max_object_bytes, bound=bound)

    def _reopen(self, ref: ObjectRef, source_id: str) -> Opened:
        return self._open(ref, self._sources[source_id])

    def _collect(self, *, block: bool) -> None:
        """Move finished downloads into the buffer; errors settle their objects."""
        if not self._running:
            return
        timeout_s = self._settings.batch_max_s if block else 0
        finished, _ = wait(self._running, timeout=timeout_s, return_when=FIRST_COMPLETED)
        for future in finished:
            item = self._running.pop(future)
            error = future.exception()
            if error is None:
                self._committer.add(future.result())
            elif isinstance(error, HeadwaterError):
                self._fail(item, error)
            else:
                raise error

    def _fail(self, item: Wanted, error: HeadwaterError) -> None:
        """Give an object another try later, or give it up with its reason."""
        database, object_id = self._committer.store.database, item.ref.object_id
        attempts = ledger.record_attempt(database, object_id, str(error), self._committer.now())
        tries = self._tries(error)
        LOG.warning(
            "object_failed",
            object=item.ref.url,
            account_id=item.source.account_id,
            kind=error_kind(error),
            error=str(error),
            attempts=attempts,
            gives_up=tries is not None and attempts >= tries,
        )
        if tries is not None and attempts >= tries:
            source_id = item.source.source_id
            ledger.fail(database, item.ref, error_kind(error), str(error), self._committer.now(), source_id=source_id)
            self._inbox.resolve(object_id, f"{error_kind(error)}: {error}")
        else:
            ledger.release(database, [object_id], worker=self._committer.worker)
            self._inbox.resolve(object_id, retry=True)

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
            self._inbox.resolve(object_id, retry=True)

    def _resolve_done(self, committed: Committed) -> None:
        for receipt in committed.receipts:
            self._inbox.resolve(receipt.ref.object_id)
        for opened, error in committed.failed:
            self._fail(Wanted(opened.ref, opened.source), error)

    def _settle(self) -> None:
        """Acknowledge, return or put aside the messages that wait for nothing more."""
        done: list[Message] = []
        for pending in self._inbox.take_settled():
            if pending.retry:
                self._queue.hide([pending.message], self._retry_s(pending))
            elif pending.problems:
                self._dead_letter(pending.message, pending.problems[0], "; ".join(pending.problems))
            else:
                done.append(pending.message)
        if done:
            self._step("acknowledge")
            self._queue.acknowledge(done)

    def _retry_s(self, pending: Pending) -> int:
        return int(min(self._settings.retry_s * 2 ** min(pending.message.attempt - 1, 10), MAX_RETRY_S))

    def _dead_letter(self, message: Message, reason: str, error: str) -> None:
        LOG.error("message_dead_lettered", message_id=message.message_id, reason=reason, error=error)
        self._queue.dead_letter(message, reason)

    def _drain(self) -> None:
        """Finish what is fetched or running, so that a stop loses no work and acknowledges nothing unfinished."""
        while self._running:
            self._collect(block=True)
        self._flush()
        self._settle()
        if self._evaluator is not None:
            self._evaluator.stop()
        deliver(self._committer.store.database, self._destinations, self._committer.now())

    def _keep_hidden(self) -> None:
        """Extend the visibility of every message and the lease of every object in hand, at half their time."""
        while not self._stop.wait(min(self._settings.visibility_timeout_s, self._settings.lease_s) / 2):
            try:
                self._queue.hide(self._inbox.messages, self._settings.visibility_timeout_s)
                ledger.extend(
                    self._committer.store.database,
                    self._inbox.object_ids,
                    worker=self._committer.worker,
                    now=self._committer.now(),
                    lease_s=self._settings.lease_s,
                )
            except HeadwaterError as error:
                LOG.warning("heartbeat_failed", error=str(error))
