"""headwater schema infer and diff, registered by cli/schema.py."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from headwater.aws import s3
from headwater.aws.session import Sessions
from headwater.cli import build
from headwater.cli.output import Format, Output, emit_json, emit_rows
from headwater.cli.since import since as since_time
from headwater.errors import ConfigError, InferenceError
from headwater.ingest.decode import decode
from headwater.ingest.sampling import Proposal, Read, propose
from headwater.lake.recent import Recent, recent_rejects, recent_rows
from headwater.model import Chunk, ObjectRef, Source
from headwater.schema.evolve import differences, is_allowed
from headwater.schema.load import load_library, load_schema
from headwater.settings import Settings
from headwater.worker.files import read_blocks

EXIT_REFUSED = 1
CHUNK_LINES = 10_000
COPIES: dict[str, Literal["json", "lines"]] = {"records.json": "json", "first.txt": "lines", "others.txt": "lines"}


def infer(
    target: Annotated[str | None, typer.Argument(help="A log file, s3://bucket/key, or s3://bucket/prefix/.")] = None,
    source: Annotated[
        str | None, typer.Option(help="Learn from what this source sent and no schema took: its name or account/name.")
    ] = None,
    since: Annotated[str, typer.Option(help="How far back, with --source: 30m, 1h, 2d, or a time.")] = "1h",
    name: Annotated[str | None, typer.Option(help="Name of the log type; default: made from the file's name.")] = None,
) -> None:
    """Propose a schema for logs that no schema knows: YAML on stdout, remarks on stderr.

    Every row of the file fits the proposal; rows that hold nothing, and broken ones, are told of. Nothing is changed.
    """
    if (target is None) == (source is None):
        raise ConfigError.one("arguments", "give a file or --source", fix="headwater schema infer app.log")
    settings = build.settings(quiet=True)
    with tempfile.TemporaryDirectory() as folder:
        if source is not None:
            read = _source_reader(settings, source, since, Path(folder))
            about = f"Rows of source {source}"
        else:
            read = _object_reader(settings, str(target), Path(folder))
            about = f"Rows of {Path(str(target)).name}"
        made = propose(read, name or _type_name(source or str(target)), about)
    _print(made)


def _print(made: Proposal) -> None:
    for note in made.notes:
        typer.echo(f"note: {note}", err=True)
    typer.echo(f"{made.rows} rows fit the proposal, {made.unmatched} do not.", err=True)
    typer.echo(made.yaml, nl=False)


def _type_name(target: str) -> str:
    """`Custom.AppAccess` for app-access.log.gz."""
    stem = target.rstrip("/").rsplit("/", 1)[-1].split(".", 1)[0]
    parts = re.findall(r"[A-Za-z0-9]+", stem)
    return "Custom." + ("".join(part[0].upper() + part[1:] for part in parts) or "Logs")


def _object_reader(settings: Settings, target: str, folder: Path) -> Read:
    """The chunks of a file; an object is downloaded first, for it is read several times."""
    path = Path(target)
    if target.startswith("s3://"):
        path = folder / "object"
        _download(settings, target, path)
    elif not path.is_file():
        raise ConfigError.one(target, "is no file", fix="Name a log file, or an object as s3://bucket/key.")
    return lambda: decode(read_blocks(path), max_bytes=settings.max_object_bytes, key=target)


def _download(settings: Settings, url: str, path: Path) -> None:
    bucket, slash, key = url.removeprefix("s3://").partition("/")
    if not bucket or not slash:
        raise ConfigError.one(url, "names no object", fix="Write s3://bucket/key, or s3://bucket/prefix/.")
    source, sessions = _source_of(settings, bucket, key), Sessions(settings.region)
    ref: ObjectRef | None = ObjectRef(bucket, key)
    if not key or key.endswith("/"):
        listed = next(s3.list_objects(sessions, replace(source, bucket=bucket), key), None)
        ref = listed.ref if listed else None
    if ref is None:
        raise ConfigError.one(url, "holds no object", fix="Name a prefix with log objects below it.")
    fetched = s3.fetch(sessions, ref, source)
    with path.open("wb") as file:
        for block in fetched.blocks:
            file.write(block)


def _source_of(settings: Settings, bucket: str, key: str) -> Source:
    """The configured source of an object, read with its role; any other object with our own credentials."""
    name = settings.accounts_file
    if name.startswith("s3://") or Path(name).exists():
        found = build.accounts(settings).source_for(bucket, key)
        if found is not None:
            return found
    return Source("", "", "sample", bucket, region=settings.region)


def _source_reader(settings: Settings, source: str, since: str, folder: Path) -> Read:
    """The records of a source, copied once: the lake may grow while they are read several times."""
    now = datetime.now(UTC)
    start = since_time(since, now) or now
    catalog, library = build.catalog(settings), load_library()
    raw = [(name, library[name].fields[0].name) for name in ("Raw.JSON", "Raw.Text") if name in library]
    with _opened(folder) as write:
        for name, column in raw:
            for each in recent_rows(catalog, name, column, source, start):
                write(each)
        for each in recent_rejects(catalog, source, start):
            write(each)
    if not any((folder / name).stat().st_size for name in COPIES):
        raise InferenceError(
            f"source {source} has sent no unknown rows since {start:%Y-%m-%d %H:%M} UTC: nothing in Raw.JSON, Raw.Text "
            "or monitor.rejects; try a longer --since, or log_types: [Raw.JSON] for the source"
        )
    return lambda: _copied(folder)


@contextmanager
def _opened(folder: Path) -> Iterator[Callable[[Recent], None]]:
    """A function that appends one record to its file: JSON, first lines of objects (each once), other lines."""
    seen: set[int] = set()
    with ExitStack() as stack:
        files = [stack.enter_context((folder / name).open("w", encoding="utf-8")) for name in COPIES]

        def write(each: Recent) -> None:
            kind = 0 if each.shape == "json" else 1 if each.row == 0 else 2
            if kind == 1:
                if hash(each.text) in seen:
                    return
                seen.add(hash(each.text))
            files[kind].write(each.text.replace("\n", " ") + "\n")  # a JSON text has line ends between its parts only

        yield write


def _copied(folder: Path) -> Iterator[Chunk]:
    """All records, numbered as if the lines were one text."""
    rows = {"json": 0, "lines": 0}
    for name, shape in COPIES.items():
        with (folder / name).open("rb") as file:
            while lines := [line.rstrip(b"\n") for line in islice(file, CHUNK_LINES)]:
                yield Chunk(shape, lines, rows[shape])
                rows[shape] += len(lines)


def diff(
    old: Annotated[Path, typer.Argument(help="The schema as it is in use.", exists=True, dir_okay=False)],
    new: Annotated[Path, typer.Argument(help="The edited schema.", exists=True, dir_okay=False)],
    output: Output = Format.text,
) -> None:
    """Say whether an edit of a schema is allowed. Exit 1: it is not.

    Fields may be added; descriptions, indicators, formats and the parser may change. No field that rows are stored with
    may be renamed, deleted or retyped.
    """
    found = differences(load_schema(old), load_schema(new))
    allowed = is_allowed(found)
    if output is Format.json:
        emit_json({"allowed": allowed, "differences": [asdict(each) for each in found]})
    else:
        rows: Sequence[dict[str, Any]] = [
            {
                "verdict": "ok" if each.allowed else "REFUSED",
                "path": each.path,
                "change": each.change,
                "why": each.message,
            }
            for each in found
        ]
        emit_rows(rows, output, empty="The schemas do not differ.")
        typer.echo("The edit is allowed." if allowed else "The edit is not allowed.")
    if not allowed:
        raise typer.Exit(EXIT_REFUSED)
