"""One customer floods the queue: a worker in virtual time, with the real scheduler.

The queue gives messages in the order in which they can be received, ten a call. A worker downloads, commits, and
receives beside both. What takes time is as measured on a small task: a call of SQS, a download, a commit.

python -m support.flood   prints the table of docs/fairness.md
"""

from __future__ import annotations

import heapq
import itertools
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from headwater.settings import Settings
from headwater.worker.fairness import FairQueue
from headwater.worker.intake import limits
from headwater.worker.receive import MOST

MIB = 1024 * 1024
QUIET = 49  # accounts beside the one that floods
FLOOD = "flood"
RECEIVE_S = 0.01  # a call
THREADS = 16
DOWNLOAD_S, DOWNLOAD_BYTES_S = 0.05, 50 * MIB
COMMIT_S, COMMIT_BYTES_S = 1.0, 20 * MIB  # parse, detect, append; of decoded bytes
OBJECT_BYTES = MIB  # decoded
HELD_BYTES = OBJECT_BYTES + OBJECT_BYTES // 10  # in flight


@dataclass(frozen=True, order=True, slots=True)
class Sent:
    """A message of one object."""

    sent_at: float
    number: int
    account: str


@dataclass(frozen=True, slots=True)
class Load:
    """Objects a second of each quiet account and of the one that floods, and how long it floods."""

    quiet: float
    flood: float
    flood_s: float
    seconds: float
    seed: int = 7

    def messages(self) -> list[Sent]:
        """Everything that is sent, at random times that are the same for the same seed."""
        chance = random.Random(self.seed)
        sent = [
            (at, account)
            for account in (f"quiet-{number:02d}" for number in range(QUIET))
            for at in _times(chance, self.quiet, self.seconds)
        ]
        sent += [(at, FLOOD) for at in _times(chance, self.flood, self.flood_s)]
        return [Sent(at, number, account) for number, (at, account) in enumerate(sorted(sent))]


def _times(chance: random.Random, rate: float, seconds: float) -> Iterator[float]:
    at = 0.0
    while rate and (at := at + chance.expovariate(rate)) < seconds:
        yield at


@dataclass
class Simulation:
    """fair: whether accounts are told apart; if not, who comes first is served first."""

    load: Load
    fair: bool = True
    settings: Settings = field(default_factory=lambda: Settings(_env_file=None))
    now: float = 0.0
    waits: dict[str, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.queue: FairQueue[Sent] = FairQueue(limits(self.settings, QUIET + 1 if self.fair else 1))
        messages = self.load.messages()
        self.quiet_left = sum(message.account != FLOOD for message in messages)
        self.sqs = [(message.sent_at, message.number, message) for message in messages]
        heapq.heapify(self.sqs)
        self.order = itertools.count(len(messages))
        self.arrived: list[Sent] = []
        self.received_at = 0.0
        self.threads = [0.0] * THREADS
        self.downloads: list[tuple[float, int, Sent]] = []
        self.buffer: list[Sent] = []
        self.oldest = 0.0

    def run(self) -> dict[str, list[float]]:
        """The time from sent to committed of every object of the quiet accounts."""
        while self.quiet_left:
            self._turn()
        return self.waits

    def account(self, message: Sent) -> str:
        return message.account if self.fair else "all"

    def _turn(self) -> None:
        self._receive(self.now)
        came = self._admit()
        for message in self.queue.take(self.now):
            started = max(heapq.heappop(self.threads), self.now)
            ends = started + DOWNLOAD_S + OBJECT_BYTES / DOWNLOAD_BYTES_S
            heapq.heappush(self.threads, ends)
            heapq.heappush(self.downloads, (ends, message.number, message))
        self._collect()
        if self._is_due() or not (came or self.downloads or self._more_now()):
            self._commit()
        elif not came:
            self._wait()

    def _receive(self, until: float) -> None:
        """What the receiving thread does until then."""
        self.received_at = max(self.received_at, self.now - 60.0)
        while self.received_at + RECEIVE_S <= until and len(self.arrived) < MOST:
            at = max(self.received_at, self.sqs[0][0] if self.sqs else until) + RECEIVE_S
            if at > until:
                break
            self.received_at = at
            for _ in range(10):
                if self.sqs and self.sqs[0][0] <= at - RECEIVE_S:
                    self.arrived.append(heapq.heappop(self.sqs)[2])

    def _admit(self) -> bool:
        if self.queue.waiting >= self.queue.limits.waiting:
            return False
        arrived, self.arrived = self.arrived, []
        for message in arrived:
            self.queue.put(str(message.number), self.account(message), HELD_BYTES, message, self.now)
        if self.fair:
            for queued in self.queue.surplus():
                visible_at = self.now + max(self.queue.delay_s(queued.account, self.now), 1)
                heapq.heappush(self.sqs, (visible_at, next(self.order), queued.item))
        return bool(arrived)

    def _collect(self) -> None:
        finished = [entry for entry in self.downloads if entry[0] <= self.now]
        for entry in sorted(finished, key=lambda entry: (self.queue.load(self.account(entry[2])), entry)):
            if self._is_due():
                break
            self.downloads.remove(entry)
            self.queue.loaded(str(entry[2].number), OBJECT_BYTES)
            self.oldest = self.oldest if self.buffer else self.now
            self.buffer.append(entry[2])
        heapq.heapify(self.downloads)

    def _is_due(self) -> bool:
        if not self.buffer:
            return False
        is_full = len(self.buffer) * OBJECT_BYTES >= self.queue.batch_bytes(self.now)
        return is_full or self.now - self.oldest >= self.settings.batch_max_s

    def _more_now(self) -> bool:
        return bool(self.sqs) and self.sqs[0][0] <= self.now and self.queue.waiting < self.queue.limits.waiting

    def _commit(self) -> None:
        if not self.buffer:
            self._wait()
            return
        self.now += COMMIT_S + len(self.buffer) * OBJECT_BYTES / COMMIT_BYTES_S
        for message in self.buffer:
            self.queue.done(str(message.number), self.now)
            self.waits.setdefault(message.account, []).append(self.now - message.sent_at)
            self.quiet_left -= message.account != FLOOD
        self.buffer = []

    def _wait(self) -> None:
        """Until something happens."""
        later = [self.now + 0.05]
        if not self.buffer and not self.downloads and self.sqs and not self.arrived:
            later = [max(self.sqs[0][0], self.now) + RECEIVE_S]
        later += [self.downloads[0][0]] if self.downloads else []
        self.now = max(min(later), self.now + 0.001)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so many are not above."""
    ranked = sorted(values)
    return ranked[min(int(len(ranked) * share), len(ranked) - 1)]


def quiet_waits(load: Load, *, fair: bool = True) -> list[float]:
    """The waits of all quiet accounts."""
    found = Simulation(load, fair=fair).run()
    return [wait for account, waits in found.items() if account != FLOOD for wait in waits]


ALONE = Load(quiet=0.05, flood=0.0, flood_s=0.0, seconds=600)
LOADS = {
    "no flood": ALONE,
    "100 times one other": Load(quiet=0.05, flood=5.0, flood_s=600, seconds=600),
    "100 times all others": Load(quiet=0.05, flood=245.0, flood_s=120, seconds=600),
}


def table() -> str:
    """The table of docs/fairness.md."""
    lines = ["| load of the one account | fair: median, p99 | first come, first served: median, p99 |", "|---|---|---|"]
    for name, load in LOADS.items():
        cells = [
            f"{percentile(waits, 0.5):.1f} s, {percentile(waits, 0.99):.1f} s"
            for waits in (quiet_waits(load), quiet_waits(load, fair=False))
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table())
