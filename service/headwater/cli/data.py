"""headwater ingest, parse, notice, query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from headwater.accounts import Accounts
from headwater.cli import build
from headwater.cli.output import Format, Output, emit_json, emit_json_lines, emit_rows, progress
from headwater.errors import ConfigError, NoticeError, ObjectError
from headwater.ingest.notice import read_notice
from headwater.ingest.rows import row_dicts
from headwater.lake.query import query as run_query
from headwater.lake.tables import existing_tables
from headwater.model import LOCAL_BUCKET, ObjectRef, Source
from headwater.pipeline import digest, open_object
from headwater.schema.logtype import LogType
from headwater.worker.files import FILES_WORKER, LOCAL_ACCOUNT, exclusive, ingest_files, read_blocks
from headwater.worker.lookups import LookupTables

EXIT_POISON = 3


def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Log files, or folders of log files.", exists=True)],
    output: Output = Format.text,
    account: Annotated[str, typer.Option(help="Account id of the rows (p_account_id).")] = LOCAL_ACCOUNT,
    log_type: Annotated[
        list[str] | None, typer.Option(help="Only these log types; default: recognised by content.")
    ] = None,
    detect: Annotated[bool, typer.Option(help="Run the detections.")] = True,
) -> None:
    """Read log files from disk into the local lake and run the detections; no AWS at all.

    A file that is in the lake already (same path, same content) is skipped.
    """
    settings = build.settings(quiet=True)
    known_log_types(log_type or [], build.library(settings))
    source = Source(account, "local", "files", LOCAL_BUCKET, log_types=tuple(log_type or ()))
    with exclusive(settings.home), progress() as track:
        committer = build.committer(settings, detect=detect, worker=FILES_WORKER)
        evaluator = build.evaluator(settings, committer.store, worker=FILES_WORKER) if detect else None
        summary = ingest_files(paths, source, committer, settings, build.destinations(settings), track, evaluator)
    if output is Format.json:
        emit_json(asdict(summary))
    else:
        for line in summary.lines():
            typer.echo(line)
        tables = existing_tables(committer.store.catalog)
        typer.echo(f"The lake is in {settings.resolved_warehouse}; its tables: {', '.join(tables) or 'none yet'}.")
        for name in [table for table in tables if table.startswith("logs.")][:1]:
            typer.echo(f'Try: headwater query "SELECT * FROM {name} LIMIT 5"')  # noqa: S608 (a hint, not a query)
    if summary.failed:
        raise typer.Exit(EXIT_POISON)


def known_log_types(names: list[str], library: Mapping[str, LogType]) -> None:
    """Refuse names that the library does not have."""
    for name in names:
        if name not in library:
            raise ConfigError.one(
                "--log-type", f"no log type {name!r}", fix=f"Use one of: {', '.join(sorted(library))}."
            )


def parse(
    file: Annotated[Path, typer.Argument(help="A log file as AWS delivers it.", exists=True, dir_okay=False)],
    key: Annotated[str | None, typer.Option(help="S3 object key to classify by; default: the file's name.")] = None,
    log_type: Annotated[str | None, typer.Option(help="Read the file as this log type.")] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write a JSON report: rows, log_types, rejects, warnings, error.")
    ] = None,
) -> None:
    """Print the normalised events of one file as JSON lines. Exit 3: the object is poison; the report says why."""
    settings = build.settings()
    library = build.library(settings)
    known_log_types([log_type] if log_type else [], library)
    events: list[dict[str, Any]] = []
    found: dict[str, Any] = {"rows": 0, "log_types": [], "rejects": [], "ignored": {}, "warnings": [], "error": None}
    try:
        tables = build.lookup_tables(settings)
        events = _parse(file, key, log_type, library, settings.max_object_bytes, tables, found)
    except ObjectError as error:
        found["error"] = {"kind": error.kind, "message": str(error)}
        typer.echo(f"error: {file}: {error.kind}: {error}", err=True)
    emit_json_lines(events)
    if report:
        report.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    elif found["rejects"]:
        for reject in found["rejects"]:
            typer.echo(f"reject: {file}: row {reject['row']}: {reject['reason']}", err=True)
    if found["error"]:
        raise typer.Exit(EXIT_POISON)


def _parse(
    file: Path,
    key: str | None,
    log_type: str | None,
    library: Mapping[str, LogType],
    max_bytes: int,
    lookups: LookupTables,
    found: dict[str, Any],
) -> list[dict[str, Any]]:
    ref = ObjectRef(LOCAL_BUCKET, key or str(file.absolute()), etag=file.name)
    source = Source(LOCAL_ACCOUNT, "local", "files", LOCAL_BUCKET, log_types=(log_type,) if log_type else ())
    opened = open_object(ref, source, read_blocks(file), library, max_bytes=max_bytes)
    now = datetime.now(UTC)
    lookups.refresh(now, lambda spec: not spec.selectors.keys().isdisjoint(opened.parts))
    made = digest([opened], library, None, now, lookups=lookups.current())
    events = [event for batch in made.batches for event in row_dicts(batch.table)]
    found["rows"] = len(events)
    found["log_types"] = [batch.log_type for batch in made.batches]
    found["rejects"] = [
        {"row": r.row, "reason": r.reason, "raw": r.raw} for r in sorted(made.rejects, key=lambda r: r.row)
    ]
    found["warnings"] = list(opened.warnings)
    found["ignored"] = dict(opened.ignored)
    return events


def notice(
    file: Annotated[Path, typer.Argument(help="A file that holds one SQS message body.", exists=True, dir_okay=False)],
    accounts: Annotated[Path | None, typer.Option(help="accounts.yml to look the buckets up in.")] = None,
) -> None:
    """Say what an SQS message body means, as JSON: objects, ack, dead_letter, reason.

    With an accounts.yml (the option, or HEADWATER_ACCOUNTS_FILE where that file exists) objects of unknown buckets and
    subscriptions of unknown topics go to the dead-letter queue, as in the service.
    """
    settings = build.settings()
    known = build.accounts(settings, accounts) if accounts or Path(settings.accounts_file).exists() else None
    answer: dict[str, Any] = {
        "kind": None,
        "objects": [],
        "ignored": {},
        "ack": False,
        "dead_letter": False,
        "reason": None,
    }
    try:
        read = read_notice(file.read_text(encoding="utf-8", errors="replace"))
    except NoticeError as error:
        emit_json(answer | {"dead_letter": True, "reason": error.reason, "message": str(error)})
        return
    answer |= {"kind": read.kind, "ignored": dict(read.ignored), "ack": True}
    if read.confirmation is not None:
        arn = read.confirmation.topic_arn
        expected = known is not None and arn in known.topics
        reason = None if expected else "unexpected_subscription"
        answer |= {"topic_arn": arn, "ack": expected, "dead_letter": not expected, "reason": reason}
    unknown = [ref for ref in read.objects if known and _unknown(known, ref)]
    if unknown:
        answer |= {"ack": False, "dead_letter": True, "reason": "unknown_source"}
    answer["objects"] = [
        {"bucket": ref.bucket, "key": ref.key, "region": ref.region, "version_id": ref.version_id}
        for ref in read.objects
        if ref not in unknown
    ]
    emit_json(answer)


def _unknown(known: Accounts, ref: ObjectRef) -> bool:
    return known.source_for(ref.bucket, ref.key) is None and not known.excluded(ref.bucket, ref.key)


def query(
    sql: Annotated[str, typer.Argument(help="One SELECT; tables are named as log types: logs.aws_cloudtrail.")],
    output: Output = Format.text,
) -> None:
    """Run SQL (DuckDB) over the lake, read-only."""
    settings = build.settings()
    table = run_query(build.catalog(settings), sql)
    emit_rows(table.to_pylist(), output, empty="No rows.", columns=table.column_names)
