"""What the parsers share: raw rows of many objects laid out in one line, and typed columns made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import accumulate, chain
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from headwater.ingest.rewrite import LISTS, rewritten
from headwater.ingest.times import to_timestamps
from headwater.ingest.transform import NONE, SHOWN_CHARS, UNREADABLE, as_documents, settled, settled_lists, unquoted
from headwater.model import Chunk, ObjectRef, Source
from headwater.schema.logtype import Field

INT_TEXT = r"^[+-]?[0-9]{1,18}$"
FLOAT_TEXT = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"


@dataclass(frozen=True, slots=True)
class Part:
    """The records of one object (or of one chunk of it) that are to be parsed."""

    ref: ObjectRef
    source: Source
    chunk: Chunk


@dataclass(frozen=True, slots=True)
class RawRows:
    """The records of all parts behind each other. starts: where each part begins, and where the last one ends.

    now: when they are read, for times that leave out their year.
    """

    parts: Sequence[Part]
    records: Sequence[Any]
    starts: Sequence[int]
    now: datetime | None = None

    @classmethod
    def of(cls, parts: Sequence[Part], now: datetime | None = None) -> RawRows:
        """The rows of the parts, in their order."""
        starts = list(accumulate((len(part.chunk.records) for part in parts), initial=0))
        records = parts[0].chunk.records if len(parts) == 1 else list(chain(*(part.chunk.records for part in parts)))
        return cls(parts, records, starts, now)

    def part_of(self, positions: pa.Array) -> pa.Array:
        """The part number of each position."""
        filled = [number for number, part in enumerate(self.parts) if part.chunk.records]
        ends = [self.starts[number + 1] for number in filled]
        if len(filled) < 2:
            return pa.repeat(pa.scalar(filled[0] if filled else 0, pa.int32()), len(positions))
        runs = pa.RunEndEncodedArray.from_arrays(pa.array(ends, pa.int32()), pa.array(filled, pa.int32()))
        return pc.run_end_decode(runs).take(positions)

    def row_of(self, positions: pa.Array, part: pa.Array) -> pa.Array:
        """The row number within its object of each position."""
        shift = [each.chunk.first_row - start for each, start in zip(self.parts, self.starts, strict=False)]
        return pc.add(positions, pa.array(shift, pa.int64()).take(part))


@dataclass(frozen=True, slots=True)
class Columns:
    """Typed columns, N long each, of the raw rows at `positions`; a declared column that is missing is null.

    unmapped: JSON text of the fields that the schema does not know. bad: why the missing rows failed, by position.
    """

    arrays: Mapping[str, pa.Array]
    positions: pa.Array
    bad: Mapping[int, str]
    unmapped: pa.Array | None = None

    def with_bad(self, reasons: Mapping[int, str]) -> Columns:
        """The columns, and why further rows are missing, by position."""
        return replace(self, bad={**reasons, **self.bad}) if reasons else self

    def without(self, reasons: Mapping[int, str]) -> Columns:
        """The columns without some rows. reasons: by index into these columns."""
        if not reasons:
            return self
        keep = pa.array([index for index in range(len(self.positions)) if index not in reasons], pa.int64())
        at = self.positions.take(pa.array(list(reasons), pa.int64())).to_pylist()
        return replace(
            self,
            arrays={name: array.take(keep) for name, array in self.arrays.items()},
            positions=self.positions.take(keep),
            bad={**self.bad, **dict(zip(at, reasons.values(), strict=True))},
            unmapped=None if self.unmapped is None else self.unmapped.take(keep),
        )


def from_text(field: Field, text: pa.Array, now: datetime | None = None) -> tuple[pa.Array, dict[int, str]]:
    """A column of texts (null: absent) as the field's type, and why each value that cannot be it failed, by index."""
    text, reasons = settled(field, text)
    kind = field.arrow_type
    if field.is_json:
        documents, refused = rewritten(field, as_documents(text))
        return documents, {**reasons, **refused}
    if pa.types.is_string(kind):
        return text, reasons
    if pa.types.is_list(kind):
        lists, failed = _lists(field, text)
    elif field.type == "timestamp":
        lists = to_timestamps(text, field.time_formats, now)
        failed = failures(field, text, lists)
    else:
        lists = _cast(text, kind)
        failed = failures(field, text, lists)
    return lists, {**reasons, **failed}


