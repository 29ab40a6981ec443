"""What accounts.yml must hold across entries: uniqueness, no overlap, no loop, one partition."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from headwater.accounts.document import (
    AccountDocument,
    CentralDocument,
    DefaultsDocument,
    OwnDestinationDocument,
    RetentionDocument,
    SourceDocument,
)
from headwater.accounts.names import partition_of

Path = tuple[str | int, ...]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Placed(Generic[T]):
    """A well-formed part of the file, and where it stands."""

    path: Path
    value: T


@dataclass(frozen=True, slots=True)
class PlacedAccount:
    """An account with those of its sources that are well-formed."""

    path: Path
    value: AccountDocument
    sources: tuple[Placed[SourceDocument], ...]
    destinations: tuple[Placed[OwnDestinationDocument], ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """The well-formed parts of the file; central is None where it is not well-formed."""

    central: CentralDocument | None
    defaults: DefaultsDocument
    accounts: tuple[PlacedAccount, ...]
    retention: RetentionDocument

    @property
    def sources(self) -> Iterator[Placed[SourceDocument]]:
        """All sources of all accounts."""
        return (source for account in self.accounts for source in account.sources)

    def region(self, source: SourceDocument) -> str | None:
        """The region of a source's bucket."""
        return source.region or self.defaults.region or (self.central.region if self.central else None)


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake at a path of the file."""

    path: Path
    message: str
    fix: str = ""


def check(draft: Draft, known_log_types: Collection[str] | None) -> list[Finding]:
    """Every mistake across entries."""
    findings = [
        *_duplicates(draft),
        *_overlaps(list(draft.sources)),
        *_loops(draft),
        *_arns(draft),
        *_topics(draft),
        *_mixed_modes(draft),
        *_partitions(draft),
    ]
    return findings + (list(_log_types(draft, known_log_types)) if known_log_types is not None else [])


def _duplicates(draft: Draft) -> Iterator[Finding]:
    yield from _twice((Placed((*a.path, "id"), a.value.id) for a in draft.accounts), "account id")
    yield from _twice((Placed((*a.path, "name"), a.value.name) for a in draft.accounts), "account name")
    for account in draft.accounts:
        names = (Placed((*source.path, "name"), source.value.name) for source in account.sources)
        yield from _twice(names, "source name", " in this account")
        own = (Placed((*each.path, "name"), each.value.name) for each in account.destinations)
        yield from _twice(own, "destination name", " in this account")


def _twice(values: Iterable[Placed[str]], what: str, where: str = "") -> Iterator[Finding]:
    seen: set[str] = set()
    for placed in values:
        if placed.value in seen:
            yield Finding(
                placed.path, f"{what} {placed.value!r} stands twice{where}", "merge the two entries, or rename one"
            )
        seen.add(placed.value)


def _overlaps(sources: Sequence[Placed[SourceDocument]]) -> Iterator[Finding]:
    """S3 refuses overlapping notifications of one bucket, and an object would belong to two sources."""
    ordered = sorted(sources, key=lambda source: (source.value.bucket, source.value.prefix))
    open_: list[Placed[SourceDocument]] = []  # the sources whose prefixes begin this one's
    for source in ordered:
        while open_ and not _contains(open_[-1].value, source.value):
            open_.pop()
        if open_:
            outer = open_[-1].value
            yield Finding(
                (*source.path, "prefix"),
                f"prefix {source.value.prefix!r} of bucket {outer.bucket} lies within {outer.prefix!r}"
                f" of source {outer.name!r}",
                "make the prefixes disjoint, or keep the wider source and use `exclude`",
            )
        open_.append(source)


def _contains(outer: SourceDocument, inner: SourceDocument) -> bool:
    return outer.bucket == inner.bucket and inner.prefix.startswith(outer.prefix)


def _loops(draft: Draft) -> Iterator[Finding]:
    """Buckets that log into each other, or the lake into a collected bucket: every write makes another, for ever."""
    lake = draft.central.lake_bucket if draft.central else None
    edges: dict[str, set[str | None]] = {source.value.bucket: {lake} for source in draft.sources}
    for source in draft.sources:
        if source.value.bucket == lake:
            message = f"the lake bucket {lake} cannot be a source: the service would read what it writes"
            yield Finding((*source.path, "bucket"), message, "collect from another bucket")
        edges[source.value.bucket].add(source.value.access_logs_bucket)
    if draft.central:
        edges.setdefault(draft.central.lake_bucket, set()).add(draft.central.lake_access_logs_bucket)
    for cycle in _cycles({bucket: sorted(filter(None, targets)) for bucket, targets in edges.items()}):
        if cycle != [lake, lake]:
            yield Finding(_loop_path(draft, cycle), f"endless loop of logs: {' → '.join(cycle)}", LOOP_FIX)


LOOP_FIX = "send the access logs to a bucket that is no source"


def _loop_path(draft: Draft, cycle: Sequence[str]) -> Path:
    for source in draft.sources:
        if source.value.bucket in cycle and source.value.access_logs_bucket in cycle:
            return (*source.path, "access_logs_bucket")
    return ("central", "lake_access_logs_bucket")


def _cycles(edges: dict[str, list[str]]) -> Iterator[list[str]]:
    """Cycles of a small graph by depth-first search; each begins and ends at the same bucket."""
    done: set[str] = set()
    for start in edges:
        stack = [(start, iter(edges.get(start, [])))] if start not in done else []
        way = [start]
        while stack:
            node, targets = stack[-1]
            target = next(targets, None)
            if target is None:
                done.add(node)
                stack.pop()
                way.pop()
            elif target in way:
                yield [*way[way.index(target) :], target]
            elif target not in done:
                stack.append((target, iter(edges.get(target, []))))
                way.append(target)


def _arns(draft: Draft) -> Iterator[Finding]:
    """ARNs must name the account and the region that they are written under."""
    for account in draft.accounts:
        role = account.value.role_arn
        if role and role.split(":")[4] != account.value.id:
            message = f"the role belongs to account {role.split(':')[4]}, this entry is {account.value.id}"
            yield Finding((*account.path, "role_arn"), message)
        if role and (account.value.role_name or account.value.role_path):
            fix = "remove role_name and role_path, or role_arn"
            yield Finding((*account.path, "role_arn"), "role_arn brings a role; role_name and role_path make one", fix)
        for source in account.sources:
            yield from _key_region(source, draft.region(source.value))


def _key_region(source: Placed[SourceDocument], region: str | None) -> Iterator[Finding]:
    key = source.value.kms_key_arn
    if key and region and key.split(":")[3] != region:
        message = f"the key is in {key.split(':')[3]}, its bucket in {region}"
        yield Finding(
            (*source.path, "kms_key_arn"), message, "S3 uses keys of the bucket's region; correct one of the two"
        )


def _topics(draft: Draft) -> Iterator[Finding]:
    for source in draft.sources:
        topic, region = source.value.topic_arn, draft.region(source.value)
        mode = source.value.notifications or draft.defaults.notifications
        if mode == "existing_topic" and not topic:
            path = (*source.path, "notifications")
            yield Finding(
                path, "existing_topic needs topic_arn", "add topic_arn: arn:aws:sns:<region>:<account id>:<name>"
            )
        if topic and mode != "existing_topic":
            path = (*source.path, "topic_arn")
            yield Finding(
                path, f"topic_arn is not used with notifications: {mode}", "write notifications: existing_topic"
            )
        if topic and region and topic.split(":")[3] != region:
            message = f"the topic is in {topic.split(':')[3]}, its bucket in {region}"
            yield Finding((*source.path, "topic_arn"), message, "S3 notifies topics of the bucket's region only")


def _mixed_modes(draft: Draft) -> Iterator[Finding]:
    """`sns` writes the bucket's one notification configuration; other modes rely on what stands there already."""
    modes: dict[str, set[str]] = {}
    for source in draft.sources:
        modes.setdefault(source.value.bucket, set()).add(source.value.notifications or draft.defaults.notifications)
    for source in draft.sources:
        others = modes[source.value.bucket] & {"existing_topic", "eventbridge"}
        if (source.value.notifications or draft.defaults.notifications) == "sns" and others:
            message = f"sns would replace the notifications that {min(others)} of the same bucket needs"
            yield Finding((*source.path, "notifications"), message, "use one mode for all sources of a bucket")


