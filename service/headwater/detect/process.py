"""A Python process of our own with a pipe to talk back.

multiprocessing's spawn would import the program that was started (the whole command line, a second of processor time)
in each process; a fork would take along what the parent knows.
"""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any


@dataclass(frozen=True, slots=True)
class Process:
    """A running process. pipe: what it says."""

    running: subprocess.Popen[bytes]
    pipe: Connection

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        return self.running.wait()

    def end(self) -> None:
        """Kill it, if it still runs."""
        self.running.kill()
        self.running.wait()
        self.pipe.close()


def start(function: Callable[..., None], *arguments: Any) -> Process:
    """A process that calls a module's own function with these arguments and, as the last, its end of the pipe."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    running = subprocess.Popen(  # noqa: S603 — ourselves; -P: the current folder is no place to import from
        [sys.executable, "-P", "-m", __name__, str(theirs.fileno())],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,  # it belongs to the command
        pass_fds=[theirs.fileno()],
    )
    theirs.close()
    if running.stdin is not None:
        with running.stdin as stdin:
            pickle.dump((function, arguments), stdin)
    return Process(running, ours)


def main() -> None:
    """Run in the process. What comes in is the parent's word; what goes out is for the function to choose."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to handle
    function, arguments = pickle.load(sys.stdin.buffer)  # noqa: S301
    function(*arguments, Connection(int(sys.argv[1]), readable=False))


if __name__ == "__main__":
    main()
