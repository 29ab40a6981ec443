"""The history of sources, and what notifications missed, read and committed by a command."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from headwater.aws.s3 import Listed, head
from headwater.aws.session import Sessions
from headwater.backfill.find import Finder, Found
from headwater.backfill.layout import Window
from headwater.errors import HeadwaterError, ObjectMissing
from headwater.model import ObjectRef, Source
from headwater.pipeline import Opened
from headwater.settings import Settings
from headwater.worker.committer import Committer
from headwater.worker.ingest import Ingest, Item, Summary, reader

LOG = structlog.get_logger()


@dataclass(slots=True)
class Report:
    """What was found of one source and what became of it. error: why it was left before its end."""

    source: Source
    found: Found = field(default_factory=Found)
    done: Summary = field(default_factory=Summary)
    error: str = ""

    def as_row(self) -> dict[str, Any]:
        """The report for people and programs."""
        found, done = self.found, self.done
        return {
            "source": self.source.label,
            "source_id": self.source.source_id,
            "listed": found.listed,
            "known": found.known + done.skipped,
            "missing": found.missing - done.skipped,
            "missing_bytes": found.missing_bytes,
            "ingested": done.objects,
            "failed": done.failed,
            "failed_before": found.failed,
            "gone": done.missing,
            "busy": done.busy,
            "archived": found.archived,
            "forgotten": found.forgotten,
            "rows": done.rows_out,
            "rejects": done.rejects,
            "matches": done.matches,
            "alerts": done.alerts,
            "error": self.error,
        }


Track = Callable[[Report], None]


@dataclass(frozen=True, slots=True)
class Reading:
    """Reads the objects of sources that the ledger has not. downloads: objects at a time. track: told how it goes."""

    sessions: Sessions
    committer: Committer
    settings: Settings
    downloads: int = 16
    track: Track = lambda report: None

    def sources(
        self, finder: Finder, sources: Iterable[Source], window: Window, *, dry_run: bool = False
    ) -> Iterator[Report]:
        """A report of each source in turn; one that refuses us does not keep the others.

        What a killed run of this worker's name left is finished first: `exclusive` must say that it is gone.
        """
        with ThreadPoolExecutor(self.downloads, thread_name_prefix="backfill") as pool:
            if not dry_run:
                self._resume(finder, pool)
            for source in sources:
                report = Report(source)
                self._source(finder, report, window, pool, dry_run=dry_run)
                yield report

    def objects(self, items: Sequence[Item]) -> Summary:
        """Read objects that are known already; those that fail again have their new reason in the ledger."""
        started = time.monotonic()
        with ThreadPoolExecutor(self.downloads, thread_name_prefix="backfill") as pool:
            ingest = self._ingest(pool, keeps=True)
            try:
                ingest.take(items)
                ingest.finish()
            except HeadwaterError as error:
                ingest.give_up(error)
        ingest.summary.seconds = round(time.monotonic() - started, 3)
        return ingest.summary

    def _resume(self, finder: Finder, pool: ThreadPoolExecutor) -> None:
        known = {source.source_id: source for source in finder.accounts.sources}
        open_one = reader(self.sessions, self.committer.library, self.settings)

        def reopen(ref: ObjectRef, source_id: str) -> Opened:
            if source_id not in known:
                raise ObjectMissing(f"{ref.url}: source {source_id} is no longer in accounts.yml")
            return open_one(ref, known[source_id])

        self._ingest(pool).resume(reopen)

    def _ingest(self, pool: ThreadPoolExecutor, *, keeps: bool = False) -> Ingest:
        open_one = reader(self.sessions, self.committer.library, self.settings)
        return Ingest(
            self.committer, self.settings, open_one, pool=pool, downloads=self.downloads, lenient=True, keeps=keeps
        )

    def _source(
        self, finder: Finder, report: Report, window: Window, pool: ThreadPoolExecutor, *, dry_run: bool
    ) -> None:
        started = time.monotonic()
        ingest = self._ingest(pool)
        report.done = ingest.summary
        try:
            for wanted in finder.missing(report.source, window, report.found, lambda: self.track(report)):
                if not dry_run:
                    for items in self._identified(report, wanted, pool):
                        ingest.take(items)
                        self.track(report)
            ingest.finish()
        except HeadwaterError as error:
            report.error = str(error)
            ingest.give_up(error)
            LOG.warning("source_left", source=report.source.source_id, error=report.error)
        report.done.seconds = round(time.monotonic() - started, 3)
        self.track(report)

    def _identified(
        self, report: Report, wanted: Sequence[Listed], pool: ThreadPoolExecutor
    ) -> Iterator[Sequence[Item]]:
        """The objects as a notification would have named them: with their version, where the bucket has versions."""
        source = report.source

        def identify(listed: Listed) -> Item | None:
            try:
                ref = head(self.sessions, listed.ref, source)
            except ObjectMissing:
                return None
            return replace(ref, account_id=source.account_id), source

        for start in range(0, len(wanted), IDENTIFIED_AT_ONCE):
            items = list(pool.map(identify, wanted[start : start + IDENTIFIED_AT_ONCE]))
            report.done.missing += items.count(None)
            yield [item for item in items if item is not None]


IDENTIFIED_AT_ONCE = 200
