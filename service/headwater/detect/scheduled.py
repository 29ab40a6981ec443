"""Scheduled queries: SQL that is run now and then, whose rows scheduled rules look at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cronsim import CronSim, CronSimError

from headwater.detect.spec import Spec

PREFIX = "scheduled:"  # of what stands for a log type where the rows of a query are meant
RATE_MIN = 60
TIMEOUT_MIN = 5
DIALECTS = ("SnowflakeQuery", "AthenaQuery", "DatabricksQuery")
# Databases and macros that only Panther's own lake has.
FOREIGN = re.compile(r"\b(panther_\w+\s*\.|snowflake\s*\.|p_occurs_\w+\s*\()", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ScheduledQuery:
    """One scheduled query. unfit: why it cannot run here, or ""."""

    name: str
    enabled: bool
    sql: str
    rate_min: int
    cron: str | None
    timeout_min: float
    unfit: str

    @property
    def source(self) -> str:
        """What its rows have in place of a log type."""
        return source_of(self.name)


def source_of(query_name: str) -> str:
    """What the rows of a query have in place of a log type."""
    return PREFIX + query_name


def sources_of(data: Mapping[str, Any]) -> tuple[str, ...]:
    """What a rule reads: log types, or the rows of queries."""
    return tuple(data.get("LogTypes") or map(source_of, data.get("ScheduledQueries") or ()))


def scheduled_queries(specs: Sequence[Spec]) -> tuple[ScheduledQuery, ...]:
    """The scheduled queries among checked specs, the disabled ones too."""
    return tuple(_query(spec) for spec in specs if spec.kind == "scheduled_query")


def rules_by_query(specs: Sequence[Spec]) -> Mapping[str, Sequence[str]]:
    """The ids of the enabled rules that name each query."""
    found: dict[str, list[str]] = {}
    for spec in specs:
        if spec.kind == "scheduled_rule" and spec.data["Enabled"] is True:
            for name in spec.data.get("ScheduledQueries") or ():
                found.setdefault(name, []).append(spec.id)
    return found


def _query(spec: Spec) -> ScheduledQuery:
    schedule = spec.data["Schedule"]
    return ScheduledQuery(
        name=spec.id,
        enabled=spec.data["Enabled"] is True,
        sql=(spec.data.get("Query") or "").strip(),
        rate_min=int(schedule.get("RateMinutes") or RATE_MIN),
        cron=schedule.get("CronExpression"),
        timeout_min=float(schedule.get("TimeoutMinutes") or TIMEOUT_MIN),
        unfit=next(_reasons(spec.data, schedule.get("CronExpression")), ""),
    )


def _reasons(data: Mapping[str, Any], cron: str | None) -> Iterator[str]:
    sql = str(data.get("Query") or "")
    if not sql.strip():
        written = ", ".join(key.removesuffix("Query") for key in DIALECTS if data.get(key))
        yield f"it is written for {written}"
    foreign = FOREIGN.search(sql)
    if foreign:
        yield f"it is written for another lake: {foreign[0].strip()}"
    if cron is not None:
        try:
            CronSim(cron, datetime(2026, 1, 1, tzinfo=UTC))
        except CronSimError as error:
            yield f"its CronExpression {cron!r} is not understood: {error}"
