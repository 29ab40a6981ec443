"""Objects that export tasks of CloudWatch Logs write: each message behind its time → the messages alone.

Source: Amazon CloudWatch Logs user guide, "Exporting log data to Amazon S3".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Literal

import msgspec

from headwater.ingest.timedtext import timed
from headwater.model import Chunk

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
KEY = re.compile(rf"(?:^|/){UUID}/(?P<stream>[^/]+)/\d{{6}}(?:\.[a-z0-9]+)?$")  # prefix/task/stream/000000.gz
TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ")
TIME_BYTES = len(b"2026-02-03T04:05:06.123Z ")
OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


def open_export(key: str, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """The chunks of an object; those of an export task as the messages that were in the log stream."""
    found = KEY.search(key)
    for chunk in chunks:
        if found is None or chunk.shape != "lines" or chunk.context or not TIME.match(chunk.records[0]):
            yield chunk
            continue
        messages = ((_shape(message), message) for message in _messages(chunk.records))
        row = chunk.first_row
        for shape, run in groupby(messages, key=lambda each: each[0]):
            records = [message for _, message in run]
            yield Chunk(shape, records, row, {"logStream": found["stream"]})
            row += len(records)


def _messages(lines: Sequence[bytes]) -> Iterator[bytes]:
    """A line without a time belongs to the message before it."""
    begins = [index for index, line in enumerate(lines) if TIME.match(line)]
    for begin, end in zip(begins, [*begins[1:], len(lines)], strict=True):
        message = b"\n".join(lines[begin:end])
        text = message[TIME_BYTES:].strip()
        if text:
            yield timed(text, _milliseconds(message[: TIME_BYTES - 1].decode()))


def _milliseconds(text: str) -> int | None:
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError:
        return None


def _shape(message: bytes) -> Literal["json", "lines"]:
    if message[:1] != b"{":
        return "lines"
    try:
        OBJECT.decode(message)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return "lines"
    return "json"
