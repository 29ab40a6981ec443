"""Errors of detections: counted, and too many in one hour suspend the detection until a person resumes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, bindparam, select, update

from headwater.model import Match, health_match
from headwater.state.database import chunks, insert_missing, read, run
from headwater.state.resolve import resolve
from headwater.state.schema import rule_health

RULE_SUSPENDED = "Headwater.RuleSuspended"
COUNTED = timedelta(hours=1)
LAST_ERROR_MAX = 300


@dataclass(frozen=True, slots=True)
class RuleLimit:
    """errors: of one detection within an hour. costly: how many plain errors one of these classes counts for."""

    errors: int = 1000
    costly: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleHealth:
    """errors: since the beginning. recent_errors: since counted_from, as the limit weighs them."""

    rule_id: str
    errors: int
    recent_errors: int
    counted_from: datetime
    last_error: str
    last_error_at: datetime
    suspended_at: datetime | None


def observe(connection: Connection, matches: Sequence[Match], limit: RuleLimit, now: datetime) -> tuple[Match, ...]:
    """Count the rule errors among the matches; suspend each detection over the limit and give a match that says so."""
    errors: dict[str, list[Match]] = {}
    for match in matches:
        if match.kind == "RULE_ERROR":
            errors.setdefault(match.rule_id, []).append(match)
    rows = _count(connection, errors, limit, now)
    over = [row for row in rows if row.suspended_at is None and row.recent_errors >= limit.errors]
    _suspend(connection, [row.rule_id for row in over], now)
    return tuple(_match(row, errors[row.rule_id][-1], now) for row in over)


def suspended(engine: Engine) -> frozenset[str]:
    """The ids of the detections that must not run."""
    with read(engine) as connection:
        return frozenset(
            connection.scalars(select(rule_health.c.rule_id).where(rule_health.c.suspended_at.is_not(None)))
        )


def list_health(engine: Engine) -> tuple[RuleHealth, ...]:
    """Every detection that ever raised, by its id."""
    with read(engine) as connection:
        rows = connection.execute(select(rule_health).order_by(rule_health.c.rule_id))
        return tuple(RuleHealth(**row._mapping) for row in rows)


def resume(engine: Engine, rule_ids: Iterable[str], now: datetime) -> tuple[str, ...]:
    """Let suspended detections run again, with no recent errors; gives those that were suspended."""
    ids = sorted(set(rule_ids))

    def work(connection: Connection) -> tuple[str, ...]:
        resumed: list[str] = []
        for piece in chunks(ids):
            held = (rule_health.c.rule_id.in_(piece), rule_health.c.suspended_at.is_not(None))
            resumed += connection.scalars(select(rule_health.c.rule_id).where(*held).order_by(rule_health.c.rule_id))
            connection.execute(
                update(rule_health).where(*held).values(suspended_at=None, recent_errors=0, counted_from=now)
            )
        resolve(connection, RULE_SUSPENDED, resumed, now)
        return tuple(resumed)

    return run(engine, work)


def _count(
    connection: Connection, errors: Mapping[str, Sequence[Match]], limit: RuleLimit, now: datetime
) -> list[Row[Any]]:
    ids = sorted(errors)  # in one order for all workers, or they could deadlock
    zero = {"errors": 0, "recent_errors": 0, "counted_from": now, "last_error": "", "last_error_at": now}
    insert_missing(connection, rule_health, [{"rule_id": rule_id, **zero} for rule_id in ids])
    rows = _lock(connection, ids)
    changes = [_added(row, errors[row.rule_id], limit, now) for row in rows]
    if changes:
        connection.execute(update(rule_health).where(rule_health.c.rule_id == bindparam("at_rule")), changes)
    return _lock(connection, ids)


def _lock(connection: Connection, ids: Sequence[str]) -> list[Row[Any]]:
    rows: list[Row[Any]] = []
    for piece in chunks(ids):
        statement = select(rule_health).where(rule_health.c.rule_id.in_(piece)).order_by(rule_health.c.rule_id)
        rows += connection.execute(statement.with_for_update()).all()
    return rows


def _added(row: Row[Any], errors: Sequence[Match], limit: RuleLimit, now: datetime) -> dict[str, Any]:
    is_new_hour = row.counted_from <= now - COUNTED
    weight = sum(match.occurrences * limit.costly.get(match.dedup, 1) for match in errors)
    return {
        "at_rule": row.rule_id,
        "errors": row.errors + sum(match.occurrences for match in errors),
        "recent_errors": weight + (0 if is_new_hour else row.recent_errors),
        "counted_from": now if is_new_hour else row.counted_from,
        "last_error": errors[-1].title[:LAST_ERROR_MAX],
        "last_error_at": now,
    }


def _suspend(connection: Connection, ids: Sequence[str], now: datetime) -> None:
    for piece in chunks(ids):
        connection.execute(update(rule_health).where(rule_health.c.rule_id.in_(piece)).values(suspended_at=now))


def _match(row: Row[Any], error: Match, now: datetime) -> Match:
    told = {
        "rule_id": row.rule_id,
        "errors": row.errors,
        "recent_errors": row.recent_errors,
        "last_error": error.title,
        "where": error.description,
    }
    return health_match(
        RULE_SUSPENDED,
        row.rule_id,
        now,
        title=f"{row.rule_id} is suspended after {row.recent_errors} errors within an hour; the last: {row.last_error}",
        description=f"This detection does not run any more. Its last error: {error.description}",
        runbook=f"Mend the detection, test it, then: headwater detections resume {row.rule_id}",
        told=told,
        severity="HIGH",
        log_type=error.log_type,
    )