def _partitions(draft: Draft) -> Iterator[Finding]:
    """One deployment cannot reach from one AWS partition into another."""
    if draft.central is None:
        return
    expected = partition_of(draft.central.region)
    for placed in _named_partitions(draft):
        if placed.value != expected:
            message = f"partition {placed.value}, but the central account is in {expected}"
            yield Finding(placed.path, message, "roles cannot be assumed across partitions: run one deployment in each")


def _named_partitions(draft: Draft) -> Iterator[Placed[str]]:
    if draft.defaults.region:
        yield Placed(("defaults", "region"), partition_of(draft.defaults.region))
    for account in draft.accounts:
        for key in ("role_arn", "permissions_boundary_arn"):
            if arn := getattr(account.value, key):
                yield Placed((*account.path, key), str(arn).split(":")[1])
    for source in draft.sources:
        if source.value.region:
            yield Placed((*source.path, "region"), partition_of(source.value.region))
        for key in ("kms_key_arn", "topic_arn"):
            if arn := getattr(source.value, key):
                yield Placed((*source.path, key), str(arn).split(":")[1])


def _log_types(draft: Draft, known: Collection[str]) -> Iterator[Finding]:
    for source in draft.sources:
        for index, name in enumerate(source.value.log_types):
            if name not in known:
                yield Finding(
                    (*source.path, "log_types", index), f"unknown log type {name!r}", did_you_mean(name, known)
                )
    kept = [(("retention",), draft.retention)] + [((*a.path, "retention"), a.value.retention) for a in draft.accounts]
    for path, retention in kept:
        for name in retention.log_types if retention else ():
            if name not in known:
                yield Finding((*path, "log_types", name), f"unknown log type {name!r}", did_you_mean(name, known))


def did_you_mean(word: str, known: Collection[str]) -> str:
    """A suggestion for a misspelt word, or the list of all words where none is near."""
    lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), lower, n=1, cutoff=0.6)
    return f"did you mean {lower[near[0]]}?" if near else f"known: {', '.join(sorted(known))}"
