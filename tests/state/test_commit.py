"""prepare and finish: every batch counts once, whatever dies in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

import pytest
from sqlalchemy import Engine

from headwater.errors import LeaseLost
from headwater.model import GroupKey, Match
from headwater.state import commit, ledger
from headwater.state.alerts import get_alert, list_alerts
from headwater.state.sources import source_totals
from support.protocol import NOW, SOURCE, at_once, claim, commit_batch, later, match, receipt, refs

GROUPS = 300  # so many that the transactions overlap


def prepare(
    engine: Engine, batch_id: str, first: int, matches: Sequence[Match], worker: str = "w1", now: datetime = NOW
) -> Mapping[GroupKey, str]:
    ref = refs(1, first)[0]
    claim(engine, [ref], worker, now)
    return commit.prepare(engine, batch_id, [ref.object_id], matches, worker=worker, now=now)


def test_objects_taken_over_by_another_worker_are_refused_and_nothing_is_bound(engine: Engine) -> None:
    objects = refs(3)
    claim(engine, objects, "w1")
    claim(engine, objects[:1], "w2", later(11))

    with pytest.raises(LeaseLost) as error:
        commit.prepare(engine, "b1", [ref.object_id for ref in objects], [match()], worker="w1", now=later(12))

    assert error.value.object_ids == (objects[0].object_id,)
    assert ledger.batch_objects(engine, "b1") == ()
    assert list_alerts(engine, status=None) == ()
    commit.prepare(engine, "b2", [ref.object_id for ref in objects[1:]], [], worker="w1", now=later(12))


def test_an_owner_whose_lease_is_over_may_still_prepare_what_nobody_took(engine: Engine) -> None:
    claim(engine, refs(1), "w1")

    commit.prepare(engine, "b1", [refs(1)[0].object_id], [], worker="w1", now=later(60))

    assert len(ledger.batch_objects(engine, "b1")) == 1


def test_take_over_gets_the_alert_ids_of_the_first_prepare(engine: Engine) -> None:
    matches = [match(), match(1, dedup="other"), match(2, rule_id="S3.Public")]
    first = prepare(engine, "b1", 0, matches)
    assert ledger.take_over(engine, "b1", worker="w2", now=later(90), lease_s=600)

    again = commit.prepare(engine, "b1", [], matches, worker="w2", now=later(90))

    assert again == first
    assert len(set(first.values())) == 3


def test_take_over_by_newer_rules_adds_their_groups(engine: Engine) -> None:
    first = prepare(engine, "b1", 0, [match()])

    again = commit.prepare(engine, "b1", [], [match(), match(rule_id="New.Rule")], worker="w2", now=later(90))

    assert first.items() < again.items()
    assert commit.finish(engine, "b1", [], [match(), match(rule_id="New.Rule")], now=later(90)).opened


def test_finish_counts_a_batch_once(engine: Engine) -> None:
    prepare(engine, "b1", 0, [match()])
    arguments = ("b1", [receipt(refs(1)[0])], [match()])

    first = commit.finish(engine, *arguments, now=NOW, destinations=["file"])
    second = commit.finish(engine, *arguments, now=later(1), destinations=["file"])

    assert (len(first.opened), first.already) == (1, False)
    assert (second.opened, second.already) == ((), True)
    assert list_alerts(engine)[0].match_count == 1
    (total,) = source_totals(engine)
    assert (total.objects, total.rows_in, total.rows_out, total.rejects, total.bytes_in) == (1, 10, 9, 1, 100)


def test_finishers_of_one_batch_at_once_count_it_once(engine: Engine) -> None:
    prepare(engine, "b1", 0, [match(), match(1)])
    finish = partial(commit.finish, engine, "b1", [receipt(refs(1)[0])], [match(), match(1)], now=NOW)

    results = at_once([finish] * 4)

    assert sorted(result.already for result in results) == [False, True, True, True]
    assert list_alerts(engine)[0].match_count == 2
    assert source_totals(engine)[0].objects == 1


def test_finish_of_a_batch_never_prepared_is_a_mistake(engine: Engine) -> None:
    with pytest.raises(LookupError, match="b9"):
        commit.finish(engine, "b9", [], [], now=NOW)


@pytest.mark.parametrize("first", [None, later(-60)], ids=["new groups", "windows that are over"])
def test_workers_that_prepare_the_same_groups_at_once_get_the_same_alerts(
    engine: Engine, first: datetime | None
) -> None:
    matches = [match(number, dedup=f"group {number}") for number in range(GROUPS)]
    older = prepare(engine, "b-older", 9, matches, now=first) if first else {}
    for number in range(4):
        claim(engine, refs(1, number), f"w{number}")
    calls = [
        partial(
            commit.prepare,
            engine,
            f"b{number}",
            [refs(1, number)[0].object_id],
            matches[number:] + matches[:number],  # in another order, as other objects would give them
            worker=f"w{number}",
            now=NOW,
        )
        for number in range(4)
    ]

    results = at_once(calls)

    assert all(result == results[0] for result in results)
    assert not set(results[0].values()) & set(older.values())
    assert len(list_alerts(engine, status=None, limit=1000)) == GROUPS + len(older)


def test_workers_that_finish_batches_of_the_same_groups_at_once_lose_no_count(engine: Engine) -> None:
    matches = [match(number, dedup=f"group {number % 8}") for number in range(40)]
    for number in range(4):
        prepare(engine, f"b{number}", number, matches, f"w{number}")
    calls = [
        partial(commit.finish, engine, f"b{number}", [receipt(refs(1, number)[0])], matches[::step], now=NOW)
        for number, step in zip(range(4), (1, -1, 1, -1), strict=True)
    ]

    results = at_once(calls)

    assert sum(len(result.opened) for result in results) == 8
    assert [alert.match_count for alert in list_alerts(engine)] == [20] * 8
    assert source_totals(engine)[0].objects == 4


def test_matches_that_only_signal_make_no_alert(engine: Engine) -> None:
    signal = match(create_alert=False)

    assert prepare(engine, "b1", 0, [signal]) == {}
    assert commit.finish(engine, "b1", [receipt(refs(1)[0])], [signal], now=NOW).opened == ()
    assert list_alerts(engine, status=None) == ()


def test_objects_gone_before_the_take_over_read_them_fail_with_a_reason(engine: Engine) -> None:
    objects = refs(2)
    claim(engine, objects)
    commit.prepare(engine, "b1", [ref.object_id for ref in objects], [], worker="w1", now=NOW)

    commit.finish(engine, "b1", [receipt(objects[0])], [], now=NOW)

    found = claim(engine, objects, "w2", later(60))
    assert (found.done, found.failed) == ((objects[0],), (objects[1],))
    assert ledger.failed_objects(engine)[0].kind == "missing"


def test_counters_are_kept_by_source_and_log_type(engine: Engine) -> None:
    objects = refs(3)
    claim(engine, objects)
    commit.prepare(engine, "b1", [ref.object_id for ref in objects], [], worker="w1", now=NOW)
    types = [("AWS.CloudTrail",), ("AWS.VPCFlow", "AWS.CloudTrail"), ()]
    receipts = [receipt(ref, log_types=kinds) for ref, kinds in zip(objects, types, strict=True)]

    commit.finish(engine, "b1", receipts, [], now=NOW)
    commit_batch(engine, "b2", [], now=later(5))

    totals = {total.log_type: total for total in source_totals(engine, SOURCE.source_id)}
    assert {name: total.objects for name, total in totals.items()} == {
        "": 1,
        "AWS.CloudTrail": 2,
        "AWS.CloudTrail+AWS.VPCFlow": 1,
    }
    assert totals["AWS.CloudTrail"].last_seen == later(5)
    assert source_totals(engine, "444455556666/other") == ()


@pytest.mark.parametrize("text", ["a\0b", "lone \ud800 surrogate", "ß → 漢字"], ids=["nul", "surrogate", "unicode"])
def test_any_text_of_an_event_can_be_stored(engine: Engine, text: str) -> None:
    odd = match(title=text, dedup=text, context=text, description=text)

    finished = commit_batch(engine, "b1", [odd])

    stored = get_alert(engine, finished.opened[0].alert_id)
    assert stored is not None
    assert stored.title == text.replace("\0", "\ufffd").replace("\ud800", "\ufffd\ufffd\ufffd")
