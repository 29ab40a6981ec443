"""What the service looks for by itself, beside its queue."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from headwater.accounts import Accounts
from headwater.aws.announce import Announcer
from headwater.aws.session import Sessions
from headwater.backfill.find import Finder
from headwater.backfill.watch import Look, Watch
from headwater.cli import build
from headwater.settings import Settings
from headwater.worker.committer import utc_now


def make_watch(
    settings: Settings, accounts: Accounts, *, polls_only: bool = False, now: Callable[[], datetime] = utc_now
) -> Watch:
    """Lists polled sources, and compares the others with the ledger, as often as the settings say."""
    every: dict[Look, timedelta] = {}
    if settings.poll_s:
        every["poll"] = timedelta(seconds=settings.poll_s)
    if settings.reconcile_h and not polls_only:
        every["reconcile"] = timedelta(hours=settings.reconcile_h)
    finder = Finder(Sessions(settings.region, "headwater-list"), accounts, build.database(settings))
    announcer = Announcer(str(settings.queue_url), settings.region)
    return Watch(finder, announcer.announce, f"watch {build.worker_id()}", every, now=now)
