"""All tables of the first release. Until it is out: whoever adds a table to schema.py adds it here too.

A database from before there were migrations has some of them: it keeps those, and gets what is missing.
"""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, inspect, text
from sqlalchemy.schema import CreateIndex, CreateTable, SchemaItem

from headwater.state.columns import Strings, Text, Time

revision = "0001"
down_revision = None

# Indexes of databases from before there were migrations, which others have replaced.
REPLACED = ("objects_batch_id", "objects_status", "batches_status", "alerts_status", "outbox_due", "retries_status")

# PostgreSQL clears up after a fifth of a table has changed: the ledger is too large for that; these change too often.
BUSY = ("windows", "batches", "outbox", "storms")
# Their counts change, which no index has: with room in its page, a row's new version needs no new entries there.
COUNTED = ("alerts", "source_counters", "source_rates", "source_hours", "source_health")


def upgrade() -> None:
    """Create what is missing."""
    existing = set(inspect(op.get_bind()).get_table_names())
    for name, additions in (("alerts", _alert_additions()), ("outbox", _outbox_additions())):
        if name in existing:
            _add_missing(name, additions)
    _create_ledger()
    _create_batches()
    _create_alerts()
    _create_sources()
    _create_health()
    _create_rules()
    for name in REPLACED:
        op.execute(f"DROP INDEX IF EXISTS {name}")
    if op.get_context().dialect.name == "postgresql":
        _tune()


def _tune() -> None:
    often = "autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02"
    for name in ("objects", *BUSY):
        op.execute(f"ALTER TABLE {name} SET ({often})")
    for name in COUNTED:
        op.execute(f"ALTER TABLE {name} SET (fillfactor = 70, {often})")


def _create(name: str, *items: SchemaItem) -> None:
    table = Table(name, MetaData(), *items)
    op.execute(CreateTable(table, if_not_exists=True))
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        op.execute(CreateIndex(index, if_not_exists=True))


def _only(status: str) -> dict[str, Any]:
    condition = text(f"status = '{status}'")
    return {"sqlite_where": condition, "postgresql_where": condition}


