"""Text in which lines of several log types stand → chunks of one log type each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

import pyarrow as pa
import pyarrow.compute as pc
import re2

from headwater.ingest.classify import LOOKED_AT
from headwater.model import Chunk
from headwater.schema.logtype import JsonParser, LogType


def apart(chunks: Iterable[Chunk], key: str, library: Mapping[str, LogType], allowed: Sequence[str]) -> Iterator[Chunk]:
    """The chunks; one whose first lines are of several log types comes in runs, each with its log type told.

    Only where the key does not tell, and where each line is a record of its own.
    """
    types = [each for each in library.values() if (not allowed or each.name in allowed) and _has_lines(each)]
    told = any(each.key_pattern and re2.search(each.key_pattern, key) for each in library.values())
    for chunk in chunks:
        mixed = [] if told or chunk.shape != "lines" or chunk.context else _types_of(chunk.records[:LOOKED_AT], types)
        if len(mixed) < 2:
            yield chunk
        else:
            yield from _runs(chunk, mixed)


def _has_lines(log_type: LogType) -> bool:
    if isinstance(log_type.parser, JsonParser):
        return False
    return bool(log_type.content_line) and not log_type.parser.cleaning.record_start


def _types_of(lines: Sequence[bytes], types: Sequence[LogType]) -> list[LogType]:
    """The types of lines, each line's by the first type that it fits."""
    texts = [line.decode(errors="replace") for line in lines]
    first = (next((each for each in types if re2.search(each.content_line, text)), None) for text in texts)
    return list({each.name: each for each in first if each is not None}.values())


def _runs(chunk: Chunk, types: Sequence[LogType]) -> Iterator[Chunk]:
    """Lines that fit no type go with those before them."""
    lines = pa.array(chunk.records, pa.binary())
    fitting = [
        pc.if_else(pc.match_substring_regex(lines, each.content_line), each.name, pa.scalar(None, pa.string()))
        for each in types
    ]
    names = pc.fill_null(pc.fill_null_forward(pc.coalesce(*fitting)), types[0].name).to_pylist()
    for name, run in groupby(range(len(names)), key=names.__getitem__):
        at = list(run)
        records = chunk.records[at[0] : at[-1] + 1]
        yield replace(chunk, records=records, first_row=chunk.first_row + at[0], context={"log_type": name})
