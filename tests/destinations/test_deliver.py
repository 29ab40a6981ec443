"""Deliveries: in order, each destination for itself, and none lost to a destination that does not work."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from headwater.destinations.deliver import Deliverer, deliver
from headwater.destinations.destination import Destination
from headwater.destinations.message import Message
from headwater.destinations.outlets import Outlets
from headwater.destinations.routing import FAILING, Router
from headwater.errors import DeliveryFailed, DeliveryRefused
from headwater.state import lifecycle, outbox
from headwater.state.alerts import list_alerts
from headwater.state.database import connect
from headwater.state.deliveries import list_deliveries, retry
from headwater.state.destinations import list_health
from support.protocol import NOW, at_once, commit_batch, later, match
from support.routing import alert, config_of, two_accounts

Answer = Callable[[Message], None]


def well(_message: Message) -> None:
    """Take every message."""


def down(_message: Message) -> None:
    raise DeliveryFailed("no answer")


def refuse(_message: Message) -> None:
    raise DeliveryRefused("invalid token")


def broken(_message: Message) -> None:
    raise KeyError("a bug")


@dataclass
class Place:
    """A destination that answers as told, and keeps what it took and how often it was asked."""

    name: str
    answer: Answer = well
    taken: list[Message] = field(default_factory=list)
    asked: int = 0

    def send(self, message: Message) -> None:
        self.asked += 1
        self.answer(message)
        self.taken.append(message)


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Scene:
    """Destinations of the deployment's own, and alerts that go to all of them."""

    engine: Engine
    places: Sequence[Place]
    clock: Clock = field(default_factory=Clock)
    batches: int = 0

    def open(self, count: int = 1) -> None:
        """Open so many alerts."""
        self.batches += 1
        found = [match(n, rule_id=f"Rule.{self.batches}.{n}") for n in range(count)]
        commit_batch(self.engine, f"b{self.batches}", found, destinations=self.outlets.router, now=self.clock.now)

    @property
    def outlets(self) -> Outlets:
        by_name: dict[str, Destination] = {place.name: place for place in self.places}
        return Outlets(by_name, Router(config_of(None), (), list(by_name)))

    def run(self, minutes: float = 0) -> int:
        """Send what is due after a while; rounds until nothing is sent any more."""
        self.clock.now += timedelta(minutes=minutes)
        deliverer = Deliverer(self.engine, self.outlets, self.clock)
        sent = 0
        while deliverer.round():
            now = deliverer.wait()
            sent += now
            if not now:
                break
        deliverer.stop()
        return sent

    def statuses(self, name: str) -> Counter[str]:
        return Counter(each.status for each in list_deliveries(self.engine, destination=name, limit=1000))


@pytest.fixture
def database(tmp_path: Path) -> Engine:
    """SQLite: the statements themselves are tested on both in tests/state."""
    return connect(f"sqlite:///{tmp_path / 'state.db'}")


def test_what_is_due_is_sent_once_to_each_destination(database: Engine) -> None:
    scene = Scene(database, [Place("chat"), Place("pager")])
    scene.open(25)

    assert [scene.run(), scene.run(5)] == [50, 0]

    for place in scene.places:
        assert len({message.idempotency_key for message in place.taken}) == place.asked == 25


def test_a_dead_destination_neither_blocks_the_others_nor_uses_up_tries(database: Engine) -> None:
    chat, pager = Place("chat"), Place("pager", down)
    scene = Scene(database, [chat, pager])
    scene.open(40)

    scene.run()
    for _ in range(100):  # a day
        scene.run(14.9)

    assert len([message for message in chat.taken if message.kind == "RULE"]) == 40
    assert scene.statuses("pager") == {"pending": 40}
    assert pager.asked < 150  # one a pause, not forty
    assert max(each.attempts for each in list_deliveries(database, destination="pager")) <= 3
    pager.answer = well
    scene.run(15)
    assert scene.statuses("pager") == {"sent": 40}


def test_a_failure_that_lasts_is_told_to_the_others_once_and_resolved(database: Engine) -> None:
    chat, pager = Place("chat"), Place("pager", down)
    scene = Scene(database, [chat, pager])
    scene.open(5)

    for minutes in (0, 1, 1, 5, 60):
        scene.run(minutes)
    pager.answer = well
    for minutes in (20, 1, 1):
        scene.run(minutes)

    told = [(message.action, message.title) for message in chat.taken if message.rule_id == FAILING]
    assert told == [("opened", "Destination pager takes no alerts"), ("resolved", "Destination pager takes no alerts")]
    assert not [message for message in pager.taken if message.rule_id == FAILING]


def test_the_order_of_an_alert_is_kept_through_failures(database: Engine) -> None:
    pager = Place("pager", down)
    scene = Scene(database, [pager])
    scene.open()
    (opened,) = list_alerts(database)
    lifecycle.triage(database, opened.alert_id, by="ana", now=later(0))
    lifecycle.resolve(database, opened.alert_id, "benign", by="ana", now=later(0), reopens=False)

    scene.run()
    pager.answer = well
    scene.run(5)

    assert [message.action for message in pager.taken] == ["opened", "updated", "resolved"]


def test_a_pause_that_a_destination_asks_for_is_kept_and_costs_no_try(database: Engine) -> None:
    def limited(_message: Message) -> None:
        raise DeliveryFailed("slow down", retry_after_s=600)

    pager = Place("pager", limited)
    scene = Scene(database, [pager])
    scene.open(10)

    scene.run()
    scene.run(9)
    assert pager.asked == 1
    assert {each.attempts for each in list_deliveries(database, destination="pager")} == {0}

    pager.answer = well
    assert scene.run(1.5) == 10