def _create_ledger() -> None:
    _create(
        "objects",
        Column("object_id", String(64), primary_key=True),
        Column("bucket", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("region", Text),
        Column("version_id", Text),
        Column("etag", Text),
        Column("size_bytes", BigInteger),
        Column("sequencer", Text),
        Column("account_id", Text),
        Column("source_id", Text, nullable=False),
        Column("status", String(8), nullable=False),
        Column("claim_id", String(32)),
        Column("worker", Text),
        Column("lease_until", Time),
        Column("batch_id", String(64)),
        Column("attempts", Integer, nullable=False, default=0),
        Column("error_kind", Text),
        Column("reason", Text),
        Column("log_types", Strings),
        Column("rows_in", BigInteger),
        Column("rows_out", BigInteger),
        Column("rejects", BigInteger),
        Column("matches", BigInteger),
        Column("bytes_in", BigInteger),
        Column("elapsed_ms", BigInteger),
        Column("created_at", Time, nullable=False),
        Column("updated_at", Time, nullable=False),
        Index("objects_key", "key", postgresql_using="hash"),
        Index("objects_claimed", "worker", **_only("claimed")),
        Index("objects_prepared", "batch_id", **_only("prepared")),
        Index("objects_failed", "updated_at", **_only("failed")),
        Index("objects_done", "updated_at", **_only("done")),
    )
    _create(
        "forgotten",
        Column("source_id", Text, primary_key=True),
        Column("until", Time, nullable=False),
    )


def _create_batches() -> None:
    _create(
        "history_batches",
        Column("batch_id", String(64), primary_key=True),
        Column("alerting", Boolean, nullable=False),
    )
    _create(
        "batches",
        Column("batch_id", String(64), primary_key=True),
        Column("status", String(8), nullable=False),
        Column("worker", Text, nullable=False),
        Column("lease_until", Time, nullable=False),
        Column("created_at", Time, nullable=False),
        Column("updated_at", Time, nullable=False),
        Index("batches_prepared", "lease_until", **_only("prepared")),
        Index("batches_done", "updated_at", **_only("done")),
    )
    _create(
        "batch_groups",
        Column("batch_id", String(64), primary_key=True),
        Column("group_id", String(64), primary_key=True),
        Column("alert_id", String(32), nullable=False),
        Index("batch_groups_alert_id", "alert_id"),
    )
    _create(
        "retries",
        Column("batch_id", String(64), primary_key=True),
        Column("log_type", Text, nullable=False),
        Column("alerting", Boolean, nullable=False),
        Column("status", String(8), nullable=False),
        Column("worker", Text, nullable=False),
        Column("lease_until", Time, nullable=False),
        Column("created_at", Time, nullable=False),
        Column("updated_at", Time, nullable=False),
        Index("retries_prepared", "lease_until", **_only("prepared")),
        Index("retries_done", "updated_at", **_only("done")),
    )
    _create(
        "retried_rejects",
        Column("reject_id", String(64), primary_key=True),
        Column("batch_id", String(64), nullable=False),
        Column("recovered_at", Time),
        Index("retried_rejects_batch_id", "batch_id"),
    )


def _create_alerts() -> None:
    _create(
        "windows",
        Column("group_id", String(64), primary_key=True),
        Column("alert_id", String(32), nullable=False),
        Column("until", Time, nullable=False),
        Index("windows_until", "until"),
    )
    _create(
        "alerts",
        Column("alert_id", String(32), primary_key=True),
        Column("group_id", String(64), nullable=False),
        Column("kind", String(10), nullable=False),
        Column("rule_id", Text, nullable=False),
        Column("dedup", Text, nullable=False),
        Column("title", Text, nullable=False),
        Column("severity", Text, nullable=False),
        Column("account_id", Text, nullable=False),
        Column("log_type", Text, nullable=False),
        Column("status", String(8), nullable=False),
        Column("match_count", BigInteger, nullable=False),
        Column("progress", BigInteger, nullable=False),
        Column("created_at", Time, nullable=False),
        Column("updated_at", Time, nullable=False),
        Column("first_event_at", Time, nullable=False),
        Column("last_event_at", Time, nullable=False),
        Column("context", Text, nullable=False),
        Column("event", Text, nullable=False),
        Column("description", Text, nullable=False),
        Column("runbook", Text, nullable=False),
        Column("reference", Text, nullable=False),
        Column("destinations", Strings),
        Column("tags", Strings, nullable=False),
        *_alert_additions(),
        Index("alerts_created_at", "created_at"),
        Index("alerts_pending", "created_at", **_only("pending")),
        Index("alerts_rule_id", "rule_id", "created_at"),
        Index("alerts_account_id", "account_id", "created_at"),
        Index("alerts_assignee", "assignee", "created_at"),
    )
    _create(
        "alert_uniques",
        Column("alert_id", String(32), primary_key=True),
        Column("value_hash", String(64), primary_key=True),
    )
    _create(
        "outbox",
        Column("delivery_id", Text, primary_key=True),
        Column("alert_id", String(32), nullable=False),
        Column("destination", Text, nullable=False),
        Column("status", String(8), nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("next_at", Time, nullable=False),
        Column("last_error", Text),
        *_outbox_additions(),
        Column("created_at", Time, nullable=False),
        Column("updated_at", Time, nullable=False),
        Index("outbox_pending", "destination", "next_at", **_only("pending")),
        Index("outbox_sent", "updated_at", **_only("sent")),
        Index("outbox_dead", "updated_at", **_only("dead")),
        Index("outbox_alert_id", "alert_id"),
    )
    _create(
        "alert_history",
        Column("alert_id", String(32), primary_key=True),
        Column("number", Integer, primary_key=True),
        Column("at", Time, nullable=False),
        Column("who", Text, nullable=False),
        Column("action", String(10), nullable=False),
        Column("detail", Text, nullable=False),
        Column("comment", Text, nullable=False),
    )
    _create(
        "storms",
        Column("storm_id", String(64), primary_key=True),
        Column("account_id", Text, nullable=False),
        Column("alert_id", String(32), nullable=False),
        Column("until", Time, nullable=False),
        Column("opened", BigInteger, nullable=False),
        Column("groups", BigInteger, nullable=False),
        Index("storms_until", "until"),
    )


def _alert_additions() -> list[Column[Any]]:
    """What alerts of databases from before there were migrations do not have."""
    return [Column("assignee", Text), Column("resolution", String(16)), Column("storm_id", String(32))]


def _outbox_additions() -> list[Column[Any]]:
    """What their deliveries do not have."""
    return [
        Column("action", String(8), nullable=False, server_default="opened"),
        Column("sequence", Integer, nullable=False, server_default="0"),
        Column("note", Text),
        Column("refused_at", Time),
    ]


def _add_missing(table: str, columns: list[Column[Any]]) -> None:
    known = {column["name"] for column in inspect(op.get_bind()).get_columns(table)}
    for column in columns:
        if column.name not in known:
            op.add_column(table, column)


def _create_sources() -> None:
    _create(
        "source_counters",
        Column("source_id", Text, primary_key=True),
        Column("log_type", Text, primary_key=True),
        Column("objects", BigInteger, nullable=False),
        Column("rows_in", BigInteger, nullable=False),
        Column("rows_out", BigInteger, nullable=False),
        Column("rejects", BigInteger, nullable=False),
        Column("matches", BigInteger, nullable=False),
        Column("bytes_in", BigInteger, nullable=False),
        Column("last_seen", Time, nullable=False),
    )
    _create(
        "source_rates",
        Column("source_id", Text, primary_key=True),
        Column("starts_at", Time, primary_key=True),
        Column("rows_in", BigInteger, nullable=False),
        Column("rejects", BigInteger, nullable=False),
        Index("source_rates_starts_at", "starts_at"),
    )
    _create(
        "source_hours",
        Column("source_id", Text, primary_key=True),
        Column("starts_at", Time, primary_key=True),
        Column("objects", BigInteger, nullable=False),
        Column("rows_in", BigInteger, nullable=False),
        Column("bytes_in", BigInteger, nullable=False),
        Column("rejects", BigInteger, nullable=False),
        Index("source_hours_starts_at", "starts_at"),
    )
    _create(
        "link_tests",
        Column("nonce", String(32), primary_key=True),
        Column("account_id", String(12), nullable=False),
        Column("link", Text, nullable=False),
        Column("sent_at", Time, nullable=False),
        Column("received_at", Time),
        Column("worker", Text),
    )


def _create_health() -> None:
    _create(
        "source_health",
        Column("source_id", Text, primary_key=True),
        Column("known_since", Time, nullable=False),
        Column("last_seen", Time),
        Column("newest_event_at", Time),
        Column("errors", BigInteger, nullable=False),
        Column("last_error_at", Time),
        Column("last_error_kind", Text, nullable=False),
        Column("last_error", Text, nullable=False),
        Column("denied_at", Time),
        Column("statement", Text, nullable=False),
    )
    _create(
        "queue_health",
        Column("name", Text, primary_key=True),
        Column("seen_at", Time, nullable=False),
        Column("waiting", BigInteger, nullable=False),
        Column("in_flight", BigInteger, nullable=False),
        Column("oldest_s", BigInteger, nullable=False),
    )
    _create(
        "episodes",
        Column("rule_id", Text, primary_key=True),
        Column("subject", Text, primary_key=True),
        Column("opened_at", Time, nullable=False),
        Column("alert_id", String(32), nullable=False),
    )
    _create(
        "destination_health",
        Column("name", Text, primary_key=True),
        Column("failures", Integer, nullable=False),
        Column("pauses", Integer, nullable=False),
        Column("opened_at", Time),
        Column("probe_at", Time),
        Column("paused_until", Time),
        Column("last_error", Text, nullable=False),
        Column("last_error_at", Time),
        Column("last_sent_at", Time),
    )
    _create(
        "breakers",
        Column("subject", Text, primary_key=True),
        Column("account_id", Text, nullable=False),
        Column("source_id", Text, nullable=False),
        Column("tokens", Strings, nullable=False),
        Column("reason", Text, nullable=False),
        Column("statement", Text, nullable=False),
        Column("pauses", Integer, nullable=False),
        Column("probing", Boolean, nullable=False),
        Column("opened_at", Time),
        Column("probe_at", Time),
        Column("updated_at", Time, nullable=False),
    )


def _create_rules() -> None:
    _create(
        "announced",
        Column("place_id", String(64), primary_key=True),
        Column("source_id", Text, nullable=False),
        Column("announced_at", Time, nullable=False),
        Index("announced_announced_at", "announced_at"),
    )
    _create(
        "chores",
        Column("name", Text, primary_key=True),
        Column("done_at", Time, nullable=False),
        Column("worker", Text, nullable=False),
        Column("lease_until", Time, nullable=False),
    )
    _create(
        "remembered",
        Column("key_hash", String(64), primary_key=True),
        Column("key", Text, nullable=False),
        Column("strings", Strings, nullable=False),
        Column("counter", BigInteger, nullable=False),
        Column("content", Text, nullable=False),
        Column("expires_at", Time, nullable=False),
        Index("remembered_expires_at", "expires_at"),
    )
    _create(
        "rule_health",
        Column("rule_id", Text, primary_key=True),
        Column("errors", BigInteger, nullable=False),
        Column("recent_errors", BigInteger, nullable=False),
        Column("counted_from", Time, nullable=False),
        Column("last_error", Text, nullable=False),
        Column("last_error_at", Time, nullable=False),
        Column("suspended_at", Time),
    )
    _create(
        "evaluations",
        Column("rule_id", Text, primary_key=True),
        Column("evaluated_at", Time, nullable=False),
        Column("worker", Text, nullable=False),
        Column("lease_until", Time, nullable=False),
        Column("batch_id", String(64)),
    )
    _create(
        "findings",
        Column("match_id", String(32), primary_key=True),
        Column("batch_id", String(64), nullable=False),
        Column("match", Text, nullable=False),
        Column("expires_at", Time, nullable=False),
        Index("findings_batch_id", "batch_id"),
        Index("findings_expires_at", "expires_at"),
    )
