"""The outbox on its way out: a lane for each destination, so that none waits for another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import Literal

import structlog

from headwater.destinations.outlets import Outlets
from headwater.destinations.routing import FAILING
from headwater.errors import DeliveryFailed, DeliveryRefused, HeadwaterError
from headwater.model import Match, health_match
from headwater.state import destinations, outbox, storms
from headwater.state.database import Database
from headwater.state.destinations import DestinationHealth
from headwater.state.episodes import tell
from headwater.state.outbox import Delivery

LOG = structlog.get_logger()
LANES = 8  # destinations that are sent to at a time
TAKEN = 10  # deliveries that a lane holds
LEASE_S = 120.0
HELD_S = 60.0  # for so long a lane sends what it holds; what is left could be another's before it is sent
LOOK_EVERY = timedelta(seconds=10)
DEAD_TOLD = timedelta(hours=1)


class Deliverer:
    """Sends what is due, in threads of its own. clock: the time."""

    def __init__(self, database: Database, outlets: Outlets, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._outlets = outlets
        self._clock = clock
        self._pool = ThreadPoolExecutor(LANES, thread_name_prefix="deliver")
        self._lanes: dict[str, Future[int]] = {}
        self._stop = threading.Event()
        self._looked_at: datetime | None = None

    def round(self) -> int:
        """Begin a lane for each destination that has something due and none at work; gives how many were begun."""
        self._look()
        self._lanes = {name: lane for name, lane in self._lanes.items() if not lane.done()}
        names = [name for name in outbox.waiting(self._database, self._clock()) if name not in self._lanes]
        for name in names:
            self._lanes[name] = self._pool.submit(self._lane, name)
        return len(names)

    def wait(self, timeout_s: float | None = None) -> int:
        """Wait for the lanes that are at work; gives how many messages they sent. Raises: what broke one of them."""
        done, _ = wait(list(self._lanes.values()), timeout=timeout_s)
        return sum(lane.result() for lane in done)

    def stop(self, timeout_s: float | None = None) -> None:
        """End after the messages that are being sent; what is not sent in time is sent again by another, later."""
        self._stop.set()
        wait(list(self._lanes.values()), timeout=timeout_s)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def look(self) -> None:
        """Tell the ends of storms, and of destinations that do not work, to the others."""
        now = self._clock()
        self._looked_at = now
        storms.end(self._database, now)
        told = tell(self._database, (FAILING,), _faults(self._database, now), now, self._outlets.router)
        for alert in told.opened:
            LOG.warning("destination_fails", destination=alert.dedup, title=alert.title)
        for alert in told.resolved:
            LOG.info("destination_works_again", destination=alert.dedup)

    def _look(self) -> None:
        if self._looked_at is None or self._clock() - self._looked_at >= LOOK_EVERY:
            self.look()

    def _lane(self, name: str) -> int:
        """Send to one destination until nothing is due, or it is left alone."""
        sent = 0
        while not self._stop.is_set():
            turn = destinations.take_turn(self._database, name, self._clock(), lease_s=LEASE_S)
            if turn == "closed":
                break
            limit = 1 if turn == "probe" else TAKEN
            taken = outbox.due(self._database, self._clock(), limit, lease_s=LEASE_S, destination=name)
            if not taken:
                break
            sent += self._send_all(taken)
        return sent

    def _send_all(self, taken: Sequence[Delivery]) -> int:
        """Send until one is not taken; the others are given back."""
        sent, until = 0, time.monotonic() + HELD_S
        for index, delivery in enumerate(taken):
            is_over = self._stop.is_set() or time.monotonic() > until
            outcome = None if is_over else self._send(delivery)
            sent += outcome == "sent"
            if outcome is None or outcome == "failed":  # which has its own next time: a give-back must not change it
                rest = taken[index + (outcome is not None) :]
                outbox.give_back(self._database, [each.delivery_id for each in rest], self._clock())
                break
        return sent

    def _send(self, delivery: Delivery) -> Literal["sent", "given up", "failed"]:
        """One message."""
        name = delivery.destination
        destination = self._outlets.by_name.get(name)
        if destination is not None and not self._outlets.router.may(name, delivery.alert):
            whose = delivery.alert.account_id or "no single account"
            self._give_up(delivery, f"{name} may not hear of alerts of {whose}: destinations.yml has changed")
            return "given up"
        try:
            if destination is None:
                raise HeadwaterError(f"destination {name!r} is not configured any more")
            destination.send(self._outlets.message(delivery))
        except DeliveryRefused as error:
            self._refused(delivery, str(error))
        except DeliveryFailed as error:
            self._failed(delivery, str(error), error.retry_after_s)
        except (HeadwaterError, OSError) as error:
            self._failed(delivery, str(error))
        except Exception as error:  # code of a destination: its fault must not end the lane
            self._failed(delivery, f"{type(error).__name__} in the code of the destination")
            LOG.exception("delivery_broke", destination=name, alert_id=delivery.alert.alert_id)
        else:
            now = self._clock()
            outbox.sent(self._database, delivery.delivery_id, now)
            destinations.took(self._database, name, now)
            LOG.info("delivery_sent", destination=name, alert_id=delivery.alert.alert_id, action=delivery.action)
            return "sent"
        return "failed"

    def _give_up(self, delivery: Delivery, error: str) -> None:
        outbox.failed(self._database, delivery.delivery_id, error, self._clock(), permanent=True)
        LOG.error("delivery_given_up", alert_id=delivery.alert.alert_id, destination=delivery.destination, error=error)

    def _refused(self, delivery: Delivery, error: str) -> None:
        """A refusal can be the message's fault or the destination's: a revoked token refuses every message.

        It is the message's when the destination has taken another one since it refused this one before.
        """
        if self._took_since(delivery.destination, delivery.refused_at):
            self._give_up(delivery, error)
        else:
            self._failed(delivery, error, refused=True)

    def _took_since(self, name: str, refused_at: datetime | None) -> bool:
        health = {each.name: each for each in destinations.list_health(self._database)}.get(name)
        return (
            refused_at is not None
            and health is not None
            and health.last_sent_at is not None
            and health.last_sent_at >= refused_at
        )

    def _failed(self, delivery: Delivery, error: str, pause_s: float | None = None, *, refused: bool = False) -> None:
        name, now = delivery.destination, self._clock()
        if pause_s is not None:
            destinations.pause(self._database, name, error, now, pause_s)
            is_left = True
        else:
            is_left = destinations.failed(self._database, name, error, now)
        dead = outbox.failed(
            self._database, delivery.delivery_id, error, now, refused=refused, counts=not is_left, wait=pause_s
        )
        LOG.warning("delivery_failed", alert_id=delivery.alert.alert_id, destination=name, error=error, dead=dead)


def deliver(database: Database, outlets: Outlets, now: datetime) -> int:
    """Send what is due, and wait for it; gives the number sent. Does nothing where `headwater deliver` sends."""
    if not outlets.sends:
        return 0
    begun = time.monotonic()
    deliverer = Deliverer(database, outlets, lambda: now + timedelta(seconds=time.monotonic() - begun))
    deliverer.round()
    sent = deliverer.wait()
    deliverer.stop()
    return sent


def _faults(database: Database, now: datetime) -> list[Match]:
    """A match for each destination that is left alone, or for which deliveries were given up."""
    known = {each.name: each for each in destinations.list_health(database)}
    left = {name for name, each in known.items() if each.opened_at is not None or _always_pauses(each, now)}
    dead = destinations.died_since(database, now - DEAD_TOLD)
    errors = {name: each.last_error for name, each in known.items()}
    return [
        _fault(name, name in left, dead.get(name, 0), errors.get(name, ""), now) for name in sorted(left | set(dead))
    ]


def _always_pauses(health: DestinationHealth, now: datetime) -> bool:
    """Whether it asks for one pause after the other, and has taken nothing for an hour."""
    if health.paused_until is None or health.last_error_at is None or now - health.last_error_at > DEAD_TOLD:
        return False
    return health.last_sent_at is None or now - health.last_sent_at > DEAD_TOLD


def _fault(name: str, is_left: bool, dead: int, error: str, now: datetime) -> Match:
    what = "takes no alerts" if is_left else f"has refused {dead} {'message' if dead == 1 else 'messages'}"
    return health_match(
        FAILING,
        name,
        now,
        title=f"Destination {name} {what}",
        description=f"{error}. What waits for it is sent when it works again; after three days it is given up.",
        runbook=f"headwater destinations test {name} says what it answers; headwater alerts deliveries --retry sends "
        "again what was given up.",
        told={"destination": name, "left_alone": is_left, "given_up": dead, "error": error},
        severity="HIGH",
    )
