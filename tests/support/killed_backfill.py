"""A backfill in a process of its own that is killed at a step: python -m support.killed_backfill STEP"""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime

from headwater.backfill.find import Finder
from headwater.backfill.layout import Window
from headwater.cli import build
from headwater.cli.backfill import make_reading
from headwater.worker.files import exclusive


def main(fatal: str) -> None:
    """Read February until the fatal step comes for the second time, so that something is done before."""
    seen = 0

    def step(name: str) -> None:
        nonlocal seen
        seen += name == fatal
        if seen == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    settings = build.settings()
    accounts = build.accounts(settings)
    window = Window(datetime(2026, 2, 1, tzinfo=UTC), datetime.now(UTC), by_day=True)
    with exclusive(settings.home, "backfill"):
        reading = make_reading(settings, is_live=False, alerting=False, step=step)
        finder = Finder(reading.sessions, accounts, reading.committer.store.database)
        list(reading.sources(finder, accounts.sources, window))


if __name__ == "__main__":
    main(sys.argv[1])
