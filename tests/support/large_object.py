"""One large object through the service's own path in a process of its own: python -m support.large_object SHAPE MB

Prints as JSON what became of it, and the most memory that the process has used. The object is made while it is read.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from headwater import log
from headwater.cli import build
from headwater.errors import HeadwaterError
from headwater.model import ObjectRef, Source
from headwater.pipeline import Bound, open_object
from headwater.settings import Settings
from headwater.state import ledger
from headwater.worker.committer import Committer
from support.world import record

MB = 1_000_000
RECORDS = 200  # of a block
PADDING = "x" * 4000  # most of a record: what is limited is bytes, and rows cost time
FLOW = b"2 111122223333 eni-0example 192.0.2.10 198.51.100.7 443 49152 6 8 8400 1770091200 1770091260 ACCEPT OK"
Blocks = Iterator[bytes]


def trail_records(padding: str = PADDING) -> list[bytes]:
    """CloudTrail records, most of each in one parameter."""
    return [json.dumps(record(n, requestParameters={"body": padding})).encode() for n in range(RECORDS)]


def framed(before: bytes, between: bytes, after: bytes, size: int, padding: str = PADDING) -> Blocks:
    """Records until `size` bytes are reached."""
    block = between.join(trail_records(padding))
    yield before
    for number in range(max(size // len(block), 1)):
        yield (between if number else b"") + block
    yield after


def repeated(before: bytes, block: bytes, after: bytes, size: int) -> Blocks:
    """One block again and again, for about `size` bytes."""
    yield before
    for _ in range(max(size // len(block), 1)):
        yield block
    yield after


def documents(size: int) -> Blocks:
    """CloudTrail documents behind each other."""
    block = b'{"Records":[' + b",".join(trail_records()) + b"]}"
    return repeated(b"", block, b"", size)


SHAPES: dict[str, Callable[[int], Blocks]] = {
    "records": lambda size: framed(b'{"Records":[', b",", b"]}", size),
    "small records": lambda size: framed(b'{"Records":[', b",", b"]}", size, padding="x" * 500),
    "array": lambda size: framed(b"[\n", b",\n", b"\n]", size),
    "ndjson": lambda size: framed(b"", b"\n", b"\n", size),
    "concatenated": lambda size: framed(b"", b"", b"", size),
    "documents": documents,
    "flow lines": lambda size: repeated(b"", (FLOW + b"\n") * 10_000, b"", size),
    "long line": lambda size: repeated(b"start\n", b"x" * MB, b"\nend\n", size),
    "long record": lambda size: repeated(b'{"Records":[{"a":1},{"b":"', b"x" * MB, b'"},{"c":1}]}', size),
    "one document": lambda size: repeated(b'{"a":{"b":"', b"x" * MB, b'"}}', size),
    "deep": lambda size: repeated(b'{"Records":[', b'{"a":[' * 200_000, b"", size),
    "empty records": lambda size: repeated(b'{"Records":[{}', b",{}" * 300_000, b"]}", size),
    "empty lines": lambda size: repeated(b"start\n", b"x\n" * 500_000, b"", size),
    "wide csv": lambda size: repeated(b"a,b,c\n", b"1," * 500_000, b"\n", size),
}


def ingest(committer: Committer, settings: Settings, shape: str, size: int) -> dict[str, object]:
    """Claim, open and commit the object."""
    source = Source("111122223333", "example", "logs", "example-logs")
    ref = ObjectRef("example-logs", f"made/{shape}", etag=shape)
    claimed = {"worker": committer.worker, "now": committer.now(), "lease_s": 3600.0}
    ledger.claim(committer.store.database, [(ref, source.source_id)], **claimed)  # type: ignore[arg-type]
    bound = Bound(settings.batch_max_bytes, settings.batch_max_rows)
    stream = SHAPES[shape](size)
    try:
        opened = open_object(ref, source, stream, committer.library, max_bytes=settings.max_object_bytes, bound=bound)
        committer.add(opened)
        del opened
        done = committer.flush()
    except HeadwaterError as error:
        return {"error": str(error)}
    if done.failed:
        return {"error": str(done.failed[0][1])}
    (receipt,) = done.receipts
    return {"rows_in": receipt.rows_in, "rows_out": receipt.rows_out, "rejects": receipt.rejects}


def peak_mib() -> int:
    """The most memory that this process had resident; where Linux tells, without what its parent had when it began."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main(shape: str, size: int) -> None:
    """Run one shape and print its figures."""
    log.configure(level="error")
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home), max_object_bytes=64 * 1024 * MB)
        committer = build.committer(settings)
        started = time.monotonic()
        found = ingest(committer, settings, shape, size)
        seconds = time.monotonic() - started
        files = sum(1 for path in Path(home).rglob("*.parquet"))
    used_mib = peak_mib()
    sys.stdout.write(json.dumps({**found, "files": files, "mib": used_mib, "seconds": round(seconds, 1)}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) * MB)
