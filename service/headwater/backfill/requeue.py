"""What failed or was put aside, back to work once its cause is mended."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from headwater.accounts import Accounts
from headwater.aws.announce import DeadLetter, DeadLetters
from headwater.errors import NoticeError
from headwater.ingest.notice import Notice, read_notice
from headwater.model import Source
from headwater.state import ledger, objects
from headwater.state.database import Database
from headwater.state.objects import Recorded
from headwater.worker.ingest import Item

AT_ONCE = 100
Send = Callable[[Sequence[str], str], None]


@dataclass(slots=True)
class Redriven:
    """Dead letters. moved: back in the queue. left: by reason. objects: failed ones that may be read again."""

    letters: int = 0
    moved: int = 0
    objects: int = 0
    left: Counter[str] = field(default_factory=Counter)


def items(
    found: Iterable[Recorded], sources: Mapping[str, Source], left: Counter[str]
) -> Iterator[tuple[Recorded, Item]]:
    """Recorded objects with the sources of today; left: counts those that have none."""
    for each in found:
        source = sources.get(each.source_id)
        if source is None:
            left[f"source {each.source_id} is not in accounts.yml"] += 1
        else:
            yield each, (each.ref, source)


def release(database: Database, chosen: Sequence[Recorded], now: datetime) -> Iterator[Sequence[Recorded]]:
    """Let failed objects be claimed again, some at once."""
    for start in range(0, len(chosen), AT_ONCE):
        part = chosen[start : start + AT_ONCE]
        ledger.requeue(database, [each.ref.object_id for each in part], now)
        yield part


@dataclass(frozen=True, slots=True)
class Redrive:
    """Moves dead letters back to the intake queue. wanted: of which sources; None: of all, and those of none."""

    letters: DeadLetters
    send: Send
    accounts: Accounts
    database: Database
    wanted: frozenset[str] | None
    now: Callable[[], datetime]

    def run(self, *, dry_run: bool = False) -> Redriven:
        """Move every letter that has a chance now; the others stay where they are."""
        done = Redriven()
        kept: list[Sequence[DeadLetter]] = []
        for found in self.letters.read():
            done.letters += len(found)
            chosen = [letter for letter in found if self._is_chosen(letter, done)]
            if dry_run:
                chosen = []
            for letter in chosen:
                self._move(letter, done)
            rest = [letter for letter in found if letter not in chosen]
            kept += [rest] if rest else []
        for part in kept:  # only now, or they would be received again
            self.letters.show(part)
        return done

    def _is_chosen(self, letter: DeadLetter, done: Redriven) -> bool:
        reason = self._reason_to_stay(letter)
        if reason:
            done.left[reason] += 1
        else:
            done.moved += 1
        return not reason

    def _reason_to_stay(self, letter: DeadLetter) -> str:
        """Why a letter would come back, or is not meant; empty where it is to be moved."""
        try:
            notice = read_notice(letter.body)
        except NoticeError as error:
            return f"no notification ({error.reason})"
        if notice.confirmation is not None:
            expected = notice.kind == "subscription_confirmation"
            topic = notice.confirmation.topic_arn
            return "" if expected and topic in self.accounts.topics else "a topic that accounts.yml does not expect"
        sources = self._sources(notice)
        if notice.objects and not sources:
            return "belongs to no source of accounts.yml"
        return "" if self.wanted is None or sources & self.wanted else "of another source"

    def _sources(self, notice: Notice) -> frozenset[str]:
        found = (self.accounts.source_for(ref.bucket, ref.key) for ref in notice.objects)
        return frozenset(source.source_id for source in found if source)

    def _move(self, letter: DeadLetter, done: Redriven) -> None:
        notice = read_notice(letter.body)
        ids = objects.failed_ids(self.database, notice.objects)
        done.objects += ledger.requeue(self.database, ids, self.now())
        account = next((each.partition("/")[0] for each in sorted(self._sources(notice))), "")
        self.send([letter.body], account)
        self.letters.remove([letter])


def by_account(found: Sequence[tuple[Recorded, Item]]) -> Mapping[str, Sequence[Recorded]]:
    """The objects of each account."""
    grouped: dict[str, list[Recorded]] = defaultdict(list)
    for each, (_, source) in found:
        grouped[source.account_id].append(each)
    return grouped
