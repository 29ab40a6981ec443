"""What a bucket has and the ledger has not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

from headwater.accounts import Accounts
from headwater.aws.s3 import Listed, list_pages
from headwater.aws.session import Sessions
from headwater.backfill.layout import Window, walk
from headwater.model import Source
from headwater.state import objects
from headwater.state.database import Database

COMPARED_AT_ONCE = 1000


@dataclass(slots=True)
class Found:
    """The listing of one source: listed = known + failed + archived + forgotten + missing.

    known: done before, or a worker's now. failed: given up before; `headwater requeue` tries them again. archived: in
    Glacier. forgotten: older than the ledger's memory, which cannot tell whether they were done. missing: in no ledger.
    """

    listed: int = 0
    known: int = 0
    failed: int = 0
    archived: int = 0
    forgotten: int = 0
    missing: int = 0
    missing_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Finder:
    """Compares listings with the ledger. remembers: whether the ledger's memory counts; without it, what is older than
    that is missing too."""

    sessions: Sessions
    accounts: Accounts
    database: Database
    remembers: bool = True

    def missing(
        self, source: Source, window: Window, found: Found, told: Callable[[], None] = lambda: None
    ) -> Iterator[Sequence[Listed]]:
        """The objects of a source that the ledger has not, some at once. found: counts. told: called after each piece.

        Raises: AccessDenied, TransientError.
        """
        listing = (listed for listed in self._walk(source, window) if self._is_ours(source, listed))
        since = objects.forgotten_until(self.database, source.source_id) if self.remembers else objects.NEVER
        while piece := list(islice(listing, COMPARED_AT_ONCE)):
            known = objects.known(self.database, source.bucket, [listed.ref.key for listed in piece])
            wanted: list[Listed] = []
            for listed in piece:
                versions = [status for etag, status in known.get(listed.ref.key, ()) if etag == listed.ref.etag]
                kind = _kind(listed, versions, is_forgotten=listed.modified_at < since)
                setattr(found, kind, getattr(found, kind) + 1)
                if kind == "missing":
                    wanted.append(listed)
            found.listed += len(piece)
            found.missing_bytes += sum(listed.ref.size_bytes or 0 for listed in wanted)
            told()
            if wanted:
                yield wanted

    def _walk(self, source: Source, window: Window) -> Iterator[Listed]:
        return walk(partial(list_pages, self.sessions, source), source.prefix, window)

    def _is_ours(self, source: Source, listed: Listed) -> bool:
        owner = self.accounts.source_for(listed.ref.bucket, listed.ref.key)
        return owner is not None and owner.source_id == source.source_id


def _kind(listed: Listed, versions: Sequence[objects.Status], *, is_forgotten: bool) -> str:
    """The count that a listed object belongs to. A claim may be of a message that was lost: the claim tells."""
    if "done" in versions or "prepared" in versions:
        return "known"
    if "failed" in versions:
        return "failed"
    if listed.archived:
        return "archived"
    return "forgotten" if is_forgotten and not versions else "missing"
