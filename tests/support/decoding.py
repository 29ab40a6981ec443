"""Short ways to decode a body in a test."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.errors import ObjectError
from headwater.ingest.decode import Decoded, decode
from headwater.model import Chunk

MIB = 1024 * 1024


def chunks(body: bytes, *, block: int | None = None, max_bytes: int = 64 * MIB, **options: int) -> list[Chunk]:
    """All chunks of a body."""
    return list(decode(blocks(body, block), max_bytes=max_bytes, **options))


def blocks(body: bytes, size: int | None) -> list[bytes]:
    """The body as a stream delivers it."""
    return [body] if size is None else [body[start : start + size] for start in range(0, len(body), size)]


def records(body: bytes, **options: Any) -> list[tuple[str, bytes]]:
    """Shape and bytes of every record of a body."""
    return [(chunk.shape, bytes(record)) for chunk in chunks(body, **options) for record in chunk.records]


def shapes(body: bytes) -> list[tuple[str, int, int]]:
    """Shape, first row and number of records of every chunk."""
    return [(chunk.shape, chunk.first_row, len(chunk.records)) for chunk in chunks(body)]


def finished(body: bytes) -> Decoded:
    """A decoding that has come to its end."""
    decoded = decode([body], max_bytes=64 * MIB)
    for _ in decoded:
        pass
    return decoded


def error_of(body: bytes, **options: Any) -> ObjectError:
    """The error that a body raises."""
    with pytest.raises(ObjectError) as caught:
        chunks(body, **options)
    return caught.value


def as_lines(*texts: bytes) -> list[tuple[str, bytes]]:
    """Text records, as `records` gives them."""
    return [("lines", text) for text in texts]


def as_json(*texts: bytes) -> list[tuple[str, bytes]]:
    """JSON records, as `records` gives them."""
    return [("json", text) for text in texts]
