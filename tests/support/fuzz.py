"""Coverage-guided fuzzing of everything between bytes and rows: python -m support.fuzz [libFuzzer's options]

A finding is any exception but ObjectError, a hang, or a row that is neither kept nor rejected.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import atheris

with atheris.instrument_imports(include=["headwater.ingest"]):
    from headwater.ingest.rows import row_dicts
    from headwater.pipeline import digest, open_object

from headwater.errors import ObjectError
from headwater.model import ObjectRef, Source
from headwater.schema.load import load_library

LIBRARY = load_library()
NAMES = sorted(LIBRARY)
NOW = datetime(2026, 2, 3, tzinfo=UTC)


def read(data: bytes) -> None:
    """The first byte chooses the log type that the source names, or none; the rest is the object."""
    chosen = data[0] % (len(NAMES) + 1) if data else 0
    log_types = (NAMES[chosen - 1],) if chosen else ()
    source = Source("111122223333", "fuzz", "logs", "example-logs", log_types=log_types)
    try:
        opened = open_object(ObjectRef("example-logs", "k", etag="1"), source, [data[1:]], LIBRARY, max_bytes=1 << 20)
    except ObjectError:
        return
    made = digest([opened], LIBRARY, None, NOW)
    rows = sum(len(row_dicts(batch.table)) for batch in made.batches)
    (receipt,) = made.receipts
    assert receipt.rows_in == rows + len(made.rejects)


if __name__ == "__main__":
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()
