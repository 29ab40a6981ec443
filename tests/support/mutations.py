"""Events like those of unit tests, and unlike them: keys left out, values nulled, of another type, in another case."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from headwater.model import Batch

ODD: tuple[Any, ...] = (None, "", 0, 1, True, False, 1.5, [], {}, ["a"], {"a": 1}, "x", [None], [{}], "*")


def mutated(events: Sequence[Mapping[str, Any]], times: int, seed: int) -> list[dict[str, Any]]:
    """The events as they are, and each a few times with changes."""
    draw = random.Random(seed)
    plain = [{key: value for key, value in event.items() if not key.startswith("p_")} for event in events]
    return plain + [_changed(draw, event) for event in plain for _ in range(times)]


def mixed_batch(rows: Sequence[Mapping[str, Any]], log_type: str) -> Batch:
    """Rows as a batch in which a column whose values are of several types holds JSON text."""
    fixed = {"p_event_time": "2026-03-01T10:00:00Z", "p_account_id": "111122223333", "p_log_type": log_type}
    made = [{"p_row_id": f"{number:040x}", **fixed, **row} for number, row in enumerate(rows)]
    names = dict.fromkeys(name for row in made for name in row)
    names = {name.lower(): name for name in names}.values()  # columns of log types differ in more than case
    columns = dict(_columns(made, list(names)))
    schema = pa.schema([field for field, _ in columns.values()])
    return Batch(log_type, pa.Table.from_arrays([array for _, array in columns.values()], schema=schema))


def _columns(
    rows: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> Iterator[tuple[str, tuple[pa.Field, pa.Array]]]:
    for name in names:
        values = [row.get(name) for row in rows]
        kinds = {type(value) for value in values if value is not None}
        if len(kinds) > 1 or kinds & {dict, list}:
            texts = [None if value is None else json.dumps(value) for value in values]
            yield name, (pa.field(name, pa.string(), metadata={b"json": b"true"}), pa.array(texts, pa.string()))
        else:
            array = pa.array(values, None if kinds else pa.string())
            yield name, (pa.field(name, array.type), array)


def _changed(draw: random.Random, value: Any, depth: int = 0) -> Any:
    if depth and draw.random() < 0.05:
        return draw.choice(ODD)
    if isinstance(value, Mapping):
        kept = ((key, item) for key, item in value.items() if draw.random() > 0.06)
        return {_key(draw, key): _changed(draw, item, depth + 1) for key, item in kept}
    if isinstance(value, list):
        return [_changed(draw, item, depth + 1) for item in value if draw.random() > 0.1]
    if isinstance(value, str) and draw.random() < 0.06:
        return draw.choice((value.upper(), value.lower(), value[: len(value) // 2]))
    return value


def _key(draw: random.Random, key: str) -> str:
    return draw.choice((key.upper(), key.lower())) if draw.random() < 0.03 else key
