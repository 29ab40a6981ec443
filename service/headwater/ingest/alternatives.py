"""Lines that come in several shapes → the texts of the first pattern that each of them fits."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from headwater.ingest.multiline import as_texts
from headwater.ingest.textcolumns import Texts
from headwater.ingest.transform import NONE


def by_pattern(lines: pa.Array, at: pa.Array, patterns: Sequence[str]) -> list[Texts]:
    """The named groups of RE2 patterns, one table for each pattern. Lines that fit none are in no table.

    lines: N binary values. at: their positions.
    """
    tables = []
    for pattern in patterns:
        found = pc.extract_regex(lines, pattern)
        fits = pc.is_valid(found)
        groups = found.filter(fits)
        columns = {each.name: _text(column) for each, column in zip(groups.type, groups.flatten(), strict=True)}
        tables.append(Texts(columns, at.filter(fits), {}))
        lines, at = lines.filter(pc.invert(fits)), at.filter(pc.invert(fits))
    return tables


def misfits(at: pa.Array, tables: Sequence[Texts], reason: str) -> dict[int, str]:
    """Why the lines at the positions that no table has failed."""
    found = pa.concat_arrays([pa.array([], pa.int64()), *(table.positions for table in tables)])
    return dict.fromkeys(at.filter(pc.invert(pc.is_in(at, value_set=found))).to_pylist(), reason)


def _text(group: pa.Array) -> pa.Array:
    try:
        text = group.cast(pa.string())
    except pa.ArrowInvalid:  # bytes that are no UTF-8
        text = as_texts(group.to_pylist())
    return pc.if_else(pc.equal(text, ""), NONE, text)
