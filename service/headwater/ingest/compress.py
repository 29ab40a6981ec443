"""Compressed bytes → plain bytes, piece by piece, by content and never by name."""

from __future__ import annotations

import bz2
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import pyarrow as pa
from isal import igzip_lib

from headwater.errors import ObjectError
from headwater.ingest.text import Notes, peek

GZIP = b"\x1f\x8b\x08"
BZIP2 = b"BZh"
ZSTD = b"\x28\xb5\x2f\xfd"
ZSTD_SKIPPABLE = b"\x2a\x4d\x18"  # RFC 8878 3.1.2: after one byte 0x50 to 0x5f
NUL_HEAD = bytes(4)
MAX_LAYERS = 3
FEED_BYTES = 64 * 1024  # what a decompressor keeps after the end of a member is copied: keep it small
OUT_BYTES = 4 * 1024 * 1024


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def decompress(blocks: Iterable[bytes], *, max_bytes: int, notes: Notes) -> Iterator[bytes]:
    """The plain bytes of a gzip, bzip2 or zstd stream (also nested), or the stream itself.

    Raises: ObjectError: truncated (with the offset reached), corrupt, too_large (beyond max_bytes), unsupported.
    """
    for depth in range(MAX_LAYERS + 1):
        head, blocks = peek(blocks, 4)
        layer = _layer(head, blocks, notes)
        if layer is None:
            plain = _bounded(blocks, max_bytes, notes)
            return _drain(plain) if depth and head == NUL_HEAD else plain
        blocks = _bounded(layer, max_bytes, None)
    raise ObjectError("unsupported", f"more than {MAX_LAYERS} layers of compression")


def _layer(head: bytes, blocks: Iterable[bytes], notes: Notes) -> Iterator[bytes] | None:
    if head.startswith(GZIP):
        return _members(_Feed(blocks), "gzip", GZIP, _new_gzip, notes)
    if head.startswith(BZIP2) and head[3:4].isdigit():
        return _members(_Feed(blocks), "bzip2", BZIP2, bz2.BZ2Decompressor, notes)
    if head == ZSTD or _is_skippable(head):
        return _zstd(_Feed(blocks), notes)
    return None


