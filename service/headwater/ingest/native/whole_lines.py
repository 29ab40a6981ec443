"""Each line as one text."""

from __future__ import annotations

import pyarrow as pa

from headwater.ingest.columns import RawRows
from headwater.ingest.multiline import as_texts
from headwater.ingest.textcolumns import Texts, kept_lines
from headwater.schema.logtype import LogType, NativeParser


def texts_of(log_type: LogType, rows: RawRows) -> Texts:
    """The lines under the name of the first field of the schema."""
    assert isinstance(log_type.parser, NativeParser)
    lines, at = kept_lines(rows, log_type.parser.cleaning)
    positions = pa.array(range(len(lines)), pa.int64()) if at is None else at
    return Texts({log_type.fields[0].wire: as_texts(lines)}, positions, {})
