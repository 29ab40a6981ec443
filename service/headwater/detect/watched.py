"""One child process that runs detections, seen from the parent: started, asked, watched, ended."""

from __future__ import annotations

import contextlib
import mmap
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable
from typing import TypeVar

import msgspec

from headwater.detect import guard, wire
from headwater.detect.budget import IDLE, Limits
from headwater.detect.sandboxed import CELLS_BYTES, PLACE
from headwater.model import Batch

POLL_S = 0.1
LOAD_LIMIT_S = 180.0
OWN_LIMIT_S = 300.0  # for what is no rule: reading a table, choosing rows
SEND_LIMIT_S = 60.0
T = TypeVar("T")
Serve = Callable[[wire.Recall | wire.Remember], wire.Remembered]


class Died(Exception):
    """The child is gone. number: the rule that it ran (IDLE: none), row: on this row, file: that it imported."""

    def __init__(self, how: str, *, hung: bool, number: int, row: int, file: str, told: str) -> None:
        super().__init__(how)
        self.how = how
        self.hung = hung
        self.number = number
        self.row = row
        self.file = file
        self.told = told


class Child:
    """A child process. Every method that waits for it raises Died when it is gone, or was ended for being stuck."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._shared, self._told = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 — closed by `close`
        self._shared.truncate(PLACE.stop)
        self._memory = mmap.mmap(self._shared.fileno(), PLACE.stop)
        self._connection, theirs = socket.socketpair()
        with theirs:
            self._process = _spawn(theirs.fileno(), self._shared.fileno(), self._told.fileno())
        self._connection.settimeout(SEND_LIMIT_S)
        self._poll = select.poll()
        self._poll.register(self._connection, select.POLLIN)
        self._end = weakref.finalize(self, _end, self._process, self._connection)  # at exit too

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def send(self, message: wire.ToChild) -> None:
        """Send a message."""
        self._try(lambda: wire.send(self._connection, message))

    def send_table(self, batch: Batch) -> None:
        """Send the table of a batch."""
        self._try(lambda: wire.send_frame(self._connection, wire.encode_table(batch)))

    def receive(self, serve: Serve, limit_s: float = OWN_LIMIT_S) -> wire.Ready | wire.Wrong | wire.Found:
        """The next message that is no question; questions are answered. limit_s: while no rule runs."""
        while True:
            self._wait(limit_s)
            message = self._try(lambda: wire.FROM_CHILD.decode(wire.receive_frame(self._connection)))
            if not isinstance(message, wire.Recall | wire.Remember):
                return message
            self.send(serve(message))

    def close(self) -> None:
        """End the process, whatever it does."""
        self._end()
        for each in (self._memory, self._shared, self._told):
            each.close()

    def _wait(self, limit_s: float) -> None:
        """Until it says something. Polls are counted, not seconds: a machine that stands still accuses nobody."""
        seen, polls = self._cells(), 0
        while not self._poll.poll(POLL_S * 1000):
            now = self._cells()
            polls = polls + 1 if now[:2] == seen[:2] else 0
            seen = now
            allowed_s = limit_s if now[1] == IDLE else self._limits.hard_s
            if polls * POLL_S > allowed_s:
                raise self._died(f"did not come back within {allowed_s:g} s", hung=True)

    def _try(self, action: Callable[[], T]) -> T:
        try:
            return action()
        except (EOFError, OSError) as error:
            raise self._died("", hung=isinstance(error, TimeoutError)) from error
        except (ValueError, msgspec.MsgspecError) as error:
            raise self._died(f"wrote into the channel of its process: {error}", hung=False) from error

    def _died(self, how: str, *, hung: bool) -> Died:
        _, number, row = self._cells()
        file = os.fsdecode(self._memory[PLACE].rstrip(b"\0"))
        if not how and not hung:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
        how = how or _ending(self._process.poll())
        self._end()
        self._told.seek(0)
        told = self._told.read(100_000).decode("utf-8", "replace")
        self.close()
        return Died(how, hung=hung, number=number, row=row, file=file, told=told)

    def _cells(self) -> tuple[int, int, int]:
        with memoryview(self._memory)[:CELLS_BYTES] as view, view.cast("Q") as cells:
            return cells[0], cells[1], cells[2]


def _spawn(connection: int, shared: int, told: int) -> subprocess.Popen[bytes]:
    """A new interpreter: a fork of this process would have its memory, and its threads' locks."""
    # 0: the kernel would end it with this thread
    parent = os.getpid() if threading.current_thread() is threading.main_thread() else 0
    return subprocess.Popen(  # noqa: S603 — our own module
        [sys.executable, "-P", "-m", "headwater.detect.sandboxed", str(connection), str(shared), str(parent)],
        env=guard.scrubbed(os.environ),
        cwd=os.sep,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=told,
        pass_fds=(connection, shared),
        start_new_session=True,  # Ctrl-C goes to the parent alone
    )


def _end(process: subprocess.Popen[bytes], connection: socket.socket) -> None:
    process.kill()
    process.wait()
    connection.close()


def _ending(code: int | None) -> str:
    if code is None:
        return "closed the channel of its process"
    if code >= 0:
        return f"ended its process with exit code {code}"
    try:
        return f"ended its process by {signal.Signals(-code).name}"
    except ValueError:
        return f"ended its process by signal {-code}"
