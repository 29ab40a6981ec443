"""What commands print: tables for people, JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import orjson
import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import MofNCompleteColumn, Progress
from rich.table import Table

MAX_CELL = 200
PIPE_WIDTH = 240


class Format(StrEnum):
    """How results are printed."""

    text = "text"
    json = "json"


Output = Annotated[Format, typer.Option("--output", "-o", help="text for people, json for programs.")]


def emit_json(value: Any) -> None:
    """One JSON document on stdout."""
    sys.stdout.buffer.write(orjson.dumps(value, default=_plain, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_INDENT_2))
    sys.stdout.buffer.flush()


def emit_json_lines(rows: Sequence[Mapping[str, Any]]) -> None:
    """One JSON object a line on stdout."""
    write = sys.stdout.buffer.write
    for row in rows:
        write(orjson.dumps(row, default=_plain, option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()


def emit_rows(rows: Sequence[Mapping[str, Any]], output: Format, *, empty: str, columns: Sequence[str] = ()) -> None:
    """Rows as one JSON array, or as a table; empty: what to say where there are none."""
    if output is Format.json:
        emit_json(list(rows))
    elif not rows:
        typer.echo(empty)
    else:
        console().print(table(rows, columns))


@contextmanager
def progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr for a terminal, nothing elsewhere; told how many of how many are done."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    with Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("files")
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def steps() -> Iterator[Callable[[str, str], None]]:
    """A line on stderr of a terminal that tells what is being done, for each account the latest step."""
    if not sys.stderr.isatty():
        yield lambda account_id, step: None
        return
    at_work: dict[str, str] = {}
    with Console(stderr=True).status("…") as status:

        def tell(account_id: str, step: str) -> None:
            at_work[account_id] = step
            status.update(", ".join(f"{name}: {what}" for name, what in list(at_work.items())[-4:]))

        yield tell


def console(pipe_width: int = PIPE_WIDTH) -> Console:
    """The terminal as wide as it is; a file or a pipe as wide as the table needs."""
    return Console() if sys.stdout.isatty() else Console(width=pipe_width)


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = (), title: str | None = None) -> Table:
    """Rows as a table; columns: which of their keys, default all."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    columns = columns or list(rows[0] if rows else ())
    for column in columns:
        numeric = isinstance(rows[0].get(column), int | float)
        made.add_column(column, overflow="fold", justify="right" if numeric else "left")
    for row in rows:
        made.add_row(*(escape(_cell(row.get(column))) for column in columns))
    return made


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    text = value if isinstance(value, str) else orjson.dumps(value, default=_plain).decode()
    return text if len(text) <= MAX_CELL else text[: MAX_CELL - 1] + "…"


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, set | frozenset | tuple):
        return sorted(value) if isinstance(value, set | frozenset) else list(value)
    return str(value)
