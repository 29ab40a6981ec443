"""Alerts: which matches they take, what people did with them, and where they go."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from headwater.state.columns import Strings, Text, Time
from headwater.state.schema.base import metadata, only

# The alert of every group of a batch, fixed before the lake is written.
batch_groups = Table(
    "batch_groups",
    metadata,
    Column("batch_id", String(64), primary_key=True),
    Column("group_id", String(64), primary_key=True),
    Column("alert_id", String(32), nullable=False),
    Index("batch_groups_alert_id", "alert_id"),
)

# The alert that takes a group's matches until `until`.
windows = Table(
    "windows",
    metadata,
    Column("group_id", String(64), primary_key=True),
    Column("alert_id", String(32), nullable=False),
    Column("until", Time, nullable=False),
    Index("windows_until", "until"),
)

# status: pending (below its threshold) → open → triaged → resolved, with a resolution. progress counts towards the
# threshold: distinct unique() values, and matches without one. storm_id: of an alert that belongs to a storm, the alert
# that speaks for it; its own id: it is the alert of a storm.
alerts = Table(
    "alerts",
    metadata,
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
    Column("assignee", Text),
    Column("resolution", String(16)),
    Column("storm_id", String(32)),
    Index("alerts_created_at", "created_at"),
    Index("alerts_pending", "created_at", **only("pending")),
    Index("alerts_rule_id", "rule_id", "created_at"),
    Index("alerts_account_id", "account_id", "created_at"),
    Index("alerts_assignee", "assignee", "created_at"),
)

# unique() values of alerts that are still pending; hashed, since PostgreSQL indexes no key above 2,704 bytes.
alert_uniques = Table(
    "alert_uniques",
    metadata,
    Column("alert_id", String(32), primary_key=True),
    Column("value_hash", String(64), primary_key=True),
)

# status: pending → sent, or dead after too many tries. next_at is the next try, or the end of a deliverer's lease.
# sequence: 0 for the opening, then the number in the alert's history: an alert's deliveries go out in that order.
# refused_at: when the destination refused it last.
outbox = Table(
    "outbox",
    metadata,
    Column("delivery_id", Text, primary_key=True),
    Column("alert_id", String(32), nullable=False),
    Column("destination", Text, nullable=False),
    Column("status", String(8), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Time, nullable=False),
    Column("last_error", Text),
    Column("action", String(8), nullable=False, server_default="opened"),
    Column("sequence", Integer, nullable=False, server_default="0"),
    Column("note", Text),
    Column("refused_at", Time),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    Index("outbox_pending", "destination", "next_at", **only("pending")),
    Index("outbox_sent", "updated_at", **only("sent")),
    Index("outbox_dead", "updated_at", **only("dead")),
    Index("outbox_alert_id", "alert_id"),
)

# What happened to each alert: who did what and when; number: 1, 2, 3 … of the alert.
alert_history = Table(
    "alert_history",
    metadata,
    Column("alert_id", String(32), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", Time, nullable=False),
    Column("who", Text, nullable=False),
    Column("action", String(10), nullable=False),
    Column("detail", Text, nullable=False),
    Column("comment", Text, nullable=False),
)

# Alerts that each detection opened since its first one; from then until `until`, those above the limit are one alert,
# whose `groups` have been merged.
storms = Table(
    "storms",
    metadata,
    Column("storm_id", String(64), primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("alert_id", String(32), nullable=False),
    Column("until", Time, nullable=False),
    Column("opened", BigInteger, nullable=False),
    Column("groups", BigInteger, nullable=False),
    Index("storms_until", "until"),
)
