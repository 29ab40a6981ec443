"""The way of the data on one page: bytes → chunks → typed batches → matches → one exact commit.

`digest` is pure. `commit` is the exactly-once protocol: prepare, append, finish. Killed between any two of them, the
next worker takes the batch over and ends with the same lake and the same alerts.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa
from pyiceberg.catalog import Catalog

from headwater.detect.engine import Engine
from headwater.ingest.classify import Ignored, classify
from headwater.ingest.decode import decode
from headwater.ingest.envelopes import open_envelopes
from headwater.ingest.export_task import open_export
from headwater.ingest.mixed import apart
from headwater.ingest.parse import Parsed, Part, parse
from headwater.ingest.reject import make_reject
from headwater.lake import matches as lake_matches
from headwater.lake import rejects as lake_rejects
from headwater.lake.commit import append
from headwater.lake.tables import MATCHES, REJECTS, table_name
from headwater.model import Alert, Batch, Chunk, GroupKey, Match, ObjectRef, Receipt, Reject, Source
from headwater.schema.logtype import LogType
from headwater.state import commit as state_commit
from headwater.state.database import Database
from headwater.state.health import RejectLimit

Step = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Opened:
    """One object whose bytes are decoded and classified; nothing is parsed yet.

    parts: its chunks by log-type name. unclassified: chunks that fit no log type.
    """

    ref: ObjectRef
    source: Source
    parts: Mapping[str, tuple[Part, ...]]
    unclassified: tuple[Chunk, ...]
    ignored: Mapping[str, int]
    warnings: tuple[str, ...]
    bytes_in: int


@dataclass(frozen=True, slots=True)
class Digest:
    """What a group of objects yields, before anything is written."""

    batches: tuple[Batch, ...]
    rejects: tuple[Reject, ...]
    matches: tuple[Match, ...]
    receipts: tuple[Receipt, ...]


def open_object(
    ref: ObjectRef,
    source: Source,
    stream: Iterable[bytes],
    library: Mapping[str, LogType],
    *,
    max_bytes: int,
) -> Opened:
    """Decode and classify one object.

    Raises: ObjectError where the object can never be read; then none of it is kept.
    """
    decoded = decode(stream, max_bytes=max_bytes, key=ref.key)
    parts: dict[str, list[Part]] = defaultdict(list)
    unclassified: list[Chunk] = []
    ignored: Counter[str] = Counter()
    lines_kind: LogType | Ignored | None = None
    records = open_envelopes(open_export(ref.key, decoded), source.log_types, ignored)
    for chunk in apart(records, ref.key, library, source.log_types):
        kind = classify(ref.key, chunk, library, source.log_types)
        if (
            chunk.shape == "lines" and "logGroup" not in chunk.context
        ):  # only the first chunk of a text has the header that tells its type
            kind = lines_kind = kind or lines_kind
        if kind is None:
            unclassified.append(chunk)
        elif isinstance(kind, Ignored):
            ignored[kind.reason] += len(chunk.records)
        else:
            parts[kind.name].append(Part(ref, source, chunk))
    ignored.update(decoded.ignored)
    grouped = {name: tuple(found) for name, found in parts.items()}
    return Opened(ref, source, grouped, tuple(unclassified), dict(ignored), decoded.warnings, decoded.bytes_out)


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
    engine: Engine | None,
    now: datetime,
    clock: Callable[[], float] = time.monotonic,
) -> Digest:
    """Parse, normalise and detect a group of objects; rows of small objects are built together, a batch a log type."""
    started = clock()
    tallies = {opened.ref.object_id: _Tally() for opened in objects}
    batches, rejects = [], list(_unclassified(objects, tallies))
    for name, parts in _parts_by_type(objects).items():
        parsed = parse(library[name], parts, now)
        _count_parts(tallies, name, parts, parsed)
        rejects.extend(parsed.rejects)
        if parsed.batch is not None:
            batches.append(parsed.batch)
    matches = tuple(match for batch in batches for match in (engine.detect(batch) if engine else ()))
    _count_matches(tallies, matches)
    elapsed_ms = int((clock() - started) * 1000)
    receipts = tuple(_receipt(opened, tallies[opened.ref.object_id], elapsed_ms) for opened in objects)
    return Digest(tuple(batches), tuple(rejects), matches, receipts)


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
    """Where commits go: the state database, the lake, the names of the alert destinations.

    reject_limit: when a source is alerted on because of its rejects; None: never.
    """

    database: Database
    catalog: Catalog
    destinations: tuple[str, ...] = ()
    reject_limit: RejectLimit | None = None


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
    object_ids = [receipt.ref.object_id for receipt in made.receipts]
    alert_ids = state_commit.prepare(
        store.database, batch_id, object_ids, made.matches, worker=worker, now=now, lease_s=lease_s
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
        reasons=_reasons(made.rejects),
        reject_limit=store.reject_limit,
    )
    return finished.opened


def _reasons(rejects: Iterable[Reject]) -> Mapping[str, Mapping[str, int]]:
    """How often each cause was given, by source."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for reject in rejects:
        found[reject.source_id][reject.cause] += 1
    return found


def _tables(made: Digest, alert_ids: Mapping[GroupKey, str], now: datetime) -> dict[str, pa.Table]:
    tables = {table_name(batch.log_type): batch.table for batch in made.batches}
    if made.rejects:
        tables[REJECTS] = lake_rejects.to_arrow(made.rejects, now)
    if made.matches:
        tables[MATCHES] = lake_matches.to_arrow(made.matches, alert_ids, now)
    return tables
