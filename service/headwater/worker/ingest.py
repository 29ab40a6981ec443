"""Objects that a command has in hand: claimed, opened some at a time, committed; what cannot be read is counted.

`headwater ingest` has files, `backfill`, `reconcile` and `requeue` have objects of S3. The service's own loop does the
same for messages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import ParamSpec, TypeVar

import structlog

from headwater.aws.s3 import fetch
from headwater.aws.session import Sessions
from headwater.errors import AccessDenied, HeadwaterError, ObjectError, ObjectMissing
from headwater.model import LOCAL_BUCKET, ObjectRef, Source
from headwater.pipeline import Opened, open_object
from headwater.schema.logtype import LogType
from headwater.settings import Settings
from headwater.state import ledger, objects
from headwater.worker.committer import Committed, Committer, error_kind, large
from headwater.worker.evaluate import Evaluated

LOG = structlog.get_logger()
CLAIMED_AT_ONCE = 500
BLOCK_BYTES = 1024 * 1024
IN_FLIGHT_BYTES = 64 * 1024 * 1024  # of stored objects that are downloaded at a time; one is always let in
TRIES = 3  # of an object whose fault may pass
MOST_IN_A_ROW = 10  # objects that fail one after the other: it is not the objects' fault
Item = tuple[ObjectRef, Source]
Open = Callable[[ObjectRef, Source], Opened]
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class Summary:
    """What became of all objects: rows_in = rows_out + rejects.

    skipped: done before. busy: another worker's. missing: gone since they were listed. failed: by reason in `reasons`.
    """

    objects: int = 0
    skipped: int = 0
    failed: int = 0
    rows_in: int = 0
    rows_out: int = 0
    rejects: int = 0
    matches: int = 0
    alerts: int = 0
    bytes_in: int = 0
    seconds: float = 0.0
    busy: int = 0
    missing: int = 0
    reasons: dict[str, int] = field(default_factory=dict)  # not a Counter: asdict would count its pairs

    def add(self, committed: Committed) -> None:
        """Count one commit."""
        for receipt in committed.receipts:
            self.objects += 1
            self.rows_in += receipt.rows_in
            self.rows_out += receipt.rows_out
            self.rejects += receipt.rejects
            self.matches += receipt.matches
            self.bytes_in += receipt.bytes_in
        self.alerts += len(committed.alerts)

    def add_found(self, found: Evaluated) -> None:
        """Count what the rules over stored matches found."""
        self.matches += len(found.matches)
        self.alerts += len(found.alerts)

    def lines(self) -> list[str]:
        """The summary for people."""
        return [
            f"{self.objects} files: {self.rows_in} rows read, {self.rows_out} kept, {self.rejects} rejected",
            f"{self.skipped} files were in the lake already, {self.failed} could not be read",
            f"{self.matches} matches, {self.alerts} new alerts, {self.bytes_in / 1e6:.1f} MB in {self.seconds:.1f} s",
        ]


class Inline(Executor):
    """Does what is submitted at once, in the caller's thread."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """A future that is done."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except HeadwaterError as error:
            future.set_exception(error)
        return future


