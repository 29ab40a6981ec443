"""The resolved accounts as JSON, for `headwater config check`; ExternalIds are shown by their first letters only."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from headwater.accounts.model import Account, Accounts, SourceConfig

SHOWN = 4


def describe(accounts: Accounts) -> dict[str, Any]:
    """What every account and source came to be, defaults filled in."""
    return {
        "central": asdict(accounts.central),
        "retention": asdict(accounts.retention),
        "accounts": [_account(account) for account in accounts.accounts],
        "topics": sorted(accounts.topics),
    }


def _account(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "name": account.name,
        "labels": dict(account.labels),
        "role_arn": account.role_arn,
        "role_made_by_onboarding": account.role_name is not None,
        "permissions_boundary_arn": account.permissions_boundary_arn,
        "deploy_role_arn": account.deploy_role_arn,
        "external_id": masked(account.external_id),
        "retention": asdict(account.retention),
        "destinations": [{"name": each.name, "type": each.type} for each in account.destinations],
        "sources": [_source(source) for source in account.sources],
    }


def _source(source: SourceConfig) -> dict[str, Any]:
    return asdict(source) | {"exclude": list(source.exclude), "log_types": list(source.log_types)}


def masked(external_id: str | None) -> str | None:
    """An ExternalId that may be shown: enough to tell two apart, too little to use."""
    if external_id is None:
        return None
    return f"{external_id[:SHOWN]}… ({len(external_id)} characters)" if len(external_id) > 2 * SHOWN else "…"
