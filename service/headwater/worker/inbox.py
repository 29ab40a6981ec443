"""Received messages and the objects each of them still waits for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from headwater.aws.sqs import Message


@dataclass(slots=True)
class Pending:
    """A message, the ids of its unfinished objects, and what went wrong with the finished ones.

    account: whose it is. retry: it must come back; pause_s: not before that. counts: its receives count as tries.
    """

    message: Message
    waiting: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    retry: bool = False
    pause_s: float = 0.0
    counts: bool = False
    account: str = ""


class Inbox:
    """Tells which messages can be acknowledged: those whose every object is done."""

    def __init__(self) -> None:
        self._pending: dict[str, Pending] = {}
        self._by_object: dict[str, list[Pending]] = {}

    def __len__(self) -> int:
        return len(self._pending)

    @property
    def messages(self) -> list[Message]:
        """Every message in hand."""
        return [pending.message for pending in list(self._pending.values())]

    def holds(self, object_id: str) -> bool:
        """Whether some message in hand already waits for this object."""
        return object_id in self._by_object

    @property
    def object_ids(self) -> list[str]:
        """Every object in hand."""
        return list(self._by_object)

    def put(
        self, message: Message, object_ids: Iterable[str], problems: Iterable[str] = (), *, account: str = ""
    ) -> Pending:
        """Track a message until its objects are resolved."""
        pending = Pending(message, set(object_ids), list(problems), account=account)
        self._pending[message.message_id] = pending
        for object_id in pending.waiting:
            self._by_object.setdefault(object_id, []).append(pending)
        return pending

    def waiting_for(self, object_id: str) -> list[Pending]:
        """The messages that wait for an object."""
        return list(self._by_object.get(object_id, ()))

    def rename(self, object_id: str, known_id: str) -> None:
        """An object has another id than was thought: its messages wait for that one."""
        for pending in self._by_object.pop(object_id, []):
            pending.waiting.discard(object_id)
            if known_id not in pending.waiting:
                pending.waiting.add(known_id)
                self._by_object.setdefault(known_id, []).append(pending)

    def resolve(
        self,
        object_id: str,
        problem: str | None = None,
        *,
        retry: bool = False,
        pause_s: float = 0.0,
        counts: bool = False,
    ) -> None:
        """An object is done (no problem), failed for good (problem), or must come back later (retry)."""
        for pending in self._by_object.pop(object_id, []):
            pending.waiting.discard(object_id)
            pending.retry = pending.retry or retry
            pending.pause_s = max(pending.pause_s, pause_s)
            pending.counts = pending.counts or counts
            if problem:
                pending.problems.append(problem)

    def take_settled(self) -> list[Pending]:
        """The messages that wait for nothing more; they leave the inbox."""
        return self._take([pending for pending in self._pending.values() if not pending.waiting])

    def take_unsettled(self) -> list[Pending]:
        """All the others; they leave the inbox, and nothing waits for their objects any more."""
        taken = self._take([pending for pending in self._pending.values() if pending.waiting])
        self._by_object.clear()
        return taken

    def _take(self, taken: list[Pending]) -> list[Pending]:
        for pending in taken:
            del self._pending[pending.message.message_id]
        return taken
