"""The tables of the state database; the same on SQLite and PostgreSQL.

A change here needs a step in migrations/: its tests compare both.
"""

from headwater.state.schema.alerts import (
    alert_history,
    alert_uniques,
    alerts,
    batch_groups,
    outbox,
    storms,
    windows,
)
from headwater.state.schema.base import (
    has_status,
    metadata,
    only,
)
from headwater.state.schema.health import (
    breakers,
    destination_health,
    episodes,
    link_tests,
    queue_health,
    rule_health,
    source_counters,
    source_health,
    source_hours,
    source_rates,
)
from headwater.state.schema.ledger import (
    announced,
    batches,
    chores,
    evaluations,
    findings,
    forgotten,
    history_batches,
    objects,
    remembered,
    retried_rejects,
    retries,
)

__all__ = [
    "alert_history",
    "alert_uniques",
    "alerts",
    "announced",
    "batch_groups",
    "batches",
    "breakers",
    "chores",
    "destination_health",
    "episodes",
    "evaluations",
    "findings",
    "forgotten",
    "has_status",
    "history_batches",
    "link_tests",
    "metadata",
    "objects",
    "only",
    "outbox",
    "queue_health",
    "remembered",
    "retried_rejects",
    "retries",
    "rule_health",
    "source_counters",
    "source_health",
    "source_hours",
    "source_rates",
    "storms",
    "windows",
]
