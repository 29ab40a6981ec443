"""Bytes of one log object → chunks of raw records, decided by content and never by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from headwater.errors import ObjectError
from headwater.ingest.compress import decompress
from headwater.ingest.jsonstream import JsonStream
from headwater.ingest.jsontext import JSON_START, Piece
from headwater.ingest.parquet import MAGIC, read_parquet
from headwater.ingest.text import Notes, cut_text, peek, to_utf8
from headwater.model import Chunk

MIB = 1024 * 1024
SEGMENT_BYTES = 4 * MIB  # text is cut into chunks of about this size; two million empty records take 150 MB
CHUNK_ROWS = 50_000
MAX_LINE_BYTES = 16 * MIB
RECORD_BYTES = 16 * MIB
HEAD_BYTES = 4096


class Decoded:
    """The chunks of one object, made while they are read; the notes are complete when the iteration has ended."""

    def __init__(self, pieces: Iterable[Piece], notes: Notes, key: str) -> None:
        self._notes = notes
        self._key = key
        self._chunks = _number(pieces)

    def __iter__(self) -> Iterator[Chunk]:
        return self

    def __next__(self) -> Chunk:
        try:
            return next(self._chunks)
        except ObjectError as error:
            if not self._key:
                raise
            raise ObjectError(error.kind, f"{error} ({self._key})") from error

    @property
    def warnings(self) -> tuple[str, ...]:
        """Stable codes: trailing_data, invalid_utf8, invalid_utf16, lone_surrogate, line_too_long, record_too_long."""
        return tuple(self._notes.warnings)

    @property
    def ignored(self) -> Mapping[str, int]:
        """Records that are no log data by design, by reason."""
        return dict(self._notes.ignored)

    @property
    def bytes_out(self) -> int:
        """Bytes after decompression."""
        return self._notes.bytes_out


def decode(
    stream: Iterable[bytes],
    *,
    max_bytes: int,
    key: str = "",
    segment_bytes: int = SEGMENT_BYTES,
    record_bytes: int = RECORD_BYTES,
) -> Decoded:
    """The records of one object's bytes: gzip, bzip2, zstd or plain; JSON of any framing, text lines, or Parquet.

    key: named in errors, nothing else. segment_bytes: text comes in chunks of about this size. record_bytes: a JSON
    record that is longer can be refused (only where its object is larger than a segment).
    Nothing is read before the first chunk is asked for. A record that should be JSON and is not stands in a chunk of
    shape "lines" whose context has defect = invalid_json; a record too long, cut to 64 KiB, in one with defect =
    record_too_long, a text line over 16 MiB in one with defect = line_too_long.
    Raises (while iterating): ObjectError: truncated, corrupt, too_large, unsupported.
    """
    notes = Notes()
    return Decoded(_pieces(stream, max_bytes, segment_bytes, record_bytes, notes), notes, key)


def _number(pieces: Iterable[Piece]) -> Iterator[Chunk]:
    row = 0
    for piece in pieces:
        for records in _runs(piece):
            yield Chunk(piece.shape, records, row, piece.context)
            row += len(records)


def _runs(piece: Piece) -> Iterable[Sequence[Any]]:
    """The records in runs of a bounded number; tables are bounded as they are."""
    count = len(piece.records)
    if count <= CHUNK_ROWS or piece.shape == "columns":
        return [piece.records] if count else []
    return (piece.records[start : start + CHUNK_ROWS] for start in range(0, count, CHUNK_ROWS))


def _pieces(
    stream: Iterable[bytes], max_bytes: int, segment_bytes: int, record_bytes: int, notes: Notes
) -> Iterator[Piece]:
    magic, data = peek(decompress(stream, max_bytes=max_bytes, notes=notes), len(MAGIC))
    if magic == MAGIC:
        yield from (Piece("columns", rows) for rows in read_parquet(data, max_bytes=max_bytes))
        return
    text = to_utf8(data, notes)
    head, text = peek(_without_leading_space(text), HEAD_BYTES)
    if JSON_START.match(head):
        yield from JsonStream(text, segment_bytes, record_bytes, notes).pieces()
    else:
        yield from _split_lines(text, segment_bytes, notes)


def _without_leading_space(blocks: Iterator[bytes]) -> Iterator[bytes]:
    for block in blocks:
        if start := block.lstrip():
            yield start
            break
    yield from blocks


def _split_lines(blocks: Iterable[bytes], segment_bytes: int, notes: Notes) -> Iterator[Piece]:
    for body in _whole_lines(blocks, segment_bytes):
        if b"\r" in body:
            body = body.replace(b"\r\n", b"\n").removesuffix(b"\r")
        lines = list(filter(bytes.strip, body.split(b"\n")))
        if lines and max(map(len, lines)) > MAX_LINE_BYTES:
            yield from _set_long_lines_apart(lines, notes)
        else:
            yield Piece("lines", lines)


def _whole_lines(blocks: Iterable[bytes], segment_bytes: int) -> Iterator[bytes]:
    """Text of whole lines, about segment_bytes each; of a longer line only its first bytes over MAX_LINE_BYTES."""
    held: list[bytes] = []
    size, limit = 0, segment_bytes
    for block in blocks:
        held.append(block)
        size += len(block)
        if size < limit:
            continue
        body = b"".join(held)
        cut = body.rfind(b"\n") + 1
        if cut:
            yield body[:cut]
        rest = body[cut : cut + MAX_LINE_BYTES + 1]  # enough to be known as too long
        held, size, limit = [rest], len(rest), len(rest) + segment_bytes
    yield b"".join(held)


def _set_long_lines_apart(lines: list[bytes], notes: Notes) -> Iterator[Piece]:
    notes.warn("line_too_long")
    start = 0
    for number, line in enumerate(lines):
        if len(line) > MAX_LINE_BYTES:
            yield Piece("lines", lines[start:number])
            yield Piece("lines", [cut_text(line)], {"defect": "line_too_long"})
            start = number + 1
    yield Piece("lines", lines[start:])
