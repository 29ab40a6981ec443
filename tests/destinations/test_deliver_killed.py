"""A deliverer killed at any moment loses no delivery, and a receiver that honours the key gets none twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headwater.model import Match
from headwater.state import outbox
from headwater.state.database import connect
from headwater.state.deliveries import list_deliveries
from support.protocol import commit_batch, match
from support.receivers.server import Reply, Request, running

ALERTS = 12
NAME = "hook"


@dataclass
class Service:
    """Acts on each key once, and tells which request is at hand, so that a test can kill in the middle of it."""

    acted: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    stop_at: int = 0
    before_acting: bool = False
    reached: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def __call__(self, request: Request) -> Reply:
        self.asked += 1
        is_stop = self.asked == self.stop_at
        if is_stop and self.before_acting:
            self._hold()
            return Reply(503)
        self.acted[request.headers["idempotency-key"]] += request.headers["idempotency-key"] not in self.acted
        if is_stop:
            self._hold()
        return Reply(200, {})

    def _hold(self) -> None:
        self.reached.set()
        self.go_on.wait(30)


def start(home: Path, url: str) -> subprocess.Popen[bytes]:
    """`headwater deliver` as a process of its own."""
    (home / "destinations.yml").write_text(
        json.dumps(
            {
                "version": 1,
                "destinations": [
                    {
                        "name": NAME,
                        "type": "webhook",
                        "accounts": "any",
                        "config": {"url": url, "signing_secret": "env:HOOK_SECRET"},
                    }
                ],
            }
        )
    )
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HEADWATER_")},
        "HEADWATER_HOME": str(home),
        "HEADWATER_ACCOUNTS_FILE": str(home / "none.yml"),
        "HEADWATER_DESTINATIONS_FILE": str(home / "destinations.yml"),
        "HOOK_SECRET": "a-secret-of-this-test",
    }
    command = [sys.executable, "-m", "headwater.cli.app", "deliver"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_until_sent(database_url: str) -> None:
    """Until nothing is left; a deadline only so that a failure ends."""
    database, pause = connect(database_url), threading.Event()
    for _ in range(3_000):
        if {each.status for each in list_deliveries(database)} == {"sent"}:
            return
        pause.wait(0.02)
    raise AssertionError(outbox.counts(database))


@pytest.mark.parametrize("before_acting", [True, False], ids=["before it acts", "before its answer"])
@pytest.mark.parametrize("stop_at", [1, 7, ALERTS])
def test_a_killed_deliverer_loses_nothing_and_sends_nothing_twice(
    tmp_path: Path, stop_at: int, before_acting: bool
) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    database, now = connect(url), datetime.now(UTC)
    found: list[Match] = [match(number, dedup=str(number)) for number in range(ALERTS)]
    commit_batch(database, "b1", found, destinations=[NAME], now=now)
    service = Service(stop_at=stop_at, before_acting=before_acting)
    with running(service) as receiver:
        first = start(tmp_path, f"{receiver.url}/hook")
        assert service.reached.wait(60)
        first.send_signal(signal.SIGKILL)
        first.wait()
        service.go_on.set()
        for lost in outbox.due(database, now + timedelta(minutes=10)):  # as if its lease were over
            outbox.give_back(database, [lost.delivery_id], now)
        second = start(tmp_path, f"{receiver.url}/hook")
        wait_until_sent(url)
        second.terminate()
        assert second.wait(30) == 0

    sent = list_deliveries(database)
    assert {each.delivery_id for each in sent} == set(service.acted)
    assert set(service.acted.values()) == {1}
    assert len(sent) == ALERTS
