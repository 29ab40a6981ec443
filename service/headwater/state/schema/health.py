"""How sources, queues, rules and destinations are."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table

from headwater.state.columns import Strings, Text, Time
from headwater.state.schema.base import metadata

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

# How each destination is. failures: in a row; open (left alone) since opened_at, tried at probe_at; paused_until: it
# asked for that.
destination_health = Table(
    "destination_health",
    metadata,
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
