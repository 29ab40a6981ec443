"""Lines matched by RE2 patterns → typed columns; all lines at once, in Arrow."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from headwater.ingest.columns import Columns, RawRows
from headwater.ingest.textcolumns import Texts, joined, kept_lines, typed
from headwater.ingest.transform import NONE
from headwater.schema.logtype import LogType, RegexParser

ESCAPED = r"""\\(["'\\])"""


def parse_regex(log_type: LogType, parser: RegexParser, rows: RawRows) -> Columns:
    """The columns of N lines; a group that took no part in a match is null, one unknown to the schema is kept."""
    lines, at = kept_lines(rows, parser.cleaning)
    rest = pa.array(lines, pa.binary())
    at = pc.indices_nonzero(pa.repeat(True, len(rest))).cast(pa.int64()) if at is None else at
    tables = []
    for pattern in parser.patterns:
        # Over bytes RE2 needs far fewer states than over UTF-8: 310 ms, not 1,440, for 40,000 lines of a load balancer.
        found = pc.extract_regex(rest, pattern)
        matched = pc.is_valid(found)
        texts = Texts(_texts(parser, found.filter(matched)), at.filter(matched), {})
        tables.append(typed(log_type, parser.cleaning, texts, rows.now))
        rest, at = rest.filter(pc.invert(matched)), at.filter(pc.invert(matched))
    bad = dict.fromkeys(at.to_pylist(), f"not a line of {log_type.name}")
    return tables[0].with_bad(bad) if len(tables) == 1 else joined(log_type, tables, bad)


def _texts(parser: RegexParser, found: pa.Array) -> dict[str, pa.Array]:
    """The texts of the groups by wire name; of groups with the same name the first that has one."""
    names = dict(parser.names)
    columns: dict[str, pa.Array] = {}
    for group, column in zip((each.name for each in found.type), found.flatten(), strict=True):
        text = _text(column)
        if group in parser.quoted:
            text = pc.replace_substring_regex(text, ESCAPED, r"\1")
        name = names.get(group, group)
        columns[name] = pc.coalesce(columns[name], text) if name in columns else text
    return columns


def _text(group: pa.Array) -> pa.Array:
    try:
        text = group.cast(pa.string())
    except pa.ArrowInvalid:  # bytes that are no UTF-8
        text = pa.array([value.decode(errors="replace") for value in group.to_pylist()], pa.string())
    return pc.if_else(pc.equal(text, ""), NONE, text)
