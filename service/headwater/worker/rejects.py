"""Rejected rows once more, by the schemas of today; each that fits now goes to its log table, once.

For every log type: prepare binds the rejects that fit to a batch id, append writes their rows under it, finish marks
them recovered. A run that is killed leaves its batch bound; the next run does the same rejects again under the same id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from headwater.lake import matches as lake_matches
from headwater.lake.commit import append, holds
from headwater.lake.rejects import Stored, read_rejects
from headwater.lake.tables import MATCHES, table_name
from headwater.model import ObjectRef, Reject
from headwater.pipeline import Step, Store
from headwater.schema.logtype import LogType
from headwater.state import rejects as state
from headwater.state.rejects import Gain, Retry
from headwater.worker.committer import new_id, utc_now
from headwater.worker.remake import Made, Remaker
from headwater.worker.reread import Reread

LOG = structlog.get_logger()
Wanted = Callable[[Stored], bool]


@dataclass(slots=True)
class Summary:
    """What became of the rejects: tried = recovered + headers + rejected + not_retried + busy.

    recovered: rows by log type. headers: lines that name columns and are no rows. rejected, not_retried: by reason.
    busy: those of another run that is at work. resumed: retries of a killed run that were finished first.
    """

    tried: int = 0
    recovered: Counter[str] = field(default_factory=Counter)
    headers: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    not_retried: Counter[str] = field(default_factory=Counter)
    busy: int = 0
    resumed: int = 0
    matches: int = 0
    alerts: int = 0


@dataclass(frozen=True, slots=True)
class Retrier:
    """A retry and what it needs. alerting: whether matches open alerts. step: told each step before it runs."""

    store: Store
    remaker: Remaker
    reread: Reread
    worker: str
    lease_s: float = 600
    alerting: bool = False
    now: Callable[[], datetime] = utc_now
    ids: Callable[[], str] = new_id
    step: Step = lambda name: None
    summary: Summary = field(default_factory=Summary)

    def run(self, wanted: Wanted = lambda stored: True) -> Summary:
        """Finish what a killed run left; then try every wanted reject that is not recovered."""
        self._resume()
        cut: list[Reject] = []
        for stored in read_rejects(self.store.catalog):
            fresh = self._fresh(stored, wanted)
            cut += [reject for reject in fresh if reject.cut]
            self._retry([reject for reject in fresh if not reject.cut])
        for whole, unread in self.reread(cut, self._refs):
            self.summary.tried += len(unread)
            self.summary.not_retried.update(each.reason for each in unread)
            self._retry(whole)
        LOG.info("rejects_retried", tried=self.summary.tried, recovered=self.summary.recovered.total())
        return self.summary

    def _fresh(self, stored: Sequence[Stored], wanted: Wanted) -> list[Reject]:
        """The wanted rejects that are neither recovered nor bound."""
        for each in stored:
            self.remaker.look_at(each.reject)
        chosen = {each.reject.reject_id: each.reject for each in stored if wanted(each)}
        settled = state.settled(self.store.database, list(chosen))
        busy = sum(not recovered for recovered in settled.values())
        self.summary.busy += busy
        self.summary.tried += busy
        return [reject for reject_id, reject in chosen.items() if reject_id not in settled]

    def _retry(self, rejects: Sequence[Reject]) -> None:
        """Try whole rejects: a batch for each log type."""
        self.summary.tried += len(rejects)
        for name, chosen in self.remaker.by_type(rejects, self.summary.rejected).items():
            self._commit(self.remaker.library[name], chosen)

    def _commit(self, log_type: LogType, rejects: Sequence[Reject]) -> None:
        """Write the rejects that fit, and count the others; those that another run took first are left to it."""
        while rejects:
            retry = Retry(self.ids(), log_type.name, self.alerting)
            made = self._make(log_type, rejects, retry)
            taken = self._write(retry, made, rejects) if made.settled else frozenset[str]()
            if not taken:
                self.summary.rejected.update(made.reasons.values())
                return
            self.summary.busy += len(taken)
            rejects = [reject for reject in rejects if reject.reject_id not in taken]

    def _make(self, log_type: LogType, rejects: Sequence[Reject], retry: Retry) -> Made:
        refs = self._refs(reject.object_id for reject in rejects)
        made = self.remaker.make(log_type, rejects, refs, self.now())
        if retry.alerting:
            return made
        return replace(made, matches=tuple(replace(match, create_alert=False) for match in made.matches))

    def _write(
        self, retry: Retry, made: Made, rejects: Sequence[Reject], bound: frozenset[str] = frozenset()
    ) -> frozenset[str]:
        """Prepare, append, finish; gives the rejects that another run has, and does nothing where there are any.

        bound: the rejects of a retry that was begun before. Of those, what the lake has already is recovered even
        where the schema has changed meanwhile, and what fits no more is released.
        """
        catalog, table, now = self.store.catalog, table_name(retry.log_type), self.now()
        self.step("prepare")
        answer = state.prepare(
            self.store.database,
            retry,
            made.settled,
            made.matches,
            worker=self.worker,
            now=now,
            lease_s=self.lease_s,
            policy=self.store.policy,
        )
        if answer.taken:
            return answer.taken
        self.step(f"append:{table}")
        if made.batch is not None:
            landed = not append(catalog, table, made.batch.table, batch_id=retry.batch_id)
        else:
            landed = holds(catalog, table, retry.batch_id)
        if made.matches:
            self.step(f"append:{MATCHES}")
            rows = lake_matches.to_arrow(made.matches, answer.alert_ids, now)
            append(catalog, MATCHES, rows, batch_id=retry.batch_id)
        self.step("finish")
        released = frozenset[str]() if landed else bound - made.settled
        self._finish(retry, made, rejects, released, (bound or made.settled) - released, now)
        return frozenset()

    def _finish(
        self,
        retry: Retry,
        made: Made,
        rejects: Sequence[Reject],
        released: frozenset[str],
        recovered: frozenset[str],
        now: datetime,
    ) -> None:
        done = state.finish(
            self.store.database,
            retry.batch_id,
            _gains([reject for reject in rejects if reject.reject_id in recovered], made),
            made.matches,
            log_type=retry.log_type,
            released=released,
            destinations=self.store.destinations,
            policy=self.store.policy,
            now=now,
        )
        if done.already:
            return
        headers = len(recovered & made.headers)
        self.summary.headers += headers
        self.summary.recovered[retry.log_type] += len(recovered) - headers
        self.summary.matches += sum(match.kind == "RULE" for match in made.matches)
        self.summary.alerts += len(done.opened)

    def _resume(self) -> None:
        """Finish the retries that a run left which is gone."""
        begun = state.unfinished(self.store.database, self.worker, self.now())
        bound = {retry.batch_id: state.bound(self.store.database, retry.batch_id) for retry in begun}
        batch_of = {reject_id: batch_id for batch_id, ids in bound.items() for reject_id in ids}
        found: dict[str, dict[str, Reject]] = {retry.batch_id: {} for retry in begun}
        for stored in read_rejects(self.store.catalog) if begun else ():
            for each in stored:
                self.remaker.look_at(each.reject)
                batch_id = batch_of.get(each.reject.reject_id)
                if batch_id is not None:
                    found[batch_id][each.reject.reject_id] = each.reject
        for retry in begun:
            self._resume_one(retry, list(found[retry.batch_id].values()), bound[retry.batch_id])

    def _resume_one(self, retry: Retry, rejects: Sequence[Reject], bound: frozenset[str]) -> None:
        log_type = self.remaker.library.get(retry.log_type)
        if log_type is None:
            LOG.error("retry_not_resumed", log_type=retry.log_type, rejects=len(bound), reason="its schema is gone")
            return
        whole = [reject for reject in rejects if not reject.cut]
        for read, _ in self.reread([reject for reject in rejects if reject.cut], self._refs):
            whole += read
        whole = [self.remaker.with_header(reject, log_type) for reject in whole]
        made = self._make(log_type, whole, retry)
        before = self.summary.recovered.total() + self.summary.headers
        self._write(retry, made, rejects, bound)
        self.summary.tried += self.summary.recovered.total() + self.summary.headers - before
        self.summary.resumed += 1

    def _refs(self, object_ids: Iterable[str]) -> Mapping[str, ObjectRef]:
        return state.refs(self.store.database, set(object_ids))


def _gains(rejects: Iterable[Reject], made: Made) -> list[Gain]:
    """What each object wins."""
    matches = Counter(match.row_id[:32] for match in made.matches if match.kind == "RULE")
    rows: Counter[tuple[str, str]] = Counter()
    headers: Counter[tuple[str, str]] = Counter()
    for reject in rejects:
        counter = headers if reject.reject_id in made.headers else rows
        counter[reject.object_id, reject.source_id] += 1
    return [
        Gain(object_id, source_id, rows[object_id, source_id], headers[object_id, source_id], matches[object_id[:32]])
        for object_id, source_id in {**rows, **headers}
    ]
