"""The way of the data on one page: bytes → chunks → typed batches → matches → one exact commit.

`digest` is pure; `digest_pieces` does the same for objects too large to hold, with their rows put aside on disk.
`commit` is the exactly-once protocol: prepare, append, finish. Killed between any two of them, the next worker takes
the batch over and ends with the same lake and the same alerts.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.catalog import Catalog

from headwater.detect.engine import Detector
from headwater.enrich.columns import enrich
from headwater.enrich.lookup import NO_LOOKUPS, Lookups
from headwater.ingest.opening import Bound, Opened, open_object
from headwater.ingest.parse import Parsed, Part, parse
from headwater.ingest.reject import make_reject
from headwater.lake import matches as lake_matches
from headwater.lake import rejects as lake_rejects
from headwater.lake.commit import append
from headwater.lake.spool import Spool, Spooled
from headwater.lake.tables import MATCHES, REJECTS, table_name
from headwater.model import Alert, Batch, GroupKey, Match, Receipt, Reject, Source
from headwater.schema.logtype import LogType
from headwater.state import commit as state_commit
from headwater.state.database import Database
from headwater.state.health import RejectLimit
from headwater.state.outbox import Destinations
from headwater.state.rule_health import RuleLimit
from headwater.state.storms import AlertPolicy

__all__ = ["Bound", "Digest", "Opened", "Step", "Store", "commit", "digest", "digest_pieces", "open_object"]

Step = Callable[[str], None]
Reasons = Mapping[str, Mapping[str, int]]
MAX_REASONS = 1000  # causes of rejects that are counted of one large object


@dataclass(frozen=True, slots=True)
class Digest:
    """What a group of objects yields, before anything is written.

    reasons: how often rows were rejected for each cause, by source. spooled: rows that wait on disk, by table; the
    rejects and matches of large objects are among them, and `matches` only tells their alerts apart. newest: the latest
    event time of each source's rows, as far as it is not in the future.
    """

    batches: tuple[Batch, ...]
    rejects: tuple[Reject, ...]
    matches: tuple[Match, ...]
    receipts: tuple[Receipt, ...]
    reasons: Reasons
    spooled: Mapping[str, Spooled] = field(default_factory=dict)
    newest: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(slots=True)
class _Tally:
    """Counts of one object while its group is parsed."""

    log_types: set[str] = field(default_factory=set)
    rows_in: int = 0
    rows_out: int = 0
    rejects: int = 0
    matches: int = 0


def digest(
    objects: Sequence[Opened],
    library: Mapping[str, LogType],
    detector: Detector | None,
    now: datetime,
    clock: Callable[[], float] = time.monotonic,
    lookups: Lookups = NO_LOOKUPS,
) -> Digest:
    """Parse, normalise, enrich and detect a group of objects.

    Rows of small objects are built together, a batch a log type.
    """
    started = clock()
    tallies = {opened.ref.object_id: _Tally() for opened in objects}
    batches, rejects = [], list(_unclassified(objects, tallies))
    for name, parts in _parts_by_type(objects).items():
        parsed = parse(library[name], parts, now)
        _count_parts(tallies, name, parts, parsed)
        rejects.extend(parsed.rejects)
        if parsed.batch is not None:
            batches.append(enrich(parsed.batch, lookups))
    matches = tuple(match for batch in batches for match in (detector.detect(batch) if detector else ()))
    _count_matches(tallies, matches)
    elapsed_ms = int((clock() - started) * 1000)
    receipts = tuple(_receipt(opened, tallies[opened.ref.object_id], elapsed_ms) for opened in objects)
    newest = newest_events(batches, now)
    return Digest(tuple(batches), tuple(rejects), matches, receipts, _reasons(rejects), newest=newest)


def digest_pieces(
    objects: Sequence[Opened],
    library: Mapping[str, LogType],
    detector: Detector | None,
    now: datetime,
    spool: Spool,
    clock: Callable[[], float] = time.monotonic,
    lookups: Lookups = NO_LOOKUPS,
) -> tuple[Digest, tuple[Opened, ...]]:
    """As `digest`, a piece of an object at a time, with the objects as they are at their end; the rows go to the spool.

    Raises: ObjectError where an object turns out broken while it is read.
    """
    found = _Summed()
    for opened in objects:
        for piece in opened.pieces or iter((opened,)):
            made = digest([piece], library, detector, now, clock, lookups)
            for table, data in _unassigned_tables(made, now).items():
                spool.add(table, data)
            found.add(made, piece)
            del piece, made  # else they would stay in memory while the next piece is read
    receipts = tuple(found.receipts.values())
    made = Digest((), (), tuple(found.matches), receipts, found.reasons, spool.tables, found.newest)
    return made, tuple(found.ended.values())


@dataclass(slots=True)
class _Summed:
    """What pieces of objects yielded, without their rows."""

    matches: list[Match] = field(default_factory=list)
    receipts: dict[str, Receipt] = field(default_factory=dict)
    ended: dict[str, Opened] = field(default_factory=dict)
    reasons: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    newest: dict[str, datetime] = field(default_factory=dict)
    _in_group: Counter[GroupKey] = field(default_factory=Counter)

    def add(self, made: Digest, piece: Opened) -> None:
        """Count one piece."""
        self.matches += map(self._lean, made.matches)
        for source_id, newest in made.newest.items():
            self.newest[source_id] = max(newest, self.newest.get(source_id, newest))
        for source_id, counted in made.reasons.items():
            self.reasons[source_id] = Counter(
                dict((self.reasons[source_id] + Counter(counted)).most_common(MAX_REASONS))
            )
        for receipt in made.receipts:
            object_id = receipt.ref.object_id
            self.receipts[object_id] = _sum(self.receipts.get(object_id), receipt)
            self.ended[object_id] = replace(piece, parts={}, unclassified=())

    def _lean(self, match: Match) -> Match:
        """The match without its event, unless it can be the one that opens its alert."""
        self._in_group[match.group_key] += 1
        if self._in_group[match.group_key] <= match.threshold:
            return match
        return replace(match, event={"p_row_id": match.row_id}, context="{}")


def _sum(known: Receipt | None, more: Receipt) -> Receipt:
    if known is None:
        return more
    return replace(
        more,  # whose bytes_in are those of all pieces
        log_types=tuple(sorted({*known.log_types, *more.log_types})),
        rows_in=known.rows_in + more.rows_in,
        rows_out=known.rows_out + more.rows_out,
        rejects=known.rejects + more.rejects,
        matches=known.matches + more.matches,
        elapsed_ms=known.elapsed_ms + more.elapsed_ms,
    )


def _parts_by_type(objects: Sequence[Opened]) -> dict[str, list[Part]]:
    grouped: dict[str, list[Part]] = defaultdict(list)
    for opened in objects:
        for name, parts in opened.parts.items():
            grouped[name].extend(parts)
    return grouped


def _count_parts(tallies: Mapping[str, _Tally], name: str, parts: Sequence[Part], parsed: Parsed) -> None:
    for part, rows, rejected in zip(parts, parsed.rows, parsed.rejected, strict=True):
        tally = tallies[part.ref.object_id]
        tally.log_types.add(name)
        tally.rows_in += rows + rejected
        tally.rows_out += rows
        tally.rejects += rejected


def _count_matches(tallies: Mapping[str, _Tally], matches: Iterable[Match]) -> None:
    by_prefix = {object_id[:32]: tally for object_id, tally in tallies.items()}
    for match in matches:  # a row id begins with the first 32 digits of its object's id
        if match.kind == "RULE":
            by_prefix[match.row_id[:32]].matches += 1


def newest_events(batches: Iterable[Batch], now: datetime) -> dict[str, datetime]:
    """The latest event time of each source's rows; rows without one, and those in the future, tell nothing."""
    newest: dict[str, datetime] = {}
    for batch in batches:
        table = batch.table.select(["p_source_id", "p_event_time", "p_event_time_missing"])
        told = pc.and_not(pc.less_equal(table["p_event_time"], now), table["p_event_time_missing"])
        by_source = table.filter(told).group_by("p_source_id").aggregate([("p_event_time", "max")]).to_pylist()
        for row in by_source:
            source_id, latest = row["p_source_id"], row["p_event_time_max"]
            newest[source_id] = max(latest, newest.get(source_id, latest))
    return newest


