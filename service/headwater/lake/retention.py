"""Rows that are older than accounts.yml wants them kept, dropped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any

from pyiceberg.catalog import Catalog
from pyiceberg.expressions import And, BooleanExpression, EqualTo, LessThan, NotIn, Or

from headwater.accounts.model import Accounts, Retention
from headwater.lake.drop import Dropped, drop_rows
from headwater.lake.tables import EVENT_TIME, MATCHES, REJECTS, table_name, table_names

ACCOUNT = "p_account_id"


@dataclass(frozen=True, slots=True)
class Kept:
    """Days that the rows of one table are kept, None for ever; by_account: where an account has its own."""

    days: int | None
    by_account: Mapping[str, int | None]


def retain(
    catalog: Catalog,
    accounts: Accounts,
    now: datetime,
    *,
    go_on: Callable[[], bool] = lambda: True,
    dry_run: bool = False,
) -> list[Dropped]:
    """Drop every row whose time is over, in all tables that accounts.yml limits.

    Hours that are over as a whole go without being read. The audit log is never touched.
    """
    dropped: list[Dropped] = []
    for name in table_names(catalog):
        condition = expired(kept(accounts, name), now)
        if condition is not None:
            dropped.append(drop_rows(catalog, name, condition, why="retention", go_on=go_on, dry_run=dry_run))
    return dropped


def kept(accounts: Accounts, table: str) -> Kept:
    """How long the rows of a table are kept. What an account says wins over everything that is said for all."""
    default = _days(accounts.retention, table)
    own = {account.id: _days(account.retention, table) for account in accounts.accounts}
    return Kept(default, {account: days for account, days in own.items() if days is not None and days != default})


def _days(retention: Retention, table: str) -> int | None:
    if table == MATCHES:
        return retention.matches or retention.days
    if table == REJECTS:
        return retention.rejects or retention.days
    if not table.startswith("logs."):
        return None
    by_table = {table_name(log_type): days for log_type, days in retention.log_types.items()}
    return by_table.get(table, retention.days)


def expired(rule: Kept, now: datetime) -> BooleanExpression | None:
    """Which rows are over; None: none ever is."""
    parts: list[BooleanExpression] = []
    if rule.days is not None and not rule.by_account:
        parts.append(_before(rule.days, now))
    elif rule.days is not None:
        # said apart, so that the metadata alone decides about hours that are over for everybody
        longest = max([rule.days, *(days for days in rule.by_account.values() if days is not None)])
        parts.append(_before(longest, now))
        parts.append(And(_not_in(set(rule.by_account)), _before(rule.days, now)))
    for account, days in sorted(rule.by_account.items()):
        if days is not None:
            parts.append(And(_equal(account), _before(days, now)))
    return reduce(Or, parts) if parts else None


def _before(days: int, now: datetime) -> BooleanExpression:
    """Rows of the days that are over; whole days, so that each file is made anew once."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    less_than: Any = LessThan  # its own __init__ is not what mypy sees
    return less_than(EVENT_TIME, (midnight - timedelta(days=days)).isoformat())  # type: ignore[no-any-return]


def _equal(account: str) -> BooleanExpression:
    equal_to: Any = EqualTo
    return equal_to(ACCOUNT, account)  # type: ignore[no-any-return]


def _not_in(accounts: set[str]) -> BooleanExpression:
    not_in: Any = NotIn
    return not_in(ACCOUNT, accounts)  # type: ignore[no-any-return]
