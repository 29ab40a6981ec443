"""The p_any_ columns: every IP address, ARN, account … of a row, found by column and never by row.

Each column is dictionary-encoded first, so that a text is looked at once however often it occurs; what it yields is
spread over its rows inside Arrow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from headwater.ingest.extract import EXTRACTS
from headwater.ingest.scan import find
from headwater.schema.logtype import INDICATOR_COLUMNS, Field

STRINGS = pa.list_(pa.string())


def indicators(fields: Sequence[Field], arrays: Mapping[str, pa.Array], rows: int) -> dict[str, pa.Array]:
    """The p_any_ columns of N rows: sorted distinct values, null where there is none."""
    sink = _Sink(rows)
    for field in fields:
        array = arrays.get(field.name)
        if array is None or array.null_count == len(array):
            continue
        if field.is_json:
            _add_json(sink, field, array)
        elif pa.types.is_list(array.type):
            names = field.indicators or (field.element.indicators if field.element else ())
            texts = array.flatten().cast(pa.string()).dictionary_encode() if names else None
            sink.add(names, texts, pc.list_parent_indices(array))
        elif field.indicators:
            sink.add(field.indicators, array.cast(pa.string()).dictionary_encode(), None)
    return {name: sink.column(name) for name in INDICATOR_COLUMNS}


def _add_json(sink: _Sink, field: Field, array: pa.Array) -> None:
    if not (field.fields or field.element or field.indicators):
        return
    encoded = array.dictionary_encode()
    finds = find(field, encoded.dictionary)
    if not finds:
        return
    rows = _rows_by_document(encoded.indices, len(encoded.dictionary))
    for indicator, found in finds.items():
        spread = rows.take(pa.array([number for number, _ in found], pa.int64()))  # a list of rows for each text
        texts = pa.array([text for _, text in found], pa.string()).dictionary_encode()
        sink.add((indicator,), texts.take(pc.list_parent_indices(spread)), pc.list_flatten(spread))


def _rows_by_document(documents: pa.Array, count: int) -> pa.Array:
    """For each document the list of rows that hold it; every document has one at least."""
    order = pc.array_sort_indices(documents).cast(pa.int64())  # nulls come last
    sizes = pc.value_counts(documents.drop_null())
    size_of = pc.index_in(_numbers(count).cast(documents.type), value_set=sizes.field("values"))
    ends = pc.cumulative_sum(sizes.field("counts").take(size_of))
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), ends]).cast(pa.int32())
    return pa.ListArray.from_arrays(offsets, order)


class _Sink:
    """Collects, for each p_any_ column, places: the row and the number of its value in one of several dictionaries."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.found: dict[str, list[tuple[pa.Array, pa.Array, pa.Array]]] = {name: [] for name in INDICATOR_COLUMNS}

    def add(self, names: Sequence[str], texts: pa.DictionaryArray, rows: pa.Array | None) -> None:
        """What texts yield by those indicators. rows: the row of each text; None: text N is of row N."""
        for name in names:
            for column, values in EXTRACTS[name](texts.dictionary):
                if values.null_count < len(values):
                    self._add(column, values, texts.indices, rows)

    def _add(self, column: str, values: pa.Array, indices: pa.Array, rows: pa.Array | None) -> None:
        if values.null_count or indices.null_count:
            places = pc.indices_nonzero(pc.fill_null(pc.is_valid(values).take(indices), False))
            indices = indices.take(places)
            rows = places if rows is None else rows.take(places)
        elif rows is None:
            rows = _numbers(len(indices))
        self.found[column].append((rows.cast(pa.int64()), values, indices))

    def column(self, name: str) -> pa.Array:
        """The list column of one p_any_ name."""
        found = self.found[name]
        if not found:
            return pa.nulls(self.rows, STRINGS)
        merged = pa.concat_arrays([values for _, values, _ in found]).dictionary_encode()
        order = pc.array_sort_indices(merged.dictionary)
        rank_of = pc.array_sort_indices(order).cast(pa.int64()).take(merged.indices)  # the inverse permutation
        shifts = _starts([len(values) for _, values, _ in found])
        numbers = [pc.add(at.cast(pa.int64()), shift) for (_, _, at), shift in zip(found, shifts, strict=True)]
        ranks = rank_of.take(pa.concat_arrays(numbers))
        return _lists(pa.concat_arrays([row for row, _, _ in found]), ranks, merged.dictionary.take(order), self.rows)


def _starts(lengths: Sequence[int]) -> list[int]:
    return [sum(lengths[:number]) for number in range(len(lengths))]


def _lists(rows: pa.Array, ranks: pa.Array, values: pa.Array, count: int) -> pa.Array:
    """Lists by row of the values of those ranks, each once and in order; null for a row without any."""
    keys = pc.add(pc.multiply(rows, len(values)), ranks)
    keys = pc.run_end_encode(keys.take(pc.array_sort_indices(keys))).values  # sorted and distinct
    at = pc.divide(keys, len(values))
    runs = pc.run_end_encode(at, run_end_type=pa.int64())
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), runs.run_ends]).cast(pa.int32())
    texts = values.take(pc.subtract(keys, pc.multiply(at, len(values))))
    lists = pa.ListArray.from_arrays(offsets, texts)
    if len(lists) == count:
        return lists
    return lists.take(pc.index_in(_numbers(count), value_set=runs.values))


def _numbers(count: int) -> pa.Array:
    """0, 1, … count - 1; ten times faster than from a range."""
    return pc.indices_nonzero(pa.repeat(True, count)).cast(pa.int64())
