"""The values that a selector finds in a batch: each distinct one once, and which rows have it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import msgspec
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from headwater.enrich.spec import Selector
from headwater.ingest.rows import rfc3339
from headwater.ingest.transform import UNREADABLE, nested_decoder
from headwater.schema.logtype import Route


@dataclass(frozen=True, slots=True)
class Selected:
    """values: distinct. codes: for each row the number of its value, or the list of the numbers of its values."""

    values: Sequence[Any]
    codes: pa.Array

    @property
    def is_list(self) -> bool:
        """Whether a row can have several values."""
        return bool(pa.types.is_list(self.codes.type))


def select(table: pa.Table, selector: Selector) -> Iterator[Selected]:
    """What the selector finds, if anything: rows with one value, and rows with lists, apart from each other."""
    place = _place(table.schema, selector)
    if place is None:
        return
    field, route = place
    column = table[field.name]
    if column.null_count == len(column):
        return
    array = column.combine_chunks()
    while route and pa.types.is_struct(array.type):
        if array.type.get_field_index(route[0]) < 0:
            return
        array, route = pc.struct_field(array, route[0]), route[1:]
    if field.metadata and b"json" in field.metadata:
        yield from _documents(array, route)
    elif not route:
        yield from _plain(array)


def _place(schema: pa.Schema, selector: Selector) -> tuple[pa.Field, Route] | None:
    """The column that has the value, and the way inside it."""
    names = {name.lower(): name for name in reversed(schema.names)}
    whole = next((each for each in schema if each.metadata and b"whole" in each.metadata), None)
    for name, route in ((selector.key, ()), (selector.route[0], selector.route[1:])):
        known = name if name in schema.names else names.get(name.lower())
        if known is not None:
            return schema.field(known), route
    return None if whole is None else (whole, selector.route)


def _plain(array: pa.Array) -> Iterator[Selected]:
    if pa.types.is_list(array.type):
        if not pa.types.is_nested(array.type.value_type):
            inner = _encoded(array.flatten())
            yield Selected(inner.dictionary.to_pylist(), _lists(array, inner.indices))
    elif not pa.types.is_nested(array.type):
        encoded = _encoded(array)
        yield Selected(encoded.dictionary.to_pylist(), encoded.indices)


def _encoded(array: pa.Array) -> pa.DictionaryArray:
    return (rfc3339(array) if pa.types.is_timestamp(array.type) else array).dictionary_encode()


def _lists(like: pa.ListArray, flat: pa.Array) -> pa.ListArray:
    """Lists as long as those of `like`, of other elements; a null is an empty one."""
    ends = pc.cumulative_sum(pc.fill_null(pc.list_value_length(like), 0)).cast(pa.int32())
    return pa.ListArray.from_arrays(pa.concat_arrays([pa.array([0], pa.int32()), ends]), flat)


# JSON texts


def _documents(array: pa.Array, route: Route) -> Iterator[Selected]:
    """Distinct texts are read once, and only those that have every name of the way in them."""
    encoded = array.dictionary_encode()
    texts = encoded.dictionary
    values: dict[tuple[type, Any], int] = {}
    single: list[int | None] = [None] * len(texts)
    several: list[list[int] | None] = [None] * len(texts)
    candidates = _candidates(texts, route)
    for number, text in zip(candidates.to_pylist(), texts.take(candidates).to_pylist(), strict=True):
        is_list, found = _read(text, route)
        codes = [values.setdefault((type(each), each), len(values)) for each in found]  # True and 1 are equal
        if codes and is_list:
            several[number] = list(dict.fromkeys(codes))
        elif codes:
            single[number] = codes[0]
    distinct = [value for _, value in values]
    if any(code is not None for code in single):
        yield Selected(distinct, pa.array(single, pa.int32()).take(encoded.indices))
    if any(several):
        yield Selected(distinct, pa.array(several, pa.list_(pa.int32())).take(encoded.indices))


def _candidates(texts: pa.Array, route: Route) -> pa.Array:
    if not route:
        return pc.indices_nonzero(pc.is_valid(texts))
    # a name with escapes in it is not found, as jq would find it: no log of ours has any
    return pc.indices_nonzero(reduce(pc.and_, (pc.match_substring(texts, f'"{name}"') for name in route)))


def _read(text: str, route: Route) -> tuple[bool, list[Any]]:
    """Whether the way leads through a list, and the plain values at its end."""
    try:
        level: Any = nested_decoder(route)(text) if route else text
        for _ in route:
            level = level.inner if level is not None else None
    except UNREADABLE:  # a list on the way, most often
        return _walk(_loaded(text), route)
    return _walk(_loaded(level), ()) if level else (False, [])


def _loaded(text: str | msgspec.Raw) -> Any:
    try:
        return orjson.loads(text if isinstance(text, str) else bytes(text))
    except orjson.JSONDecodeError:
        return None


def _walk(value: Any, route: Route) -> tuple[bool, list[Any]]:
    if isinstance(value, list):
        return True, [each for item in value for each in _walk(item, route)[1]]
    if route:
        return _walk(value[route[0]], route[1:]) if isinstance(value, dict) and route[0] in value else (False, [])
    return False, [] if value is None or isinstance(value, dict) else [value]
