r"""MySQL audit rows: comma-separated, with an SQL text in single quotes that may hold commas, \' and line feeds.

Source: Amazon Aurora user guide, "Using Advanced Auditing"; Amazon RDS user guide, "MariaDB Audit Plugin".
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from headwater.ingest.alternatives import by_pattern, misfits
from headwater.ingest.columns import RawRows
from headwater.ingest.textcolumns import Texts, kept_lines, stacked
from headwater.schema.logtype import LogType, NativeParser

# The commas before the text and those behind it can be counted; all others are in it.
PATTERN = (
    r"^(?P<timestamp>\d{10,19}|\d{8} \d\d:\d\d:\d\d),(?P<serverhost>[^,]*),(?P<username>[^,]*),(?P<host>[^,]*)"
    r",(?P<connectionid>\d*),(?P<queryid>\d*),(?P<operation>[A-Za-z_ ]*),(?P<database>[^,]*)"
    r",(?:'(?P<quoted>(?s:.*))'|(?P<object>(?s:.*?))),(?P<retcode>-?\d*)(?:,(?P<connection_type>\d*))?,*\s*$"
)
ESCAPED = r"""\\(['"\\])"""


def texts_of(log_type: LogType, rows: RawRows) -> Texts:
    """The cells of each row; the SQL text without its quotes."""
    assert isinstance(log_type.parser, NativeParser)
    lines, at = kept_lines(rows, log_type.parser.cleaning)
    at = pa.array(range(len(lines)), pa.int64()) if at is None else at
    tables = by_pattern(pa.array(lines, pa.binary()), at, [PATTERN])
    found = tables[0].columns
    sql = pc.replace_substring_regex(found["quoted"], ESCAPED, r"\1")
    columns = {name: column for name, column in found.items() if name != "quoted"}
    columns |= {"object": pc.coalesce(sql, found["object"]), "timestamp": _numbers(found["timestamp"])}
    return stacked([Texts(columns, tables[0].positions, {})], misfits(at, tables, f"not a line of {log_type.name}"))


def _numbers(times: pa.Array) -> pa.Array:
    """Microseconds as numbers, unless some row has a date."""
    try:
        return times.cast(pa.int64())
    except pa.ArrowInvalid:
        return times
