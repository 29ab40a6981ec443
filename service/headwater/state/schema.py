"""The tables of the state database; the same on SQLite and PostgreSQL.

A change here needs a step in migrations/: its tests compare both.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    literal_column,
    text,
)

from headwater.state.columns import Strings, Text, Time

metadata = MetaData()


def only(status: str) -> dict[str, Any]:
    """The condition of an index over the rows of one status; has_status makes a query fit it."""
    condition = text(f"status = '{status}'")
    return {"sqlite_where": condition, "postgresql_where": condition}


def has_status(table: Table, status: str) -> ColumnElement[bool]:
    """The rows of one status, by a constant: with a parameter, neither database would use an index of `only`."""
    if not status.isalpha():  # it goes into the SQL as it is
        raise ValueError(f"no status: {status!r}")
    return table.c.status == literal_column(f"'{status}'", String)


# status: claimed → prepared → done, or failed. A claim is told from every other by its claim_id, not by its worker:
# a worker that hears of one object twice must not own it twice.
objects = Table(
    "objects",
    metadata,
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
    Index("objects_key", "key", postgresql_using="hash"),  # a quarter of a B-tree's size; keys are long
    Index("objects_claimed", "worker", **only("claimed")),
    Index("objects_prepared", "batch_id", **only("prepared")),
    Index("objects_failed", "updated_at", **only("failed")),
    Index("objects_done", "updated_at", **only("done")),
)

# Up to when each source may have objects that were done and are forgotten: the ledger cannot speak for older ones.
forgotten = Table(
    "forgotten",
    metadata,
    Column("source_id", Text, primary_key=True),
    Column("until", Time, nullable=False),
)

# status: prepared → done
batches = Table(
    "batches",
    metadata,
    Column("batch_id", String(64), primary_key=True),
    Column("status", String(8), nullable=False),
    Column("worker", Text, nullable=False),
    Column("lease_until", Time, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    Index("batches_prepared", "lease_until", **only("prepared")),
    Index("batches_done", "updated_at", **only("done")),
)

# Batches of history that is made up for: no news of their sources. alerting: their matches open alerts all the same.
history_batches = Table(
    "history_batches",
    metadata,
    Column("batch_id", String(64), primary_key=True),
    Column("alerting", Boolean, nullable=False),
)

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

# status: pending (below its threshold) → open. progress counts towards the threshold: distinct unique() values, and
# matches without one.
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
    Index("alerts_created_at", "created_at"),
    Index("alerts_pending", "created_at", **only("pending")),
    Index("alerts_rule_id", "rule_id", "created_at"),
    Index("alerts_account_id", "account_id", "created_at"),
)

# unique() values of alerts that are still pending; hashed, since PostgreSQL indexes no key above 2,704 bytes.
alert_uniques = Table(
    "alert_uniques",
    metadata,
    Column("alert_id", String(32), primary_key=True),
    Column("value_hash", String(64), primary_key=True),
)

# status: pending → sent, or dead after too many tries. next_at is the next try, or the end of a deliverer's lease.
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
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    Index("outbox_pending", "next_at", **only("pending")),
    Index("outbox_sent", "updated_at", **only("sent")),
    Index("outbox_dead", "updated_at", **only("dead")),
    Index("outbox_alert_id", "alert_id"),
)

source_counters = Table(
    "source_counters",
    metadata,
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

# Rows and rejects of each source in steps of ten minutes, for the share of the last hour.
source_rates = Table(
    "source_rates",
    metadata,
    Column("source_id", Text, primary_key=True),
    Column("starts_at", Time, primary_key=True),
    Column("rows_in", BigInteger, nullable=False),
    Column("rejects", BigInteger, nullable=False),
    Index("source_rates_starts_at", "starts_at"),
)

# What detections remember; the key is hashed, since PostgreSQL indexes no key above 2,704 bytes.
remembered = Table(
    "remembered",
    metadata,
    Column("key_hash", String(64), primary_key=True),
    Column("key", Text, nullable=False),
    Column("strings", Strings, nullable=False),
    Column("counter", BigInteger, nullable=False),
    Column("content", Text, nullable=False),
    Column("expires_at", Time, nullable=False),
    Index("remembered_expires_at", "expires_at"),
)

# Errors of each detection, in all and since `counted_from`; not run any more after suspended_at.
rule_health = Table(
    "rule_health",
    metadata,
    Column("rule_id", Text, primary_key=True),
    Column("errors", BigInteger, nullable=False),
    Column("recent_errors", BigInteger, nullable=False),
    Column("counted_from", Time, nullable=False),
    Column("last_error", Text, nullable=False),
    Column("last_error_at", Time, nullable=False),
    Column("suspended_at", Time),
)

# A retry of rejects that go to one log type; status: prepared → done.
retries = Table(
    "retries",
    metadata,
    Column("batch_id", String(64), primary_key=True),
    Column("log_type", Text, nullable=False),
    Column("alerting", Boolean, nullable=False),
    Column("status", String(8), nullable=False),
    Column("worker", Text, nullable=False),
    Column("lease_until", Time, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    Index("retries_prepared", "lease_until", **only("prepared")),
    Index("retries_done", "updated_at", **only("done")),
)

# The rejects of a retry: bound to it before the lake is written, recovered when it is finished.
retried_rejects = Table(
    "retried_rejects",
    metadata,
    Column("reject_id", String(64), primary_key=True),
    Column("batch_id", String(64), nullable=False),
    Column("recovered_at", Time),
    Index("retried_rejects_batch_id", "batch_id"),
)

# When each correlation rule and scheduled query was evaluated, who is at it now, and the batch that it has to finish.
evaluations = Table(
    "evaluations",
    metadata,
    Column("rule_id", Text, primary_key=True),
    Column("evaluated_at", Time, nullable=False),
    Column("worker", Text, nullable=False),
    Column("lease_until", Time, nullable=False),
    Column("batch_id", String(64)),
)

# Findings of those rules: bound to a batch before the lake is written, so that each is committed once.
findings = Table(
    "findings",
    metadata,
    Column("match_id", String(32), primary_key=True),
    Column("batch_id", String(64), nullable=False),
    Column("match", Text, nullable=False),
    Column("expires_at", Time, nullable=False),
    Index("findings_batch_id", "batch_id"),
    Index("findings_expires_at", "expires_at"),
)

# Test messages of `headwater onboard verify`, written before they are sent; a worker that reads one puts its name here.
link_tests = Table(
    "link_tests",
    metadata,
    Column("nonce", String(32), primary_key=True),
    Column("account_id", String(12), nullable=False),
    Column("link", Text, nullable=False),
    Column("sent_at", Time, nullable=False),
    Column("received_at", Time),
    Column("worker", Text),
)

# What came of each source, hour by hour: the history that its silence is told by.
source_hours = Table(
    "source_hours",
    metadata,
    Column("source_id", Text, primary_key=True),
    Column("starts_at", Time, primary_key=True),
    Column("objects", BigInteger, nullable=False),
    Column("rows_in", BigInteger, nullable=False),
    Column("bytes_in", BigInteger, nullable=False),
    Column("rejects", BigInteger, nullable=False),
    Index("source_hours_starts_at", "starts_at"),
)

# How each source is. known_since: when the service first had it in its accounts. last_seen: its last object that was
# read; newest_event_at: the latest event time of its rows. The last error, and the last refusal with what to grant.
source_health = Table(
    "source_health",
    metadata,
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

# The queues as a worker saw them last. oldest_s: how long its oldest message had waited.
queue_health = Table(
    "queue_health",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seen_at", Time, nullable=False),
    Column("waiting", BigInteger, nullable=False),
    Column("in_flight", BigInteger, nullable=False),
    Column("oldest_s", BigInteger, nullable=False),
)

# Faults that last: each is told once, by the alert it has, and leaves when it is over.
episodes = Table(
    "episodes",
    metadata,
    Column("rule_id", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("opened_at", Time, nullable=False),
    Column("alert_id", String(32), nullable=False),
)

# Accounts and sources that refuse us since their last success; open (left alone) since opened_at, tried at probe_at.
breakers = Table(
    "breakers",
    metadata,
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

# What one worker at a time does: when it was done last, and who is at it now.
chores = Table(
    "chores",
    metadata,
    Column("name", Text, primary_key=True),
    Column("done_at", Time, nullable=False),
    Column("worker", Text, nullable=False),
    Column("lease_until", Time, nullable=False),
)

# Objects of listings that were sent to the queue, by bucket, key and ETag, so that the next listing does not send them.
announced = Table(
    "announced",
    metadata,
    Column("place_id", String(64), primary_key=True),
    Column("source_id", Text, nullable=False),
    Column("announced_at", Time, nullable=False),
    Index("announced_announced_at", "announced_at"),
)
