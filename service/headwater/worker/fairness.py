"""Who is served next: a customer with a hundred times the load of the others waits for itself, not the others for it.

Objects wait in a lane for each account. Lanes are served by deficit round-robin: each turn earns a lane some bytes, and
what a lane does not use it loses when it is empty. One account may have a share of the downloads, of the objects in
flight and of their bytes, and no more, so that there is always room for the others. Pure: it is told the time.

Source: M. Shreedhar, G. Varghese, "Efficient Fair Queuing using Deficit Round Robin", 1995.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import ceil, exp2, log
from typing import Generic, TypeVar

T = TypeVar("T")
KIB, MIB = 1024, 1024 * 1024
QUANTUM_BYTES = MIB  # what a turn earns
OBJECT_BYTES = 256 * KIB  # what an object costs beside its bytes: requests, a commit's share
LARGEST_COST = 64 * MIB
CROWDED = 0.1875  # of a batch; a quarter makes quiet accounts wait more than twice as long beside a flood
RECENT_S = 60.0  # an account that was seen within that time counts as one of the others
HALF_LIFE_S = 30.0  # of the rate at which an account's objects are done
LEAST_RATE = 20.0  # objects a second; assumed too high, messages come back early, and that costs little
LONGEST_DELAY_S = 900  # the limit of SQS: DelaySeconds


@dataclass(frozen=True, slots=True)
class Limits:
    """downloads: at a time. objects, size_bytes: in flight, from the download to the commit. waiting: before that.

    share: of each that one account may have. batch_bytes: how large a batch may grow.
    """

    downloads: int
    objects: int
    size_bytes: int
    waiting: int
    batch_bytes: int
    share: float = 0.5

    def part(self, whole: int) -> int:
        """One account's share of it, at least one."""
        return max(1, ceil(whole * self.share))

    @property
    def crowded_batch_bytes(self) -> int:
        """How large a batch may grow where several accounts are served, so that none waits long for another's."""
        return max(1, ceil(self.batch_bytes * CROWDED))


@dataclass(frozen=True, slots=True)
class Queued(Generic[T]):
    """An object that waits. size_bytes: the memory that it will take."""

    key: str
    account: str
    size_bytes: int
    item: T

    @property
    def cost_bytes(self) -> int:
        """What its turn costs."""
        return min(self.size_bytes, LARGEST_COST) + OBJECT_BYTES


@dataclass(slots=True)
class Flight:
    """An object in flight."""

    account: str
    size_bytes: int
    downloading: bool = True


@dataclass(slots=True)
class Lane(Generic[T]):
    """An account's objects. due_at: when the last message that was handed back is wanted again."""

    waiting: deque[Queued[T]] = field(default_factory=deque)
    deficit: int = 0
    downloads: int = 0
    objects: int = 0
    size_bytes: int = 0
    seen_at: float = 0.0
    done: float = 0.0  # objects, each counted half after HALF_LIFE_S
    done_at: float = 0.0
    due_at: float = 0.0

    def rate(self, now: float) -> float:
        """Objects a second that are done, or are assumed to be."""
        done = self.done * _faded(now - self.done_at)
        return max(2.0 * done * log(2) / HALF_LIFE_S, LEAST_RATE)


