"""Rejects → the rows that the schemas of today make of them; nothing is written."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby

import pyarrow as pa
import pyarrow.compute as pc

from headwater.detect.engine import Detector
from headwater.enrich.columns import enrich
from headwater.enrich.lookup import NO_LOOKUPS, Lookups
from headwater.ingest.classify import Ignored, classify
from headwater.ingest.parse import Part, parse
from headwater.ingest.reject import HEADER, names_columns
from headwater.model import Batch, Chunk, Match, ObjectRef, Reject, Source
from headwater.schema.logtype import LogType

MAX_HEADER_CHARS = 16 * 1024  # a longer first line of an object is not taken for a header


@dataclass(frozen=True, slots=True)
class Made:
    """What one log type makes of rejects.

    batch: the rows of those in `rows`. headers: those that name columns and are no rows. reasons: why the others are
    rejected, by reject id.
    """

    batch: Batch | None
    rows: frozenset[str]
    headers: frozenset[str]
    matches: tuple[Match, ...]
    reasons: Mapping[str, str]

    @property
    def settled(self) -> frozenset[str]:
        """The rejects with which nothing is left to do."""
        return self.rows | self.headers


@dataclass(frozen=True, slots=True)
class Remaker:
    """sources: those of accounts.yml by id, for the log types that they allow. forced: the log type of every reject."""

    library: Mapping[str, LogType]
    detector: Detector | None
    sources: Mapping[str, Source]
    forced: LogType | None = None
    first_lines: dict[str, str] = field(default_factory=dict)
    lookups: Lookups = NO_LOOKUPS

    def look_at(self, reject: Reject) -> None:
        """Keep the first line of an unclassified object: it may name the columns of the others."""
        if reject.row == 0 and reject.shape == "lines" and not reject.log_type and len(reject.raw) <= MAX_HEADER_CHARS:
            self.first_lines[reject.object_id] = reject.raw

    def by_type(self, rejects: Iterable[Reject], refused: Counter[str]) -> dict[str, list[Reject]]:
        """The rejects by the log type that may take them; refused: counts the others, by reason."""
        found: dict[str, list[Reject]] = defaultdict(list)
        for group in _alike(rejects):
            for reject, kind in self._kinds(group):
                if isinstance(kind, LogType):
                    found[kind.name].append(self.with_header(reject, kind))
                else:
                    refused[reject.reason if kind is None else f"no log data: {kind.reason}"] += 1
        return found

    def make(self, log_type: LogType, rejects: Sequence[Reject], refs: Mapping[str, ObjectRef], now: datetime) -> Made:
        """The rows of the rejects. refs: their objects by id; a reject of an unknown one cannot be a row."""
        known = {reject.reject_id: reject for reject in rejects if reject.object_id in refs}
        reasons = {each.reject_id: "the state database does not know its object" for each in rejects}
        parts = [self._part(run, refs) for group in _alike(known.values()) for run in _runs(group)]
        parsed = parse(log_type, parts, now)
        batch = _only(parsed.batch, known)
        batch = enrich(batch, self.lookups) if batch else None
        rows = frozenset(batch.table["p_row_id"].to_pylist()) if batch else frozenset[str]()
        refused = {each.reject_id: each.reason for each in parsed.rejects if each.reject_id in known}
        silent = known.keys() - refused.keys() - rows
        of_objects = {reject_id[:32] for reject_id in rows}
        headers = frozenset(reject_id for reject_id in silent if reject_id[:32] in of_objects)
        reasons |= dict.fromkeys(silent, f"no row of {log_type.name}") | refused
        left = {reject_id: reasons[reject_id] for reject_id in reasons.keys() - rows - headers}
        matches = tuple(self.detector.detect(batch)) if self.detector and batch else ()
        return Made(batch, rows, headers, matches, left)

    def _kinds(self, group: Sequence[Reject]) -> Iterator[tuple[Reject, LogType | Ignored | None]]:
        """The types of alike rejects: forced, the one they were read as, or by key and content, together or alone."""
        known = self.forced or self.library.get(group[0].log_type or "")
        if known:
            yield from ((reject, known) for reject in group)
            return
        top = self.first_lines.get(group[0].object_id)
        lead = [top] if top is not None and group[0].row > 0 else []
        kind = self._classify(group[0], [*lead, *(reject.raw for reject in group)])
        for reject in group:
            yield reject, kind or self._classify(reject, [reject.raw])

    def _classify(self, first: Reject, texts: Sequence[str]) -> LogType | Ignored | None:
        chunk = Chunk(first.shape, [text.encode() for text in texts], first.row, first.context)
        return classify(first.key, chunk, self.library, self._source(first).log_types)

    def with_header(self, reject: Reject, log_type: LogType) -> Reject:
        """The reject with the line that names its columns, where its object began with one."""
        top = self.first_lines.get(reject.object_id)
        if top is None or reject.row == 0 or HEADER in reject.context or not names_columns(log_type, top.encode(), 0):
            return reject
        return replace(reject, context={**reject.context, HEADER: top})

    def _part(self, run: Sequence[Reject], refs: Mapping[str, ObjectRef]) -> Part:
        first = run[0]
        chunk = Chunk(first.shape, [reject.raw.encode() for reject in run], first.row, first.context)
        return Part(refs[first.object_id], self._source(first), chunk)

    def _source(self, reject: Reject) -> Source:
        """The source as the row's p_ columns would have named it then; its log types are those of today."""
        configured = self.sources.get(reject.source_id)
        name = reject.source_id.partition("/")[2]
        account_name = reject.source_label.removesuffix(f"/{name}")
        if not account_name:  # rejected by an earlier version
            account_name = configured.account_name if configured else reject.account_id
        log_types = configured.log_types if configured else ()
        return Source(reject.account_id, account_name, name, reject.bucket, log_types=log_types)


def _alike(rejects: Iterable[Reject]) -> Iterator[list[Reject]]:
    """Rejects of one object, shape, context and former log type, in the order of their rows."""
    groups: dict[tuple[object, ...], list[Reject]] = defaultdict(list)
    for reject in rejects:
        context = tuple(sorted(reject.context.items()))
        groups[reject.object_id, reject.shape, context, reject.log_type].append(reject)
    yield from (sorted(group, key=lambda reject: reject.row) for group in groups.values())


def _runs(group: Sequence[Reject]) -> Iterator[list[Reject]]:
    """Rejects whose rows follow each other."""
    for _, run in groupby(enumerate(group), key=lambda item: item[1].row - item[0]):
        yield [reject for _, reject in run]


def _only(batch: Batch | None, reject_ids: Iterable[str]) -> Batch | None:
    """The batch without rows that are none of the rejects."""
    if batch is None:
        return None
    chosen = pc.is_in(batch.table["p_row_id"], value_set=pa.array(list(reject_ids), pa.string()))
    table = batch.table.filter(chosen)
    return replace(batch, table=table) if table.num_rows else None
