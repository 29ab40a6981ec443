"""A worker in a process of its own that kills itself at a step: python -m support.crash_worker STEP MINUTES

STEP: the step before which it dies by SIGKILL, or "never". MINUTES: how far its clock is ahead, so that leases are
over. Settings come from the environment, as in the service.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import timedelta

from headwater.cli import build
from headwater.cli.serve import make_worker
from headwater.worker.committer import utc_now


def main(fatal: str, minutes: float) -> None:
    """Run until the queue is empty or the fatal step comes."""

    def step(name: str) -> None:
        if name == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    settings = build.settings()
    worker = make_worker(
        settings, build.accounts(settings), step=step, now=lambda: utc_now() + timedelta(minutes=minutes)
    )
    worker.run(once=True)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