def _drain(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """An archive of NULs: no log either way, but one beyond the limit shall be called too large."""
    for _ in blocks:
        pass
    raise ObjectError("unsupported", "binary content: the archive begins with NUL bytes")


def _bounded(blocks: Iterable[bytes], max_bytes: int, notes: Notes | None) -> Iterator[bytes]:
    size = 0
    for block in blocks:
        size += len(block)
        if notes is not None:
            notes.bytes_out = size
        if size > max_bytes:
            raise ObjectError("too_large", f"more than {max_bytes} bytes when decompressed")
        yield block


class _Feed:
    """A stream cut into small pieces, with push-back; knows how many bytes were taken."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._source = _pieces(blocks)
        self._back = b""
        self._read = 0

    @property
    def offset(self) -> int:
        """Bytes taken and not pushed back."""
        return self._read - len(self._back)

    def take(self) -> bytes:
        """The next piece; empty at the end of the stream."""
        if self._back:
            piece, self._back = self._back, b""
            return piece
        piece = next(self._source, b"")
        self._read += len(piece)
        return piece

    def push_back(self, piece: bytes) -> None:
        """Give back what was taken last."""
        self._back = piece

    def exactly(self, size: int) -> bytes:
        """The next `size` bytes, fewer only at the end of the stream."""
        parts = []
        while size and (piece := self.take()):
            parts.append(piece[:size])
            size -= len(parts[-1])
            self.push_back(piece[len(parts[-1]) :])
        return b"".join(parts)

    def skip_padding(self, size: int) -> bytes:
        """The next `size` bytes (fewer at the end) after any NUL padding, left in place."""
        head = b""
        while len(head) < size and (piece := self.take()):
            head = head + piece if head else piece.lstrip(b"\0")
        self._back = head
        return head[:size]


def _pieces(blocks: Iterable[bytes]) -> Iterator[bytes]:
    for block in blocks:
        if len(block) <= FEED_BYTES:
            if block:
                yield block
            continue
        for start in range(0, len(block), FEED_BYTES):
            yield block[start : start + FEED_BYTES]


def _new_gzip() -> _Decompressor:
    decompressor: _Decompressor = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    return decompressor


def _members(feed: _Feed, name: str, magic: bytes, new: Callable[[], _Decompressor], notes: Notes) -> Iterator[bytes]:
    """Every member of a stream; NUL padding after a member is skipped, other junk ends the stream with a warning."""
    while True:
        yield from _member(feed, name, new())
        head = feed.skip_padding(len(magic))
        if head != magic:
            if head:
                notes.warn("trailing_data")
            return


def _member(feed: _Feed, name: str, decompressor: _Decompressor) -> Iterator[bytes]:
    while not decompressor.eof:
        piece = b""
        if decompressor.needs_input:
            piece = feed.take()
            if not piece:
                raise ObjectError("truncated", f"{name} stream ends within a member at byte {feed.offset}")
        if out := _inflate(feed, name, decompressor, piece):
            yield out
    feed.push_back(decompressor.unused_data)


def _inflate(feed: _Feed, name: str, decompressor: _Decompressor, piece: bytes) -> bytes:
    try:
        return decompressor.decompress(piece, OUT_BYTES)
    except (igzip_lib.IsalError, OSError, ValueError) as error:  # type: ignore[misc]  # isal's stub is wrong here
        raise ObjectError("corrupt", f"{name} data broken before byte {feed.offset}: {error}") from error


class _Readable:
    """Pieces as the file object that Arrow reads from."""

    closed = False

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = filter(None, pieces)
        self._rest = b""

    def read(self, size: int) -> bytes:
        """At most `size` bytes."""
        piece = self._rest or next(self._pieces, b"")
        self._rest = piece[size:]
        return piece[:size]

    def close(self) -> None:
        """Nothing to close: the stream belongs to the caller."""


def _zstd(feed: _Feed, notes: Notes) -> Iterator[bytes]:
    """All frames. Arrow's reader, because zstandard's bounded reader takes a truncated stream for a whole one."""
    frames = _Readable(_zstd_frames(feed, notes))
    with pa.CompressedInputStream(pa.PythonFile(frames, mode="r"), "zstd") as stream:
        while out := _read_zstd(stream, feed):
            yield out


def _zstd_frames(feed: _Feed, notes: Notes) -> Iterator[bytes]:
    """The bytes of all frames: Arrow loses what it has read of the last one when something else comes behind it.

    Source: RFC 8878, 3.1.1 (frames) and 3.1.2 (skippable frames).
    """
    while head := feed.skip_padding(4):
        if head == ZSTD:
            yield from _zstd_frame(feed)
        elif _is_skippable(head):
            size = feed.exactly(8)
            left = int.from_bytes(size[4:], "little")
            yield size
            while left > 0 and (piece := feed.exactly(min(left, FEED_BYTES))):
                left -= len(piece)
                yield piece
        else:
            notes.warn("trailing_data")
            return


def _is_skippable(head: bytes) -> bool:
    return head[1:] == ZSTD_SKIPPABLE and 0x50 <= head[0] <= 0x5F


def _zstd_frame(feed: _Feed) -> Iterator[bytes]:
    start = feed.exactly(5)
    flags = start[4] if len(start) == 5 else 0
    is_single, has_checksum = flags >> 5 & 1, flags >> 2 & 1
    yield start + feed.exactly((not is_single) + (0, 1, 2, 4)[flags & 3] + (is_single, 2, 4, 8)[flags >> 6])
    is_last = False
    while not is_last and (head := feed.exactly(3)):
        block = int.from_bytes(head, "little")
        is_last, is_repeated = bool(block & 1), block >> 1 & 3 == 1
        yield head + feed.exactly(1 if is_repeated else block >> 3)
    yield feed.exactly(4 * has_checksum)


def _read_zstd(stream: pa.CompressedInputStream, feed: _Feed) -> bytes:
    try:
        return bytes(stream.read(OUT_BYTES))
    except OSError as error:
        text = str(error)
        if "Truncated compressed stream" in text:
            raise ObjectError("truncated", f"zstd stream ends within a frame at byte {feed.offset}") from error
        if "ZSTD" in text:
            raise ObjectError("corrupt", f"zstd data broken before byte {feed.offset}: {text}") from error
        raise  # the source's own failure
