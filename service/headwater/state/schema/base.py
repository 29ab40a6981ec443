"""What the tables have in common."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, MetaData, String, Table, literal_column, text

metadata = MetaData()


def only(status: str) -> dict[str, Any]:
    """The condition of an index over the rows of one status; has_status makes a query fit it."""
    condition = text(f"status = '{status}'")
    return {"sqlite_where": condition, "postgresql_where": condition}


def has_status(table: Table, status: str) -> ColumnElement[bool]:
    """The rows of one status, by a constant: with a parameter, neither database would use an index of `only`."""
    if not status.isalpha():  # it goes into the SQL as it is
        raise ValueError(f"no status: {status!r}")
    return table.c.status == literal_column(f"'{status}'", String)