def test_a_message_that_only_it_is_refused_for_is_given_up_and_told(database: Engine) -> None:
    def picky(message: Message) -> None:
        if message.rule_id == "Rule.1.0":
            raise DeliveryRefused("no such channel")

    chat, pager = Place("chat"), Place("pager", picky)
    scene = Scene(database, [chat, pager])
    scene.open(3)

    for minutes in (0, 1, 1, 1):
        scene.run(minutes)
        scene.open()

    assert scene.statuses("pager")["dead"] == 1
    assert [message.title for message in chat.taken if message.rule_id == FAILING] == [
        "Destination pager has refused 1 message"
    ]


def test_a_revoked_token_gives_up_no_message(database: Engine) -> None:
    pager = Place("pager")
    scene = Scene(database, [pager])
    scene.open(3)
    scene.run()
    pager.answer = refuse
    scene.open(30)

    for _ in range(20):
        scene.run(15)
    pager.answer = well
    scene.run(15)

    assert scene.statuses("pager") == {"sent": 33}


def test_what_was_given_up_after_three_days_can_be_sent_again(database: Engine) -> None:
    pager = Place("pager", down)
    scene = Scene(database, [pager])
    scene.open(1)

    for hours in (0, 0.1, 0.2, 0.5, 1, 69, 0.5):
        scene.run(hours * 60)
    assert scene.statuses("pager") == {"pending": 1}
    scene.run(60)
    assert scene.statuses("pager") == {"dead": 1}
    pager.answer = well
    retry(database, scene.clock.now)
    scene.run(15)

    assert scene.statuses("pager") == {"sent": 1}


def test_a_bug_of_a_destination_stops_no_other(database: Engine) -> None:
    chat, pager = Place("chat"), Place("pager", broken)
    scene = Scene(database, [chat, pager])
    scene.open(5)

    scene.run()

    assert len([message for message in chat.taken if message.kind == "RULE"]) == 5
    assert scene.statuses("pager") == {"pending": 5}


def test_a_destination_that_hangs_holds_up_no_other(database: Engine) -> None:
    release = threading.Event()
    chat, pager = Place("chat"), Place("pager", lambda _message: release.wait(30) or None)
    scene = Scene(database, [chat, pager])
    scene.open(3)
    deliverer = Deliverer(database, scene.outlets, scene.clock)

    deliverer.round()
    while len(chat.taken) < 3:  # the lanes are threads
        threading.Event().wait(0.005)
    assert pager.taken == []

    release.set()
    deliverer.wait()
    deliverer.stop()


def test_a_destination_that_may_not_hear_of_the_account_any_more_is_not_told(database: Engine) -> None:
    """The alert was routed by the files of before."""
    text = (
        "version: 1\ndestinations:\n"
        "  - {name: pager, type: webhook, accounts: [AUDIENCE], config: {url: 'https://a.example.com', "
        "signing_secret: 'env:S'}}\n"
    )
    pager = Place("pager")
    before = Router(config_of(text.replace("AUDIENCE", "payments")), two_accounts().accounts)
    after = Router(config_of(text.replace("AUDIENCE", "shop")), two_accounts().accounts)
    assert (before.may("pager", alert()), after.may("pager", alert())) == (True, False)
    commit_batch(database, "b1", [match()], destinations=before)

    assert deliver(database, Outlets({"pager": pager}, after), later(1)) == 0

    (given_up,) = list_deliveries(database, destination="pager")
    assert (pager.asked, given_up.status) == (0, "dead")
    assert "may not hear of alerts of 111122223333" in (given_up.last_error or "")


def test_held_alerts_are_sent_at_the_end_of_the_quiet_hours(database: Engine) -> None:
    text = (
        "version: 1\ndestinations:\n"
        "  - {name: pager, type: webhook, accounts: any, "
        "config: {url: 'https://a.example.com', signing_secret: 'env:S'}}\n"
        "routes:\n  - {to: [pager], quiet_hours: {timezone: UTC, from: '10:00', to: '14:00'}}\n"
    )
    router = Router(config_of(text), two_accounts().accounts)
    outlets = Outlets({"pager": Place("pager")}, router)
    commit_batch(database, "b1", [match()], destinations=router)

    assert [deliver(database, outlets, later(minutes)) for minutes in (1, 119, 120)] == [0, 0, 1]


def test_nothing_is_sent_where_another_process_sends(database: Engine) -> None:
    pager = Place("pager")
    commit_batch(database, "b1", [match()], destinations=["pager"])

    outlets = Outlets({"pager": pager}, Router(config_of(None), (), ["pager"]), sends=False)

    assert (deliver(database, outlets, later(1)), pager.asked) == (0, 0)


def test_how_a_destination_is_can_be_asked(database: Engine) -> None:
    pager = Place("pager", down)
    scene = Scene(database, [pager])
    scene.open(3)
    scene.run()

    (health,) = list_health(database)

    assert (health.failures, health.opened_at, health.last_error) == (3, NOW, "no answer")
    assert outbox.counts(database) == {"pending": 3}


def test_a_round_sends_nothing_to_a_destination_that_is_left_alone(database: Engine) -> None:
    pager = Place("pager", down)
    scene = Scene(database, [pager])
    scene.open(3)
    scene.run()
    asked = pager.asked

    assert [deliver(database, scene.outlets, NOW) for _ in range(3)] == [0, 0, 0]

    assert pager.asked == asked == 3


def test_deliverers_at_once_send_each_message_once(database: Engine) -> None:
    scene = Scene(database, [Place("chat"), Place("pager")])
    scene.open(60)

    sent = at_once([lambda: deliver(database, scene.outlets, later(1))] * 3)

    assert sum(sent) == 120
    assert [place.asked for place in scene.places] == [60, 60]
