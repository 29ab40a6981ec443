"""Accounts and sources as people name them."""

from __future__ import annotations

from typing import Annotated

import typer

from headwater.accounts import Accounts
from headwater.errors import ConfigError
from headwater.model import Source

AccountOption = Annotated[str | None, typer.Option(help="Only this account: its id or its name.")]
SourceOption = Annotated[str | None, typer.Option(help="Only this source: its name, account id/name or account/name.")]


def choose(accounts: Accounts, account: str | None = None, source: str | None = None) -> tuple[Source, ...]:
    """The sources of accounts.yml that are meant; all, where nothing is named.

    Raises: ConfigError where there are none.
    """
    found = tuple(
        each
        for each in accounts.sources
        if (account is None or account in (each.account_id, each.account_name))
        and (source is None or source in (each.name, each.source_id, each.label))
    )
    if not found:
        named = " and ".join(f"--{name} {value}" for name, value in (("account", account), ("source", source)) if value)
        fix = "`headwater config check` lists the accounts and sources there are."
        raise ConfigError.one("accounts.yml", f"no source fits {named or 'it'}", fix=fix)
    return found
