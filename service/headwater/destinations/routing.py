"""Which destinations hear of an alert, and when; never one that may not hear of its account."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from headwater.accounts import Account
from headwater.destinations.config import SEVERITIES, DestinationsConfig, Place, Quiet, Route
from headwater.model import Alert
from headwater.state.outbox import NOWHERE, Routed

FAILING = "Headwater.Destination.Failing"  # its dedup is the destination, which is not told of that


class Router:
    """always: destinations of the deployment's own that get every alert: the local file, the SNS topic."""

    def __init__(
        self, config: DestinationsConfig, accounts: Sequence[Account] = (), always: Sequence[str] = ()
    ) -> None:
        self._config = config
        self._places = {place.name: place for place in config.places}
        self._labels = {account.id: account.labels for account in accounts}
        self._names = {account.id: account.name for account in accounts}
        self._always = tuple(always)

    @property
    def names(self) -> tuple[str, ...]:
        """All destinations."""
        return (*self._always, *self._places)

    @property
    def called(self) -> Mapping[str, str]:
        """What a detection may call destinations, and what alerts carry of it; an account's own also without its id."""
        return {name: name for place in self._config.places for name in (place.name, place.short)} | {
            name: name for name in self._always
        }

    def account_name(self, account_id: str) -> str:
        """The name of an account; empty for one that accounts.yml does not have."""
        return self._names.get(account_id, "")

    def may(self, destination: str, alert: Alert) -> bool:
        """Whether a destination may hear of an alert: it is asked before every message, for files change."""
        if destination in self._always:
            return True
        place = self._places.get(destination)
        return place is not None and place.may(alert.account_id)

    def route(self, alert: Alert, now: datetime) -> Sequence[Routed]:
        """The destinations that the detection names and that may hear of it; else the account's own and the routes'."""
        named = self._named(alert)
        found: dict[str, datetime | None] = {}
        for routed in self._routed(alert, now) if named is None else (Routed(name) for name in named):
            before = found.setdefault(routed.destination, routed.not_before)
            if before is not None and (routed.not_before is None or routed.not_before < before):
                found[routed.destination] = routed.not_before
        about = alert.dedup if alert.rule_id == FAILING else None
        return [Routed(name, when) for name, when in found.items() if name != about and self.may(name, alert)]

    def _named(self, alert: Alert) -> tuple[str, ...] | None:
        """What the detection names and the account may use; None where it names nothing of that, but not: nowhere."""
        if alert.destinations is None:
            return None
        wanted = set(alert.destinations) - NOWHERE
        if not wanted:
            return ()
        own = (place.name for place in self._config.places if place.own == alert.account_id and place.short in wanted)
        names = dict.fromkeys((*(name for name in self.names if name in wanted), *own))
        return tuple(name for name in names if self.may(name, alert)) or None

    def _routed(self, alert: Alert, now: datetime) -> Iterator[Routed]:
        yield from (Routed(name) for name in self._always)
        allowed = {place.name for place in self._config.places if place.own is None and place.may(alert.account_id)}
        yield from (Routed(place.name) for place in self._config.places if _is_own(place, alert))
        if not self._config.routes:
            yield from (Routed(name) for name in sorted(allowed))
        for route in self._config.routes:
            if not _fits(route, alert, self._labels.get(alert.account_id, {})):
                continue
            to = [name for name in route.to if name in allowed]
            until = _held_until(route.quiet, alert, now)
            yield from (Routed(name, until) for name in to)
            if not route.goes_on and (to or not route.to):  # a route to others' destinations alone is none
                return


def _is_own(place: Place, alert: Alert) -> bool:
    return place.own is not None and place.own == alert.account_id and _rank(alert.severity) >= _rank(place.severity)


def _fits(route: Route, alert: Alert, labels: Mapping[str, str]) -> bool:
    return (
        _rank(alert.severity) >= _rank(route.severity)
        and (route.accounts is None or alert.account_id in route.accounts)
        and all(labels.get(key) == value for key, value in route.labels.items())
        and (not route.log_types or _like(alert.log_type, route.log_types))
        and (not route.rules or _like(alert.rule_id, route.rules))
        and (not route.tags or not route.tags.isdisjoint(alert.tags))
        and (not route.kinds or alert.kind in route.kinds)
    )


def _like(text: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(text, pattern) for pattern in patterns)


def _rank(severity: str) -> int:
    """An unknown severity counts as the worst."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def _held_until(quiet: Quiet | None, alert: Alert, now: datetime) -> datetime | None:
    if quiet is None or (quiet.below is not None and _rank(alert.severity) >= _rank(quiet.below)):
        return None
    return quiet_until(quiet, now)


def quiet_until(quiet: Quiet, now: datetime) -> datetime | None:
    """The end of the quiet hours that it is now; those of a day may reach into the next."""
    today = now.astimezone(quiet.zone).date()
    for day in (today, today - timedelta(days=1)):
        if day.weekday() in quiet.days:
            last = day if quiet.begin < quiet.end else day + timedelta(days=1)
            begin = datetime.combine(day, quiet.begin, quiet.zone).astimezone(UTC)
            end = datetime.combine(last, quiet.end, quiet.zone).astimezone(UTC)
            if begin <= now < end:
                return end
    return None
