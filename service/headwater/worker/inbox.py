"""Received messages and the objects each of them still waits for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from headwater.aws.sqs import Message


@dataclass(slots=True)
class Pending:
    """A message, the ids of its unfinished objects, and what went wrong with the finished ones."""

    message: Message
    waiting: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    retry: bool = False


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

    def put(self, message: Message, object_ids: Iterable[str], problems: Iterable[str] = ()) -> Pending:
        """Track a message until its objects are resolved."""
        pending = Pending(message, set(object_ids), list(problems))
        self._pending[message.message_id] = pending
        for object_id in pending.waiting:
            self._by_object.setdefault(object_id, []).append(pending)
        return pending

    def resolve(self, object_id: str, problem: str | None = None, *, retry: bool = False) -> None:
        """An object is done (no problem), failed for good (problem), or must come back later (retry)."""
        for pending in self._by_object.pop(object_id, []):
            pending.waiting.discard(object_id)
            pending.retry = pending.retry or retry
            if problem:
                pending.problems.append(problem)

    def take_settled(self) -> list[Pending]:
        """The messages that wait for nothing more; they leave the inbox."""
        settled = [pending for pending in self._pending.values() if not pending.waiting]
        for pending in settled:
            del self._pending[pending.message.message_id]
        return settled
