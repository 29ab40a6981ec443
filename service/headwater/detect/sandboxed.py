"""The process that runs the detections of a Sandbox: `python -m headwater.detect.sandboxed SOCKET PROGRESS PARENT`.

It has no credentials, opens nothing, and is ended at any time: all that it finds it says on its socket.
"""

from __future__ import annotations

import faulthandler
import io
import mmap
import os
import resource
import signal
import socket
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import msgspec

from headwater.detect import guard, kernel, wire
from headwater.detect.budget import Budget, Progress
from headwater.detect.cache import Change, Entry
from headwater.detect.engine import Engine
from headwater.detect.import_limit import imports_limited
from headwater.detect.matches import face_of
from headwater.detect.modules import PREFIX
from headwater.detect.packs import Selection
from headwater.errors import DetectionError
from headwater.model import Batch, Match

CELLS_BYTES = 24  # three numbers; then the file that is being imported
PLACE = slice(64, 4096)
OPEN_FILES = 256
FILE_BYTES = 1 << 20  # of the file that tells of a crash
PRINTED_KEPT = 1000
IMPORT_LIMIT_S = 10.0
FAILED = 70  # exit code


def main() -> None:
    """Serve one parent until it closes the socket."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    faulthandler.enable()
    if int(sys.argv[3]):
        kernel.end_with(int(sys.argv[3]))  # a rule that loops would not see that the socket is closed
    told = sys.stderr
    connection = socket.socket(fileno=int(sys.argv[1]))
    shared = mmap.mmap(int(sys.argv[2]), PLACE.stop)
    code = FAILED
    try:
        start = _next(connection)
        if isinstance(start, wire.Start):
            _serve(connection, shared, start)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        code = 0  # the parent wants no more
    except BaseException:  # noqa: BLE001 — whatever it is, the parent is told by how this process ends
        traceback.print_exc(file=told)
    os._exit(code)  # whatever detections left behind (threads, exit functions) keeps nobody waiting


def _serve(connection: socket.socket, shared: mmap.mmap, start: wire.Start) -> None:
    progress = Progress(memoryview(shared)[:CELLS_BYTES].cast("Q"))
    budget = Budget(progress, start.limits)
    printed = Printed(progress)
    sys.stdout = sys.stderr = io.TextIOWrapper(printed, "utf-8", "replace", write_through=True)
    folders = {name: Path(folder) for name, folder in start.folders.items()}
    if start.banned:
        sys.addaudithook(_refuse(frozenset(start.banned)))  # before the guard, which takes no others
    confined = _confine(start, [folder.resolve() for folder in folders.values()])
    try:
        with imports_limited(IMPORT_LIMIT_S), _watched(start, shared, progress):
            pack = Selection(folders, start.switches).load(Remote(connection, budget))
            engine = Engine(pack, destinations=start.destinations, progress=progress)
    except DetectionError as error:
        wire.send(connection, wire.Wrong(tuple(error.problems)))
        return
    wire.send(connection, wire.Ready(engine.log_types, tuple(map(face_of, engine.rules)), confined))
    while True:
        command = _next(connection)
        if isinstance(command, wire.Detect):
            table = wire.decode_table(wire.receive_frame(connection))
            engine.suspended = command.suspended
            with budget.batch():
                found = engine.find(Batch(command.log_type, table))
            _answer(connection, found, _uses(budget, printed))


def _next(connection: socket.socket) -> wire.ToChild:
    return wire.TO_CHILD.decode(wire.receive_frame(connection))


def _confine(start: wire.Start, folders: Sequence[Path]) -> tuple[str, ...]:
    memory = start.limits.memory_mib << 20
    for limit, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_DATA, memory),
    ):
        _, hard = resource.getrlimit(limit)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (value, value))
    confined = kernel.confine()
    guard.lock_down(folders)
    return confined


@contextmanager
def _watched(start: wire.Start, shared: mmap.mmap, progress: Progress) -> Iterator[None]:
    """Says which file is being imported, where that is wanted."""
    if start.traced:
        sys.settrace(_tracer(shared, progress))
    try:
        yield
    finally:
        sys.settrace(None)


def _refuse(banned: frozenset[str]) -> Callable[[str, tuple[Any, ...]], None]:
    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "exec" and isinstance(arguments[0], CodeType) and arguments[0].co_filename in banned:
            raise guard.DetectionDenied("be imported again: that ended their process", event, arguments[0].co_filename)

    return hook


def _tracer(shared: mmap.mmap, progress: Progress) -> Callable[[FrameType, str, Any], Any]:
    """Writes the innermost module of a detection that is being imported into the shared memory."""
    stack: list[str] = []

    def show() -> None:
        progress.cells[0] += 1
        place = os.fsencode(stack[-1] if stack else "")[: PLACE.stop - PLACE.start]
        shared[PLACE] = place.ljust(PLACE.stop - PLACE.start, b"\0")

    def inside(_frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "return":
            stack.pop()
            show()
        return inside

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        name = str(frame.f_globals.get("__name__", ""))
        if event != "call" or frame.f_code.co_name != "<module>" or not name.startswith(PREFIX):
            return None
        stack.append(frame.f_code.co_filename)
        show()
        return inside

    return trace


def _answer(connection: socket.socket, found: Sequence[tuple[int, Match]], uses: Mapping[int, wire.Use]) -> None:
    lean = [(row, replace(match, event={})) for row, match in found]
    size = wire.MATCHES_A_FRAME
    for begin in range(0, len(lean), size):
        _send_found(connection, wire.Found(tuple(lean[begin : begin + size]), more=True))
    wire.send(connection, wire.Found((), uses=uses))


def _send_found(connection: socket.socket, found: wire.Found) -> None:
    try:
        wire.send(connection, found)
    except UnicodeEncodeError:  # lone surrogates, which the lake cannot hold either
        wire.send(connection, wire.Found(tuple((row, _encodable(match)) for row, match in found.matches), more=True))


def _encodable(match: Match) -> Match:
    texts = ("title", "dedup", "description", "runbook", "reference", "context", "unique")
    changed: dict[str, Any] = {name: _text(getattr(match, name)) for name in texts if getattr(match, name) is not None}
    destinations = None if match.destinations is None else tuple(map(_text, match.destinations))
    return replace(match, **changed, destinations=destinations, tags=tuple(map(_text, match.tags)))


def _text(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _uses(budget: Budget, printed: Printed) -> dict[int, wire.Use]:
    """What the rules used since the last time."""
    numbers = budget.seconds.keys() | printed.sizes.keys()
    uses = {
        number: wire.Use(
            float(budget.seconds[number]),
            printed.sizes[number],
            bytes(printed.texts.get(number, b"")).decode("utf-8", "replace"),
        )
        for number in numbers
    }
    for kept in (budget.seconds, printed.sizes, printed.texts):
        kept.clear()
    return uses


class Printed(io.RawIOBase):
    """Standard output of detections: counted for each rule, and its beginning kept."""

    name = "<detections>"

    def __init__(self, progress: Progress) -> None:
        self.sizes: Counter[int] = Counter()
        self.texts: dict[int, bytearray] = {}
        self._cells = progress.cells

    def writable(self) -> bool:
        """Whether it can be written to."""
        return True

    def write(self, content: Any, /) -> int:
        """Count what is written."""
        running, size = self._cells[1], len(content)
        self.sizes[running] += size
        kept = self.texts.setdefault(running, bytearray())
        kept += bytes(content[: max(PRINTED_KEPT - len(kept), 0)])
        return size


class Remote:
    """The cache of detections, which the parent keeps. What takes time there is not the rule's."""

    def __init__(self, connection: socket.socket, budget: Budget) -> None:
        self._connection = connection
        self._budget = budget

    def read(self, key: str) -> Entry:
        """The entry of a key; the empty one where it is absent or expired."""
        return self._ask(wire.Recall(key))

    def change(self, key: str, step: Change) -> Entry:
        """The entry after one step, which is kept. Raises: ValueError where it grows too large."""
        return self._ask(wire.Remember(key, step))

    def _ask(self, question: wire.Recall | wire.Remember) -> Entry:
        frame = msgspec.msgpack.encode(question)
        try:
            with self._budget.held():
                wire.send_frame(self._connection, frame)
                answer = _next(self._connection)
        except BaseException:  # noqa: BLE001 — a time limit of ours among them
            os._exit(FAILED)  # half a question or answer: nothing on this socket can be understood any more
        if not isinstance(answer, wire.Remembered):
            raise TypeError(f"no answer: {type(answer).__name__}")
        if answer.refusal:
            raise ValueError(answer.refusal)
        return answer.entry


if __name__ == "__main__":
    main()
