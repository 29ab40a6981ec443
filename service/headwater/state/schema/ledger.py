"""What is read and written: objects, batches, retries, and what rules keep."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table

from headwater.state.columns import Strings, Text, Time
from headwater.state.schema.base import metadata, only

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
