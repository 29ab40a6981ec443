"""Log files on disk through the same pipeline and the same ledger; no AWS."""

from __future__ import annotations

import fcntl
import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from headwater.destinations.deliver import deliver
from headwater.destinations.outlets import Outlets
from headwater.errors import HeadwaterError
from headwater.model import LOCAL_BUCKET, ObjectRef, Source
from headwater.settings import Settings
from headwater.worker.committer import Committer
from headwater.worker.evaluate import Evaluator
from headwater.worker.ingest import Ingest, Summary, read_blocks, reader

__all__ = ["FILES_WORKER", "LOCAL_ACCOUNT", "exclusive", "file_ref", "find_files", "ingest_files", "read_blocks"]
FILES_WORKER = "files"
LOCAL_ACCOUNT = "000000000000"
HASHED_AT_ONCE = 20


def ingest_files(
    paths: Sequence[Path],
    source: Source,
    committer: Committer,
    settings: Settings,
    outlets: Outlets,
    track: Callable[[int, int], None] = lambda done, total: None,
    evaluator: Evaluator | None = None,
) -> Summary:
    """Every file below the paths, each exactly once. track: told how many of how many files are done.

    evaluator: of the rules over what was stored; they are evaluated at the end.
    """
    started = time.monotonic()
    open_file = reader(None, committer.library, settings)
    run = Ingest(committer, settings, open_file)
    run.resume(lambda ref, _source_id: open_file(ref, source))  # `exclusive` says that the killed run is gone
    files = list(find_files(paths))
    for start in range(0, len(files), HASHED_AT_ONCE):
        run.take([(file_ref(file), source) for file in files[start : start + HASHED_AT_ONCE]])
        track(run.summary.objects + run.summary.failed + run.summary.skipped + run.in_hand, len(files))
    run.finish()
    if evaluator is not None and run.summary.matches:
        run.summary.add_found(evaluator.run_all(committer.now()))
    deliver(committer.store.database, outlets, committer.now())
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
