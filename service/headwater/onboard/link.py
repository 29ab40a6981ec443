"""Proof that new objects of an account are announced to our queue: every step is judged, then one message is sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from headwater.accounts.model import Account, Central, SourceConfig
from headwater.errors import OnboardError
from headwater.onboard.arrival import Arrivals
from headwater.onboard.bus_link import bus_link
from headwater.onboard.eyes import Eyes, look, not_checked
from headwater.onboard.sessions import Sessions
from headwater.onboard.topic_link import topic_link
from headwater.onboard.verify import Check, as_worker

BY_S3_ALONE = "not sent: EventBridge lets S3 alone send events of aws.s3, and the rules take no others"


@dataclass(frozen=True, slots=True)
class Route:
    """The sources that share a topic, or a bucket of EventBridge. target: the topic's ARN or the bucket."""

    target: str
    sources: tuple[SourceConfig, ...]

    @property
    def name(self) -> str:
        """Short, for the checks."""
        return self.target.rpartition(":")[2]


def links(account: Account, central: Central, sessions: Sessions, arrivals: Arrivals | None) -> tuple[Check, ...]:
    """The checks of every way that the account's objects are announced by. arrivals: None sends nothing.

    Nothing in the account is changed. Raises: OnboardError where we cannot act as the worker.
    """
    eyes = Eyes(account, central, sessions, as_worker(sessions, central))
    polled = [source for source in account.sources if source.notifications == "none"]
    checks = [Check(f"notification {source.name}", True, "none: objects are polled") for source in polled]
    if len(polled) < len(account.sources):
        checks += _announced(account, central, eyes, arrivals)
    return tuple(checks)


def _announced(account: Account, central: Central, eyes: Eyes, arrivals: Arrivals | None) -> Iterator[Check]:
    try:
        eyes.customer("sts", central.region)
    except OnboardError as error:
        yield not_checked("notifications", str(error))
        return
    for route in _by_topic(account, central):
        checks = list(topic_link(route.target, route.sources, eyes))
        yield from checks
        yield _arrival(route, eyes, arrivals, broken=not all(check.ok for check in checks))
    for route in _by_bucket(account):
        yield from bus_link(route.target, route.sources, eyes)
        yield not_checked(f"arrival {route.name}", BY_S3_ALONE)


def _by_topic(account: Account, central: Central) -> list[Route]:
    found: dict[str, list[SourceConfig]] = {}
    for source in account.sources:
        if source.notifications in ("sns", "existing_topic"):
            found.setdefault(topic_of(source, account, central), []).append(source)
    return [Route(arn, tuple(sources)) for arn, sources in sorted(found.items())]


def _by_bucket(account: Account) -> list[Route]:
    found: dict[str, list[SourceConfig]] = {}
    for source in account.sources:
        if source.notifications == "eventbridge":
            found.setdefault(source.bucket, []).append(source)
    return [Route(bucket, tuple(sources)) for bucket, sources in sorted(found.items())]


def topic_of(source: SourceConfig, account: Account, central: Central) -> str:
    """The topic that announces a source: the one named, or the one that customer_account makes for its bucket."""
    made = f"arn:{central.partition}:sns:{source.region}:{account.id}:headwater-{source.bucket.replace('.', '_')}"
    return source.topic_arn or made


def _arrival(route: Route, eyes: Eyes, arrivals: Arrivals | None, *, broken: bool) -> Check:
    name, owner = f"arrival {route.name}", route.target.split(":")[4]
    if broken:
        return not_checked(name, "not sent: the way is broken, see above")
    if arrivals is None:
        return not_checked(name, "not sent: --no-send")
    if owner != eyes.account.id:
        return not_checked(name, f"not sent: the topic belongs to account {owner}, in which we have no role")
    return look(name, lambda: _sent(name, route, eyes, arrivals))


def _sent(name: str, route: Route, eyes: Eyes, arrivals: Arrivals) -> Check:
    sns = eyes.customer("sns", route.target.split(":")[3])
    nonce = arrivals.send(sns, route.target, route.sources[0].bucket, eyes.account.id)
    how = arrivals.wait(nonce, eyes)
    if how is None:
        return Check(name, False, f"a test message to {route.target} did not arrive", arrivals.advice)
    return Check(name, True, f"a test message was {how}")
