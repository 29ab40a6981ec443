"""A customer with a hundred times the load of the others waits for itself, and hardly anybody waits for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.worker.fairness import KIB, LONGEST_DELAY_S, MIB, FairQueue, Limits
from support import flood
from support.flood import LOADS, percentile, quiet_waits

PAGE = Path(__file__).parents[2] / "docs" / "fairness.md"
ROOMY = Limits(downloads=1000, objects=1000, size_bytes=1000 * MIB, waiting=1000, batch_bytes=1000 * MIB)


def queue(limits: Limits = ROOMY, **waiting: int) -> FairQueue[str]:
    """A queue in which so many objects of 100 KiB of each account wait."""
    made: FairQueue[str] = FairQueue(limits)
    for account, count in waiting.items():
        for number in range(count):
            made.put(f"{account}{number}", account, 100 * KIB, f"{account}{number}", 0.0)
    return made


@pytest.fixture(scope="module")
def alone() -> float:
    """The 99th percentile of the waits of 49 quiet accounts, without a flood."""
    return percentile(quiet_waits(LOADS["no flood"]), 0.99)


@pytest.mark.parametrize("load", ["100 times one other", "100 times all others"])
def test_quiet_accounts_wait_at_most_twice_as_long_beside_a_flood(alone: float, load: str) -> None:
    assert percentile(quiet_waits(LOADS[load]), 0.99) <= 2 * alone


def test_without_fairness_quiet_accounts_wait_for_the_flood(alone: float) -> None:
    assert percentile(quiet_waits(LOADS["100 times all others"], fair=False), 0.99) > 100 * alone


def test_page_has_the_figures_of_the_simulation() -> None:
    assert flood.table() in PAGE.read_text()


def test_accounts_take_turns_by_bytes() -> None:
    made = queue(Limits(20, 1000, 1000 * MIB, 1000, 1000 * MIB, share=0.9), loud=100, quiet=3)

    started = made.take(0.0)

    assert {"quiet0", "quiet1", "quiet2"} <= set(started[:8])


def test_large_objects_of_one_account_buy_fewer_turns() -> None:
    made: FairQueue[str] = FairQueue(Limits(40, 1000, 10_000 * MIB, 1000, 10_000 * MIB, share=0.9))
    for number in range(30):
        made.put(f"large{number}", "large", 8 * MIB, "large", 0.0)
        made.put(f"small{number}", "small", 64 * KIB, "small", 0.0)

    first = made.take(0.0)[:20]

    assert first.count("small") >= 8 * first.count("large")


def test_one_account_leaves_room_for_the_others() -> None:
    made = queue(Limits(8, 100, 1000 * MIB, 1000, 1000 * MIB), loud=100)

    before = made.take(0.0)
    made.put("q", "quiet", KIB, "q", 0.0)

    assert len(before) == 4
    assert made.take(0.0) == ["q"]


def test_memory_in_flight_is_bounded() -> None:
    made: FairQueue[str] = FairQueue(Limits(100, 100, 10 * MIB, 1000, 100 * MIB, share=1.0))
    for number in range(5):
        made.put(f"o{number}", "a", 4 * MIB, f"o{number}", 0.0)

    first = made.take(0.0)
    made.loaded("o0", 8 * MIB)  # it is larger than its notification let expect
    made.done("o1", 1.0)
    second = made.take(1.0)
    made.done("o0", 2.0)

    assert (first, second, made.take(2.0)) == (["o0", "o1"], [], ["o2", "o3"])


def test_one_object_always_fits() -> None:
    made: FairQueue[str] = FairQueue(Limits(100, 100, 10 * MIB, 1000, 100 * MIB))
    made.put("huge", "a", 99 * MIB, "huge", 0.0)

    assert made.take(0.0) == ["huge"]


def test_large_object_is_not_overtaken_for_ever() -> None:
    made: FairQueue[str] = FairQueue(Limits(100, 100, 10 * MIB, 1000, 100 * MIB, share=1.0))
    made.put("s0", "small", 4 * MIB, "s0", 0.0)
    before = made.take(0.0)
    made.put("large", "large", 9 * MIB, "large", 0.0)
    made.put("s1", "small", MIB, "s1", 0.0)
    while_full = made.take(0.0)

    for key in [*before, *while_full]:
        made.done(key, 1.0)

    assert "large" in made.take(1.0)


def test_account_gives_up_what_it_has_beyond_its_share_of_the_waiting_room() -> None:
    made = queue(Limits(1, 10, 1000 * MIB, 20, 1000 * MIB), loud=25, quiet=3)

    surplus = [queued.key for queued in made.surplus()]

    assert surplus == [f"loud{number}" for number in range(10, 25)]
    assert made.waiting == 13


def test_messages_that_are_handed_back_come_again_at_the_account_s_own_rate() -> None:
    made = queue(loud=100)

    delays = [made.delay_s("loud", 0.0) for _ in range(10_000)]

    assert delays[0] == 5  # a hundred wait, twenty a second
    assert delays == sorted(delays)
    assert delays[2000] - delays[0] == pytest.approx(100, abs=1)
    assert delays[-1] <= LONGEST_DELAY_S


def test_objects_of_an_account_that_is_fast_come_again_sooner() -> None:
    made = queue(loud=3000)
    for key in made.take(0.0):
        made.done(key, 1.0)

    assert made.delay_s("loud", 1.0) < queue(loud=3000).delay_s("loud", 1.0)


def test_object_that_is_asked_for_twice_is_started_once() -> None:
    made = queue(a=1)
    made.put("a0", "a", KIB, "again", 0.0)

    started = made.take(0.0)
    made.done("a0", 1.0)

    assert started == ["a0"]
    assert (made.in_flight, made.size_bytes, made.waiting) == (0, 0, 0)


def test_batches_are_smaller_where_several_accounts_are_served() -> None:
    made = queue(Limits(10, 10, MIB, 10, 64 * MIB), one=1)
    alone = made.batch_bytes(0.0)

    made.put("x", "two", KIB, "x", 0.0)

    assert alone == 64 * MIB
    assert made.batch_bytes(0.0) == 12 * MIB
