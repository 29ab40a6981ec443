"""Parsers written in Python, one module each: `parser: {native: {name: x}}` is read by `texts_of` of native/x.py.

    def texts_of(log_type: LogType, rows: RawRows) -> Texts

gives the texts by wire name of the lines that could be read; types, transforms and unknown names are seen to here.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Protocol, cast

from headwater.ingest.columns import Columns, RawRows
from headwater.ingest.textcolumns import Texts, typed
from headwater.schema.logtype import LogType, NativeParser


class _TextsOf(Protocol):
    def __call__(self, log_type: LogType, rows: RawRows) -> Texts: ...


def parse_native(log_type: LogType, parser: NativeParser, rows: RawRows) -> Columns:
    """The columns of N lines by the parser's module."""
    return typed(log_type, parser.cleaning, _texts_of(parser.name)(log_type, rows), rows.now)


@cache
def _texts_of(name: str) -> _TextsOf:
    return cast(_TextsOf, import_module(f"{__name__}.{name}").texts_of)