def _unclassified(objects: Sequence[Opened], tallies: Mapping[str, _Tally]) -> Iterable[Reject]:
    for opened in objects:
        tally = tallies[opened.ref.object_id]
        for chunk in opened.unclassified:
            tally.rows_in += len(chunk.records)
            tally.rejects += len(chunk.records)
            part = Part(opened.ref, opened.source, chunk)
            reason = "unclassified: fits no log type" + _allowed(opened.source)
            yield from (make_reject(part, index, reason) for index in range(len(chunk.records)))


def _allowed(source: Source) -> str:
    return f" of source {source.source_id} ({', '.join(source.log_types)})" if source.log_types else ""


def _receipt(opened: Opened, tally: _Tally, elapsed_ms: int) -> Receipt:
    return Receipt(
        ref=opened.ref,
        source=opened.source,
        log_types=tuple(sorted(tally.log_types)),
        rows_in=tally.rows_in,
        rows_out=tally.rows_out,
        rejects=tally.rejects,
        matches=tally.matches,
        bytes_in=opened.bytes_in,
        elapsed_ms=elapsed_ms,
    )


@dataclass(frozen=True, slots=True)
class Store:
    """Where commits go: the state database, the lake, the alert destinations: their names, or who chooses among them.

    reject_limit: when a source is alerted on because of its rejects; rule_limit: when a detection is suspended because
    of its errors; None: never. is_live: what is committed is news, not history that is made up for. alerting: its
    matches open alerts. policy: storms and resolved alerts.
    """

    database: Database
    catalog: Catalog
    destinations: Destinations = ()
    reject_limit: RejectLimit | None = None
    rule_limit: RuleLimit | None = None
    is_live: bool = True
    alerting: bool = True
    policy: AlertPolicy = state_commit.NO_POLICY


