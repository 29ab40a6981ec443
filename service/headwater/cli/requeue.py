"""headwater requeue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from headwater.accounts import Accounts
from headwater.aws.announce import Announcer, DeadLetters
from headwater.aws.session import FETCH_THREADS, Sessions
from headwater.backfill.requeue import Redrive, Redriven, by_account, items, release
from headwater.backfill.run import Reading
from headwater.cli import build
from headwater.cli.backfill import worker_name
from headwater.cli.choose import AccountOption, SourceOption, choose
from headwater.cli.objects import chosen_objects
from headwater.cli.output import Format, Output, emit_json
from headwater.destinations.deliver import deliver
from headwater.errors import ConfigError
from headwater.model import LOCAL_BUCKET, Source
from headwater.settings import Settings
from headwater.state import objects
from headwater.state.database import Database
from headwater.state.objects import Recorded
from headwater.worker.committer import utc_now
from headwater.worker.files import LOCAL_ACCOUNT, exclusive, file_ref

EXIT_POISON = 3
MOST = 1_000_000


def requeue(
    objects_: Annotated[
        list[str] | None,
        typer.Argument(metavar="[OBJECT]...", help="Beginnings of ids, keys or s3:// URLs; default: all."),
    ] = None,
    account: AccountOption = None,
    source: SourceOption = None,
    kind: Annotated[str | None, typer.Option(help="Only those that failed so: truncated, AccessDenied …")] = None,
    since: Annotated[str | None, typer.Option(help="Only those that failed since then: 2h, 7d, or a time.")] = None,
    output: Output = Format.text,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
    here: Annotated[
        bool, typer.Option("--here", help="Read them in this command, instead of by the service through its queue.")
    ] = False,
    dead_letters: Annotated[
        bool, typer.Option("--dead-letters", help="Move the messages of the dead-letter queue back instead.")
    ] = False,
) -> None:
    """Try failed objects again, after their cause is mended: a key policy, a truncated upload, a limit.

    The service reads them (HEADWATER_QUEUE_URL); without a queue, or with --here, this command does. Alerts are opened
    as for new objects.
    """
    settings = build.settings(quiet=True)
    if dead_letters:
        _redrive(settings, account, source, output, dry_run=dry_run)
        return
    database = build.database(settings)
    wanted = [chosen_objects(settings, True, account, source, kind, since, text) for text in objects_ or [""]]
    found = {each.ref.object_id: each for one in wanted for each in objects.find(database, one, MOST)}
    left: Counter[str] = Counter()
    told: dict[str, Any] = {"failed": len(found), "requeued": 0, "ingested": 0, "failed_again": 0, "left": left}
    if found and not dry_run:
        here = here or not settings.queue_url
        told |= _again(settings, database, _accounts(settings), list(found.values()), left, here=here)
    _tell(told, output, dry_run=dry_run)
    if told["failed_again"]:
        raise typer.Exit(EXIT_POISON)


def _accounts(settings: Settings) -> Accounts | None:
    name = settings.accounts_file
    return build.accounts(settings) if name.startswith("s3://") or Path(name).exists() else None


def _again(
    settings: Settings,
    database: Database,
    accounts: Accounts | None,
    found: Sequence[Recorded],
    left: Counter[str],
    *,
    here: bool,
) -> dict[str, int]:
    """Give objects back to the service, or read them here."""
    sources = {source.source_id: source for source in accounts.sources} if accounts else {}
    files = [each for each in found if each.ref.bucket == LOCAL_BUCKET and _is_same_file(each, left)]
    stored = [each for each in found if each.ref.bucket != LOCAL_BUCKET]
    with_sources = list(items(stored, sources, left))
    told = {"requeued": 0, "ingested": 0, "failed_again": 0}
    if not here:
        announcer = Announcer(str(settings.queue_url), settings.region)
        for account_id, mine in by_account(with_sources).items():
            for part in release(database, mine, utc_now()):
                announcer.announce([each.ref for each in part], account_id)
                told["requeued"] += len(part)
        with_sources = []
    local = {each.source_id: _local_source(each) for each in files}
    now_here = with_sources + list(items(files, local, left))
    if now_here:
        told |= _read_here(settings, now_here)
    return told


def _read_here(settings: Settings, found: Sequence[Any]) -> dict[str, int]:
    with exclusive(settings.home, "backfill"):
        committer = build.committer(settings, worker=worker_name())
        sessions = Sessions(settings.region, "headwater-requeue")
        reading = Reading(sessions, committer, settings, FETCH_THREADS)
        for _ in release(committer.store.database, [each for each, _ in found], utc_now()):
            pass
        done = reading.objects([item for _, item in found])
        deliver(committer.store.database, build.destinations(settings), utc_now())
    return {"ingested": done.objects, "failed_again": done.failed}


def _is_same_file(each: Recorded, left: Counter[str]) -> bool:
    file = Path(each.ref.key)
    same = file.is_file() and file_ref(file).object_id == each.ref.object_id
    left["the file is gone or has changed; ingest it anew"] += not same
    return same


def _local_source(each: Recorded) -> Source:
    account_id, _, name = each.source_id.partition("/")
    return Source(account_id or LOCAL_ACCOUNT, "local", name, LOCAL_BUCKET)


def _redrive(settings: Settings, account: str | None, source: str | None, output: Format, *, dry_run: bool) -> None:
    for name, value in (("QUEUE_URL", settings.queue_url), ("DEAD_LETTER_QUEUE_URL", settings.dead_letter_queue_url)):
        if not value:
            raise ConfigError.one(
                "environment", "no queue", key=f"HEADWATER_{name}", fix="Set it as the service has it."
            )
    accounts = build.accounts(settings)
    wanted = frozenset(each.source_id for each in choose(accounts, account, source)) if account or source else None
    done = Redrive(
        DeadLetters(str(settings.dead_letter_queue_url), settings.region),
        Announcer(str(settings.queue_url), settings.region).send,
        accounts,
        build.database(settings),
        wanted,
        utc_now,
    ).run(dry_run=dry_run)
    _tell_redriven(done, output, dry_run=dry_run)


def _tell_redriven(done: Redriven, output: Format, *, dry_run: bool) -> None:
    if output is Format.json:
        counts = {"letters": done.letters, "moved": done.moved, "objects": done.objects, "left": dict(done.left)}
        emit_json(counts | {"dry_run": dry_run})
        return
    would = "would go" if dry_run else "went"
    typer.echo(f"{done.letters} dead letters: {done.moved} {would} back to the queue, {done.left.total()} stay")
    _tell_left(done.left)


def _tell(told: Mapping[str, Any], output: Format, *, dry_run: bool) -> None:
    if output is Format.json:
        emit_json({**told, "left": dict(+told["left"]), "dry_run": dry_run})
        return
    if dry_run:
        typer.echo(f"{told['failed']} failed objects would be tried again")
        return
    parts = [f"{told['requeued']} sent to the service", f"{told['ingested']} ingested here"]
    typer.echo(f"{told['failed']} failed objects: {', '.join(parts)}, {told['failed_again']} failed again")
    _tell_left(told["left"])


def _tell_left(left: Counter[str]) -> None:
    for reason, count in (+left).most_common():
        typer.echo(f"  {count}: {reason}")
