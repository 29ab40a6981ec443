"""What a message wants: objects of configured sources, a subscription, or nothing that is for us."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import structlog

from headwater.accounts import Accounts
from headwater.aws.s3 import WHOLE_BYTES
from headwater.aws.sqs import Message, Queue
from headwater.errors import NoticeError
from headwater.ingest.notice import Confirmation, Notice, NoticeKind, read_notice
from headwater.model import ObjectRef, Source
from headwater.state import links
from headwater.worker.committer import LARGE_BYTES, Committer

LOG = structlog.get_logger()
UNKNOWN_BYTES = 1024 * 1024  # what an object is taken for whose notification does not say its size
EXPANSION = 10  # of text that is compressed, about


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object that a message names, and the source it belongs to."""

    ref: ObjectRef
    source: Source

    @property
    def key(self) -> str:
        """Its object id, as far as it is known."""
        return self.ref.object_id

    @property
    def is_identified(self) -> bool:
        """Whether its version or etag is known, and with it its object id."""
        return bool(self.ref.version_id or self.ref.etag)

    @property
    def memory_bytes(self) -> int:
        """What it takes until it is committed: its stored bytes, and its text up to where it is read in pieces."""
        size_bytes = UNKNOWN_BYTES if self.ref.size_bytes is None else self.ref.size_bytes
        return min(size_bytes, WHOLE_BYTES) + min(size_bytes * EXPANSION, LARGE_BYTES)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A message with the objects that it wants. problems: of those that it names and nobody can have."""

    message: Message
    wanted: tuple[Wanted, ...]
    problems: tuple[str, ...]


class Admission:
    """Reads messages; those that want no object are settled at once."""

    def __init__(
        self, accounts: Accounts, queue: Queue, committer: Committer, confirm: Callable[[str, str], None]
    ) -> None:
        self._accounts = accounts
        self._queue = queue
        self._committer = committer
        self._confirm = confirm

    def read(self, message: Message) -> Admitted | None:
        """What the message wants; None where it is settled."""
        try:
            notice = read_notice(message.body)
        except NoticeError as error:
            dead_letter(self._queue, message, error.reason, str(error))
            return None
        if notice.confirmation is not None:
            self._subscribe(message, notice.kind, notice.confirmation)
            return None
        if notice.nonce is not None:
            self._prove_link(notice.nonce)
        problems: list[str] = []
        return Admitted(message, tuple(self._located(notice, problems)), tuple(problems))

    def _located(self, notice: Notice, problems: list[str]) -> Iterator[Wanted]:
        """The notice's objects with their sources; those of unknown buckets become problems, excluded ones nothing."""
        for ref in notice.objects:
            source = self._accounts.source_for(ref.bucket, ref.key)
            if source is not None:
                yield Wanted(replace(ref, account_id=source.account_id), source)  # whatever it claims
            elif not self._accounts.excluded(ref.bucket, ref.key):
                problems.append(f"unknown_source: {ref.url} belongs to no source of accounts.yml")

    def _subscribe(self, message: Message, kind: NoticeKind, confirmation: Confirmation) -> None:
        """Confirm the subscription of a topic that accounts.yml expects; report any other, and the end of one."""
        arn = confirmation.topic_arn
        if kind == "unsubscribe_confirmation":
            dead_letter(self._queue, message, "unsubscribed", f"{arn} no longer sends to our queue")
        elif arn not in self._accounts.topics:
            reason = f"accounts.yml expects no notifications from {arn}"
            dead_letter(self._queue, message, "unexpected_subscription", reason)
        else:
            self._confirm(arn, confirmation.token)
            LOG.info("subscription_confirmed", topic_arn=arn)
            self._queue.acknowledge([message])

    def _prove_link(self, nonce: str) -> None:
        """Tell `headwater onboard verify`, which waits for it, that its test message arrived."""
        committer = self._committer
        awaited = links.mark_received(committer.store.database, nonce, worker=committer.worker, now=committer.now())
        LOG.info("link_test_received", nonce=nonce, awaited=awaited)


def dead_letter(queue: Queue, message: Message, reason: str, error: str) -> None:
    """Put a message aside that can never succeed."""
    LOG.error("message_dead_lettered", message_id=message.message_id, reason=reason, error=error)
    queue.dead_letter(message, reason)
