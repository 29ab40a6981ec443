"""Files of accounts and destinations, and the router that the real loaders make of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from headwater.accounts import Accounts, parse_accounts
from headwater.destinations.config import DestinationsConfig, read_destinations
from headwater.destinations.kind import load_kinds
from headwater.destinations.routing import Router
from headwater.destinations.sample import sample_alert
from headwater.model import Alert

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)  # a Monday
PAYMENTS, SHOP = "111122223333", "444455556666"
KINDS = load_kinds()


def webhook(name: str) -> dict[str, Any]:
    """Settings of a receiver of its own."""
    return {"url": f"https://hooks.example.com/{name}", "signing_secret": "env:HOOK_SECRET"}


def accounts_of(entries: Sequence[Mapping[str, Any]]) -> Accounts:
    """accounts.yml of such accounts, read by the real loader; JSON is YAML."""
    central = {"account_id": "999988887777", "region": "us-east-1", "lake_bucket": "headwater-lake"}
    made = [{"sources": [{"name": "trail", "bucket": f"logs-{n}"}], **entry} for n, entry in enumerate(entries)]
    return parse_accounts(json.dumps({"version": 1, "central": central, "accounts": made}), "accounts.yml")


def two_accounts(**payments: Any) -> Accounts:
    """Payments and shop."""
    return accounts_of(
        [
            {"id": PAYMENTS, "name": "payments", "labels": {"env": "prod"}, **payments},
            {"id": SHOP, "name": "shop", "labels": {"env": "test"}},
        ]
    )


def config_of(text: str | None, accounts: Accounts | None = None) -> DestinationsConfig:
    """The configuration of a destinations.yml."""
    found = (accounts or two_accounts()).accounts
    return read_destinations(text, "destinations.yml", found, "accounts.yml", KINDS)


def router_of(text: str | None, accounts: Accounts | None = None, always: Sequence[str] = ()) -> Router:
    """The router of a destinations.yml."""
    accounts = accounts or two_accounts()
    return Router(config_of(text, accounts), accounts.accounts, always)


def alert(account_id: str = PAYMENTS, **changes: Any) -> Alert:
    """An alert of an account."""
    return replace(sample_alert("a" * 32, NOW, account_id), **changes)


def told(router: Router, of: Alert, now: datetime = NOW) -> list[str]:
    """The destinations of an alert."""
    return sorted(each.destination for each in router.route(of, now))
