"""A large object opened in pieces is what it is as a whole."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain

import pytest

from headwater.errors import ObjectError
from headwater.ingest.opening import Bound, Opened, open_object
from headwater.ingest.parse import parse
from headwater.ingest.rows import row_dicts
from headwater.model import ObjectRef, Source
from headwater.schema.logtype import LogType
from support.decoding import blocks
from support.world import cloudtrail_gz, record

SMALL = Bound(size_bytes=500, rows=20)
NOW = datetime(2026, 2, 4, tzinfo=UTC)
FLOW_HEADER = "version interface-id srcaddr dstaddr srcport action start end"
FLOWS = [f"5 eni-{n} 192.0.2.{n} 198.51.100.7 {n} ACCEPT 1770091200 1770091260" for n in range(250)]
CLOUDFRONT = ["#Version: 1.0", "#Fields: date time c-ip cs-method sc-status"] + [
    f"2026-02-03\t04:{n % 60:02d}:00\t192.0.2.{n}\tGET\t200" for n in range(250)
]


def opened(body: bytes, library: Mapping[str, LogType], bound: Bound | None, *log_types: str) -> Opened:
    """An object that comes in blocks."""
    source = Source("111122223333", "payments", "logs", "example-logs", log_types=log_types)
    ref = ObjectRef("example-logs", "logs/object", etag="1")
    return open_object(ref, source, blocks(body, 50), library, max_bytes=1_000_000, bound=bound)


def parsed(pieces: list[Opened], library: Mapping[str, LogType]) -> tuple[list[dict[str, object]], list[int]]:
    """All rows in order, and the numbers of all rejects."""
    rows, rejects = [], []
    for piece in pieces:
        for name, parts in piece.parts.items():
            found = parse(library[name], parts, NOW)
            rows += row_dicts(found.batch.table) if found.batch else []
            rejects += [reject.row for reject in found.rejects]
        starts = (chunk.first_row for chunk in piece.unclassified)
        rejects += chain(*(range(s, s + len(c.records)) for s, c in zip(starts, piece.unclassified, strict=True)))
    return rows, rejects


@pytest.mark.parametrize(
    "body",
    [
        gzip.decompress(cloudtrail_gz([record(n) for n in range(60)])),
        cloudtrail_gz([record(n) for n in range(60)]),
        "\n".join([FLOW_HEADER, *FLOWS]).encode(),
        "\n".join(CLOUDFRONT).encode(),
        b"\n".join(b"no log at all %d" % n for n in range(500)),
    ],
    ids=["records", "gzip", "lines with a header", "lines with remarks", "unclassified"],
)
def test_pieces_of_a_large_object_have_the_rows_of_the_whole(body: bytes, library: Mapping[str, LogType]) -> None:
    whole = opened(body, library, None)
    large = opened(body, library, SMALL)
    assert whole.pieces is None
    assert large.pieces is not None

    pieces = list(large.pieces)

    assert len(pieces) > 3
    assert parsed(pieces, library) == parsed([whole], library)
    assert (pieces[-1].bytes_in, pieces[-1].ignored) == (whole.bytes_in, whole.ignored)


def test_object_within_the_bound_is_opened_as_a_whole(library: Mapping[str, LogType]) -> None:
    found = opened(cloudtrail_gz([record(1)]), library, Bound(size_bytes=10_000, rows=1))

    assert found.pieces is None
    assert sum(len(part.chunk.records) for part in found.parts["AWS.CloudTrail"]) == 1


def test_large_object_that_ends_early_fails_while_its_pieces_are_read(library: Mapping[str, LogType]) -> None:
    body = gzip.decompress(cloudtrail_gz([record(n) for n in range(60)]))[:-20]
    large = opened(body, library, SMALL)
    assert large.pieces is not None

    with pytest.raises(ObjectError, match="ends within") as caught:
        list(large.pieces)

    assert caught.value.kind == "truncated"


def test_large_object_is_read_only_as_far_as_it_must(library: Mapping[str, LogType]) -> None:
    body = gzip.decompress(cloudtrail_gz([record(n) for n in range(600)]))
    taken: list[bytes] = []
    source = Source("111122223333", "payments", "logs", "example-logs")

    def stream() -> Iterator[bytes]:
        for block in blocks(body, 5000):
            taken.append(block)
            yield block

    found = open_object(ObjectRef("b", "k", etag="1"), source, stream(), library, max_bytes=1_000_000, bound=SMALL)

    assert found.pieces is not None
    assert sum(map(len, taken)) < len(body) / 2
