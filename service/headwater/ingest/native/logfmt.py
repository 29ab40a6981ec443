r"""Lines of key=value pairs; a value with blanks stands in quotes, in which \" is a quote.

A line that is no such list, of a program that starts up or breaks, is text under `msg`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import orjson
import pyarrow as pa

from headwater.ingest.columns import RawRows
from headwater.ingest.textcolumns import Texts, kept_lines
from headwater.schema.logtype import LogType, NativeParser

PAIR = re.compile(r'([A-Za-z_][\w.@/-]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?:\s+|\Z)', re.DOTALL)
ESCAPES = re.compile(r"\\(.)", re.DOTALL)
MEANT = {"n": "\n", "t": "\t", "r": "\r"}
TEXT = "msg"
OTHERS = "other_fields"  # pairs with rare keys, together as JSON
MAX_KEYS = 100  # that get a column of their own beside the declared ones


def texts_of(log_type: LogType, rows: RawRows) -> Texts:
    """The values by key."""
    assert isinstance(log_type.parser, NativeParser)
    lines, at = kept_lines(rows, log_type.parser.cleaning)
    pairs = [_pairs(line.decode(errors="replace")) for line in lines]
    positions = pa.array(range(len(lines)), pa.int64()) if at is None else at
    return Texts(_columns([field.wire for field in log_type.fields], pairs), positions, {})


def _pairs(line: str) -> Mapping[str, str]:
    """The pairs of a line, which must be pairs from begin to end; of a key that comes twice the first."""
    found: dict[str, str] = {}
    end = 0
    while (pair := PAIR.match(line, end)) is not None:
        found.setdefault(pair[1], _value(pair[2]))
        end = pair.end()
    return found if end == len(line) else {TEXT: line}


def _value(text: str) -> str:
    return ESCAPES.sub(lambda found: MEANT.get(found[1], found[1]), text[1:-1]) if text[:1] == '"' else text


def _columns(declared: Sequence[str], pairs: Sequence[Mapping[str, str]]) -> dict[str, pa.Array]:
    seen = Counter(key for each in pairs for key in each)
    names = dict.fromkeys(
        [*(name for name in declared if name in seen), *(key for key, _ in seen.most_common(MAX_KEYS))]
    )
    columns = {name: pa.array([each.get(name) or None for each in pairs], pa.string()) for name in names}
    if len(names) == len(seen):
        return columns
    rest = [{key: value for key, value in each.items() if key not in names} for each in pairs]
    return columns | {OTHERS: pa.array([orjson.dumps(each).decode() if each else None for each in rest], pa.string())}
