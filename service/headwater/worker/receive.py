"""Messages on their way in: received beside the loop, so that a long commit does not keep new ones waiting.

The loop asks; from then on messages are received, ten a call, until the queue gives none or enough are here. Those that
are here are held until the loop takes them.
"""

from __future__ import annotations

import threading

from headwater.aws.sqs import Message, Queue
from headwater.errors import HeadwaterError

MOST = 1000  # messages
MOST_BYTES = 32 * 1024 * 1024  # of their texts


class Receiver:
    """A thread that receives."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._changed = threading.Condition()
        self._arrived: list[Message] = []
        self._size_bytes = 0
        self._wait_s: int | None = None  # what is asked for; None: nothing
        self._polling = False
        self._stopped = False
        self._error: HeadwaterError | None = None
        self._thread = threading.Thread(target=self._run, name="receive", daemon=True)

    @property
    def messages(self) -> list[Message]:
        """What is here."""
        with self._changed:
            return list(self._arrived)

    @property
    def is_busy(self) -> bool:
        """Whether more may come from what was asked for; if not, the queue gave none."""
        with self._changed:
            return self._polling or (self._wait_s is not None and self._has_space())

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def ask(self, wait_s: int) -> None:
        """Receive what there is; wait_s: as long as there is nothing."""
        with self._changed:
            if not self._polling:
                self._wait_s = wait_s
            self._changed.notify_all()

    def take(self, timeout_s: float) -> list[Message]:
        """What is here; waits for it, until the queue gave none, and no longer than timeout_s.

        Raises: what receiving raised.
        """
        with self._changed:
            self._changed.wait_for(self._has_news, timeout_s)
            error, self._error = self._error, None
            if error is not None:
                raise error
            arrived, self._arrived, self._size_bytes = self._arrived, [], 0
            self._changed.notify_all()
            return arrived

    def stop(self) -> None:
        """Ask for no more, and let nobody wait; a call that is on its way may still bring messages."""
        with self._changed:
            self._stopped = True
            self._wait_s = None
            self._changed.notify_all()

    def join(self, timeout_s: float) -> list[Message]:
        """After `stop`: wait for that call; what is here."""
        if self._thread.is_alive():
            self._thread.join(max(timeout_s, 0.0))
        return self.messages

    def _has_news(self) -> bool:
        idle = self._wait_s is None and not self._polling
        return bool(self._arrived) or self._error is not None or self._stopped or idle

    def _run(self) -> None:
        while (wait_s := self._next()) is not None:
            found: list[Message] = []
            error: HeadwaterError | None = None
            try:
                found = self._queue.receive(wait_s)
            except HeadwaterError as raised:
                error = raised
            with self._changed:
                self._polling = False
                self._error = error
                self._arrived += found
                self._size_bytes += sum(len(message.body) for message in found)
                if found and not self._stopped:
                    self._wait_s = 0
                self._changed.notify_all()

    def _next(self) -> int | None:
        """The next call's wait, when there is one to make; None: no more."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or (self._wait_s is not None and self._has_space()))
            if self._stopped:
                return None
            wait_s, self._wait_s, self._polling = self._wait_s, None, True
            return wait_s

    def _has_space(self) -> bool:
        return len(self._arrived) < MOST and self._size_bytes < MOST_BYTES
