"""Everything of one account deleted: lake, state and alerts file; with a report that can be handed over."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from headwater.destinations.json_lines import remove_account
from headwater.errors import HeadwaterError
from headwater.lake import audit
from headwater.lake.erase import Erased, erase
from headwater.pipeline import Store
from headwater.state import deletion
from headwater.worker.committer import new_id, utc_now
from headwater.worker.tidy import lake_turn, uncommitted_since

LOG = structlog.get_logger()
PASSES = 5  # against a worker that writes rows of the account meanwhile
POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class Report:
    """What was deleted, when and by whom. complete: nothing of the account is left where the service can see it.

    in_flight: objects of the account that a worker was still writing. left: young files that may hold rows of it.
    state, tables: rows by table. alert_lines: of the local alerts file.
    """

    id: str
    account_id: str
    by: str
    started_at: datetime
    finished_at: datetime
    complete: bool
    dry_run: bool
    in_flight: int
    left: int
    rows: int
    tables: tuple[Erased, ...]
    state: dict[str, int]
    alert_lines: int

    def json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Request:
    """Whose data, and who wants it deleted. everything_remembered: also what detections remember of all accounts."""

    account_id: str
    by: str
    worker: str
    everything_remembered: bool = False
    dry_run: bool = False


def erase_account(
    store: Store,
    alerts_file: Path,
    request: Request,
    *,
    wait_s: float = 60.0,
    now: Callable[[], datetime] = utc_now,
    sleep: Callable[[float], None] = time.sleep,
) -> Report:
    """Delete everything of an account. Safe to repeat, and to be called again after it was killed.

    wait_s: how long to wait for batches that a worker writes now.
    Raises: HeadwaterError where the upkeep of the lake is at work in another process.
    """
    if request.dry_run:
        return _look(store, alerts_file, request, now)
    with lake_turn(store, request.worker, now) as take:
        return _erase(store, alerts_file, request, wait_s, now, sleep, _renewed(take))


def _look(store: Store, alerts_file: Path, request: Request, now: Callable[[], datetime]) -> Report:
    started, account = now(), request.account_id
    tables = _pass(store, request, started, lambda: None)
    everything = request.everything_remembered
    state = deletion.delete_account(store.database, account, everything_remembered=everything, dry_run=True)
    lines = remove_account(alerts_file, account, dry_run=True)
    return _report(request, started, now(), tables, state, lines, deletion.in_flight(store.database, account))


def _erase(
    store: Store,
    alerts_file: Path,
    request: Request,
    wait_s: float,
    now: Callable[[], datetime],
    sleep: Callable[[float], None],
    renew: Callable[[], None],
) -> Report:
    started, account = now(), request.account_id
    state = _state(store, request)  # first: objects that were only claimed are given up by their worker
    _wait(lambda: deletion.in_flight(store.database, account), wait_s, sleep, renew)
    tables = _pass(store, request, now(), renew)
    for _ in range(PASSES):
        again = _pass(store, request, now(), renew)
        tables = _summed(tables, again)
        if not any(each.rows for each in again):
            break
    for name, count in _state(store, request).items():
        state[name] = state.get(name, 0) + count
    lines = remove_account(alerts_file, account)
    deletion.compact_storage(store.database)
    in_flight = deletion.in_flight(store.database, account)
    report = _report(request, started, now(), tables, state, lines, in_flight)
    audit.record(store.catalog, report.id, "account_deleted", account, request.by, _detail(report), report.finished_at)
    LOG.warning("account_deleted", account_id=account, by=request.by, rows=report.rows, complete=report.complete)
    return report


def _state(store: Store, request: Request) -> dict[str, int]:
    everything = request.everything_remembered
    return deletion.delete_account(store.database, request.account_id, everything_remembered=everything)


def _pass(store: Store, request: Request, now: datetime, renew: Callable[[], None]) -> list[Erased]:
    return erase(
        store.catalog,
        request.account_id,
        before=uncommitted_since(store, now),
        unfinished=lambda: deletion.unfinished_batches(store.database),
        renew=renew,
        dry_run=request.dry_run,
    )


def _summed(first: list[Erased], second: list[Erased]) -> list[Erased]:
    before = {each.table: each for each in first}
    return [
        replace(
            each,
            rows=each.rows + before[each.table].rows,
            files_dropped=each.files_dropped + before[each.table].files_dropped,
            files_rewritten=each.files_rewritten + before[each.table].files_rewritten,
            files_deleted=each.files_deleted + before[each.table].files_deleted,
        )
        if each.table in before
        else each
        for each in second
    ]


def _report(
    request: Request,
    started: datetime,
    finished: datetime,
    tables: list[Erased],
    state: dict[str, int],
    lines: int,
    in_flight: int,
) -> Report:
    left = sum(each.left for each in tables)
    return Report(
        id=new_id(),
        account_id=request.account_id,
        by=request.by,
        started_at=started,
        finished_at=finished,
        complete=not in_flight and not left and not request.dry_run,
        dry_run=request.dry_run,
        in_flight=in_flight,
        left=left,
        rows=sum(each.rows for each in tables),
        tables=tuple(tables),
        state=state,
        alert_lines=lines,
    )


def _detail(report: Report) -> dict[str, Any]:
    """Counts alone."""
    return {
        "complete": report.complete,
        "rows": {each.table: each.rows for each in report.tables if each.rows},
        "state": report.state,
        "started_at": report.started_at.isoformat(),
    }


def _wait(held: Callable[[], int], wait_s: float, sleep: Callable[[float], None], renew: Callable[[], None]) -> None:
    """Wait until nothing is held any more, but not for ever."""
    for _ in range(int(wait_s / POLL_S)):
        if not held():
            return
        renew()
        sleep(POLL_S)


def _renewed(take: Callable[[], bool]) -> Callable[[], None]:
    def renew() -> None:
        if not take():
            raise HeadwaterError("another process has taken over the lake's upkeep; run the same command again")

    return renew
