"""Lookup tables with their data, and which of them touch a log type."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

import orjson
import pyarrow as pa

from headwater.enrich.records import Row, Skipped, read_rows
from headwater.enrich.spec import LookupSpec, Selector
from headwater.enrich.tables import ExactTable, Network, NetworkTable, Table, network_of
from headwater.errors import EnrichmentError
from headwater.schema.logtype import LogType

MATCH = "p_match"
CHUNK_ROWS = 10_000
MAX_ROW_BYTES = 64 * 1024  # a row stands in every event that it matches


@dataclass(frozen=True, slots=True, eq=False)
class Lookup:
    """One table, ready. size_bytes: of its rows as JSON. skipped: rows that could not be used; reason: of the first."""

    spec: LookupSpec
    table: Table
    loaded_at: datetime
    size_bytes: int
    skipped: int = 0
    reason: str = ""

    @property
    def name(self) -> str:
        """The name under which p_enrichment has its rows."""
        return self.spec.name

    def found(self, value: Any) -> str | None:
        """The JSON text of the row that a value of an event belongs to, with the value as its p_match."""
        row = self.table.find(key_text(value))
        return None if row is None else f'{row[:-1]},"{MATCH}":{orjson.dumps(value).decode()}}}'

    def row(self, key: str) -> Row | None:
        """The row that a key belongs to."""
        text = self.table.find(key)
        return None if text is None else orjson.loads(text)


@dataclass(frozen=True, slots=True, eq=False)
class Lookups:
    """The tables of one moment, by log type those that touch it."""

    tables: tuple[Lookup, ...] = ()
    of: Mapping[str, tuple[tuple[Lookup, tuple[Selector, ...]], ...]] = field(init=False)

    def __post_init__(self) -> None:
        found: dict[str, tuple[tuple[Lookup, tuple[Selector, ...]], ...]] = {}
        for lookup in self.tables:
            for log_type, selectors in lookup.spec.selectors.items():
                found[log_type] = (*found.get(log_type, ()), (lookup, selectors))
        object.__setattr__(self, "of", MappingProxyType(found))


NO_LOOKUPS = Lookups()


def load_lookup(
    spec: LookupSpec, blocks: Iterable[bytes], library: Mapping[str, LogType], *, max_bytes: int, now: datetime
) -> Lookup:
    """The table with the data of a file. blocks: its bytes. max_bytes: how large it may be, decompressed.

    Of rows with the same key the last counts. Raises: EnrichmentError.
    """
    skipped = Skipped()
    try:
        if spec.origin.endswith(".mmdb"):
            raise EnrichmentError("is a MaxMind database, which is not read; convert it to CSV with the network as key")
        rows = read_rows(blocks, library.get(spec.schema), max_bytes=max_bytes, now=now, skipped=skipped)
        return _made(spec, rows, skipped, now)
    except EnrichmentError as error:
        raise EnrichmentError(f"lookup table {spec.name}: {spec.origin} {error}") from error


def lookup_of_rows(spec: LookupSpec, rows: Iterable[Row], now: datetime) -> Lookup:
    """The table with rows that something else made. Raises: EnrichmentError."""
    return _made(spec, rows, Skipped(), now)


def key_text(value: Any) -> str:
    """A value as keys are compared: 443 and "443" are the same."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _made(spec: LookupSpec, rows: Iterable[Row], skipped: Skipped, now: datetime) -> Lookup:
    found = _Keyed(spec.primary_key, skipped)
    for row in rows:
        found.add(row)
    if not found.keys:
        reason = f" ({skipped.count} rows were left out, the first: {skipped.first})" if skipped.count else ""
        raise EnrichmentError(f"has no row with a {spec.primary_key}{reason}")
    return Lookup(spec, _table(found), now, found.size_bytes, skipped.count, skipped.first)


@dataclass(slots=True)
class _Keyed:
    """Rows as JSON texts, and the keys of each."""

    primary_key: str
    skipped: Skipped
    texts: list[bytes] = field(default_factory=list)
    chunks: list[pa.Array] = field(default_factory=list)  # the texts before those: ten times smaller
    rows: int = 0
    keys: list[str] = field(default_factory=list)
    numbers: array[int] = field(default_factory=lambda: array("i"))  # the row of each key
    size_bytes: int = 0

    def add(self, row: Row) -> None:
        row.pop(MATCH, None)
        text = _json(row)
        keys = tuple(_keys(_at(row, self.primary_key))) if text is not None else ()
        if text is None:
            self.skipped.add("a number of more than 64 bits, or nested too deep")
        elif not keys:
            self.skipped.add(f"no {self.primary_key}")
        elif len(text) > MAX_ROW_BYTES:
            self.skipped.add(f"longer than {MAX_ROW_BYTES} bytes: {keys[0]}")
        else:
            self.keys.extend(keys)
            self.numbers.extend([self.rows] * len(keys))
            self.rows += 1
            self.size_bytes += len(text)
            self.texts.append(text)
            if len(self.texts) == CHUNK_ROWS:
                self._put_aside()

    def array(self) -> pa.Array:
        """All texts."""
        self._put_aside()
        return pa.concat_arrays(self.chunks)

    def _put_aside(self) -> None:
        self.chunks.append(pa.array(self.texts, pa.string()))
        self.texts.clear()


def _json(row: Row) -> bytes | None:
    try:
        return orjson.dumps(row, default=str)
    except orjson.JSONEncodeError:
        return None


def _keys(value: Any) -> Iterator[str]:
    """The keys that a value stands for: itself, or each element of a list."""
    for each in value if isinstance(value, list) else (value,):
        if each not in (None, "") and not isinstance(each, dict | list):
            yield key_text(each)


def _at(row: Row, name: str) -> Any:
    """A field by its name in any letter case, or by its dotted path."""
    if name in row:
        return row[name]
    lowered = name.lower()
    for key, value in row.items():
        if key.lower() == lowered:
            return value
    head, dot, rest = name.partition(".")
    inner = row.get(head)
    return _at(inner, rest) if dot and isinstance(inner, dict) else None


def _table(found: _Keyed) -> Table:
    """A table of networks where every key is a network or an address."""
    rows = found.array()
    if any(network_of(key) is None for key in found.keys):
        return ExactTable(rows, dict(zip(found.keys, found.numbers, strict=True)))
    return NetworkTable.of(rows, _networks(found))


def _networks(found: _Keyed) -> Iterator[tuple[Network, int]]:
    for key, number in zip(found.keys, found.numbers, strict=True):
        network = network_of(key)
        if network is not None:
            yield network, number
