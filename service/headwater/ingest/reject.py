"""A raw record that does not fit → a reject that can be looked at and tried again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from headwater.ingest.columns import Part
from headwater.ingest.delimited import header_names
from headwater.model import Reject
from headwater.schema.logtype import DelimitedParser, LogType

RAW_BYTES = 64 * 1024  # how much of a rejected record is kept
LOOKED_AT = 3  # lines at the top of a chunk that may be a header
HEADER = "header"  # the entry of a reject's context that holds the line which names the columns


def make_reject(
    part: Part, index: int, reason: str, log_type: LogType | None = None, header: str | None = None
) -> Reject:
    """The reject of the part's record at `index`. header: the header line of its object, where it has one."""
    record = bytes(part.chunk.records[index])
    return Reject(
        object_id=part.ref.object_id,
        bucket=part.ref.bucket,
        key=part.ref.key,
        row=part.chunk.first_row + index,
        reason=reason,
        raw=record[:RAW_BYTES].decode(errors="replace"),
        log_type=log_type.name if log_type else None,
        source_id=part.source.source_id,
        account_id=part.source.account_id,
        source_label=part.source.label,
        shape="lines" if part.chunk.shape == "lines" else "json",
        context={**part.chunk.context, **({HEADER: header} if header else {})},
        cut=len(record) > RAW_BYTES,
    )


def headers(log_type: LogType, parts: Iterable[Part]) -> Mapping[str, str]:
    """The header lines of delimited text by object id; nothing for types and objects that have none."""
    if not isinstance(log_type.parser, DelimitedParser):
        return {}
    first: dict[str, str] = {}
    for part in parts:
        for row, line in enumerate(part.chunk.records[:LOOKED_AT], part.chunk.first_row):
            if part.ref.object_id not in first and names_columns(log_type, bytes(line), row):
                first[part.ref.object_id] = bytes(line).decode(errors="replace")
    return first


def names_columns(log_type: LogType, line: bytes, row: int) -> bool:
    """Whether a line of delimited text is the header of its object."""
    parser = log_type.parser
    if not isinstance(parser, DelimitedParser):
        return False
    if parser.header == "names":
        return row == parser.cleaning.skip_lines
    return header_names(log_type, parser, line) is not None
