"""CloudFront's access logs: with W3C header lines, without (before 2016, and real-time logs), and as JSON.

Source: Amazon CloudFront developer guide, "Access logs (standard logs) reference" and "Use real-time access logs".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from headwater.ingest.columns import RawRows
from headwater.ingest.multiline import as_texts
from headwater.ingest.textcolumns import Texts, stacked
from headwater.schema.logtype import LogType

HEADER = "header"  # the entry of a chunk's context that holds the line which names the columns
FIELDS = b"#Fields:"
OBJECT = msgspec.json.Decoder(dict[str, object])
STANDARD_TEXT = (
    "date time x-edge-location sc-bytes c-ip cs-method cs-host cs-uri-stem sc-status cs-referer cs-user-agent"
    " cs-uri-query cs-cookie x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken"
    " x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status"
    " fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len"
    " sc-range-start sc-range-end"
)
STANDARD = tuple(STANDARD_TEXT.split())
FEWEST = 12  # columns of the oldest layout
REALTIME_TEXT = (
    "timestamp c-ip time-to-first-byte sc-status sc-bytes cs-method cs-protocol cs-host cs-uri-stem cs-bytes"
    " x-edge-location x-edge-request-id x-host-header time-taken cs-protocol-version c-ip-version cs-user-agent"
    " cs-referer cs-cookie cs-uri-query x-edge-response-result-type x-forwarded-for ssl-protocol ssl-cipher"
    " x-edge-result-type fle-encrypted-fields fle-status sc-content-type sc-content-len sc-range-start sc-range-end"
    " c-port x-edge-detailed-result-type c-country cs-accept-encoding cs-accept cache-behavior-path-pattern"
    " cs-headers cs-header-names cs-headers-count origin-fbl origin-lbl asn"
)
REALTIME = tuple(REALTIME_TEXT.split())
DATE = re.compile(rb"\d{4}-\d\d-\d\d\s")
EPOCH = re.compile(rb"\d{10}(?:\.\d+)?\t")
Names = tuple[str, ...]


def texts_of(log_type: LogType, rows: RawRows) -> Texts:
    """The cells of each line by the #Fields line that stands above it."""
    named, bad = _by_names(rows)
    tables = [
        _objects(rows, positions) if names is None else _table(rows, names, positions)
        for names, positions in named.items()
    ]
    return stacked(tables, bad)


def _by_names(rows: RawRows) -> tuple[Mapping[Names | None, Sequence[int]], dict[int, str]]:
    """The positions of lines by the names of their cells (None: JSON objects), and why some have no names."""
    found: dict[Names | None, list[int]] = defaultdict(list)
    bad: dict[int, str] = {}
    names_of: dict[str, Names] = {}
    for part, start in zip(rows.parts, rows.starts, strict=False):
        told = part.chunk.context.get(HEADER, "").encode()
        names = _names(told) if told.startswith(FIELDS) else names_of.get(part.ref.object_id)
        for position, line in enumerate(part.chunk.records, start):
            if line[:1] == b"#":
                names = _names(line) if line.startswith(FIELDS) else names
            elif line[:1] == b"{":
                found[None].append(position)
            elif (layout := names or _layout(line)) is not None:
                found[layout].append(position)
            else:
                bad[position] = "no #Fields line names the columns"
        if names is not None:
            names_of[part.ref.object_id] = names
    return found, bad


def _names(line: bytes) -> Names:
    return tuple(_name(each) for each in line[len(FIELDS) :].decode(errors="replace").split())


def _name(word: str) -> str:
    """`cs(User-Agent)` of standard logs is `cs-user-agent` of real-time logs."""
    return word.strip("\u200b").lower().replace("(", "-").replace(")", "")


def _layout(line: bytes) -> Names | None:
    """The columns of a line without header, by how many there are: each new column went behind the others."""
    count = line.rstrip().count(b"\t") + 1
    if DATE.match(line) and FEWEST <= count <= len(STANDARD):
        return STANDARD[:count]
    return REALTIME if EPOCH.match(line) and count == len(REALTIME) else None


def _table(rows: RawRows, names: Names, positions: Sequence[int]) -> Texts:
    """Cells between tabs, or between blanks where a line has no tab."""
    at = pa.array(positions, pa.int64())
    text = pc.utf8_rtrim_whitespace(as_texts([rows.records[position] for position in positions]))
    has_tabs = pc.match_substring(text, "\t")
    cells = pc.split_pattern(text, "\t")
    if not pc.all(has_tabs).as_py():
        cells = pc.if_else(has_tabs, cells, pc.utf8_split_whitespace(text))
    fits = pc.equal(pc.list_value_length(cells), len(names))
    kept = cells.filter(fits)
    columns = {name: pc.list_element(kept, index) for index, name in enumerate(names)} if len(kept) else {}
    wrong = pc.indices_nonzero(pc.invert(fits)).to_pylist()
    counts = pc.list_value_length(cells).take(pa.array(wrong, pa.int64())).to_pylist()
    bad = {positions[index]: f"{count} columns, not {len(names)}" for index, count in zip(wrong, counts, strict=True)}
    return Texts(columns, at.filter(fits), bad)


@dataclass(slots=True)
class _Wide:
    """Columns of objects with different keys."""

    columns: dict[str, list[str | None]]
    count: int = 0

    def add(self, keys: Mapping[str, object]) -> None:
        for key, value in keys.items():
            column = self.columns.setdefault(_name(key), [])
            column += [None] * (self.count - len(column))
            if len(column) == self.count:
                column.append(None if value is None else str(value))
        self.count += 1

    def arrays(self) -> dict[str, pa.Array]:
        return {
            name: pa.array(column + [None] * (self.count - len(column)), pa.string())
            for name, column in self.columns.items()
        }


def _objects(rows: RawRows, positions: Sequence[int]) -> Texts:
    """Version 2 of the logs in JSON: one object a line."""
    wide, kept, bad = _Wide({}), list[int](), dict[int, str]()
    for position in positions:
        try:
            wide.add(OBJECT.decode(rows.records[position]))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            bad[position] = f"no JSON object: {error}"
        else:
            kept.append(position)
    return Texts(wide.arrays(), pa.array(kept, pa.int64()), bad)
