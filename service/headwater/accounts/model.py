"""The resolved accounts: every default filled in, every ARN built."""

from __future__ import annotations

import fnmatch
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from headwater.model import Source

Notifications = Literal["sns", "existing_topic", "eventbridge", "none"]


@dataclass(frozen=True, slots=True)
class Central:
    """The platform team's own account."""

    account_id: str
    region: str
    partition: str
    organization_id: str | None
    lake_bucket: str
    worker_role_arn: str
    queue_arn: str
    event_bus_arn: str
    deploy_role_arn: str


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """One feed as accounts.yml describes it."""

    name: str
    bucket: str
    prefix: str
    region: str
    notifications: Notifications
    exclude: tuple[str, ...] = ()
    log_types: tuple[str, ...] = ()
    kms_key_arn: str | None = None
    topic_arn: str | None = None
    access_logs_bucket: str | None = None
    silence_after_s: int | None = None


@dataclass(frozen=True, slots=True)
class Retention:
    """Days that rows are kept after their event; None: not said here."""

    days: int | None = None
    log_types: Mapping[str, int] = field(default_factory=dict)
    matches: int | None = None
    rejects: int | None = None


@dataclass(frozen=True, slots=True)
class OwnDestination:
    """Where alerts of one account go, and no others. config: not checked yet; lines: of the entry, by path below it."""

    name: str
    type: str
    severity: str
    config: Mapping[str, Any] = field(repr=False)
    lines: Mapping[tuple[str | int, ...], int] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Account:
    """One customer account.

    role_name is None where the customer brought a role of their own (`role_arn` in accounts.yml).
    external_id is None until the account is onboarded.
    """

    id: str
    name: str
    role_arn: str
    role_name: str | None
    role_path: str
    deploy_role_arn: str
    sources: tuple[SourceConfig, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    permissions_boundary_arn: str | None = None
    external_id: str | None = field(default=None, repr=False)
    retention: Retention = Retention()
    destinations: tuple[OwnDestination, ...] = ()


@dataclass(frozen=True, slots=True)
class Accounts:
    """All accounts, and the way from an object to its source.

    topics: ARNs whose SubscriptionConfirmations may be answered.
    """

    central: Central
    accounts: tuple[Account, ...]
    sources: tuple[Source, ...]
    topics: frozenset[str]
    _feeds: Mapping[str, _Feeds] = field(repr=False)
    retention: Retention = Retention()

    @classmethod
    def of(
        cls,
        central: Central,
        accounts: Sequence[Account],
        topics: Sequence[str] = (),
        retention: Retention = Retention(),
    ) -> Accounts:
        """The accounts with their sources indexed by bucket and prefix; no two sources may overlap."""
        sources = tuple(_source(account, config) for account in accounts for config in account.sources)
        by_bucket: dict[str, list[Source]] = {}
        for source in sources:
            by_bucket.setdefault(source.bucket, []).append(source)
        feeds = {bucket: _Feeds.of(found) for bucket, found in by_bucket.items()}
        return cls(central, tuple(accounts), sources, frozenset(topics), feeds, retention)

    def source_for(self, bucket: str, key: str) -> Source | None:
        """The source an object belongs to; None for unknown objects and for excluded ones."""
        feed = self._feed(bucket, key)
        return feed.source if feed and not feed.excludes(key) else None

    def excluded(self, bucket: str, key: str) -> bool:
        """Whether an object lies under a source that excludes it."""
        feed = self._feed(bucket, key)
        return feed is not None and feed.excludes(key)

    def account(self, account_id: str) -> Account | None:
        """The account of this id."""
        return next((account for account in self.accounts if account.id == account_id), None)

    def _feed(self, bucket: str, key: str) -> _Feed | None:
        feeds = self._feeds.get(bucket)
        return feeds.find(key) if feeds else None


@dataclass(frozen=True, slots=True)
class _Feed:
    source: Source
    exclude: re.Pattern[str] | None

    def excludes(self, key: str) -> bool:
        return self.exclude is not None and self.exclude.match(key) is not None


@dataclass(frozen=True, slots=True)
class _Feeds:
    """The feeds of one bucket, sorted by prefix.

    No prefix is the beginning of another, so the only one that can match a key is the last that is not above it.
    """

    prefixes: tuple[str, ...]
    feeds: tuple[_Feed, ...]

    @classmethod
    def of(cls, sources: Sequence[Source]) -> _Feeds:
        ordered = sorted(sources, key=lambda source: source.prefix)
        feeds = tuple(_Feed(source, _any_of(source.exclude)) for source in ordered)
        return cls(tuple(source.prefix for source in ordered), feeds)

    def find(self, key: str) -> _Feed | None:
        at = bisect_right(self.prefixes, key) - 1
        return self.feeds[at] if at >= 0 and key.startswith(self.prefixes[at]) else None


def _any_of(patterns: Sequence[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns)) if patterns else None


def _source(account: Account, config: SourceConfig) -> Source:
    return Source(
        account_id=account.id,
        account_name=account.name,
        name=config.name,
        bucket=config.bucket,
        prefix=config.prefix,
        exclude=config.exclude,
        log_types=config.log_types,
        region=config.region,
        role_arn=account.role_arn,
        external_id=account.external_id,
        kms_key_arn=config.kms_key_arn,
        labels=account.labels,
        silence_after_s=config.silence_after_s,
    )
