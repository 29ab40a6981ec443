"""Lookup tables kept fresh: loaded at the start, fetched again when it is time, exchanged in one step.

A table that cannot be loaded never holds up anything: its last data stays, detection goes on without it where there is
none, and the fault is told in the log, by `headwater lookups list`, and by an alert when it lasts too long.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as WaitTimeout
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import pyarrow as pa
import structlog

from headwater.aws import lookups as stored
from headwater.aws.session import Sessions
from headwater.enrich.lookup import Lookup, Lookups, load_lookup, lookup_of_rows
from headwater.enrich.spec import LookupSpec
from headwater.errors import EnrichmentError, HeadwaterError, QueryError
from headwater.ingest.rows import row_dicts
from headwater.model import Match, health_match
from headwater.pipeline import Store
from headwater.schema.logtype import LogType
from headwater.worker.files import read_blocks
from headwater.worker.telling import tell

LOG = structlog.get_logger()
STALE = "Headwater.LookupStale"
FETCHES = 4  # at a time
RETRY_AFTER = timedelta(minutes=10)  # a failed try; sooner where the table's own period is shorter
ROWS_AT_ONCE = 10_000
RunQuery = Callable[[str], pa.Table]
Health = Literal["fresh", "stale", "failed", "waiting", "disabled"]


@dataclass(frozen=True, slots=True)
class TableState:
    """One table as it is now. version, made_at: of its data. good_at: of the last good try. error: of the last try."""

    spec: LookupSpec
    lookup: Lookup | None = None
    version: str = ""
    made_at: datetime | None = None
    tried_at: datetime | None = None
    good_at: datetime | None = None
    error: str = ""

    @property
    def health(self) -> Health:
        """How the table is: stale has older data, failed has none."""
        if not self.spec.enabled:
            return "disabled"
        if self.error:
            return "stale" if self.lookup else "failed"
        return "fresh" if self.lookup else "waiting"

    def due(self, now: datetime) -> bool:
        """Whether it is time to load the table, again or for the first time."""
        if self.tried_at is None or self.spec.refresh is None:
            return self.tried_at is None
        period = timedelta(minutes=self.spec.refresh.period_min)
        return now - self.tried_at >= (min(period, RETRY_AFTER) if self.error else period)

    def overdue(self, now: datetime, started_at: datetime) -> bool:
        """Whether the table's data is older than it may be.

        A query that never ran is written for another engine, and waits for nobody.
        """
        refresh = self.spec.refresh
        if refresh is None or (self.spec.query and self.lookup is None):
            return False
        return now - (self.good_at or started_at) >= timedelta(minutes=refresh.alarm_min)


@dataclass(frozen=True, slots=True)
class Loader:
    """What loading a table takes. run_query: SQL over the lake."""

    library: Mapping[str, LogType]
    sessions: Sessions
    run_query: RunQuery
    max_bytes: int

    def load(self, state: TableState, now: datetime) -> TableState:
        """The table with its data of now. Raises: HeadwaterError, OSError."""
        return replace(self._loaded(state, now), tried_at=now, good_at=now, error="")

    def _loaded(self, state: TableState, now: datetime) -> TableState:
        spec = state.spec
        if spec.path is not None:
            made_at = datetime.fromtimestamp(spec.path.stat().st_mtime, UTC)
            return replace(state, lookup=self._read(spec, read_blocks(spec.path), now), made_at=made_at)
        if spec.query:
            return replace(state, lookup=self._queried(spec, now), made_at=now)
        if spec.refresh is None:
            raise EnrichmentError(f"lookup table {spec.name}: has neither a file nor a place to fetch it from")
        found = stored.fetch(self.sessions, spec.refresh, state.version, self.max_bytes)
        if found is None:
            return state
        lookup = self._read(spec, found.blocks, now)
        return replace(state, lookup=lookup, version=found.version, made_at=found.made_at)

    def _read(self, spec: LookupSpec, blocks: Iterable[bytes], now: datetime) -> Lookup:
        return load_lookup(spec, blocks, self.library, max_bytes=self.max_bytes, now=now)

    def _queried(self, spec: LookupSpec, now: datetime) -> Lookup:
        table = self.run_query(spec.query)
        if table.nbytes > self.max_bytes:
            raise EnrichmentError(f"lookup table {spec.name}: its query gives {table.nbytes} bytes, more than allowed")
        starts = range(0, table.num_rows, ROWS_AT_ONCE)
        rows = (row for start in starts for row in row_dicts(table.slice(start, ROWS_AT_ONCE)))
        return lookup_of_rows(spec, rows, now)


class LookupTables:
    """The tables of this process."""

    def __init__(self, specs: Sequence[LookupSpec], loader: Loader) -> None:
        self._loader = loader
        self._states = tuple(TableState(spec) for spec in specs)
        self._current = Lookups()

    @property
    def states(self) -> tuple[TableState, ...]:
        """Every table, the disabled ones too."""
        return self._states

    def current(self) -> Lookups:
        """The tables to enrich with; what is given does not change."""
        return self._current

    def due(self, now: datetime) -> bool:
        """Whether some table is to be loaded."""
        return any(state.spec.enabled and state.due(now) for state in self._states)

    def refresh(self, now: datetime, wanted: Callable[[LookupSpec], bool] = lambda spec: True) -> None:
        """Load the tables that are wanted and whose time has come, then put them all in place."""
        with ThreadPoolExecutor(FETCHES, thread_name_prefix="lookup") as pool:
            self._states = tuple(pool.map(lambda state: self._refreshed(state, now, wanted), self._states))
        self._current = Lookups(tuple(state.lookup for state in self._states if state.lookup is not None))

    def _refreshed(self, state: TableState, now: datetime, wanted: Callable[[LookupSpec], bool]) -> TableState:
        if not (state.spec.enabled and wanted(state.spec) and state.due(now)):
            return state
        try:
            loaded = self._loader.load(state, now)
        except (HeadwaterError, OSError) as error:
            return _failed(state, error, now)
        if loaded.lookup is not state.lookup and loaded.lookup is not None:
            _log_loaded(loaded.lookup)
        return loaded


def _failed(state: TableState, error: HeadwaterError | OSError, now: datetime) -> TableState:
    """The table as it was; the same fault is logged once, not at every try."""
    text = f"not runnable here: {error}" if isinstance(error, QueryError) else str(error)
    if text != state.error:
        LOG.warning("lookup_failed", table=state.spec.name, origin=state.spec.origin, error=text)
    return replace(state, tried_at=now, error=text)


def _log_loaded(lookup: Lookup) -> None:
    LOG.info(
        "lookup_loaded",
        table=lookup.name,
        origin=lookup.spec.origin,
        rows=len(lookup.table),
        matching=lookup.table.matching,
        bytes=lookup.size_bytes,
        skipped=lookup.skipped,
        reason=lookup.reason,
    )


class Refresher:
    """Refreshes the tables beside the worker's loop, one round at a time, and alerts on those that are overdue."""

    def __init__(self, tables: LookupTables, store: Store, worker: str) -> None:
        self._tables = tables
        self._store = store
        self._worker = worker
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="lookups")
        self._running: Future[None] | None = None
        self._started_at: datetime | None = None
        self._told: dict[str, str] = {}  # table → the batch that told of it

    def start(self, now: datetime) -> None:
        """Load the tables before the first event; those that are made by a query follow later, it can take minutes."""
        self._started_at = now
        self._tables.refresh(now, lambda spec: not spec.query)

    def run(self, now: datetime) -> None:
        """Begin a round if it is time; takes no time itself. Raises: TransientError of the state database."""
        if self._running is None or self._running.done():
            self._finish()
            if self._tables.due(now):
                self._running = self._pool.submit(self._tables.refresh, now)
        self._alert(now)

    def stop(self, timeout_s: float | None = None) -> None:
        """Wait for the round that runs, so long at most."""
        self._pool.shutdown(wait=False)
        try:
            self._finish(timeout_s)
        except WaitTimeout:
            LOG.warning("lookups_left")

    def _finish(self, timeout_s: float | None = None) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.result(timeout_s)

    def _alert(self, now: datetime) -> None:
        started_at = self._started_at or now
        for state in self._tables.states:
            name = state.spec.name
            if not (state.spec.enabled and state.overdue(now, started_at)):
                self._told.pop(name, None)
                continue
            batch_id = _batch_id(name, now)
            if self._told.get(name) != batch_id:
                tell(self._store, self._worker, batch_id, _stale_match(state, now), now)
                self._told[name] = batch_id


def _batch_id(name: str, now: datetime) -> str:
    """One a day for each table, the same for all workers: what one of them has told is told."""
    return hashlib.sha256(f"{STALE}\0{name}\0{now:%Y-%m-%d}".encode()).hexdigest()[:32]


def _stale_match(state: TableState, now: datetime) -> Match:
    spec = state.spec
    since = f"since {state.good_at.isoformat()}" if state.good_at else "at all"
    told = {"table": spec.name, "origin": spec.origin, "good_at": state.good_at, "error": state.error}
    return health_match(
        STALE,
        spec.name,
        now,
        title=f"The lookup table {spec.name} could not be loaded {since}",
        description=f"Events are enriched with old data of this table, or not at all. The last error: {state.error}",
        runbook="`headwater lookups list` shows the error; mend it, or disable the table.",
        told=told,
        window_min=1440,
        occasion=f"{now:%Y-%m-%d}",
    )
