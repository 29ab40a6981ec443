"""What comes of each source is counted by the hour, with the batch that brought it; errors are kept, and what waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Engine

from headwater.model import Match
from headwater.state import activity, commit, ledger
from headwater.state.activity import Activity, QueueHealth
from support.protocol import NOW, SOURCE, at_once, claim, later, receipt, refs

ID = SOURCE.source_id


def committed(
    engine: Engine, number: int, now: datetime = NOW, newest: datetime | None = None, *, is_live: bool = True
) -> None:
    """A batch of one object of ten rows."""
    ref = refs(1, number)[0]
    claim(engine, [ref], now=now)
    none: list[Match] = []
    commit.prepare(engine, f"b{number}", [ref.object_id], none, worker="w1", now=now)
    for _ in range(2):  # the second call changes nothing
        events = {ID: newest} if newest else {}
        limit = commit.RejectLimit()
        finish = {"now": now, "newest": events, "is_live": is_live, "reject_limit": limit}
        commit.finish(engine, f"b{number}", [receipt(ref)], none, **finish)  # type: ignore[arg-type]


def known(engine: Engine, now: datetime = NOW) -> Activity:
    return activity.activities(engine, now)[ID]


def test_source_is_known_since_it_was_first_in_the_accounts(engine: Engine) -> None:
    activity.register(engine, [ID, "111122223333/other"], NOW)
    activity.register(engine, [ID], later(60))

    assert (known(engine).known_since, known(engine).last_seen) == (NOW, None)
    assert len(activity.activities(engine, NOW)) == 2
    assert list(activity.activities(engine, NOW, ID)) == [ID]


def test_object_is_seen_with_the_time_of_its_newest_row(engine: Engine) -> None:
    committed(engine, 1, NOW, later(-7))
    committed(engine, 2, later(3), later(-90))
    committed(engine, 3, later(4))

    found = known(engine, later(5))

    assert (found.last_seen, found.newest_event_at) == (later(4), later(-7))
    assert (found.rows, found.rejects, found.objects, found.bytes_in) == (30, 3, 3, 300)


def test_rate_of_the_last_hour_takes_its_share_of_the_hour_before(engine: Engine) -> None:
    for number in range(4):
        committed(engine, number, later(number))

    assert [known(engine, later(minutes)).objects for minutes in (30, 75, 120)] == [4, 3, 0]


def test_history_has_every_hour_in_which_something_came_and_forgets_after_four_weeks(engine: Engine) -> None:
    for number, minutes in enumerate((0, 10, 130)):
        committed(engine, number, later(minutes))

    (hours,) = activity.hours(engine, [ID], later(200)).values()
    activity.forget(engine, later(0) + timedelta(weeks=5))

    assert [(hour.starts_at, hour.objects, hour.rows_in) for hour in hours] == [(NOW, 2, 20), (later(120), 1, 10)]
    assert activity.hours(engine, [ID], later(200)) == {ID: ()}


def test_history_that_is_made_up_for_says_nothing_about_now(engine: Engine) -> None:
    committed(engine, 1, NOW, later(-7), is_live=False)

    assert activity.activities(engine, NOW) == {}


def test_error_is_kept_and_a_refusal_with_what_to_grant(engine: Engine) -> None:
    activity.record_error(engine, ID, "AccessDenied", "get: AccessDenied", NOW, denied=True, statement="s3:GetObject")
    activity.record_error(engine, ID, "corrupt", "not gzip\0", later(1))

    found = known(engine)

    assert (found.errors, found.last_error_kind, found.last_error) == (
        2,
        "corrupt",
        "not gzip\N{REPLACEMENT CHARACTER}",
    )
    assert (found.denied_at, found.statement, found.last_error_at) == (NOW, "s3:GetObject", later(1))


def test_objects_in_work_are_the_backlog_and_those_given_up_are_counted_for_a_day(engine: Engine) -> None:
    first, second, third, old = refs(4)
    claim(engine, [first, second, third, old])
    ledger.record_attempt(engine, second.object_id, "AccessDenied", NOW)
    ledger.fail(engine, third, "corrupt", "not gzip", NOW, source_id=ID)
    ledger.fail(engine, old, "corrupt", "not gzip", later(-1500), source_id=ID)
    activity.register(engine, [ID], NOW)

    found = known(engine)

    assert (found.waiting, found.retrying, found.failed) == (2, 1, 1)
    assert [each["kind"] for each in activity.failures(engine, ID, 1)] == ["corrupt"]
    assert activity.failures(engine, ID, 1)[0]["object"] == third.url


def test_queue_is_kept_as_it_was_seen_last(engine: Engine) -> None:
    activity.note_queue(engine, QueueHealth("intake", NOW, 5, 2, 30))
    activity.note_queue(engine, QueueHealth("intake", later(1), 7, 0, 90))

    assert activity.queues(engine) == {"intake": QueueHealth("intake", later(1), 7, 0, 90)}


def test_workers_that_count_at_once_lose_nothing(engine: Engine) -> None:
    other = replace(SOURCE, name="other")
    receipts = [replace(receipt(ref), source=source) for ref in refs(3) for source in (SOURCE, other)]

    def count() -> None:
        with engine.begin() as connection:
            activity.count(connection, receipts, {ID: later(-1)}, NOW)

    at_once([count] * 4)

    hours = activity.hours(engine, [ID, other.source_id], NOW)
    assert [[hour.objects for hour in each] for each in hours.values()] == [[12], [12]]
