"""A JSON text too large to hold → pieces of raw records, cut where records end, a segment at a time.

Where a segment can end is guessed (before the last record that begins like the first one) and proved by msgspec, which
has to read the segment in any case; brackets are counted only where no guess holds. The elements of a long list are
put into the frame that they came in, so that each segment is a small document of the same kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from headwater.errors import ObjectError
from headwater.ingest.brackets import Brackets, Ends, find_ends
from headwater.ingest.jsontext import BESIDE, Piece, is_whole, split_json, split_sound
from headwater.ingest.text import Notes, cut_text

HEAD = re.compile(rb'\s*([\[{][\[{\s]*(?:"[^"\\]{0,99}")?)')  # how a record begins: up to its first key
ARRAY_HEAD = re.compile(rb"\s*\[")
LIST_HEAD = re.compile(rb'"(?:Records|Events|logEvents|configurationItems|[fF]indings)"\s*:\s*\[')
LIST_HEAD_BYTES = 64 * 1024  # a list of records begins within this much of its document
SEGMENT_RECORDS = 200_000
GUESSES = 3
COMMA_GUESSES = 16
SPACE = b" \t\r\n"
HEADS = msgspec.json.Decoder(dict[str, msgspec.Raw])
UNSOUND = (msgspec.DecodeError, RecursionError)


class _Held:
    """The part of a text that has been read and not been cut off yet."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self.body = b""

    def fill(self, size: int) -> bool:
        """Whether `size` bytes could be had; if not, the body is the last of the text."""
        parts, length = [self.body], len(self.body)
        while length < size and (block := next(self._blocks, None)) is not None:
            parts.append(block)
            length += len(block)
        self.body = b"".join(parts)
        return length >= size

    def drop(self, count: int) -> None:
        """Forget the first bytes."""
        self.body = self.body[count:]

    def drop_separators(self) -> None:
        """Forget what stands between two elements of a list."""
        if self.body[:1] in b" \t\r\n,":
            self.body = self.body.lstrip(b" \t\r\n,")


@dataclass(frozen=True, slots=True)
class _Frame:
    """What stands around the elements of a list.

    head: bytes of the document before the first element. beside: members before the list that its records do without.
    """

    before: bytes
    after: bytes
    head: int
    beside: int = 0

    @property
    def depth(self) -> int:
        """Brackets that are open where an element begins."""
        return len(self.after)

    def around(self, elements: bytes) -> bytes:
        """The elements as a document."""
        return b"".join((self.before, elements, self.after))


