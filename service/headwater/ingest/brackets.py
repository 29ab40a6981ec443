"""Where JSON values end, by brackets and strings alone, over any number of blocks and at any depth."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# All up to the next run of brackets: text and whole strings; or a quote whose string goes on in the next block.
RUN = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+")*+(?:([\[{]++)|([\]}]++)|(")|\Z)', re.DOTALL)
STRING_REST = re.compile(rb'(?:[^"\\]++|\\.)*+("?)', re.DOTALL)


class Brackets:
    """Counts brackets. floor: the depth that closing brackets without an opening one do not go below."""

    def __init__(self, floor: int) -> None:
        self.floor = floor
        self._depth = 0
        self._in_string = False
        self._escaped = False  # the last block ended with a backslash

    def closings(self, block: bytes) -> Iterator[tuple[int, int]]:
        """(offset behind it, depth that it leaves) of each closing bracket of a block that leaves depth 0 or less."""
        start = self._end_string(block, 0) if self._in_string else 0
        while start < len(block):
            run = RUN.match(block, start)
            assert run is not None  # it can match nothing
            start = run.end()
            if run[1]:
                self._depth += len(run[1])
            elif run[2]:
                yield from self._close(run.start(2), len(run[2]))
            elif run[3]:
                start = self._end_string(block, start)

    def _close(self, at: int, count: int) -> Iterator[tuple[int, int]]:
        before = self._depth
        self._depth = max(before - count, self.floor)
        for depth in range(min(before - 1, 0), self._depth - 1, -1):
            yield at + before - depth, depth

    def _end_string(self, block: bytes, start: int) -> int:
        """Where the open string ends, or the end of the block."""
        if self._escaped and start < len(block):
            start, self._escaped = start + 1, False
        rest = STRING_REST.match(block, start)
        assert rest is not None
        self._in_string = not rest[1]
        if rest[1]:
            return rest.end()
        self._escaped = self._escaped or rest.end() < len(block)
        return len(block)


@dataclass(slots=True)
class Ends:
    """Offsets behind the last whole record, behind its list, and behind the document of that list; 0: not reached."""

    record: int = 0
    list: int = 0
    document: int = 0


def find_ends(body: bytes, *, floor: int) -> Ends:
    """The ends of a body that begins where a record does. floor: -1 in a list, -2 in the list of an object, else 0."""
    ends = Ends()
    for offset, depth in Brackets(floor).closings(body):
        if depth == floor < 0:
            ends.list = ends.list or offset
            ends.document = offset
            break
        if depth == 0 and not ends.list:
            ends.record = offset
        elif depth == -1:
            ends.list = ends.list or offset
    return ends
