"""accounts.yml → what Terraform is to do in each account. Pure: no AWS, no files."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from headwater.accounts.lock import LockedAccount
from headwater.accounts.model import Account, Accounts, Central, SourceConfig
from headwater.errors import OnboardError

EXTERNAL_ID_BYTES = 24  # 32 letters; ExternalIds are no secrets, but must not be guessed across customers


@dataclass(frozen=True, slots=True)
class Unit:
    """One Terraform state: an account in one region.

    The unit of the central region makes the role; a unit of another region makes only topics and rules there,
    because S3 announces objects to topics of the bucket's own region only.
    """

    account_id: str
    region: str
    deploy_role_arn: str
    variables: Mapping[str, Any] = field(repr=False)  # holds the ExternalId
    makes_role: bool = True

    @property
    def state_key(self) -> str:
        """Key of the state in its backend."""
        place = self.account_id if self.makes_role else f"{self.account_id}/{self.region}"
        return f"accounts/{place}/terraform.tfstate"


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """Everything of one account."""

    account: Account
    central: Central
    external_id: str = field(repr=False)
    external_id_is_new: bool
    units: tuple[Unit, ...]

    def managed_topics(self, topic_arns: Mapping[str, str]) -> frozenset[str]:
        """Of source name → topic ARN, the topics that we made."""
        ours = {source.name for source in self.account.sources if source.notifications == "sns"}
        return frozenset(arn for name, arn in topic_arns.items() if name in ours)


def new_external_id() -> str:
    """A fresh ExternalId."""
    return secrets.token_urlsafe(EXTERNAL_ID_BYTES)


def plan(
    accounts: Accounts,
    locked: Mapping[str, LockedAccount],
    only: Collection[str] = (),
    make_external_id: Callable[[], str] = new_external_id,
) -> tuple[AccountPlan, ...]:
    """A plan for each account, or for those in `only` (ids or names).

    Raises: OnboardError for a name in `only` that no account has.
    """
    return tuple(
        _account(account, accounts.central, locked, make_external_id) for account in _chosen(accounts.accounts, only)
    )


def orphans(accounts: Accounts, locked: Mapping[str, LockedAccount]) -> tuple[str, ...]:
    """Accounts that are onboarded but no longer in accounts.yml: put them back, then destroy them."""
    return tuple(sorted(set(locked) - {account.id for account in accounts.accounts}))


def _chosen(accounts: Sequence[Account], only: Collection[str]) -> list[Account]:
    unknown = sorted(set(only) - {name for account in accounts for name in (account.id, account.name)})
    if unknown:
        known = ", ".join(f"{account.id} ({account.name})" for account in accounts)
        raise OnboardError(f"no such account in accounts.yml: {', '.join(unknown)}. There are: {known}.")
    return [account for account in accounts if not only or account.id in only or account.name in only]


def _account(
    account: Account, central: Central, locked: Mapping[str, LockedAccount], make_external_id: Callable[[], str]
) -> AccountPlan:
    known = account.external_id or (locked[account.id].external_id if account.id in locked else None)
    external_id = known or make_external_id()
    elsewhere = sorted({s.region for s in account.sources if s.notifications != "none"} - {central.region})
    units = [_unit(account, central, external_id, central.region)]
    units += [_unit(account, central, external_id, region) for region in elsewhere]
    return AccountPlan(account, central, external_id, known is None, tuple(units))


def _unit(account: Account, central: Central, external_id: str, region: str) -> Unit:
    makes_role = region == central.region
    variables = {
        "account_id": account.id,
        "account_name": account.name,
        "external_id": external_id,
        "central_account_id": central.account_id,
        "worker_role_arn": central.worker_role_arn,
        "queue_arn": central.queue_arn,
        "event_bus_arn": central.event_bus_arn,
        "organization_id": central.organization_id,
        "role_name": account.role_name,
        "role_path": account.role_path,
        "permissions_boundary_arn": account.permissions_boundary_arn,
        "role_arn_existing": account.role_arn if account.role_name is None or not makes_role else None,
        "sources": [_source(source, region) for source in account.sources if makes_role or source.region == region],
        "subscribe_from": "central",  # subscriptions.py does, after every apply
        "bucket_notifications_checked": True,  # notifications.py does, before every apply
        "tags": {"managed-by": "headwater"},
    }
    return Unit(account.id, region, account.deploy_role_arn, variables, makes_role)


def _source(source: SourceConfig, region: str) -> dict[str, Any]:
    """The module's object of a source; one of another region is read there but announced by that region's unit."""
    kept = {"name", "bucket", "prefix", "region", "kms_key_arn", "notifications", "topic_arn"}
    chosen = {key: value for key, value in asdict(source).items() if key in kept}
    return chosen if source.region == region else chosen | {"notifications": "none", "topic_arn": None}
