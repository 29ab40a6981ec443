"""Bytes of one object → its chunks by log type: decoded, taken out of envelopes and classified, not parsed yet."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import re2

from headwater.ingest.classify import Ignored, classify
from headwater.ingest.columns import Part
from headwater.ingest.decode import SEGMENT_BYTES, Decoded, decode
from headwater.ingest.delimited import HEADER
from headwater.ingest.envelopes import open_envelopes
from headwater.ingest.export_task import open_export
from headwater.ingest.mixed import apart
from headwater.ingest.reject import headers
from headwater.model import Chunk, ObjectRef, Source
from headwater.schema.logtype import JsonParser, LogType

FIELDS = b"#Fields"  # W3C's line that names the columns of the lines after it
MAX_LOOK_BACK = 10_000  # lines of one record of many lines that are looked for at the end of a piece


@dataclass(frozen=True, slots=True)
class Bound:
    """A size of an object: decoded bytes, records."""

    size_bytes: int
    rows: int

    def within(self, other: Bound) -> Bound:
        """The smaller of each."""
        return Bound(min(self.size_bytes, other.size_bytes), min(self.rows, other.rows))


PIECE = Bound(16 * 1024 * 1024, 50_000)  # 300 MB of memory while it is parsed


@dataclass(frozen=True, slots=True)
class Opened:
    """One object whose bytes are decoded and classified; nothing is parsed yet.

    parts: its chunks by log-type name. unclassified: chunks that fit no log type. ignored, warnings, bytes_in: of all
    that was read so far. pieces: of a large object, all of it piece by piece; it can be gone through once, and the
    object's own parts are empty.
    """

    ref: ObjectRef
    source: Source
    parts: Mapping[str, tuple[Part, ...]]
    unclassified: tuple[Chunk, ...]
    ignored: Mapping[str, int]
    warnings: tuple[str, ...]
    bytes_in: int
    pieces: Iterator[Opened] | None = None


def open_object(
    ref: ObjectRef,
    source: Source,
    stream: Iterable[bytes],
    library: Mapping[str, LogType],
    *,
    max_bytes: int,
    bound: Bound | None = None,
) -> Opened:
    """Decode and classify one object; one beyond the bound comes in pieces, and only its begin is read yet.

    Raises (also while the pieces are read): ObjectError where the object can never be read; then none of it is kept.
    """
    segment_bytes = SEGMENT_BYTES if bound is None else min(SEGMENT_BYTES, bound.size_bytes)
    decoded = decode(stream, max_bytes=max_bytes, key=ref.key, segment_bytes=segment_bytes)
    opening = _Opening(ref, source, library, decoded)
    pieces = opening.pieces(PIECE if bound is None else bound.within(PIECE))
    held: deque[_Piece] = deque()
    while not opening.ended and (bound is None or opening.is_within(bound)):
        held.append(next(pieces))
    if bound is None or opening.is_within(bound):
        return _joined(held)
    return replace(held[0].opened, parts={}, unclassified=(), pieces=_in_turn(held, pieces))


def _joined(pieces: Sequence[_Piece]) -> Opened:
    """A small object as a whole."""
    parts: dict[str, list[Part]] = defaultdict(list)
    for piece in pieces:
        for name, found in piece.opened.parts.items():
            parts[name] += found
    unclassified = tuple(chunk for piece in pieces for chunk in piece.opened.unclassified)
    grouped = {name: tuple(found) for name, found in parts.items()}
    return replace(pieces[-1].opened, parts=grouped, unclassified=unclassified)


def _in_turn(held: deque[_Piece], rest: Iterator[_Piece]) -> Iterator[Opened]:
    """The pieces of a large object; none is kept here once it is given out."""
    while held:
        yield held.popleft().alone()
    for piece in rest:
        yield piece.alone()
        del piece


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of an object. header: the line above it that names the columns of its lines."""

    opened: Opened
    header: str

    def alone(self) -> Opened:
        """The piece as it can be parsed without those before it."""
        if not self.header:
            return self.opened
        parts = {name: tuple(map(self._headed, parts)) for name, parts in self.opened.parts.items()}
        return replace(self.opened, parts=parts)

    def _headed(self, part: Part) -> Part:
        if part.chunk.shape != "lines":
            return part
        return replace(part, chunk=replace(part.chunk, context={**part.chunk.context, HEADER: self.header}))


