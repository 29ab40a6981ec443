"""Commits of which nobody can say whether they have landed.

Where the answer to a commit is lost, the AWS SDK sends the commit again, and Glue refuses that one as out of date.
PyIceberg takes every refusal as proof that nothing has landed, and deletes the manifests that it has written: in this
case those of a snapshot that the table has. Nobody could read the table any more.
"""

from __future__ import annotations

from typing import Any

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import CommitFailedException, CommitStateUnknownException
from pyiceberg.table import CommitTableResponse, Table


class CommitRefused(CommitStateUnknownException):
    """A refusal after which PyIceberg deletes nothing: whether the commit has landed, a look at the table says."""


def keep_files(table: Table) -> None:
    """Keep what the table's next commit writes, also where it is refused; if it is needless, it is an orphan."""
    table.catalog = _Careful(table.catalog)  # type: ignore[assignment]


class _Careful:
    """A catalog that raises CommitRefused in place of CommitFailedException."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def __getattr__(self, name: str) -> Any:
        return getattr(self._catalog, name)

    def commit_table(self, *arguments: Any) -> CommitTableResponse:
        try:
            return self._catalog.commit_table(*arguments)
        except CommitFailedException as error:
            raise CommitRefused(str(error)) from error
