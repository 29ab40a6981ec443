"""destinations.yml and the destinations in accounts.yml: who may be told of which alerts, and which of them are."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field

from headwater import yamlfile
from headwater.accounts import Account
from headwater.accounts.checks import Finding, did_you_mean
from headwater.accounts.document import Severity, SourceName, Strict
from headwater.accounts.reading import PartReader, problem
from headwater.destinations.kind import Config, Kind
from headwater.errors import ConfigError, Problem

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
PLATFORM = "platform"
SEVERITIES: Final = ("INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL")
DAYS: Final[tuple[Day, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
BUILT_IN: Final = frozenset({"file", "sns", "SKIP"})
ACCOUNT_ID = re.compile(r"\d{12}\Z")
Path = tuple[str | int, ...]


def _clock(text: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise ValueError(f'{text!r} is no time of day: write it like "22:00", in quotes')
    return text


def _zone(text: str) -> str:
    if text not in available_timezones():
        raise ValueError(f"{text!r} is no time zone: write it like Europe/Berlin or UTC")
    return text


Clock = Annotated[str, AfterValidator(_clock)]


class QuietDocument(Strict):
    """`quiet_hours` of a route."""

    timezone: Annotated[str, AfterValidator(_zone)] = Field(description="Time zone of the hours: `Europe/Berlin`.")
    days: list[Day] = Field(default_factory=lambda: [*DAYS], description="On which days they begin; none: all.")
    begin: Clock = Field(alias="from", description="When they begin.")
    end: Clock = Field(alias="to", description="When they end; not later than `from`: on the next day.")
    below: Severity | None = Field(None, description="Hold only alerts that are less severe; none: all of them.")


class MatchDocument(Strict):
    """`match` of a route: an alert must fit every key that is given, and of a list one entry."""

    severity: Severity = Field("INFO", description="At least as severe.")
    accounts: list[str] = Field(default_factory=list, description="Ids or names of accounts.")
    labels: dict[str, str] = Field(default_factory=dict, description="Labels of the account, all of them.")
    log_types: list[str] = Field(default_factory=list, description="Log types; `*` stands for anything.")
    rules: list[str] = Field(default_factory=list, description="Ids of detections; `*` stands for anything.")
    tags: list[str] = Field(default_factory=list, description="Tags of the detection.")
    kinds: list[Literal["RULE", "RULE_ERROR", "HEALTH"]] = Field(
        default_factory=list, description="Matches, errors of detections, faults of the service or of a source."
    )


class RouteDocument(Strict):
    """One entry of `routes`."""

    match: Any = Field(default_factory=dict, description="Which alerts; none: all.")
    to: list[str] = Field(description="Names of destinations; an empty list: nowhere.")
    goes_on: bool = Field(False, alias="continue", description="Whether later routes are looked at as well.")
    quiet_hours: Any = Field(None, description="When alerts are held back until the end of these hours.")


class DestinationDocument(Strict):
    """One entry of `destinations`."""

    name: SourceName = Field(description="What routes and detections call it.")
    type: str = Field(description="What it is: `slack`, `pagerduty`, `webhook` …; `headwater destinations kinds`.")
    accounts: Literal["any", "platform"] | list[str] = Field(
        description="Whose alerts it may get: ids or names of accounts, `any` (also the service's own), or `platform` "
        "(only the service's own)."
    )
    config: dict[str, Any] = Field(default_factory=dict, description="What that type needs; secrets by reference.")


class FileDocument(Strict):
    """The whole file; its parts are checked one by one."""

    version: Literal[1]
    destinations: list[Any] = Field(default_factory=list)
    routes: list[Any] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Place:
    """A destination. accounts: ids of those it may hear of, None: all. platform: it hears of the service's own faults.

    own: the account whose entry in accounts.yml it stands in; it gets alerts of that account from `severity` on.
    """

    name: str
    kind: Kind
    config: Config = field(repr=False)
    accounts: frozenset[str] | None
    platform: bool
    own: str | None = None
    severity: str = "INFO"

    @property
    def short(self) -> str:
        """Its name without its account."""
        return self.name.rpartition("/")[2]

    def may(self, account_id: str) -> bool:
        """Whether it may be told of an alert of that account; "": of no single account."""
        if not account_id:
            return self.platform
        return self.accounts is None or account_id in self.accounts


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours in which alerts are held back. below: only those less severe."""

    zone: ZoneInfo
    days: frozenset[int]
    begin: time
    end: time
    below: str | None


