"""Bytes of a log object → clean UTF-8, and the notes made on the way."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from headwater.errors import ObjectError

BINARY_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"PARE", "parquet_unsupported: encrypted Parquet objects are not read"),
    (b"PK\x03\x04", "zip archives are not read"),
    (b"PK\x05\x06", "zip archives are not read"),
    (b"\x7fELF", "this is a program, not a log"),
    (b"\xfd7zXZ\x00", "xz archives are not read"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip archives are not read"),
    (b"Obj\x01", "Avro objects are not read"),
    (b"ORC", "ORC objects are not read"),
    (b"\xff\x06\x00\x00sNaPpY", "snappy archives are not read"),
    (b"\x04\x22\x4d\x18", "lz4 archives are not read"),
    (b"%PDF-", "this is a PDF, not a log"),
    (b"\x89PNG", "this is an image, not a log"),
)
UTF16_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
HEAD_BYTES = 4096
KEPT_BYTES = 64 * 1024  # of a record that can only be rejected, as much as a Reject keeps
LONE_SURROGATE = re.compile(
    rb"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"  # kept: an escaped backslash, a whole pair
    rb"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
SURROGATE_HINT = re.compile(rb"\\u[dD]")


@dataclass(slots=True)
class Notes:
    """What decoding noticed: warnings in order of first sight, ignored records by reason, bytes after decompression."""

    warnings: dict[str, None] = field(default_factory=dict)
    ignored: Counter[str] = field(default_factory=Counter)
    bytes_out: int = 0

    def warn(self, code: str) -> None:
        """Remember a warning once."""
        self.warnings[code] = None

    def count(self, reason: str, records: int) -> None:
        """Count ignored records under a reason."""
        if records:
            self.ignored[reason] += records


def peek(blocks: Iterable[bytes], size: int) -> tuple[bytes, Iterator[bytes]]:
    """The first `size` bytes (fewer at the end) and all blocks, those bytes included."""
    source = iter(blocks)
    head = b""
    for block in source:
        head = head + block if head else block
        if len(head) >= size:
            break
    return head[:size], _chain(head, source)


def _chain(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if head:
        yield head
    yield from rest


def to_utf8(blocks: Iterable[bytes], notes: Notes) -> Iterator[bytes]:
    """The same text as valid UTF-8 without byte-order mark.

    Raises: ObjectError("unsupported") for binary content.
    """
    head, blocks = peek(blocks, HEAD_BYTES)
    encoding = UTF16_MARKS.get(head[:2])
    if encoding is not None:
        return _from_utf16(_skip(blocks, 2), encoding, notes)
    refuse_binary(head)
    mark = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0
    return _valid_utf8(_skip(blocks, mark), notes)


def refuse_binary(head: bytes) -> None:
    """Raises: ObjectError("unsupported") when the first bytes cannot be text."""
    for magic, reason in BINARY_MAGIC:
        if head.startswith(magic):
            raise ObjectError("unsupported", reason)
    if b"\0" in head:
        raise ObjectError("unsupported", f"binary content: NUL byte at offset {head.index(0)}")


def _skip(blocks: Iterator[bytes], size: int) -> Iterator[bytes]:
    yield next(blocks, b"")[size:]  # peek joined the head into one block
    yield from blocks


def _from_utf16(blocks: Iterable[bytes], encoding: str, notes: Notes) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    for block in blocks:
        text = decoder.decode(block)
        _note_replaced(text, notes)
        yield text.encode()
    text = decoder.decode(b"", final=True)
    _note_replaced(text, notes)
    yield text.encode()


def _note_replaced(text: str, notes: Notes) -> None:
    if "\ufffd" in text:
        notes.warn("invalid_utf16")


def _valid_utf8(blocks: Iterable[bytes], notes: Notes) -> Iterator[bytes]:
    carry = b""  # the first bytes of a character that the next block ends
    for block in blocks:
        if not carry and block.isascii():
            yield block
            continue
        clean, carry = _clean(carry + block, notes, final=False)
        yield clean
    if carry:
        yield _clean(carry, notes, final=True)[0]


def _clean(data: bytes, notes: Notes, *, final: bool) -> tuple[bytes, bytes]:
    try:
        _, used = codecs.utf_8_decode(data, "strict", final)
        return data[:used], data[used:]
    except UnicodeDecodeError:
        notes.warn("invalid_utf8")
        text, used = codecs.utf_8_decode(data, "replace", final)
        return text.encode(), data[used:]


def cut_text(text: bytes) -> bytes:
    """At most the first KEPT_BYTES of a text, cut between characters."""
    return text if len(text) <= KEPT_BYTES else text[:KEPT_BYTES].decode(errors="ignore").encode()


def mend_surrogates(json_text: bytes, notes: Notes) -> bytes:
    r"""The JSON text with every lone surrogate escape (\ud83d without its pair) replaced by \ufffd."""
    if b"\\" not in json_text or SURROGATE_HINT.search(json_text) is None:
        return json_text
    mended = LONE_SURROGATE.sub(_keep_or_replace, json_text)
    if mended != json_text:
        notes.warn("lone_surrogate")
    return mended


def _keep_or_replace(match: re.Match[bytes]) -> bytes:
    return match[1] or b"\\ufffd"
