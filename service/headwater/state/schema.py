"""The tables of the state database; the same on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    TypeDecorator,
    text,
)
from sqlalchemy.types import TypeEngine

SQLITE_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"  # fixed width, so that text sorts as time


class Time(TypeDecorator[datetime]):
    """An aware datetime in UTC: timestamptz on PostgreSQL, ISO text of fixed width on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Text where the database has no type with a time zone."""
        return dialect.type_descriptor(String(27) if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuses naive values: their zone would be a guess."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value}")
        value = value.astimezone(UTC)
        # %Y does not pad years below 1000 on Linux; isoformat does
        if dialect.name == "sqlite":
            return value.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
        return value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Always UTC, whatever the session's zone."""
        if value is None:
            return None
        if isinstance(value, str):
            return datetime.strptime(value, SQLITE_TIME).replace(tzinfo=UTC)
        return value.astimezone(UTC)  # type: ignore[no-any-return]


class Text(TypeDecorator[str]):
    """Text from outside: NUL and lone surrogates, which PostgreSQL refuses, become U+FFFD."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """The text as both databases can store it."""
        if value is None or (value.isascii() and "\0" not in value):
            return value
        return value.replace("\0", "\ufffd").encode("utf-8", "surrogatepass").decode("utf-8", "replace")


class Strings(TypeDecorator[tuple[str, ...]]):
    """A tuple of strings as a JSON array; None stays NULL."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> str | None:
        """JSON escapes whatever a database could refuse."""
        return None if value is None else json.dumps(list(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...] | None:
        """The tuple that was stored."""
        return None if value is None else tuple(json.loads(value))


metadata = MetaData()

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
    Index("objects_batch_id", "batch_id", sqlite_where=text("batch_id IS NOT NULL")),
    Index("objects_status", "status", "updated_at"),
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
    Index("batches_status", "status", "lease_until"),
)

# The alert of every group of a batch, fixed before the lake is written.
batch_groups = Table(
    "batch_groups",
    metadata,
    Column("batch_id", String(64), primary_key=True),
    Column("group_id", String(64), primary_key=True),
    Column("alert_id", String(32), nullable=False),
)

# The alert that takes a group's matches until `until`.
windows = Table(
    "windows",
    metadata,
    Column("group_id", String(64), primary_key=True),
    Column("alert_id", String(32), nullable=False),
    Column("until", Time, nullable=False),
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
    Index("alerts_status", "status", "created_at"),
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
    Index("outbox_due", "status", "next_at"),
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
    Index("retries_status", "status", "lease_until"),
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
