"""Scheduled queries over the lake, whose rows become matches by the scheduled rules that name them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from logging import INFO, WARNING
from typing import Any, Protocol

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import structlog

from headwater.detect.engine import Detector
from headwater.detect.scheduled import ScheduledQuery
from headwater.errors import QueryError
from headwater.ingest.rows import row_dicts
from headwater.lake.tables import EVENT_TIME
from headwater.model import Batch, Match, health_match

LOG = structlog.get_logger()
FAILED = "Headwater.QueryFailed"
ROW_ID = "p_row_id"
MAX_ROWS = 100_000  # of one run: rules are for findings, not for all of the lake
# DuckDB's words for a table that the lake does not have: nothing of that log type has come yet.
NO_TABLE = "Catalog Error: Table with name"
TIME = pa.timestamp("us", tz="UTC")
LOOSE = orjson.OPT_NON_STR_KEYS


class RunQuery(Protocol):
    """Runs SQL over the lake. Raises: QueryError, also where it takes too long or gives too much."""

    def __call__(self, sql: str, *, timeout_s: float, max_rows: int) -> pa.Table:
        """The rows."""


class QueryTask:
    """A scheduled query with the rules that name it."""

    def __init__(self, query: ScheduledQuery, run_query: RunQuery, detector: Detector) -> None:
        self.query = query
        self._run_query = run_query
        self._detector = detector
        self._error = ""

    @property
    def rule_id(self) -> str:
        """The query's name; it is no rule's id, for names are unique."""
        return self.query.name

    @property
    def rate_min(self) -> int:
        """Minutes between two runs."""
        return self.query.rate_min

    @property
    def cron(self) -> str | None:
        """When it is run instead."""
        return self.query.cron

    @property
    def limit_s(self) -> float:
        """How long a run may take."""
        return self.query.timeout_min * 60

    def find(self, seen: datetime | None, now: datetime) -> Sequence[Match]:
        """What the rules say of the rows. A query that the lake refuses is told, and tried again at its next time."""
        try:
            found = self._run_query(self.query.sql, timeout_s=self.limit_s, max_rows=MAX_ROWS)
        except QueryError as error:
            return self._failed(str(error), now)
        self._error = ""
        LOG.info("query_run", query=self.query.name, rows=found.num_rows)
        if not found.num_rows:
            return ()
        return self._detector.detect(Batch(self.query.source, as_events(found, self.query.name, seen, now)))

    def _failed(self, error: str, now: datetime) -> Sequence[Match]:
        """One health match a day; the same error is logged once. A table that is not there yet has no rows."""
        waits = error.startswith(NO_TABLE)
        if error != self._error:
            LOG.log(INFO if waits else WARNING, "query_failed", query=self.query.name, error=error)
            self._error = error
        return () if waits else (_failed_match(self.query.name, error, now),)


def tasks(queries: Sequence[ScheduledQuery], run_query: RunQuery, detector: Detector) -> list[QueryTask]:
    """The enabled queries that an enabled rule names; those that cannot run here are told once, and left out."""
    needed = [query for query in queries if query.enabled and query.source in detector.log_types]
    unfit = {query.name: query.unfit for query in needed if query.unfit}
    if unfit:
        LOG.warning("queries_not_runnable", queries=unfit)
    return [QueryTask(query, run_query, detector) for query in needed if not query.unfit]


def as_events(rows: pa.Table, name: str, seen: datetime | None, now: datetime) -> pa.Table:
    """The rows of a run as events: with p_row_id and p_event_time, in types that JSON has.

    seen: the run before this one. A row without an id of its own has the same id as long as that run does not change;
    the next run may find an equal row, which is another.
    """
    columns: dict[str, tuple[pa.Field, pa.ChunkedArray | pa.Array]] = {}
    for field, column in zip(rows.schema, rows.columns, strict=True):
        columns.setdefault(field.name, _plain(field, column))
    table = pa.Table.from_arrays(
        [column for _, column in columns.values()], schema=pa.schema([field for field, _ in columns.values()])
    )
    table = _filled(table, ROW_ID, pa.array(_row_ids(table, name, seen), pa.string()))
    return _filled(table, EVENT_TIME, pa.array([now] * table.num_rows, TIME))


def _filled(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    """The table with the values where it has none of its own in that column, or none of that type."""
    index = table.schema.get_field_index(name)
    if index < 0:
        return table.append_column(name, values)
    own = table[name]
    return table.set_column(index, name, pc.coalesce(own, values) if own.type == values.type else values)


def _row_ids(table: pa.Table, name: str, seen: datetime | None) -> list[str]:
    alike: Counter[str] = Counter()
    ids = []
    for row in row_dicts(table):
        content = orjson.dumps(row, default=str, option=orjson.OPT_SORT_KEYS).decode()
        alike[content] += 1
        parts = [name, seen.isoformat() if seen else "", content, str(alike[content])]
        ids.append(hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40])
    return ids


def _plain(field: pa.Field, column: pa.ChunkedArray) -> tuple[pa.Field, pa.ChunkedArray | pa.Array]:
    """A column in a type that events have: whole and broken numbers, text, times in UTC, JSON for what is nested."""
    kind = field.type
    if pa.types.is_dictionary(kind):
        return _plain(field.with_type(kind.value_type), column.cast(kind.value_type))
    if pa.types.is_nested(kind):
        texts = [None if value is None else _text(value, kind) for value in column.to_pylist()]
        return pa.field(field.name, pa.string(), metadata={"json": "true"}), pa.array(texts, pa.string())
    if pa.types.is_timestamp(kind):
        return pa.field(field.name, TIME), column.cast(TIME, safe=False)
    if pa.types.is_decimal(kind):
        return _number(field.name, column)
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_string(kind):
        return pa.field(field.name, kind), column
    others = [None if value is None else str(_scalar(value)) for value in column.to_pylist()]
    return pa.field(field.name, pa.string()), pa.array(others, pa.string())


def _number(name: str, column: pa.ChunkedArray) -> tuple[pa.Field, pa.ChunkedArray]:
    """Sums of whole numbers come as decimals: whole again, where they fit."""
    if column.type.scale == 0:
        try:
            return pa.field(name, pa.int64()), column.cast(pa.int64())
        except pa.ArrowInvalid:
            pass
    return pa.field(name, pa.float64()), column.cast(pa.float64())


def _text(value: Any, kind: pa.DataType) -> str:
    """JSON; a map comes as pairs."""
    return orjson.dumps(dict(value) if pa.types.is_map(kind) else value, default=_scalar, option=LOOSE).decode()


def _scalar(value: Any) -> Any:
    """What JSON and events have no type for, as a number or as text."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _failed_match(name: str, error: str, now: datetime) -> Match:
    told = {"query": name, "error": error[:2000]}
    return health_match(
        FAILED,
        name,
        now,
        title=f"The scheduled query {name} could not be run",
        description=f"Its rules have seen nothing this time. The error: {error[:2000]}",
        runbook="`headwater query` runs the same SQL by hand. Mend the query, or disable it.",
        told=told,
        window_min=1440,
        occasion=f"{now:%Y-%m-%d}",
    )