def _lists(field: Field, text: pa.Array) -> tuple[pa.Array, dict[int, str]]:
    """Lists written as text: as JSON, or cut at a separator."""
    element = field.element
    assert element is not None
    is_array = pc.fill_null(pc.starts_with(text, "["), False)
    lists = pc.split_pattern(pc.if_else(is_array, NONE, text), field.split or ",")
    if pc.any(is_array).as_py():
        lists = pc.if_else(is_array, _json_lists(pc.if_else(is_array, text, NONE)), lists)
    lists, reasons = settled_lists(field, element, lists)
    if element.arrow_type == pa.string():
        return lists, reasons
    flat = lists.flatten()
    items, failed = from_text(replace(element, empty_values=(), trim=False, validation=None, mask=None), flat)
    parents = pc.list_parent_indices(lists)
    reasons = {parents[at].as_py(): reason.replace("element", field.name, 1) for at, reason in failed.items()} | reasons
    return pa.ListArray.from_arrays(lists.offsets, items, mask=pc.is_null(lists)), reasons


def _json_lists(text: pa.Array) -> pa.Array:
    """Lists of texts written as JSON arrays; null where a text is no such list."""
    encoded = text.dictionary_encode()
    found = [None if each is None else _items(each) for each in encoded.dictionary.to_pylist()]
    return pa.array(found, pa.list_(pa.string())).take(encoded.indices)


def _items(text: str) -> list[str | None] | None:
    try:
        items = LISTS.decode(text)
    except UNREADABLE:
        return [text]
    return [unquoted(bytes(item).decode()) for item in items]


def _cast(text: pa.Array, kind: pa.DataType) -> pa.Array:
    try:
        return pc.cast(text, kind)
    except pa.ArrowInvalid:
        pattern = (
            INT_TEXT if pa.types.is_integer(kind) else FLOAT_TEXT if pa.types.is_floating(kind) else "^(?:true|false)$"
        )
        fits = pc.if_else(pc.match_substring_regex(text, pattern), text, pa.scalar(None, pa.string()))
        return pc.cast(pc.replace_substring_regex(fits, r"^\+", ""), kind)  # Arrow reads no plus sign


def unmapped_json(unknown: Mapping[str, pa.Array]) -> pa.Array | None:
    """Columns of texts that the schema does not know as one JSON object a row; None where all are null."""
    present = {name: texts.to_pylist() for name, texts in unknown.items() if texts.null_count < len(texts)}
    if not present:
        return None
    cells = zip(*present.values(), strict=True)
    kept = ({n: v for n, v in zip(present, row, strict=True) if v is not None} for row in cells)
    return pa.array([orjson.dumps(each).decode() if each else None for each in kept], pa.string())


def failures(field: Field, before: pa.Array, after: pa.Array) -> dict[int, str]:
    """Why each value that was there before and is null after the conversion failed, by index."""
    if after.null_count == before.null_count:
        return {}
    lost = pc.indices_nonzero(pc.and_(pc.is_valid(before), pc.is_null(after)))
    values = before.take(lost).to_pylist()
    return {
        index: mismatch(field.name, field.type, repr(value))
        for index, value in zip(lost.to_pylist(), values, strict=True)
    }


def mismatch(path: str, wanted: str, shown: str) -> str:
    """The reason of a value that is not of the declared type."""
    return f"{path}: {shown[:SHOWN_CHARS]} is not of type {wanted}"
