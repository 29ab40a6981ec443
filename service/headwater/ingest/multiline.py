"""Lines that are one record together → that record, at the position of its first line."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from headwater.ingest.columns import RawRows


def joined_lines(
    rows: RawRows, lines: Sequence[bytes], at: pa.Array | None, start: str
) -> tuple[Sequence[bytes], pa.Array | None]:
    """Records of lines, with line feeds between them, and the positions of their first lines; None: all of them.

    at: the positions of the lines. start: RE2 pattern of a line that begins a record. Lines at the top of an object
    before any such line stay apart: nobody knows what they belong to.
    """
    begins = pc.indices_nonzero(pc.match_substring_regex(pa.array(lines, pa.binary()), start)).to_pylist()
    if len(begins) == len(lines):
        return lines, at
    records: list[bytes] = []
    firsts: list[int] = []
    for first, end in _objects(rows, at):
        inside = begins[bisect_left(begins, first) : bisect_left(begins, end)]
        head = inside[0] if inside else end
        records += lines[first:head]
        firsts += range(first, head)
        ends = (*inside[1:], end)
        records += [
            lines[begin] if stop == begin + 1 else b"\n".join(lines[begin:stop])
            for begin, stop in zip(inside, ends, strict=bool(inside))
        ]
        firsts += inside
    found = pa.array(firsts, pa.int64())
    return records, found if at is None else at.take(found)


def _objects(rows: RawRows, at: pa.Array | None) -> Iterator[tuple[int, int]]:
    """The stretches of lines, by index, that follow each other in one object."""
    positions = None if at is None else at.to_pylist()
    first = 0
    for number, position in enumerate(rows.starts[1:], 1):
        if number < len(rows.parts) and _goes_on(rows, number):
            continue
        end = position if positions is None else bisect_left(positions, position)
        yield first, end
        first = end


def _goes_on(rows: RawRows, number: int) -> bool:
    """Whether a part is the next chunk of the object of the part before it."""
    before, part = rows.parts[number - 1], rows.parts[number]
    follows = before.chunk.first_row + len(before.chunk.records) == part.chunk.first_row
    return follows and before.ref.object_id == part.ref.object_id and before.chunk.context == part.chunk.context


def as_texts(lines: Sequence[bytes]) -> pa.Array:
    """Lines as texts; bytes that are no UTF-8 are replaced."""
    try:
        return pa.array(lines, pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([line.decode(errors="replace") for line in lines], pa.string())
