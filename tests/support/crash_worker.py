"""Workers in processes of their own that break at a point: python -m support.crash_worker

All is imported once; each worker is a fork of this process, so that it starts at once. Commands come as lines of JSON:
{"start": {…}} answers with a pid, {"wait": pid} with how that process ended, or "stopped"; {"continue": pid}.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from botocore.exceptions import ConnectionClosedError
from pyiceberg.exceptions import CommitFailedException

from headwater.cli import build
from headwater.cli.serve import make_worker
from headwater.worker.committer import utc_now
from support.points import Points


def main() -> None:
    """Serve commands until there are no more."""
    for line in sys.stdin:
        ((command, value),) = json.loads(line).items()
        sys.stdout.write(json.dumps(COMMANDS[command](value)) + "\n")
        sys.stdout.flush()


def start(order: dict[str, Any]) -> int:
    """A worker's pid. order: environment, log (file), and what `work` takes."""
    pid = os.fork()
    if pid:
        return pid
    with Path(order.pop("log")).open("ab", buffering=0) as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        os.environ.update(order.pop("environment"))
        work(**order)  # what it raises ends this process, with its traceback in the log
        os._exit(0)


def work(point: str, action: str, minutes: float, trace: str, file_bytes: int) -> None:
    """Run until the queue is empty.

    point, action: where to be killed, to stop, or to fail once. minutes: how far the clock is ahead, so that leases are
    over. trace: a file for the names of all points. file_bytes: the largest file that may be written; 0: any.
    """
    if file_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, resource.RLIM_INFINITY))
    with Path(trace).open("a") as names:

        def reach(name: str, actor: Any) -> None:
            names.write(name + "\n")
            if name == point:
                names.flush()
                act(name, action, actor)

        points = Points(reach)
        points.install()
        settings = build.settings()
        clock = timedelta(minutes=minutes)
        worker = make_worker(settings, build.accounts(settings), step=points.step, now=lambda: utc_now() + clock)
        worker.run(once=True)


def act(name: str, action: str, actor: Any) -> None:
    """End, stop or fail this process here. actor: what is about to act, or has acted."""
    if action in ("kill", "stop"):
        os.kill(os.getpid(), signal.SIGKILL if action == "kill" else signal.SIGSTOP)
    elif "/create" in name:
        raise OSError(errno.ENOSPC, "No space left on device")
    elif "/swap" in name:
        raise CommitFailedException("another writer was faster")  # after it has happened: nobody can know
    elif "/commit" in name:
        raise actor.loaded_dbapi.OperationalError("the connection was lost, or the disk is full")
    else:
        raise ConnectionClosedError(endpoint_url="http://127.0.0.1")


def wait(pid: int) -> str:
    """How a worker ended: "killed", or "exit N"; or that it has stopped."""
    _, status = os.waitpid(pid, os.WUNTRACED)
    if os.WIFSTOPPED(status):
        return "stopped"
    return "killed" if os.WIFSIGNALED(status) else f"exit {os.WEXITSTATUS(status)}"


def go_on(pid: int) -> None:
    """Let a stopped worker go on."""
    os.kill(pid, signal.SIGCONT)


COMMANDS: dict[str, Any] = {"start": start, "wait": wait, "continue": go_on}

if __name__ == "__main__":
    main()
