"""No statement reads a big table from end to end, with as many rows as a year brings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from headwater.detect.cache import Change
from headwater.state import (
    activity,
    breakers,
    commit,
    evaluations,
    kv,
    ledger,
    lifecycle,
    links,
    objects,
    outbox,
    rejects,
    storms,
)
from headwater.state.alerts import find_alerts, list_alerts
from headwater.state.database import connect
from headwater.state.maintain import Retention, retain
from headwater.state.rule_health import RuleLimit
from headwater.state.schema import metadata
from headwater.state.sources import source_totals
from support.plans import BIG, SMALL, Sent, Statements, scans, sender
from support.protocol import NOW, SOURCE, claim, commit_batch, later, match, receipt, refs

OBJECTS = 200_000
OTHERS = 30_000
# Columns and values of each table, by the number n of the row.
ROWS = {
    "objects": (
        OBJECTS,
        "object_id, bucket, key, etag, account_id, source_id, status, batch_id, attempts, rows_in, created_at, "
        "updated_at",
        "{id}, 'payments-logs', 'AWSLogs/' || n, 'e', '111122223333', '111122223333/cloudtrail' || (n % 50), "
        "CASE WHEN n % 1000 = 0 THEN 'failed' ELSE 'done' END, {id}, 0, 10, {ago}, {ago}",
    ),
    "batches": (
        OTHERS,
        "batch_id, status, worker, lease_until, created_at, updated_at",
        "{id}, 'done', 'w', {ago}, {ago}, {ago}",
    ),
    "batch_groups": (OTHERS, "batch_id, group_id, alert_id", "{id}, {id}, {short}"),
    "history_batches": (OTHERS, "batch_id, alerting", "{id}, {no}"),
    "windows": (OTHERS, "group_id, alert_id, until", "{id}, {short}, {ago}"),
    "alerts": (
        OTHERS,
        "alert_id, group_id, kind, rule_id, dedup, title, severity, account_id, log_type, status, match_count, "
        "progress, created_at, updated_at, first_event_at, last_event_at, context, event, description, runbook, "
        "reference, tags",
        "{short}, {id}, 'RULE', 'Rule.' || (n % 300), 'd', 't', 'HIGH', '1111' || (n % 50), 'AWS.CloudTrail', "
        "CASE WHEN n % 10 = 0 THEN 'pending' ELSE 'open' END, 1, 1, {ago}, {ago}, {ago}, {ago}, "
        "'{{}}', '{{}}', '', '', '', '[]'",
    ),
    "alert_uniques": (OTHERS, "alert_id, value_hash", "{short}, {id}"),
    "outbox": (
        OTHERS,
        "delivery_id, alert_id, destination, status, attempts, next_at, created_at, updated_at",
        "{id}, {short}, 'file', CASE WHEN n % 100 = 0 THEN 'pending' ELSE 'sent' END, 1, {ago}, {ago}, {ago}",
    ),
    "alert_history": (
        OTHERS,
        "alert_id, number, at, who, action, detail, comment",
        "{short}, 1, {ago}, 'headwater', 'opened', '', ''",
    ),
    "source_rates": (OTHERS, "source_id, starts_at, rows_in, rejects", "'s' || (n % 50), {ago}, 10, 1"),
    "source_hours": (
        OTHERS,
        "source_id, starts_at, objects, rows_in, bytes_in, rejects",
        "'s' || (n % 50), {ago}, 1, 10, 100, 1",
    ),
    "remembered": (OTHERS, "key_hash, key, strings, counter, content, expires_at", "{id}, 'k', '[]', 1, '', {ago}"),
    "retried_rejects": (OTHERS, "reject_id, batch_id", "{id}, 'b' || (n % 100)"),
    "findings": (OTHERS, "match_id, batch_id, match, expires_at", "{short}, 'b' || (n % 100), '{{}}', {ago}"),
}
WORDS = {
    "postgresql": {
        "series": "generate_series(1, {count}) AS series(n)",
        "id": "lpad(n::text, 64, '0')",
        "short": "lpad(n::text, 32, '0')",
        "ago": "timestamptz '2026-03-01 12:00Z' - n * interval '1 minute'",
        "no": "false",
    },
    "sqlite": {
        "series": "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count}) SELECT n FROM s)",
        "id": "printf('%064d', n)",
        "short": "printf('%032d', n)",
        "ago": "strftime('%Y-%m-%dT%H:%M:%S.000000Z', '2026-03-01 12:00', '-' || n || ' minutes')",
        "no": "0",
    },
}


def fill(engine: Engine, table: str) -> None:
    """The rows of a table; a quarter of them on SQLite, which is for smaller places."""
    count, columns, values = ROWS[table]
    words = WORDS[engine.dialect.name]
    series = words["series"].format(count=count if engine.dialect.name == "postgresql" else count // 4)
    with engine.begin() as connection:
        connection.execute(text(f"INSERT INTO {table} ({columns}) SELECT {values.format(**words)} FROM {series}"))


@pytest.fixture
def full(state_url: str) -> Iterator[Engine]:
    """A database with the rows of a year, and the statistics that a database keeps of them."""
    engine = connect(state_url)
    for table in ROWS:
        fill(engine, table)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE" if engine.dialect.name == "postgresql" else "ANALYZE"))
    yield engine
    engine.dispose()


def work(engine: Engine) -> None:
    """What workers, upkeep and people have the database do in a day."""
    shown = [match(i, dedup=f"d{i}", threshold=i, unique=str(i)) for i in range(1, 4)]
    commit_batch(engine, "new", [*shown, match(9, kind="RULE_ERROR")], destinations=["file"])
    found = refs(3, first=10**6)
    ids = [ref.object_id for ref in found]
    claim(engine, found)
    ledger.extend(engine, ids, worker="w1", now=NOW, lease_s=60)
    ledger.record_attempt(engine, ids[0], "slow", NOW)
    ledger.fail(engine, found[0], "corrupt", "no gzip", NOW)
    ledger.requeue(engine, ids[:1], NOW)
    ledger.release(engine, ids, worker="w1")
    claim(engine, found)
    commit.prepare(engine, "taken", ids, shown, worker="w1", now=NOW)
    ledger.batch_objects(engine, "taken")
    ledger.expired_batches(engine, later(60))
    ledger.take_over(engine, "taken", worker="w2", now=later(60), lease_s=60)
    ledger.extend_batch(engine, "taken", worker="w2", now=later(60), lease_s=60)
    receipts = [receipt(ref) for ref in found]
    commit.finish(engine, "taken", receipts, shown, now=later(60), rule_limit=RuleLimit(), destinations=["file"])
    ledger.abandon(engine, "w1")
    ledger.oldest_prepared(engine)
    deliver(engine)
    remember(engine)
    look(engine)
    live(engine)
    retain(engine, NOW, Retention(timedelta(days=13), timedelta(days=138), timedelta(days=13)))


def deliver(engine: Engine) -> None:
    for delivery in outbox.due(engine, NOW, limit=2):
        outbox.failed(engine, delivery.delivery_id, "no answer", NOW)
        outbox.sent(engine, delivery.delivery_id, NOW)
    outbox.counts(engine)
    outbox.waiting(engine, NOW)
    outbox.due(engine, later(1), destination="file")
    outbox.give_back(engine, ["0" * 32], NOW)


def live(engine: Engine) -> None:
    """Storms, and what people do with alerts."""
    many = [match(i, dedup=f"storm {i}") for i in range(5)]
    slow = [match(i, dedup=f"slow {i // 2}", threshold=2, rule_id="Slow") for i in range(10)]
    for number in range(2):
        commit_batch(engine, f"storm {number}", [*many, *slow], destinations=["file"], now=NOW, storm_limit=4)
    storms.end(engine, later(61))
    found = next(alert for alert in list_alerts(engine) if alert.storm_id == alert.alert_id)
    lifecycle.assign(engine, found.alert_id, "ana", by="ana", now=NOW)
    lifecycle.triage(engine, found.alert_id, by="ana", now=NOW)
    lifecycle.resolve(engine, found.alert_id, "benign", by="ana", now=NOW, reopens=False)
    lifecycle.reopen(engine, found.alert_id, by="ana", now=NOW)
    lifecycle.history(engine, found.alert_id)


def remember(engine: Engine) -> None:
    """What rules and retries of rejects keep."""
    cache = kv.StateCache(engine, lambda: NOW)
    cache.read("k")
    cache.change("k", Change(by=1))
    turn = evaluations.take(engine, "Rule", None, worker="w1", now=NOW, lease_s=60)
    assert turn is not None
    evaluations.bind(engine, turn, "found", [match()], now=NOW, keep=timedelta(days=1))
    evaluations.bound(engine, "found")
    evaluations.is_done(engine, "found")
    evaluations.end(engine, turn, NOW)
    retry = rejects.Retry("retried", "AWS.CloudTrail", True)
    rejects.prepare(engine, retry, ["0" * 64], [], worker="w1", now=NOW)
    rejects.settled(engine, ["0" * 64])
    rejects.unfinished(engine, "w1", NOW)
    rejects.bound(engine, "retried")
    gains = [rejects.Gain(refs(1)[0].object_id, SOURCE.source_id, 1, 0, 0)]
    rejects.finish(engine, "retried", gains, [], log_type="AWS.CloudTrail", now=NOW)
    links.expect(engine, "0" * 32, account_id="111122223333", link="topic", now=NOW)
    links.mark_received(engine, "0" * 32, worker="w1", now=NOW)


def look(engine: Engine) -> None:
    """What people ask for."""
    list_alerts(engine)
    list_alerts(engine, status=None)
    list_alerts(engine, rule_id="Rule.7", account_id="11117", severity="HIGH")
    list_alerts(engine, rule_id="Rule.7")
    list_alerts(engine, account_id="11117")
    list_alerts(engine, assignee="ana")
    find_alerts(engine, f"{1234:030}")
    ledger.failed_objects(engine)
    objects.known(engine, "payments-logs", ["AWSLogs/7"])
    objects.find(engine, objects.Chosen())
    for status in ("claimed", "prepared", "failed", "done"):
        objects.find(engine, objects.Chosen(status=status))
    objects.left_batches(engine, "w1", NOW)
    objects.failed_ids(engine, refs(2))
    source_totals(engine)
    activity.activities(engine, NOW)
    activity.hours(engine, ["s7"], NOW)
    activity.drop_rows(engine, NOW)
    activity.failures(engine, SOURCE.source_id, 10)
    activity.forget(engine, NOW)
    breakers.list_breakers(engine)


def test_no_statement_reads_a_big_table_from_end_to_end(full: Engine) -> None:
    statements = Statements()
    with statements.collected(full):
        work(full)

    found = {sent.sql: tables for sent in statements.sent.values() if (tables := scans(full, sent))}

    assert len(statements.sent) > 60
    assert not found


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT key FROM objects WHERE rows_in = 10",
        "SELECT batch_id FROM batches WHERE worker = 'w'",
        "SELECT count(*) FROM windows",
        "SELECT alert_id FROM alerts WHERE severity = 'HIGH' ORDER BY dedup LIMIT 10",
    ],
)
def test_a_statement_without_an_index_is_found(engine: Engine, sql: str) -> None:
    for by_choice in (True, False):
        assert scans(engine, Sent(sql, (), "x.py"), by_choice=by_choice)


def test_statements_are_known_by_the_module_that_sends_them(engine: Engine) -> None:
    statements = Statements()
    with statements.collected(engine):
        list_alerts(engine)
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    assert {sent.module for sent in statements.sent.values()} == {"alerts.py"}
    assert sender() is None


def test_every_big_table_has_rows_in_this_test() -> None:
    assert set(ROWS) == BIG
    assert {table.name for table in metadata.sorted_tables} >= SMALL
