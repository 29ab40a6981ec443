"""Accounts of AWS Organizations that are not onboarded yet, as entries for accounts.yml."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from headwater.errors import OnboardError
from headwater.onboard.sessions import reason

PLACEHOLDER = re.compile(r"\{(account_id|account_name|region)\}")
UNWANTED = re.compile(r"[^a-z0-9_-]+")
NAME_MAX = 63


@dataclass(frozen=True, slots=True)
class Member:
    """One account of an organisation."""

    account_id: str
    name: str
    email: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


def list_members(client: Any, ous: Sequence[str] = (), tags: Mapping[str, str] | None = None) -> tuple[Member, ...]:
    """Active accounts below some organisational units (the whole organisation without any) that carry all the tags.

    client: of AWS Organizations. Raises: OnboardError where it refuses.
    """
    try:
        found = [member for ou in ous for member in _below(client, ou)] if ous else list(_all(client))
        unique = {member.account_id: member for member in found}
        if tags:
            unique = {one.account_id: one for one in (_tagged(client, member) for member in unique.values())}
    except (ClientError, BotoCoreError) as error:
        raise OnboardError(
            f"cannot list the organisation: {reason(error)}. Run this with credentials of the management account or"
            " of a delegated administrator, allowed organizations:List*."
        ) from error
    wanted = (tags or {}).items()
    members = (member for member in unique.values() if all(member.tags.get(key) == value for key, value in wanted))
    return tuple(sorted(members, key=lambda member: member.account_id))


def _all(client: Any) -> Iterator[Member]:
    for page in client.get_paginator("list_accounts").paginate():
        yield from _active(page["Accounts"])


def _below(client: Any, parent: str) -> Iterator[Member]:
    for page in client.get_paginator("list_accounts_for_parent").paginate(ParentId=parent):
        yield from _active(page["Accounts"])
    for page in client.get_paginator("list_organizational_units_for_parent").paginate(ParentId=parent):
        for unit in page["OrganizationalUnits"]:
            yield from _below(client, unit["Id"])


def _active(accounts: Sequence[Mapping[str, Any]]) -> Iterator[Member]:
    for account in accounts:
        if account["Status"] == "ACTIVE":
            yield Member(account["Id"], account["Name"], account.get("Email", ""))


def _tagged(client: Any, member: Member) -> Member:
    pages = client.get_paginator("list_tags_for_resource").paginate(ResourceId=member.account_id)
    tags = {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
    return Member(member.account_id, member.name, member.email, tags)


def entries(
    members: Sequence[Member],
    known: Collection[str],
    names: Collection[str],
    sources: Sequence[Mapping[str, Any]],
    region: str,
) -> list[dict[str, Any]]:
    """An entry of accounts.yml for each member that is not there.

    known: account ids that are; names: of them. sources: what each entry gets, with {account_id}, {account_name} and
    {region} filled in.
    """
    taken = set(names)
    made = []
    for member in members:
        if member.account_id in known:
            continue
        name = _name(member, taken)
        taken.add(name)
        values = {"account_id": member.account_id, "account_name": name, "region": region}
        made.append({"id": member.account_id, "name": name, "sources": [_filled(source, values) for source in sources]})
    return made


def _name(member: Member, taken: Collection[str]) -> str:
    plain = UNWANTED.sub("-", member.name.lower()).strip("-")[:NAME_MAX] or member.account_id
    return plain if plain not in taken else f"{plain[: NAME_MAX - 13]}-{member.account_id}"


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return PLACEHOLDER.sub(lambda found: values[found[1]], value)
    if isinstance(value, Mapping):
        return {key: _filled(child, values) for key, child in value.items()}
    return [_filled(child, values) for child in value] if isinstance(value, list) else value
