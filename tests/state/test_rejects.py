"""A retry of rejects counts once, whatever dies in between."""

from __future__ import annotations

from functools import partial

from sqlalchemy import Engine

from headwater.state import ledger, rejects
from headwater.state.alerts import list_alerts
from headwater.state.commit import Finished, finish, prepare
from headwater.state.maintain import prune
from headwater.state.rejects import Gain, Retry
from headwater.state.sources import source_totals
from support.protocol import NOW, SOURCE, at_once, claim, later, match, receipt, refs

TYPE = "Custom.App"
OBJECT = refs(1)[0]
IDS = [f"{OBJECT.object_id[:32]}{row:08x}" for row in range(3)]


def ingested(engine: Engine) -> None:
    """An object of ten rows, three of them rejected as of no log type."""
    claim(engine, [OBJECT])
    prepare(engine, "b1", [OBJECT.object_id], [], worker="w1", now=NOW)
    finish(engine, "b1", [receipt(OBJECT, rows_out=7, rejects=3, log_types=())], [], now=NOW)


def begin(engine: Engine, batch_id: str = "r1", ids: list[str] = IDS, worker: str = "one") -> rejects.Bound:
    return rejects.prepare(engine, Retry(batch_id, TYPE, False), ids, [], worker=worker, now=NOW)


def end(
    engine: Engine, batch_id: str = "r1", rows: int = 3, headers: int = 0, released: tuple[str, ...] = ()
) -> Finished:
    gains = [Gain(OBJECT.object_id, SOURCE.source_id, rows, headers, 0)]
    return rejects.finish(engine, batch_id, gains, [], log_type=TYPE, released=released, now=later(1))


def test_recovered_rejects_are_rows_in_every_count(engine: Engine) -> None:
    ingested(engine)
    begin(engine)

    end(engine, rows=2, headers=1)

    assert rejects.settled(engine, IDS) == dict.fromkeys(IDS, True)
    totals = {total.log_type: (total.rows_in, total.rows_out, total.rejects) for total in source_totals(engine)}
    assert totals == {"": (7, 7, 0), TYPE: (2, 2, 0)}
    assert sum(total.objects for total in source_totals(engine)) == 1


def test_retry_is_counted_once(engine: Engine) -> None:
    ingested(engine)
    begin(engine)

    results = at_once([partial(end, engine)] * 4)

    assert sorted(result.already for result in results) == [False, True, True, True]
    assert {total.log_type: total.rows_out for total in source_totals(engine)} == {"": 7, TYPE: 3}


def test_rejects_of_one_retry_are_taken_for_every_other(engine: Engine) -> None:
    begin(engine, "r1", IDS[:2])

    second = begin(engine, "r2", IDS, "two")

    assert second.taken == set(IDS[:2])
    assert rejects.settled(engine, IDS) == dict.fromkeys(IDS[:2], False)
    assert begin(engine, "r2", IDS[2:], "two").taken == frozenset()


def test_retries_that_begin_at_once_share_no_reject(engine: Engine) -> None:
    calls = [partial(begin, engine, f"r{number}", IDS, f"w{number}") for number in range(4)]

    results = at_once(calls)

    assert [len(result.taken) for result in results].count(0) == 1
    assert rejects.settled(engine, IDS) == dict.fromkeys(IDS, False)


def test_a_retry_left_half_way_is_found_by_its_own_worker_at_once_and_by_others_after_its_lease(engine: Engine) -> None:
    begin(engine)

    assert rejects.unfinished(engine, "one", NOW) == (Retry("r1", TYPE, False),)
    assert rejects.unfinished(engine, "two", later(5)) == ()
    assert rejects.unfinished(engine, "two", later(11)) == (Retry("r1", TYPE, False),)
    assert rejects.bound(engine, "r1") == set(IDS)
    assert ledger.expired_batches(engine, later(60)) == ()  # not of a worker of the service: it knows no rejects


def test_snapshots_are_kept_while_a_retry_is_not_finished(engine: Engine) -> None:
    assert ledger.oldest_prepared(engine) is None
    begin(engine)

    assert ledger.oldest_prepared(engine) == NOW
    end(engine)
    assert ledger.oldest_prepared(engine) is None


def test_released_rejects_can_be_tried_again(engine: Engine) -> None:
    ingested(engine)
    begin(engine)

    end(engine, rows=1, released=(IDS[1], IDS[2]))

    assert rejects.settled(engine, IDS) == {IDS[0]: True}
    assert begin(engine, "r2", IDS[1:]).taken == frozenset()


def test_take_over_gets_the_alerts_of_the_first_and_opens_them_once(engine: Engine) -> None:
    ingested(engine)
    retry, found = Retry("r1", TYPE, True), [match(), match(1, dedup="other")]
    first = rejects.prepare(engine, retry, IDS, found, worker="one", now=NOW)

    again = rejects.prepare(engine, retry, IDS, found, worker="two", now=later(20))

    assert again == first
    gains = [Gain(OBJECT.object_id, SOURCE.source_id, 3, 0, 2)]
    done = rejects.finish(engine, "r1", gains, found, log_type=TYPE, destinations=["file"], now=later(20))
    assert {alert.alert_id for alert in done.opened} == set(first.alert_ids.values())
    assert [alert.match_count for alert in list_alerts(engine)] == [1, 1]


def test_upkeep_forgets_finished_retries_but_not_what_they_recovered(engine: Engine) -> None:
    ingested(engine)
    begin(engine, "r1", IDS[:1])
    begin(engine, "r2", IDS[1:])
    end(engine, "r1", rows=1)

    prune(engine, later(60))

    assert rejects.settled(engine, IDS) == {IDS[0]: True, IDS[1]: False, IDS[2]: False}
    assert rejects.unfinished(engine, "one", NOW) == (Retry("r2", TYPE, False),)


def test_ledger_gives_the_objects_of_rejects(engine: Engine) -> None:
    ingested(engine)

    assert rejects.refs(engine, [OBJECT.object_id, "0" * 64]) == {OBJECT.object_id: OBJECT}