class Ingest:
    """Claims, opens and commits objects as they are given.

    pool, downloads: who opens them, and how many at a time. lenient: an object that is refused, or whose fault does not
    pass, fails alone with its reason; otherwise only broken ones do, and other errors are raised. keeps: what comes to
    nothing stays in the ledger as failed; otherwise it is forgotten, for it can be listed again.
    """

    def __init__(
        self,
        committer: Committer,
        settings: Settings,
        open_one: Open,
        *,
        pool: Executor | None = None,
        downloads: int = 1,
        lenient: bool = False,
        keeps: bool = False,
    ) -> None:
        self.summary = Summary()
        self._committer = committer
        self._settings = settings
        self._open = open_one
        self._pool = pool or Inline()
        self._downloads = downloads
        self._lenient = lenient
        self._keeps = keeps
        self._running: dict[Future[Opened], Item] = {}
        self._held: dict[str, Item] = {}
        self._tries: Counter[str] = Counter()
        self._in_a_row = 0
        self._extended: datetime = committer.now()

    @property
    def in_hand(self) -> int:
        """Objects that are not through yet."""
        return len(self._held)

    def resume(self, open_ref: Callable[[ObjectRef, str], Opened]) -> None:
        """Finish what a killed run of this worker's name left; the caller says that it is gone."""
        database, worker = self._committer.store.database, self._committer.worker
        ledger.abandon(database, worker)
        for batch_id in objects.left_batches(database, worker, self._committer.now()):
            self.summary.add(self._committer.take_over(batch_id, open_ref))

    def take(self, items: Sequence[Item]) -> None:
        """Ingest objects, as far as nobody else has or had them; some may still be in hand afterwards."""
        for start in range(0, len(items), CLAIMED_AT_ONCE):
            by_id = {item[0].object_id: item for item in items[start : start + CLAIMED_AT_ONCE]}
            owned = [ref.object_id for ref in self._claim(by_id)]
            self._held |= {object_id: by_id[object_id] for object_id in owned}
            for object_id in owned:
                self._submit(by_id[object_id])

    def finish(self) -> None:
        """Wait for what is in hand, and commit it."""
        while self._running:
            self._collect()
        self._flush()

    def give_up(self, error: HeadwaterError) -> None:
        """Let go of what is in hand."""
        for future in self._running:
            future.cancel()
        for item in self._held.values() if self._keeps else ():
            self._record(item, error)
        objects.unclaim(self._committer.store.database, self._held, worker=self._committer.worker)
        self._running, self._held = {}, {}

    def _claim(self, by_id: dict[str, Item]) -> tuple[ObjectRef, ...]:
        claim = ledger.claim(
            self._committer.store.database,
            [(ref, source.source_id) for ref, source in by_id.values()],
            worker=self._committer.worker,
            now=self._committer.now(),
            lease_s=self._settings.lease_s,
        )
        self.summary.skipped += len(claim.done) + len(claim.failed)
        self.summary.busy += len(claim.busy)
        return claim.owned

    def _submit(self, item: Item) -> None:
        while self._running and (len(self._running) >= self._downloads or self._size(item) > IN_FLIGHT_BYTES):
            self._collect()
        self._running[self._pool.submit(self._open, *item)] = item
        if isinstance(self._pool, Inline):
            self._collect()

    def _size(self, item: Item) -> int:
        return sum(ref.size_bytes or 0 for ref, _ in (item, *self._running.values()))

    def _collect(self) -> None:
        """Take what is opened; commit where it is time."""
        finished, _ = wait(self._running, return_when=FIRST_COMPLETED)
        for future in finished:
            item = self._running.pop(future)
            error = future.exception()
            if error is None:
                self._in_a_row = 0
                self._committer.add(future.result())
            elif isinstance(error, HeadwaterError):
                self._fail(item, error)
            else:
                raise error
        if self._committer.due():
            self._flush()
        self._extend()

    def _flush(self) -> None:
        committed = self._committer.flush()
        self.summary.add(committed)
        for receipt in committed.receipts:
            self._held.pop(receipt.ref.object_id, None)
        for opened, error in committed.failed:
            self._fail((opened.ref, opened.source), error)

    def _extend(self) -> None:
        """Keep what is in hand, at half the time of its lease."""
        now, lease_s = self._committer.now(), self._settings.lease_s
        if (now - self._extended).total_seconds() < lease_s / 2:
            return
        self._extended = now
        store, worker = self._committer.store, self._committer.worker
        ledger.extend(store.database, list(self._held), worker=worker, now=now, lease_s=lease_s)

    def _fail(self, item: Item, error: HeadwaterError) -> None:
        ref, _ = item
        if not isinstance(error, ObjectError):
            if not self._lenient:
                raise error
            if error.retryable and self._tries[ref.object_id] < TRIES - 1:
                self._tries[ref.object_id] += 1
                self._running[self._pool.submit(self._open, *item)] = item
                return
            self._stop_if_many(error)
        self._held.pop(ref.object_id, None)
        if isinstance(error, ObjectMissing):
            self.summary.missing += 1
        if isinstance(error, ObjectMissing) and not self._keeps:
            objects.unclaim(self._committer.store.database, [ref.object_id], worker=self._committer.worker)
            return
        self._record(item, error)

    def _record(self, item: Item, error: HeadwaterError) -> None:
        """Note in the ledger why an object could not be read."""
        (ref, source), kind = item, error_kind(error)
        LOG.error("object_failed", object=ref.url, kind=kind, error=str(error))
        now, source_id = self._committer.now(), source.source_id
        ledger.fail(self._committer.store.database, ref, kind, str(error), now, source_id=source_id)
        self.summary.failed += 1
        self.summary.reasons[kind] = self.summary.reasons.get(kind, 0) + 1

    def _stop_if_many(self, error: HeadwaterError) -> None:
        """Raise the error where it will meet every object: a refused role or key, or many in a row."""
        self._in_a_row += not isinstance(error, ObjectMissing)
        of_all = isinstance(error, AccessDenied) and error.service != "s3"
        if of_all or self._in_a_row >= MOST_IN_A_ROW:
            raise error


def read_blocks(file: Path) -> Iterator[bytes]:
    """The bytes of a file, a block at a time."""
    with file.open("rb") as opened:
        while block := opened.read(BLOCK_BYTES):
            yield block


def reader(sessions: Sessions | None, library: Mapping[str, LogType], settings: Settings) -> Open:
    """Opens objects of S3 with their customer's role, and files."""

    def open_one(ref: ObjectRef, source: Source) -> Opened:
        s3 = None if ref.bucket == LOCAL_BUCKET else sessions
        blocks = fetch(s3, ref, source).blocks if s3 else _file(ref)
        return open_object(ref, source, blocks, library, max_bytes=settings.max_object_bytes, bound=large(settings))

    return open_one


def _file(ref: ObjectRef) -> Iterator[bytes]:
    file = Path(ref.key)
    if not file.is_file():
        raise ObjectMissing(f"{ref.key} is gone")
    return read_blocks(file)
