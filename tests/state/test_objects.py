"""The ledger as listings and people ask for it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, insert, text

from headwater.model import ObjectRef
from headwater.state import commit, history, ledger, objects
from headwater.state.objects import Chosen
from headwater.state.schema import forgotten
from support.protocol import NOW, SOURCE, claim, commit_batch, later, match, refs


def test_a_listed_key_is_known_with_every_version_of_it(engine: Engine) -> None:
    versions = [ObjectRef("payments-logs", "a", version_id=f"v{n}", etag=f"e{n}") for n in range(2)]
    claim(engine, [*versions, ObjectRef("payments-logs", "b", etag="e"), ObjectRef("other", "a", etag="e")])
    ledger.fail(engine, versions[1], "corrupt", "why", NOW)

    known = objects.known(engine, "payments-logs", ["a", "c"])

    assert {key: sorted(found) for key, found in known.items()} == {"a": [("e0", "claimed"), ("e1", "failed")]}


def test_looking_up_keys_uses_an_index(engine: Engine) -> None:
    if engine.dialect.name == "postgresql":
        sql = "SELECT indexdef FROM pg_indexes WHERE indexname = 'objects_key' AND schemaname = current_schema()"
        with engine.begin() as connection:
            found = connection.scalars(text(sql)).all()
        assert [each.endswith("key)") for each in found] == [True]
        return
    with engine.begin() as connection:
        plan = connection.execute(
            text("EXPLAIN QUERY PLAN SELECT key, etag FROM objects WHERE bucket = 'b' AND key IN ('a', 'b')")
        ).all()
    assert "objects_key" in str(plan)


def test_objects_of_nothing_are_forgotten_and_done_ones_stay(engine: Engine) -> None:
    kept, gone, others = refs(3)
    claim(engine, [gone])
    claim(engine, [others], worker="w2")
    commit_batch(engine, "b1", [])

    objects.unclaim(engine, [ref.object_id for ref in (kept, gone, others)], worker="w1")

    assert [each.status for each in objects.find(engine, Chosen())].count("done") == 1
    assert {each.ref for each in objects.by_id(engine, [ref.object_id for ref in (kept, gone, others)])} == {others}


@pytest.mark.parametrize(
    ("chosen", "count"),
    [
        pytest.param(Chosen(), 3, id="all"),
        pytest.param(Chosen(status="failed"), 2, id="failed"),
        pytest.param(Chosen(status="failed", kind="corrupt"), 1, id="kind"),
        pytest.param(Chosen(account_id="111122223333"), 3, id="account"),
        pytest.param(Chosen(account_id="444455556666"), 0, id="another account"),
        pytest.param(Chosen(source_ids=(SOURCE.source_id,)), 3, id="source"),
        pytest.param(Chosen(since=later(30)), 1, id="since"),
        pytest.param(Chosen(text="AWSLogs/1."), 1, id="part of a key"),
        pytest.param(Chosen(text="100%_"), 0, id="signs of LIKE"),
    ],
)
def test_objects_are_chosen(engine: Engine, chosen: Chosen, count: int) -> None:
    first, second, third = refs(3)
    claim(engine, [first, second, third])
    ledger.fail(engine, first, "corrupt", "why", NOW, source_id=SOURCE.source_id)
    ledger.fail(engine, second, "AccessDenied", "why", later(60), source_id=SOURCE.source_id)

    assert len(objects.find(engine, chosen)) == count


def test_failed_versions_are_found_by_key_alone(engine: Engine) -> None:
    failed = ObjectRef("payments-logs", "a", version_id="v1", etag="e")
    claim(engine, [failed, ObjectRef("payments-logs", "b", etag="e")])
    ledger.fail(engine, failed, "corrupt", "why", NOW)

    assert objects.failed_ids(engine, [ObjectRef("payments-logs", key) for key in "ab"]) == (failed.object_id,)


def test_an_object_is_announced_once_until_it_is_forgotten(engine: Engine) -> None:
    found = refs(3)

    first = objects.announce(engine, SOURCE.source_id, found[:2], NOW)
    second = objects.announce(engine, SOURCE.source_id, found, later(5))
    objects.unannounce(engine, NOW + timedelta(minutes=1))
    third = objects.announce(engine, SOURCE.source_id, found, later(10))

    assert [sorted(ref.key for ref in part) for part in (first, second, third)] == [
        [ref.key for ref in found[:2]],
        [found[2].key],
        [ref.key for ref in found[:2]],
    ]


def test_memory_of_a_source_ends_where_objects_were_forgotten(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(insert(forgotten).values(source_id="a/b", until=NOW))

    assert objects.forgotten_until(engine, "a/b") == NOW
    assert objects.forgotten_until(engine, "a/c") == objects.NEVER


@pytest.mark.parametrize("alerting", [True, False])
def test_a_batch_of_history_is_marked_for_who_takes_it_over(engine: Engine, alerting: bool) -> None:
    news, old = refs(2)
    claim(engine, [news, old])
    commit.prepare(engine, "news", [news.object_id], [match()], worker="w1", now=NOW)
    commit.prepare(engine, "old", [old.object_id], [], worker="w1", now=NOW, is_live=False, alerting=alerting)

    assert (history.alerting(engine, "news"), history.alerting(engine, "old")) == (None, alerting)
    assert objects.left_batches(engine, "w1", later(60)) == ("news", "old")
    assert objects.left_batches(engine, "w2", later(60)) == ()
