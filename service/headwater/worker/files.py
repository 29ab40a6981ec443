"""Log files on disk through the same pipeline and the same ledger; no AWS."""

from __future__ import annotations

import fcntl
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from headwater.destinations.deliver import deliver
from headwater.destinations.destination import Destination
from headwater.errors import HeadwaterError, ObjectError
from headwater.model import LOCAL_BUCKET, ObjectRef, Source
from headwater.pipeline import Opened, open_object
from headwater.settings import Settings
from headwater.state import ledger
from headwater.worker.committer import Committed, Committer, large
from headwater.worker.evaluate import Evaluated, Evaluator

LOG = structlog.get_logger()
FILES_WORKER = "files"
LOCAL_ACCOUNT = "000000000000"
BLOCK_BYTES = 1024 * 1024
CLAIM_FILES = 500


@dataclass(slots=True)
class Summary:
    """What became of all files: rows_in = rows_out + rejects."""

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


def ingest_files(
    paths: Sequence[Path],
    source: Source,
    committer: Committer,
    settings: Settings,
    destinations: Mapping[str, Destination],
    track: Callable[[int, int], None] = lambda done, total: None,
    evaluator: Evaluator | None = None,
) -> Summary:
    """Every file below the paths, each exactly once. track: told how many of how many files are done.

    evaluator: of the rules over what was stored; they are evaluated at the end.
    """
    started = time.monotonic()
    ledger.abandon(committer.store.database, committer.worker)  # what a killed run held: `exclusive` says it is gone
    run = _Run(source, committer, settings, Summary())
    files = list(find_files(paths))
    for start in range(0, len(files), CLAIM_FILES):
        for ref in run.claim([file_ref(file) for file in files[start : start + CLAIM_FILES]]):
            run.ingest(ref)
            track(run.summary.objects + run.summary.failed + committer.buffered, len(files))
    run.flush()
    if evaluator is not None and run.summary.matches:
        run.summary.add_found(evaluator.run_all(committer.now()))
    deliver(committer.store.database, destinations, committer.now())
    run.summary.seconds = round(time.monotonic() - started, 3)
    return run.summary


@contextmanager
def exclusive(home: Path, command: str = "ingest") -> Iterator[None]:
    """Only one process at a time runs a command on a home, so that the next can take over what a killed one held."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / f"{command.replace(' ', '-')}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HeadwaterError(f"another `headwater {command}` is at work in {home}; wait for it to end") from error
        yield


def find_files(paths: Sequence[Path]) -> Iterator[Path]:
    """Files, and the files below folders, in a stable order; hidden ones are left out."""
    for path in paths:
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))
        else:
            yield path


def file_ref(file: Path) -> ObjectRef:
    """A file as an object: its content is its version."""
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return ObjectRef(LOCAL_BUCKET, str(file.absolute()), etag=digest, size_bytes=file.stat().st_size)


def read_blocks(file: Path) -> Iterator[bytes]:
    """The bytes of a file, a block at a time."""
    with file.open("rb") as opened:
        while block := opened.read(BLOCK_BYTES):
            yield block


@dataclass(frozen=True, slots=True)
class _Run:
    source: Source
    committer: Committer
    settings: Settings
    summary: Summary

    def claim(self, refs: Sequence[ObjectRef]) -> tuple[ObjectRef, ...]:
        """The files that are ours to read; batches that a dead run left are finished first."""
        self.summary.add(self.committer.sweep(lambda ref, _source_id: self._open(ref)))
        claim = ledger.claim(
            self.committer.store.database,
            [(ref, self.source.source_id) for ref in refs],
            worker=self.committer.worker,
            now=self.committer.now(),
            lease_s=self.settings.lease_s,
        )
        self.summary.skipped += len(claim.done) + len(claim.failed) + len(claim.busy)
        return claim.owned

    def ingest(self, ref: ObjectRef) -> None:
        """Open one file and commit what is due; a file that can never be read fails alone."""
        try:
            self.committer.add(self._open(ref))
        except ObjectError as error:
            self._fail(ref, error)
        if self.committer.due():
            self.flush()

    def flush(self) -> None:
        """Commit what is buffered; a large file that turns out broken fails alone."""
        committed = self.committer.flush()
        self.summary.add(committed)
        for opened, error in committed.failed:
            if not isinstance(error, ObjectError):
                raise error
            self._fail(opened.ref, error)

    def _fail(self, ref: ObjectRef, error: ObjectError) -> None:
        LOG.error("object_failed", object=ref.url, kind=error.kind, error=str(error))
        database, source_id = self.committer.store.database, self.source.source_id
        ledger.fail(database, ref, error.kind, str(error), self.committer.now(), source_id=source_id)
        self.summary.failed += 1

    def _open(self, ref: ObjectRef) -> Opened:
        settings = self.settings
        bound = large(settings)
        blocks = read_blocks(Path(ref.key))
        return open_object(
            ref, self.source, blocks, self.committer.library, max_bytes=settings.max_object_bytes, bound=bound
        )
