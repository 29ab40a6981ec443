"""Compressed bytes, found by content and undone within bounds."""

from __future__ import annotations

import bz2
import gzip
import os
from collections.abc import Callable, Iterator

import pytest
import zstandard

from headwater.errors import ObjectError
from headwater.ingest.decode import decode
from support.decoding import MIB, as_lines, blocks, chunks, error_of, finished, records

LINES = b"one 1\ntwo 2\nthree 3\n"
SKIPPABLE_FRAME = b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip"


@pytest.mark.parametrize(
    "body",
    [
        LINES,
        gzip.compress(LINES),
        gzip.compress(LINES[:6]) + gzip.compress(b"") + gzip.compress(LINES[6:]),
        gzip.compress(LINES) + bytes(700),
        bz2.compress(LINES[:6]) + bz2.compress(LINES[6:]),
        zstandard.compress(LINES[:6]) + SKIPPABLE_FRAME + zstandard.compress(LINES[6:]),
        SKIPPABLE_FRAME + zstandard.compress(LINES),
        gzip.compress(gzip.compress(LINES)),
        gzip.compress(zstandard.compress(bz2.compress(LINES))),
    ],
    ids=[
        "plain",
        "gzip",
        "members",
        "padding",
        "bzip2",
        "zstd frames",
        "skippable first",
        "gzip twice",
        "three layers",
    ],
)
@pytest.mark.parametrize("block", [None, 1, 7], ids=["one block", "single bytes", "blocks of 7"])
def test_compression_is_found_by_content_and_undone(body: bytes, block: int | None) -> None:
    assert records(body, block=block) == as_lines(b"one 1", b"two 2", b"three 3")


@pytest.mark.parametrize(
    "body",
    [b"", b"\n \r\n", gzip.compress(b""), gzip.compress(b"") * 2, bz2.compress(b""), zstandard.compress(b"")],
    ids=["empty", "blank", "gzip of nothing", "two of nothing", "bzip2 of nothing", "zstd of nothing"],
)
def test_nothing_yields_no_chunks(body: bytes) -> None:
    assert chunks(body) == []


@pytest.mark.parametrize(
    "pack",
    [gzip.compress, bz2.compress, zstandard.compress, zstandard.ZstdCompressor(write_checksum=True).compress],
    ids=["gzip", "bzip2", "zstd", "zstd with checksum"],
)
def test_junk_after_a_whole_member_is_a_warning(pack: Callable[[bytes], bytes]) -> None:
    decoded = decode([pack(LINES) + b"junk"], max_bytes=MIB)

    assert [len(chunk.records) for chunk in decoded] == [3]
    assert decoded.warnings == ("trailing_data",)


def test_padding_after_a_whole_member_is_no_warning() -> None:
    assert finished(gzip.compress(LINES) + bytes(100_000)).warnings == ()


@pytest.mark.parametrize("block", [100, 1_000_000])
def test_zstd_frames_of_any_kind_are_followed_to_their_end(block: int) -> None:
    random = os.urandom(300_000).hex().encode()
    frames = [
        zstandard.ZstdCompressor(level, write_checksum=checksum, write_content_size=sized).compress(body)
        for level, checksum, sized, body in [
            (1, True, True, random),
            (19, False, False, random),
            (3, True, False, b"x" * 10**6),
        ]
    ]

    found = decode(blocks(b"".join(frames) + b"junk", block), max_bytes=10 * MIB)

    assert b"".join(bytes(record) for chunk in found for record in chunk.records) == random * 2 + b"x" * 10**6
    assert found.warnings == ("trailing_data",)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, zstandard.compress], ids=["gzip", "bzip2", "zstd"])
def test_truncated_archive_names_the_offset_reached(pack: Callable[[bytes], bytes]) -> None:
    body = pack(os.urandom(5000).hex().encode())[:-3]

    error = error_of(body)

    assert error.kind == "truncated"
    assert str(len(body)) in str(error)


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(LINES)[:-8] + b"\0\0\0\0" + gzip.compress(LINES)[-4:],
        gzip.compress(LINES)[:10] + b"\x07" * 40,
        bz2.compress(LINES)[:20] + b"\xff" * 40,
        zstandard.compress(LINES * 99)[:9] + b"\xff" * 40,
        gzip.compress(LINES) + gzip.compress(LINES)[:10] + b"\x07" * 40,
    ],
    ids=["gzip checksum", "deflate data", "bzip2 data", "zstd data", "second member"],
)
def test_damaged_archive_is_corrupt(body: bytes) -> None:
    assert error_of(body).kind == "corrupt"


@pytest.mark.parametrize("unit", [b"a", b"\n", b"\0", b"{"], ids=["text", "blank lines", "NUL", "brackets"])
@pytest.mark.parametrize(
    "pack",
    [gzip.compress, bz2.compress, zstandard.compress, lambda body: gzip.compress(gzip.compress(body)), bytes],
    ids=["gzip", "bzip2", "zstd", "gzip twice", "plain"],
)
def test_uncompressed_size_over_the_limit_is_too_large(pack: Callable[[bytes], bytes], unit: bytes) -> None:
    if pack is bytes and unit == b"\0":
        unit = b"a"  # plain NULs are refused at first sight

    assert error_of(pack(unit * (8 * MIB)), max_bytes=MIB).kind == "too_large"


def test_size_equal_to_the_limit_is_accepted() -> None:
    assert len(records(gzip.compress(LINES), max_bytes=len(LINES))) == 3


def test_stream_is_not_read_beyond_the_limit() -> None:
    taken: list[int] = []

    def endless() -> Iterator[bytes]:
        while True:
            taken.append(MIB)
            yield b"x" * MIB

    with pytest.raises(ObjectError):
        list(decode(endless(), max_bytes=4 * MIB))
    assert sum(taken) <= 6 * MIB


def test_nothing_is_read_before_the_first_chunk_is_asked_for() -> None:
    def forbidden() -> Iterator[bytes]:
        raise AssertionError("read too early")
        yield b""

    assert decode(forbidden(), max_bytes=MIB).warnings == ()


@pytest.mark.parametrize(
    "start",
    [gzip.compress(LINES)[:20], zstandard.compress(LINES)[:12], bz2.compress(LINES)[:9]],
    ids=["gzip", "zstd", "bzip2"],
)
def test_failure_of_the_source_passes_through_unchanged(start: bytes) -> None:
    def breaking() -> Iterator[bytes]:
        yield start
        raise ConnectionResetError("peer")

    with pytest.raises(ConnectionResetError):
        list(decode(breaking(), max_bytes=MIB))


def test_more_than_three_layers_are_unsupported() -> None:
    body = LINES
    for _ in range(4):
        body = gzip.compress(body)

    assert error_of(body).kind == "unsupported"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"PARE\x15\x04\x15", "parquet_unsupported"),
        (b"\x7fELF\x02\x01", "program"),
        (b"PK\x03\x04\x14\x00", "zip"),
        (b"some\0text", "NUL byte at offset 4"),
    ],
    ids=["encrypted parquet", "elf", "zip", "nul"],
)
def test_binary_content_is_unsupported(body: bytes, text: str) -> None:
    error = error_of(body)

    assert error.kind == "unsupported"
    assert text in str(error)


def test_error_names_the_object() -> None:
    with pytest.raises(ObjectError, match=r"a/b\.gz"):
        list(decode([gzip.compress(LINES)[:-3]], max_bytes=MIB, key="a/b.gz"))


def test_bytes_out_counts_what_was_decompressed() -> None:
    assert finished(gzip.compress(LINES)).bytes_out == len(LINES)