@dataclass(frozen=True, slots=True)
class Route:
    """Which alerts go where; accounts None: of any account, and of none."""

    severity: str
    accounts: frozenset[str] | None
    labels: Mapping[str, str]
    log_types: tuple[str, ...]
    rules: tuple[str, ...]
    tags: frozenset[str]
    kinds: frozenset[str]
    to: tuple[str, ...]
    goes_on: bool
    quiet: Quiet | None

    @property
    def is_catch_all(self) -> bool:
        """Whether every alert fits it."""
        chosen = self.accounts is not None or self.labels or self.log_types or self.rules or self.tags or self.kinds
        return self.severity == "INFO" and not chosen


@dataclass(frozen=True, slots=True)
class DestinationsConfig:
    """All places and routes; no routes: every place gets all that it may."""

    places: tuple[Place, ...] = ()
    routes: tuple[Route, ...] = ()


def read_destinations(
    text: str | None,
    file: str,
    accounts: Sequence[Account],
    accounts_file: str,
    kinds: Mapping[str, Kind],
) -> DestinationsConfig:
    """The destinations of both files. text: of destinations.yml, if there is one.

    Raises: ConfigError with every mistake.
    """
    document = yamlfile.load(text if text is not None else "version: 1", file)
    reader = _Reader(accounts, kinds)
    places, routes = reader.read(document.data)
    problems = [problem(finding, document, file) for finding in reader.findings]
    own = [
        _own(account, index, kinds, accounts_file) for account in accounts for index in range(len(account.destinations))
    ]
    problems += [each for _, found in own for each in found]
    everywhere = (*places, *(place for place, _ in own if place is not None))
    problems += [Problem(file, None, each.name, *_shared(each, other)) for each, other in _twins(everywhere)]
    if problems:
        raise ConfigError(problems)
    return DestinationsConfig(everywhere, routes)