class FairQueue(Generic[T]):
    """The objects of all accounts between their notification and their commit."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._lanes: dict[str, Lane[T]] = {}
        self._turns: deque[str] = deque()  # accounts with waiting objects
        self._flights: dict[str, Flight] = {}
        self._downloads = 0
        self._size_bytes = 0
        self._waiting = 0

    @property
    def waiting(self) -> int:
        """Objects that wait."""
        return self._waiting

    @property
    def in_flight(self) -> int:
        """Objects that are downloaded, or are in the buffer."""
        return len(self._flights)

    @property
    def size_bytes(self) -> int:
        """Memory of those."""
        return self._size_bytes

    def put(self, key: str, account: str, size_bytes: int, item: T, now: float) -> None:
        """Let an object wait."""
        lane = self._lanes.setdefault(account, Lane())
        lane.seen_at = now
        if not lane.waiting:
            self._turns.append(account)
        lane.waiting.append(Queued(key, account, size_bytes, item))
        self._waiting += 1

    def take(self, now: float) -> list[T]:
        """What may be downloaded now, in the order of the turns."""
        started: list[T] = []
        most_bytes = self._share_bytes(now)
        passed = 0  # lanes in a row that have their share
        while self._turns and passed < len(self._turns):
            lane = self._lanes[self._turns[0]]
            head = lane.waiting[0]
            if head.key in self._flights:  # asked for twice
                self._drop(lane)
            elif not self._has_room(head):
                break  # also for what is smaller, or a large object would never find room
            elif self._has_share(lane, head, most_bytes):
                passed += 1
                self._turns.rotate(-1)
            elif lane.deficit < head.cost_bytes:
                passed = 0
                lane.deficit += QUANTUM_BYTES
                self._turns.rotate(-1)
            else:
                passed = 0
                started.append(self._start(lane))
        return started

    def loaded(self, key: str, size_bytes: int) -> None:
        """An object is downloaded, and takes so much memory."""
        flight = self._flights.get(key)
        if flight is None:
            return
        lane = self._lanes[flight.account]
        self._size_bytes += size_bytes - flight.size_bytes
        lane.size_bytes += size_bytes - flight.size_bytes
        flight.size_bytes = size_bytes
        self._land(lane, flight)

    def rename(self, key: str, known: str) -> None:
        """An object in flight turns out to have another id, which nothing else here has."""
        if key in self._flights:
            self._flights[known] = self._flights.pop(key)

    def done(self, key: str, now: float) -> None:
        """An object in flight is through, whatever became of it; others are no concern of this."""
        flight = self._flights.pop(key, None)
        if flight is None:
            return
        lane = self._lanes[flight.account]
        self._land(lane, flight)
        self._size_bytes -= flight.size_bytes
        lane.size_bytes -= flight.size_bytes
        lane.objects -= 1
        lane.done = lane.done * _faded(now - lane.done_at) + 1
        lane.done_at = now

    def surplus(self) -> list[Queued[T]]:
        """The latest objects of accounts that fill more than their share of the waiting room; they are out then."""
        most = self.limits.part(self.limits.waiting)
        out: list[Queued[T]] = []
        for account, lane in self._lanes.items():
            while len(lane.waiting) > most:
                out.append(lane.waiting.pop())
            self._forget_turn(account, lane)
        self._waiting -= len(out)
        return out[::-1]

    def delay_s(self, account: str, now: float) -> int:
        """When to see a message that is handed back again: after those before it, at the account's own rate."""
        lane = self._lanes.setdefault(account, Lane())
        rate = lane.rate(now)
        lane.due_at = min(max(lane.due_at, now + len(lane.waiting) / rate) + 1 / rate, now + LONGEST_DELAY_S)
        return round(lane.due_at - now)

    def is_crowded(self, now: float) -> bool:
        """Whether several accounts have something here, or had a moment ago."""
        active = (lane.waiting or lane.objects or now - lane.seen_at < RECENT_S for lane in self._lanes.values())
        return sum(map(bool, active)) > 1

    def batch_bytes(self, now: float) -> int:
        """How large a batch may grow now."""
        return self.limits.crowded_batch_bytes if self.is_crowded(now) else self.limits.batch_bytes

    def load(self, account: str) -> int:
        """Memory of an account's objects in flight; those of the least loaded are committed first."""
        return self._lanes[account].size_bytes if account in self._lanes else 0

    def _drop(self, lane: Lane[T]) -> Queued[T]:
        queued = lane.waiting.popleft()
        self._waiting -= 1
        self._forget_turn(queued.account, lane)
        return queued

    def _start(self, lane: Lane[T]) -> T:
        lane.deficit -= lane.waiting[0].cost_bytes
        queued = self._drop(lane)
        self._flights[queued.key] = Flight(queued.account, queued.size_bytes)
        self._downloads += 1
        self._size_bytes += queued.size_bytes
        lane.downloads += 1
        lane.objects += 1
        lane.size_bytes += queued.size_bytes
        return queued.item

    def _forget_turn(self, account: str, lane: Lane[T]) -> None:
        if not lane.waiting and account in self._turns:
            self._turns.remove(account)
            lane.deficit = 0

    def _land(self, lane: Lane[T], flight: Flight) -> None:
        if flight.downloading:
            flight.downloading = False
            self._downloads -= 1
            lane.downloads -= 1

    def _has_room(self, head: Queued[T]) -> bool:
        """Whether an object fits in beside all others; one always may."""
        limits = self.limits
        if not self._flights:
            return True
        return (
            self._downloads < limits.downloads
            and len(self._flights) < limits.objects
            and self._size_bytes + head.size_bytes <= limits.size_bytes
        )

    def _share_bytes(self, now: float) -> int:
        """The memory of one account: where there are others, a batch that is committed and the next one."""
        share = self.limits.part(self.limits.size_bytes)
        return min(share, 2 * self.limits.crowded_batch_bytes) if self.is_crowded(now) else share

    def _has_share(self, lane: Lane[T], head: Queued[T], most_bytes: int) -> bool:
        """Whether the account has all that it may have; one object it always may."""
        limits = self.limits
        return lane.objects > 0 and (
            lane.downloads >= limits.part(limits.downloads)
            or lane.objects >= limits.part(limits.objects)
            or lane.size_bytes + head.size_bytes > most_bytes
        )


def _faded(age_s: float) -> float:
    """How much of a count is left after that time."""
    return exp2(-age_s / HALF_LIFE_S)
