"""The ledger: every object has at most one owner, and nothing done is done again."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import Engine

from headwater.state import commit, ledger
from support.protocol import NOW, SOURCE, at_once, claim, later, receipt, refs


def prepared(engine: Engine, batch_id: str = "b1", count: int = 2) -> list[str]:
    objects = refs(count)
    claim(engine, objects)
    ids = [ref.object_id for ref in objects]
    commit.prepare(engine, batch_id, ids, (), worker="w1", now=NOW, lease_s=600)
    return ids


def test_new_objects_are_owned(engine: Engine) -> None:
    objects = refs(1200)  # more than fit into one statement

    found = claim(engine, objects)

    assert set(found.owned) == set(objects)
    assert (found.done, found.busy, found.failed, found.takeover) == ((), (), (), ())


def test_copies_of_one_object_count_once(engine: Engine) -> None:
    ref = refs(1)[0]

    found = claim(engine, [ref, replace(ref, sequencer="0055", region="us-east-1")])

    assert len(found.owned) == 1


@pytest.mark.parametrize("worker", ["w1", "w2"], ids=["same worker", "other worker"])
def test_lease_of_a_live_owner_is_respected(engine: Engine, worker: str) -> None:
    claim(engine, refs(2))

    found = claim(engine, refs(3), worker, later(9))

    assert set(found.busy) == set(refs(2))
    assert found.owned == tuple(refs(1, first=2))


@pytest.mark.parametrize("worker", ["w1", "w2"], ids=["same worker", "other worker"])
def test_objects_whose_lease_is_over_are_taken_over(engine: Engine, worker: str) -> None:
    claim(engine, refs(2))

    found = claim(engine, refs(2), worker, later(10))

    assert set(found.owned) == set(refs(2))
    assert claim(engine, refs(2), "w3", later(11)).busy


def test_extended_lease_is_respected(engine: Engine) -> None:
    claim(engine, refs(1))

    ledger.extend(engine, [refs(1)[0].object_id], worker="w1", now=later(9), lease_s=600)

    assert claim(engine, refs(1), "w2", later(12)).busy
    assert claim(engine, refs(1), "w2", later(19)).owned


def test_released_objects_are_free_at_once(engine: Engine) -> None:
    claim(engine, refs(1))

    ledger.release(engine, [refs(1)[0].object_id], worker="w1")

    assert claim(engine, refs(1), "w2").owned


def test_a_heartbeat_that_comes_late_keeps_no_released_object(engine: Engine) -> None:
    ids = [ref.object_id for ref in claim(engine, refs(2)).owned]
    ledger.release(engine, ids[:1], worker="w1")

    ledger.extend(engine, ids, worker="w1", now=later(5), lease_s=600)

    assert [ref.object_id for ref in claim(engine, refs(2), now=later(12)).owned] == ids[:1]


def test_release_leaves_objects_of_other_workers_alone(engine: Engine) -> None:
    claim(engine, refs(1), "w2")

    ledger.release(engine, [refs(1)[0].object_id], worker="w1")

    assert claim(engine, refs(1), "w3").busy


def test_done_objects_are_recognised(engine: Engine) -> None:
    prepared(engine)
    commit.finish(engine, "b1", [receipt(ref) for ref in refs(2)], (), now=NOW)

    found = claim(engine, refs(2), "w2", later(60))

    assert set(found.done) == set(refs(2))
    assert not found.owned


def test_prepared_objects_are_busy_while_the_batch_lease_lasts(engine: Engine) -> None:
    prepared(engine)

    found = claim(engine, refs(2), "w2", later(9))

    assert len(found.busy) == 2
    assert not found.takeover


def test_prepared_objects_with_a_lease_that_is_over_name_their_batch_once(engine: Engine) -> None:
    prepared(engine)

    found = claim(engine, refs(2), "w2", later(10))

    assert found.takeover == ("b1",)
    assert not found.owned
    assert ledger.expired_batches(engine, later(10)) == ("b1",)


def test_extended_batch_is_not_for_take_over(engine: Engine) -> None:
    prepared(engine)

    assert ledger.extend_batch(engine, "b1", worker="w1", now=later(9), lease_s=600)

    assert not claim(engine, refs(2), "w2", later(12)).takeover
    assert not ledger.extend_batch(engine, "b1", worker="w2", now=later(9), lease_s=600)


def test_batch_gives_its_objects_as_they_were_claimed(engine: Engine) -> None:
    ref = replace(refs(1)[0], region="us-east-1", version_id="v1", size_bytes=5_000_000_000, account_id="111122223333")
    claim(engine, [ref])

    commit.prepare(engine, "b1", [ref.object_id], (), worker="w1", now=NOW)

    assert ledger.batch_objects(engine, "b1") == ((ref, SOURCE.source_id),)


def test_one_of_many_workers_takes_a_batch_over(engine: Engine) -> None:
    prepared(engine)
    calls = [
        partial(ledger.take_over, engine, "b1", worker=f"w{number}", now=later(10), lease_s=600) for number in range(6)
    ]

    assert sorted(at_once(calls)) == [False] * 5 + [True]


def test_two_workers_that_claim_the_same_objects_share_them_without_overlap(engine: Engine) -> None:
    objects = refs(700)
    calls = [partial(claim, engine, objects, "w1"), partial(claim, engine, objects[::-1], "w2")]

    first, second = at_once(calls)

    assert not set(first.owned) & set(second.owned)
    assert set(first.owned) | set(second.owned) == set(objects)


def test_two_workers_that_take_over_the_same_objects_share_them_without_overlap(engine: Engine) -> None:
    objects = refs(700)
    claim(engine, objects, "w0")
    calls = [partial(claim, engine, objects, "w1", later(11)), partial(claim, engine, objects[::-1], "w2", later(11))]

    first, second = at_once(calls)

    assert not set(first.owned) & set(second.owned)
    assert set(first.owned) | set(second.owned) == set(objects)


def test_attempts_are_counted_over_claims(engine: Engine) -> None:
    ref = refs(1)[0]
    claim(engine, [ref])
    assert ledger.record_attempt(engine, ref.object_id, "AccessDenied", NOW) == 1
    ledger.release(engine, [ref.object_id], worker="w1")
    claim(engine, [ref], "w2")

    assert ledger.record_attempt(engine, ref.object_id, "AccessDenied", NOW) == 2


def test_failed_objects_are_told_with_their_reason_until_requeued(engine: Engine) -> None:
    ref = refs(1)[0]
    claim(engine, [ref])

    ledger.fail(engine, ref, "truncated", "ends in the middle", later(1))

    again = claim(engine, [ref], "w2", later(60))
    assert (again.failed, again.reasons) == ((ref,), {ref.object_id: "truncated: ends in the middle"})
    (failed,) = ledger.failed_objects(engine)
    assert (failed.ref, failed.source_id, failed.kind, failed.reason, failed.failed_at) == (
        ref,
        SOURCE.source_id,
        "truncated",
        "ends in the middle",
        later(1),
    )
    assert ledger.requeue(engine, [ref.object_id], later(61)) == 1
    assert claim(engine, [ref], "w2", later(61)).owned == (ref,)


def test_an_object_never_claimed_can_fail(engine: Engine) -> None:
    ledger.fail(engine, refs(1)[0], "unknown_bucket", "no source", NOW)

    assert claim(engine, refs(1)).failed


def test_a_done_object_stays_done(engine: Engine) -> None:
    prepared(engine)
    commit.finish(engine, "b1", [receipt(ref) for ref in refs(2)], (), now=NOW)

    ledger.fail(engine, refs(1)[0], "corrupt", "a late worker", later(1))
    ledger.requeue(engine, [refs(1)[0].object_id], later(1))

    assert len(claim(engine, refs(2), "w2", later(60)).done) == 2


def test_oldest_unfinished_batch_is_known(engine: Engine) -> None:
    assert ledger.oldest_prepared(engine) is None
    prepared(engine)

    assert ledger.oldest_prepared(engine) == NOW

    commit.finish(engine, "b1", [], (), now=NOW)
    assert ledger.oldest_prepared(engine) is None