def commit(
    store: Store,
    batch_id: str,
    made: Digest,
    *,
    worker: str,
    now: datetime,
    lease_s: float = 600,
    step: Step = lambda name: None,
) -> tuple[Alert, ...]:
    """Write a digest exactly once under batch_id; gives the alerts that it opened.

    Safe to repeat with the same batch_id and objects after a crash at any point.
    lease_s: how long the batch is this worker's. step: told each step before it runs (prepare, append:<table>, finish).
    """
    step("prepare")
    if not store.alerting:
        made = replace(made, matches=tuple(replace(match, create_alert=False) for match in made.matches))
    object_ids = [receipt.ref.object_id for receipt in made.receipts]
    alert_ids = state_commit.prepare(
        store.database,
        batch_id,
        object_ids,
        made.matches,
        worker=worker,
        now=now,
        lease_s=lease_s,
        is_live=store.is_live,
        alerting=store.alerting,
        policy=store.policy,
    )
    for table, data in _tables(made, alert_ids, now).items():
        step(f"append:{table}")
        append(store.catalog, table, data, batch_id=batch_id)
    step("finish")
    finished = state_commit.finish(
        store.database,
        batch_id,
        made.receipts,
        made.matches,
        now=now,
        destinations=store.destinations,
        reasons=made.reasons,
        reject_limit=store.reject_limit if store.is_live else None,
        rule_limit=store.rule_limit,
        newest=made.newest,
        is_live=store.is_live,
        policy=store.policy,
    )
    return finished.opened


def _reasons(rejects: Iterable[Reject]) -> Reasons:
    """How often each cause was given, by source."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for reject in rejects:
        found[reject.source_id][reject.cause] += 1
    return found


def _tables(made: Digest, alert_ids: Mapping[GroupKey, str], now: datetime) -> Mapping[str, pa.Table | Spooled]:
    if made.spooled:
        return _spooled_tables(made.spooled, alert_ids)
    tables = _row_tables(made, now)
    if made.matches:
        tables[MATCHES] = lake_matches.to_arrow(made.matches, alert_ids, now)
    return tables


def _row_tables(made: Digest, now: datetime) -> dict[str, pa.Table]:
    tables = {table_name(batch.log_type): batch.table for batch in made.batches}
    if made.rejects:
        tables[REJECTS] = lake_rejects.to_arrow(made.rejects, now)
    return tables


def _unassigned_tables(made: Digest, now: datetime) -> dict[str, pa.Table]:
    tables = _row_tables(made, now)
    if made.matches:
        tables[MATCHES] = lake_matches.to_arrow_unassigned(made.matches, now)
    return tables


def _spooled_tables(spooled: Mapping[str, Spooled], alert_ids: Mapping[GroupKey, str]) -> dict[str, Spooled]:
    """Rows first, then rejects, then matches, as for small objects."""
    order = sorted(spooled, key=lambda table: (table == MATCHES, table == REJECTS, table))
    tables = {table: spooled[table] for table in order}
    if MATCHES in tables:
        tables[MATCHES] = tables[MATCHES].changed(lambda rows: lake_matches.assigned(rows, alert_ids))
    return tables