class _Reader(PartReader):
    def __init__(self, accounts: Sequence[Account], kinds: Mapping[str, Kind]) -> None:
        super().__init__()
        self._ids = {account.id: account.id for account in accounts}
        self._names = {a.name: a.id for a in accounts if not ACCOUNT_ID.match(a.name)}  # 12 digits are always an id
        self._kinds = kinds

    def read(self, data: Any) -> tuple[tuple[Place, ...], tuple[Route, ...]]:
        file = self.part(FileDocument, data, ())
        if file is None:
            return (), ()
        places = [self._place(raw, ("destinations", index)) for index, raw in enumerate(file.destinations)]
        self._unique(file)
        known = {place.name for place in places if place}
        routes = [self._route(raw, ("routes", index), known) for index, raw in enumerate(file.routes)]
        if not self.findings:
            self._check_routes([place for place in places if place], [route for route in routes if route])
        return tuple(place for place in places if place), tuple(route for route in routes if route)

    def _place(self, raw: Any, path: Path) -> Place | None:
        document = self.part(DestinationDocument, raw, path)
        if document is None:
            return None
        if document.name in BUILT_IN:
            self.findings.append(Finding((*path, "name"), f"{document.name!r} is the name of one that is built in"))
        listed = document.accounts
        ids = None if isinstance(listed, str) else self._accounts(listed, (*path, "accounts"))
        kind = _kind(self, document.type, self._kinds, path)
        config = self.part(kind.config_model, document.config, (*path, "config")) if kind else None
        if kind is None or config is None:
            return None
        audience = frozenset[str]() if listed == PLATFORM else ids
        return Place(document.name, kind, config, audience, isinstance(listed, str))

    def _route(self, raw: Any, path: Path, known: Collection[str]) -> Route | None:
        route = self.part(RouteDocument, raw, path)
        if route is None:
            return None
        match = self.part(MatchDocument, route.match, (*path, "match"))
        quiet = None
        if route.quiet_hours is not None:
            quiet = self.part(QuietDocument, route.quiet_hours, (*path, "quiet_hours"))
        for index, name in enumerate(route.to):
            if name not in known and not any(finding.path[0] == "destinations" for finding in self.findings):
                fix = did_you_mean(name, known) if known else "write it under destinations"
                self.findings.append(Finding((*path, "to", index), f"there is no destination {name!r}", fix))
        if match is None:
            return None
        return Route(
            match.severity,
            self._accounts(match.accounts, (*path, "match", "accounts")) if match.accounts else None,
            match.labels,
            tuple(match.log_types),
            tuple(match.rules),
            frozenset(match.tags),
            frozenset(match.kinds),
            tuple(route.to),
            route.goes_on,
            _quiet(quiet) if quiet else None,
        )

    def _accounts(self, named: Sequence[str], path: Path) -> frozenset[str]:
        """The ids of the accounts; a name is looked up once, here, so that nothing else can come to mean it."""
        ids = [(self._ids if ACCOUNT_ID.match(name) else self._names).get(name) for name in named]
        for index, (name, found) in enumerate(zip(named, ids, strict=True)):
            if found is None:
                known = [*self._names, *self._ids]
                fix = did_you_mean(name, known) if known else "accounts.yml has no accounts"
                self.findings.append(Finding((*path, index), f"there is no account {name!r} in accounts.yml", fix))
        return frozenset(found for found in ids if found is not None)

    def _unique(self, file: FileDocument) -> None:
        seen: set[str] = set()
        for index, raw in enumerate(file.destinations):
            name = str(raw.get("name")) if isinstance(raw, dict) else ""
            if name and name in seen:
                path = ("destinations", index, "name")
                self.findings.append(Finding(path, f"destination name {name!r} stands twice", "rename one"))
            seen.add(name)

    def _check_routes(self, places: Sequence[Place], routes: Sequence[Route]) -> None:
        if not routes:
            return
        for_all = {place.name for place in places if place.accounts is None}
        if not (routes[-1].is_catch_all and for_all & set(routes[-1].to)):
            fix = "end with a route without `match`, to a destination with `accounts: any`"
            last = ("routes", len(routes) - 1)
            self.findings.append(Finding(last, "alerts that fit no route would go nowhere: there is no catch-all", fix))
        for index, route in enumerate(routes[:-1]):
            if route.is_catch_all and not route.goes_on:
                self.findings.append(Finding(("routes", index), "every alert fits it: the routes below are never used"))


def _kind(reader: PartReader, name: str, kinds: Mapping[str, Kind], path: Path) -> Kind | None:
    if name not in kinds:
        reader.findings.append(Finding((*path, "type"), f"there is no type {name!r}", did_you_mean(name, kinds)))
    return kinds.get(name)


def _own(account: Account, index: int, kinds: Mapping[str, Kind], file: str) -> tuple[Place | None, list[Problem]]:
    """A destination of an account's own; no more than its own alerts can go there."""
    own, reader = account.destinations[index], PartReader()
    kind = _kind(reader, own.type, kinds, ())
    config = reader.part(kind.config_model, dict(own.config), ("config",)) if kind else None
    document = yamlfile.Document(None, own.lines)
    problems = [problem(finding, document, file) for finding in reader.findings]
    if kind is None or config is None:
        return None, problems
    name = f"{account.id}/{own.name}"
    return Place(name, kind, config, frozenset({account.id}), False, account.id, own.severity), problems


def _twins(places: Sequence[Place]) -> Iterator[tuple[Place, Place]]:
    """The same receiver under two names, for different accounts: what one may not hear would reach it by the other."""
    seen: dict[tuple[str, str], Place] = {}
    for place in places:
        other = seen.setdefault((place.kind.name, place.config.model_dump_json()), place)
        if (place.accounts, place.platform) != (other.accounts, other.platform):
            yield place, other


def _shared(place: Place, other: Place) -> tuple[str, str]:
    message = f"destination {place.name!r} is the same receiver as {other.name!r}, which is for other accounts"
    return message, "give each its own channel or URL, or write one destination for all of its accounts"


def _quiet(document: QuietDocument) -> Quiet:
    days = frozenset(DAYS.index(day) for day in document.days)
    begin, end = time.fromisoformat(document.begin), time.fromisoformat(document.end)
    return Quiet(ZoneInfo(document.timezone), days, begin, end, document.below)
