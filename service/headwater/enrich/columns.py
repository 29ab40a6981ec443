"""The p_enrichment column: what lookup tables know about the values of each row.

Only distinct values are looked up, and their rows become JSON texts once; the texts are spread and joined inside Arrow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import structlog

from headwater.enrich.lookup import Lookup, Lookups
from headwater.enrich.select import Selected, select
from headwater.enrich.spec import Selector
from headwater.model import Batch

LOG = structlog.get_logger()
COLUMN = "p_enrichment"
MAX_COLUMN_BYTES = 256 * 1024 * 1024  # of what one selector of one table adds to a batch; Arrow's texts end at 2 GiB


def enrich(batch: Batch, lookups: Lookups) -> Batch:
    """The batch with its column p_enrichment: {table: {selector: row or [rows]}} as JSON, null where nothing matched.

    A row has the columns of the table and p_match, the value that matched; a selector that leads through an array gives
    a list. A table that does not touch the log type costs nothing.
    """
    touching = lookups.of.get(batch.log_type, ())
    if not touching or not batch.rows:
        return batch
    selected = {
        selector.key: tuple(select(batch.table, selector))
        for selector in {each.key: each for _, selectors in touching for each in selectors}.values()
    }
    members = [_of_table(batch, lookup, selectors, selected) for lookup, selectors in touching]
    found = [each for each in members if each is not None]
    if not found:
        return batch
    field = batch.table.schema.field(COLUMN)
    column = _wrapped("{", _joined(found), "}")
    return Batch(batch.log_type, batch.table.set_column(batch.table.schema.get_field_index(COLUMN), field, column))


def _of_table(
    batch: Batch, lookup: Lookup, selectors: Sequence[Selector], selected: Mapping[str, Sequence[Selected]]
) -> pa.Array | None:
    """`"table":{…}` for each row that something matched in."""
    members = []
    for key in dict.fromkeys(selector.key for selector in selectors):
        for each in selected[key]:
            rows = _rows(lookup, each, batch)
            if rows is not None:
                members.append(_wrapped(f"{orjson.dumps(key).decode()}:", rows, ""))
    return _wrapped(f"{orjson.dumps(lookup.name).decode()}:{{", _joined(members), "}") if members else None


def _rows(lookup: Lookup, selected: Selected, batch: Batch) -> pa.Array | None:
    """For each row of the batch the row of the table, or the list of rows, as JSON text; None where none matched."""
    found = [None if value is None else lookup.found(value) for value in selected.values]
    if not any(found):
        return None
    texts = pa.array(found, pa.string())
    codes = selected.codes.flatten() if selected.is_list else selected.codes
    size = pc.sum(pc.binary_length(texts).take(codes)).as_py() or 0
    if size > MAX_COLUMN_BYTES:
        LOG.warning("enrichment_left_out", table=lookup.name, log_type=batch.log_type, rows=batch.rows, bytes=size)
        return None
    return _listed(selected.codes, texts) if selected.is_list else texts.take(codes)


def _listed(codes: pa.ListArray, texts: pa.Array) -> pa.Array:
    """The texts of each list of numbers as a JSON array; null where none of them has a text."""
    flat, parents = codes.flatten(), pc.list_parent_indices(codes).cast(pa.int64())
    kept = pc.is_valid(texts).take(flat)
    flat, parents = flat.filter(kept), parents.filter(kept)
    runs = pc.run_end_encode(parents, run_end_type=pa.int64())
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), runs.run_ends]).cast(pa.int32())
    lists = _wrapped("[", pc.binary_join(pa.ListArray.from_arrays(offsets, texts.take(flat)), ","), "]")
    every = pc.indices_nonzero(pa.repeat(True, len(codes))).cast(pa.int64())
    return lists.take(pc.index_in(every, value_set=runs.values))


def _joined(parts: Sequence[pa.Array]) -> pa.Array:
    """The texts of each row with commas between them; null where all are."""
    joined = parts[0]
    for part in parts[1:]:
        joined = pc.coalesce(pc.binary_join_element_wise(joined, part, ","), joined, part)
    return joined


def _wrapped(begin: str, texts: pa.Array, end: str) -> pa.Array:
    return pc.binary_join_element_wise(pa.scalar(begin), texts, pa.scalar(end), "")