class JsonStream:
    """The records of one JSON text of any framing, while it is read.

    segment_bytes: about what is held at a time. record_bytes: of a longer record only its first 64 KiB are kept, as a
    record of shape "lines" with defect = record_too_long.
    """

    def __init__(self, blocks: Iterable[bytes], segment_bytes: int, record_bytes: int, notes: Notes) -> None:
        self._held = _Held(blocks)
        self._segment_bytes = segment_bytes
        self._record_bytes = record_bytes
        self._notes = notes
        self._has_lines = False  # whole lines were seen: a broken one does not make the rest a document
        self._has_records = False

    def pieces(self) -> Iterator[Piece]:
        """All records, in order. Raises: ObjectError: truncated, corrupt."""
        held, size = self._held, 0
        while held.fill(size or self._segment_bytes):
            size = 0
            if found := self._cut_lines() or self._guess_values():
                yield from self._kept(found)
            elif (frame := _find_list(held.body)) and (found := self._begin_list(frame)):
                yield from self._kept(found)
                yield from self._split_list(frame)
            elif found := self._count_values():
                yield from self._kept(found)
            elif frame:
                held.drop(frame.head)
                self._notes.count(BESIDE, frame.beside)
                yield from self._split_list(frame)
            elif len(held.body) <= self._record_bytes:
                size = max(self._segment_bytes, 2 * len(held.body))
            else:
                yield self._skip_record(floor=0)
        yield from self._rest(held.body)

    def _kept(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """The pieces; the segments after many tiny records are smaller, for each record takes 100 bytes by itself."""
        for piece in pieces:
            self._has_records = True
            if (count := len(piece.records)) > SEGMENT_RECORDS:
                self._segment_bytes = max(self._segment_bytes * SEGMENT_RECORDS // count, 1)
            yield piece

    def _rest(self, body: bytes) -> Iterator[Piece]:
        """The records of the last segment. Raises: ObjectError."""
        self._held.body = b""
        try:
            yield from split_json(body, self._notes, final=True, alone=not self._has_records)
        except ObjectError as error:
            if error.kind != "truncated" or self._notes.bytes_out <= len(body):
                raise
            raise self._truncated() from error

    def _truncated(self) -> ObjectError:
        return ObjectError("truncated", f"the text ends within a JSON value, {self._notes.bytes_out} bytes into it")

    def _cut_lines(self) -> list[Piece] | None:
        """The records up to the last line end; None where lines are not values of their own."""
        body = self._held.body
        first_end = body.find(b"\n")
        if first_end < 0 or not (self._has_lines or is_whole(body[:first_end])):
            return None
        cut = body.rindex(b"\n") + 1
        try:
            pieces = list(split_json(body[:cut], self._notes, final=False))
        except ObjectError:  # a value goes on after the cut
            return None
        self._has_lines = True
        self._held.drop(cut)
        return pieces

    def _guess_values(self) -> list[Piece]:
        """The records of the values up to one that begins like the first, or nothing."""
        body = self._held.body
        for cut in _guesses(body):
            if pieces := self._sound(body[:cut]):
                self._held.drop(cut)
                return pieces
        return []

    def _count_values(self) -> list[Piece]:
        """The records of all values that end within what is held; nothing where the first one does not."""
        body = self._held.body
        end = find_ends(body, floor=0).record
        self._held.drop(end)
        return list(split_json(body[:end], self._notes, final=False)) if end else []

    def _begin_list(self, frame: _Frame) -> list[Piece]:
        """The first elements of a list that goes on beyond what is held, or nothing."""
        body = self._held.body
        self._held.drop(frame.head)
        found = self._cut_elements(frame)
        if found:
            self._notes.count(BESIDE, frame.beside)
        else:
            self._held.body = body
        return found

    def _sound(self, text: bytes) -> list[Piece]:
        """The records of a text without any fault, or nothing."""
        try:
            return list(split_sound(text, self._notes))
        except UNSOUND:
            return []

    def _split_list(self, frame: _Frame) -> Iterator[Piece]:
        """The records of one list, and of what comes after it in its document."""
        held, size = self._held, 0
        while held.fill(size or self._segment_bytes):
            size = 0
            held.drop_separators()
            if found := self._cut_elements(frame):
                yield from self._kept(found)
                continue
            ends = find_ends(held.body, floor=-frame.depth)
            if ends.list:
                yield from self._kept(self._leave_list(frame, ends))
                return
            if ends.record:
                yield from self._kept(self._take(frame.around(held.body[: ends.record]), ends.record))
            elif len(held.body) <= self._record_bytes:
                size = max(self._segment_bytes, 2 * len(held.body))
            elif found := self._cut_scalars(frame):
                yield from self._kept(found)
            else:
                yield self._skip_record(floor=-1)
        held.drop_separators()
        yield from self._rest(frame.before + held.body)

    def _cut_elements(self, frame: _Frame) -> list[Piece]:
        body = self._held.body
        cuts = (_comma_before(body, at) for at in _guesses(body))
        return self._cut_first(frame, [cut for cut in cuts if cut > 0])

    def _cut_scalars(self, frame: _Frame) -> list[Piece]:
        """Elements without brackets end at commas."""
        return self._cut_first(frame, list(_last(self._held.body, b",", COMMA_GUESSES)))

    def _cut_first(self, frame: _Frame, cuts: Iterable[int]) -> list[Piece]:
        body = self._held.body
        for cut in cuts:
            if pieces := self._sound(frame.around(body[:cut])):
                self._held.drop(cut + 1)
                return pieces
        return []

    def _take(self, document: bytes, count: int) -> Iterator[Piece]:
        """The records of a document made of the first `count` bytes, which need not be sound."""
        self._held.drop(count)
        return split_json(document, self._notes, final=False)

    def _leave_list(self, frame: _Frame, ends: Ends) -> Iterator[Piece]:
        """The last records of a list; the rest of its document is read and counted."""
        body = self._held.body
        if ends.document:
            yield from self._take(frame.before + body[: ends.document], ends.document)
            return
        yield from self._take(frame.around(body[: ends.list - 1]), ends.list)
        self._notes.count(BESIDE, 1)
        self._skip_to(-1, floor=-1)

    def _skip_record(self, *, floor: int) -> Piece:
        """The record that is too long, cut; all of it is dropped."""
        self._notes.warn("record_too_long")
        self._has_records = True
        kept = cut_text(self._held.body.lstrip())
        self._skip_to(0, floor=floor)
        return Piece("lines", [kept], {"defect": "record_too_long"})

    def _skip_to(self, level: int, *, floor: int) -> None:
        """Drop all up to the bracket that closes to a level, counted from here; one that closes more is left."""
        held, brackets = self._held, Brackets(floor)
        while True:
            for end, reached in brackets.closings(held.body):
                if reached <= level:
                    held.drop(end if reached == level else end - 1)
                    return
            held.body = b""
            if not held.fill(1):
                raise self._truncated()


def _find_list(body: bytes) -> _Frame | None:
    """The frame of the list of records that the body begins with."""
    head = body[:LIST_HEAD_BYTES]
    if array := ARRAY_HEAD.match(head):
        return _Frame(b"[", b"]", array.end())
    for found in LIST_HEAD.finditer(head):
        members = _members(head[: found.end()] + b"]}")
        if members is not None and "Records" in members:
            return _Frame(b'{"Records":[', b"]}", found.end(), len(members) - 1)
        if members is not None:
            return _Frame(head[: found.end()], b"]}", found.end())
    return None


def _members(document: bytes) -> dict[str, msgspec.Raw] | None:
    try:
        return HEADS.decode(document)
    except UNSOUND:
        return None


def _guesses(body: bytes) -> Iterator[int]:
    """Where another record may begin, the last first; only in the second half, so that every cut is worth its cost."""
    head = HEAD.match(body)
    if head is not None:
        yield from _last(body, head[1], GUESSES)


def _last(body: bytes, text: bytes, tries: int) -> Iterator[int]:
    """The last few places of a text in the second half of the body."""
    at, half = len(body), len(body) // 2
    for _ in range(tries):
        at = body.rfind(text, half, at)
        if at <= 0:
            return
        yield at


def _comma_before(body: bytes, at: int) -> int:
    """The place of the comma that stands before `at` with nothing but space between, or -1."""
    at -= 1
    while at > 0 and body[at] in SPACE:
        at -= 1
    return at if body[at] == ord(",") else -1
