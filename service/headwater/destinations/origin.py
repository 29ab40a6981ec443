"""Who, whence and where: the facts of an event that an analyst asks for first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# The first path that has a text wins; dots go into objects, the first item of a list is taken.
ACTOR = (
    "userIdentity.arn",
    "userIdentity.principalId",
    "userIdentity.userName",
    "userIdentity.invokedBy",
    "user.username",
    "actor.user.name",
    "detail.userIdentity.arn",
    "requester",
    "p_any_usernames",
    "p_any_emails",
    "p_any_aws_arns",
)
ADDRESS = ("sourceIPAddress", "srcAddr", "srcaddr", "clientIp", "remoteip", "sourceIPs", "p_any_ip_addresses")
REGION = ("awsRegion", "region", "AwsRegion", "p_source_region")
SOURCE = ("p_source_label",)


@dataclass(frozen=True, slots=True)
class Origin:
    """Empty where the event does not say."""

    actor: str
    address: str
    region: str
    source: str


def origin(event: Mapping[str, Any]) -> Origin:
    """What an event says about its origin."""
    return Origin(*(_first(event, paths) for paths in (ACTOR, ADDRESS, REGION, SOURCE)))


def _first(event: Mapping[str, Any], paths: Sequence[str]) -> str:
    return next((found for path in paths if (found := _at(event, path))), "")


def _at(event: Mapping[str, Any], path: str) -> str:
    value: Any = event
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(value, list):
        value = value[0] if value else None
    return value if isinstance(value, str) else ""
