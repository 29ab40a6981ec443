"""Messages from the queue to their objects' turn, and back: acknowledged, returned for later, or put aside."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from headwater.aws.sqs import Message, Queue
from headwater.errors import AccessDenied, HeadwaterError
from headwater.model import ObjectRef
from headwater.pipeline import Step
from headwater.settings import MIB, Settings
from headwater.worker.admission import Admission, Wanted, dead_letter
from headwater.worker.breaker import Breakers
from headwater.worker.committer import Committer
from headwater.worker.fairness import FairQueue, Limits
from headwater.worker.inbox import Inbox, Pending
from headwater.worker.receive import Receiver

LOG = structlog.get_logger()
MAX_RETRY_S = 900  # the limit of SQS: DelaySeconds
DOWNLOADS = 32  # at a time: two for each thread, so that none is idle
WAITING = 5  # times max_in_flight: so far a worker looks ahead for the objects of quiet accounts
RENEW_AT = 4  # receives; the queue's redrive policy may put a message aside after five
RETURN_THREADS = 4


def limits(settings: Settings, accounts: int) -> Limits:
    """What a worker that serves so many accounts holds at a time."""
    return Limits(
        downloads=DOWNLOADS,
        objects=settings.max_in_flight,
        size_bytes=settings.max_in_flight_mib * MIB,
        waiting=WAITING * settings.max_in_flight,
        batch_bytes=settings.batch_max_bytes,
        share=settings.account_share if accounts > 1 else 1.0,
    )


class Intake:
    """Everything between the queue and the downloads of one worker."""

    def __init__(
        self,
        settings: Settings,
        admission: Admission,
        committer: Committer,
        queue: Queue,
        breakers: Breakers,
        step: Step,
        *,
        accounts: int,
    ) -> None:
        self.inbox = Inbox()
        self.receiver = Receiver(queue)
        self.breakers = breakers
        self._settings = settings
        self._admission = admission
        self._committer = committer
        self._queue = queue
        self._step = step
        self._many = accounts > 1
        self._fair: FairQueue[Wanted] = FairQueue(limits(settings, accounts))
        self._probes: set[str] = set()
        self._may_send = True
        self._returns = ThreadPoolExecutor(RETURN_THREADS, thread_name_prefix="return")

    @property
    def waiting(self) -> int:
        """Objects whose turn has not come."""
        return self._fair.waiting

    @property
    def batch_bytes(self) -> int:
        """How large a batch may grow now."""
        return self._fair.batch_bytes(self._now())

    @property
    def messages(self) -> list[Message]:
        """Every message in hand."""
        return [*self.receiver.messages, *self.inbox.messages]

    def arrive(self, ask_s: int, timeout_s: float) -> bool:
        """Take what has arrived; whether something has. ask_s: how long to wait at the queue."""
        if self._fair.waiting >= self._fair.limits.waiting:
            return False
        self.receiver.ask(ask_s)
        arrived = self.receiver.take(timeout_s)
        for message in arrived:
            self._admit(message)
        if self._many:
            self._return_surplus()
        return bool(arrived)

    def next(self) -> list[Wanted]:
        """The objects whose turn it is."""
        self.breakers.refresh()
        found: list[Wanted] = []
        while taken := self._fair.take(self._now()):
            ready = [item for item in taken if item.key in self._probes or not self.breakers.is_paused(item.source)]
            found += ready
            for item in taken:
                if item not in ready:
                    self.resolve(item.key, retry=True, pause_s=self.breakers.pause_s(item.source) or 0.0)
            if len(ready) == len(taken):
                break
        return found

    def identified(self, item: Wanted, ref: ObjectRef) -> Wanted | None:
        """The item as the object that it is; None where another message's is in hand."""
        known = Wanted(ref, item.source)
        twice = self.inbox.holds(known.key)
        self.inbox.rename(item.key, known.key)
        self._probes = {known.key if key == item.key else key for key in self._probes}
        if twice:
            self._fair.done(item.key, self._now())
            return None
        self._fair.rename(item.key, known.key)
        return known

    def load(self, item: Wanted) -> int:
        """How much its account has in flight."""
        return self._fair.load(item.source.account_id)

    def loaded(self, item: Wanted, size_bytes: int | None) -> None:
        """An object is downloaded, and takes so much memory; None: what it was taken for."""
        self._fair.loaded(item.key, size_bytes or item.memory_bytes)
        self.breakers.succeeded(item.source)

    def resolve(
        self, key: str, problem: str | None = None, *, retry: bool = False, pause_s: float = 0.0, counts: bool = False
    ) -> None:
        """An object is through: done (no problem), failed for good (problem), or to come back later (retry)."""
        self._probes.discard(key)
        self._fair.done(key, self._now())
        self.inbox.resolve(key, problem, retry=retry, pause_s=pause_s, counts=counts)

    def attempts(self, key: str) -> int:
        """How often the messages of an object were handed out, at most."""
        return max((pending.message.attempt for pending in self.inbox.waiting_for(key)), default=1)

    def settle(self) -> None:
        """Acknowledge, return or put aside the messages that wait for nothing more."""
        done: list[Message] = []
        back: dict[str, list[tuple[Message, int]]] = defaultdict(list)
        for pending in self.inbox.take_settled():
            if pending.pause_s or (pending.retry and not pending.counts and pending.message.attempt >= RENEW_AT):
                back[pending.account].append((pending.message, self._retry_s(pending)))
            elif pending.retry:
                self._queue.hide([pending.message], self._retry_s(pending))
            elif pending.problems:
                dead_letter(self._queue, pending.message, pending.problems[0], "; ".join(pending.problems))
            else:
                done.append(pending.message)
        self._send_back(back)
        if done:
            self._step("acknowledge")
            self._queue.acknowledge(done)

    def release(self, messages: Iterable[Message]) -> None:
        """Let other workers have messages at once."""
        self._queue.hide(list(messages), 0)

    def close(self) -> None:
        """Finish what is on its way back to the queue."""
        self._returns.shutdown()

    def is_drained(self) -> bool:
        """Whether the queue has nothing for us; what it has for accounts that are left alone is not waited for."""
        if self.inbox:
            return False
        if not self.breakers.any_open:
            return self._queue.is_empty()
        depth = self._queue.depth()
        return depth.waiting == depth.delayed

    def _now(self) -> float:
        return self._committer.now().timestamp()

    def _admit(self, message: Message) -> None:
        """Track a message, and let its objects wait for their turn."""
        admitted = self._admission.read(message)
        if admitted is None:
            return
        items = {item.key: item for item in admitted.wanted}
        fresh = [item for key, item in items.items() if not self.inbox.holds(key)]
        account = next((item.source.account_id for item in items.values()), "")
        self.inbox.put(message, items, admitted.problems, account=account)
        for item in fresh:
            pause_s = self.breakers.pause_s(item.source)
            if pause_s is not None:
                self.resolve(item.key, retry=True, pause_s=pause_s)
                continue
            if self.breakers.is_paused(item.source):
                self._probes.add(item.key)
            self._fair.put(item.key, item.source.account_id, item.memory_bytes, item, self._now())

    def _return_surplus(self) -> None:
        """Hand back the messages of an account that would fill the waiting room, so that others are found."""
        now = self._now()
        for queued in self._fair.surplus():
            delay_s = max(self._fair.delay_s(queued.account, now), 1)
            self.resolve(queued.key, retry=True, pause_s=delay_s)

    def _retry_s(self, pending: Pending) -> int:
        if pending.pause_s:
            return int(min(pending.pause_s, MAX_RETRY_S))
        return int(min(self._settings.retry_s * 2 ** min(pending.message.attempt - 1, 10), MAX_RETRY_S))

    def _send_back(self, back: Mapping[str, Sequence[tuple[Message, int]]]) -> None:
        for account, messages in back.items():
            self._returns.submit(self._return, account, list(messages))

    def _return(self, account: str, messages: Sequence[tuple[Message, int]]) -> None:
        """Send messages again, as new ones; where we may not do that, they are hidden, and their receives count on."""
        try:
            if self._may_send:
                self._queue.send_back(messages, account)
                return
        except AccessDenied as error:
            self._may_send = False
            LOG.warning("messages_not_sent_back", error=str(error))
        except HeadwaterError as error:
            LOG.warning("messages_not_sent_back", error=str(error))
        try:
            for message, delay_s in messages:
                self._queue.hide([message], delay_s)
        except HeadwaterError as error:  # they come back when their visibility is over
            LOG.warning("messages_not_hidden", error=str(error))