@dataclass(slots=True)
class _Opening:
    """One object while it is read."""

    ref: ObjectRef
    source: Source
    library: Mapping[str, LogType]
    decoded: Decoded
    ended: bool = False
    rows: int = 0
    _ignored: Counter[str] = field(default_factory=Counter)
    _parts: dict[str, list[Part]] = field(default_factory=lambda: defaultdict(list))
    _unclassified: list[Chunk] = field(default_factory=list)
    _kind: LogType | Ignored | None = None  # only the first chunk of a text has the header that tells its type
    _header: str = ""  # the line that names the columns of the lines to come
    _header_above: str = ""  # the one at the begin of the piece

    def is_within(self, bound: Bound) -> bool:
        """Whether no more was read yet than the bound allows."""
        return self.rows <= bound.rows and self.decoded.bytes_out <= bound.size_bytes

    def pieces(self, most: Bound) -> Iterator[_Piece]:
        """The object in pieces of about `most`; `ended` is set before the last."""
        rows = begun_at = 0
        for chunk in self._chunks():
            read, count = self.decoded.bytes_out, len(chunk.records)
            if rows and (rows + count > most.rows or read - begun_at > most.size_bytes):
                rows, begun_at = 0, read
                yield self._take(self._hold_back())
            rows += count
            self.rows += count
            self._add(chunk)
            del chunk
        self.ended = True
        yield self._take({})

    def _chunks(self) -> Iterator[Chunk]:
        allowed = self.source.log_types
        records = open_envelopes(open_export(self.ref.key, self.decoded), allowed, self._ignored)
        return apart(records, self.ref.key, self.library, allowed)

    def _add(self, chunk: Chunk) -> None:
        kind = classify(self.ref.key, chunk, self.library, self.source.log_types)
        if chunk.shape == "lines" and "logGroup" not in chunk.context:
            kind = self._kind = kind or self._kind
        if kind is None:
            self._unclassified.append(chunk)
        elif isinstance(kind, Ignored):
            self._ignored[kind.reason] += len(chunk.records)
        else:
            part = Part(self.ref, self.source, chunk)
            self._parts[kind.name].append(part)
            if chunk.shape == "lines":
                self._header = _header(kind, part) or self._header

    def _hold_back(self) -> dict[str, list[Part]]:
        """The begun last records of types whose records have many lines: they belong to the next piece."""
        held = {}
        for name, parts in self._parts.items():
            parser = self.library[name].parser
            start = "" if isinstance(parser, JsonParser) else parser.cleaning.record_start
            at = _last_begin(parts[-1].chunk, start) if start and parts[-1].chunk.shape == "lines" else 0
            if at:
                part, chunk = parts[-1], parts[-1].chunk
                parts[-1] = replace(part, chunk=replace(chunk, records=chunk.records[:at]))
                rest = replace(chunk, records=chunk.records[at:], first_row=chunk.first_row + at)
                held[name] = [replace(part, chunk=rest)]
        return held

    def _take(self, held: dict[str, list[Part]]) -> _Piece:
        """What was read since the last piece."""
        parts = {name: tuple(found) for name, found in self._parts.items()}
        unclassified, above = tuple(self._unclassified), self._header_above
        self._parts, self._unclassified, self._header_above = defaultdict(list, held), [], self._header
        ignored = dict(self._ignored + Counter(self.decoded.ignored))
        warnings, size = self.decoded.warnings, self.decoded.bytes_out
        return _Piece(Opened(self.ref, self.source, parts, unclassified, ignored, warnings, size), above)


def _header(kind: LogType, part: Part) -> str:
    """The line of a part that names the columns of the parts after it, or nothing."""
    if (found := headers(kind, [part]).get(part.ref.object_id)) is not None:
        return found
    records = part.chunk.records
    if not records[0].startswith(b"#"):
        return ""
    fields = next((line for line in reversed(records) if line.startswith(FIELDS)), b"")
    return bytes(fields).decode(errors="replace")


def _last_begin(chunk: Chunk, start: str) -> int:
    """The index of the last line that begins a record; 0 where none is found."""
    pattern = re2.compile(start)
    for at in range(len(chunk.records) - 1, max(len(chunk.records) - MAX_LOOK_BACK, 0), -1):
        if pattern.search(chunk.records[at].decode(errors="replace")):
            return at
    return 0
