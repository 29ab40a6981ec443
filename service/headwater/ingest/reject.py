"""A raw record that does not fit → a reject that can be looked at and tried again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from headwater.ingest.columns import Part
from headwater.ingest.delimited import header_names
from headwater.model import Reject
from headwater.schema.logtype import DelimitedParser, LogType

RAW_BYTES = 64 * 1024  # how much of a rejected record is kept
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
        shape=part.chunk.shape,
        context={**part.chunk.context, **({HEADER: header} if header else {})},
        cut=len(record) > RAW_BYTES,
    )


def headers(log_type: LogType, parts: Iterable[Part]) -> Mapping[str, str]:
    """The header lines of delimited text by object id; nothing for types and objects that have none."""
    parser = log_type.parser
    if not isinstance(parser, DelimitedParser) or not parser.header:
        return {}
    first: dict[str, bytes] = {}
    for part in parts:
        if part.chunk.records:
            first.setdefault(part.ref.object_id, bytes(part.chunk.records[0]))
    return {object_id: line.decode(errors="replace") for object_id, line in first.items() if _is_header(log_type, line)}


def _is_header(log_type: LogType, line: bytes) -> bool:
    parser = log_type.parser
    return isinstance(parser, DelimitedParser) and header_names(log_type, parser, line) is not None
