"""Log types that do not say what they look like, found by what the source is configured to send."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from headwater.ingest.classify import classify
from headwater.model import Chunk
from headwater.schema.load import load_library
from headwater.schema.logtype import LogType

SCHEMAS = {
    "Custom.Words": "parser: {fastmatch: {match: ['%{a} %{b}']}}\nfields: [{name: a, type: string}]",
    "Custom.Pairs": "parser: {regex: {match: '^(?P<a>[^=]+)=(?P<b>.*)$'}}\nfields: [{name: a, type: string}]",
    "Custom.Table": "parser: {csv: {columns: [a, b]}}\nfields: [{name: a, type: string}]",
    "Custom.Login": "fields: [{name: user, type: string, required: true}]",
    "Custom.Order": "fields: [{name: order, type: string, required: true}]",
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, LogType]:
    folder: Path = tmp_path_factory.mktemp("schemas")
    for name, text in SCHEMAS.items():
        (folder / f"{name}.yml").write_text(f"schema: {name}\n{text}\n", encoding="utf-8")
    return load_library([folder])


@pytest.mark.parametrize(
    ("chunk", "allowed", "expected"),
    [
        pytest.param(Chunk("lines", [b"a b"]), ["Custom.Words"], "Custom.Words", id="lines that fit"),
        pytest.param(
            Chunk("lines", [b"one"]), ["Custom.Words"], "Custom.Words", id="lines that do not fit the only type"
        ),
        pytest.param(
            Chunk("lines", [b"a=b"]), ["Custom.Words", "Custom.Pairs"], "Custom.Pairs", id="the type that fits"
        ),
        pytest.param(Chunk("lines", [b"one"]), ["Custom.Words", "Custom.Pairs"], None, id="none of two types"),
        pytest.param(Chunk("lines", [b"one"]), ["Custom.Words", "Raw.Text"], "Raw.Text", id="raw rows behind a type"),
        pytest.param(Chunk("lines", [b"a,b"]), ["Custom.Table"], "Custom.Table", id="table without header"),
        pytest.param(Chunk("lines", [b"a b"]), [], None, id="lines of a source that names no type"),
        pytest.param(Chunk("lines", [b"a b"]), ["AWS.ALB"], None, id="lines of a type that says what it looks like"),
        pytest.param(
            Chunk("json", [b'{"Order": 1}']), ["Custom.Login", "Custom.Order"], "Custom.Order", id="records that fit"
        ),
        pytest.param(Chunk("json", [b"{}"]), ["Custom.Login"], "Custom.Login", id="records of the only type"),
        pytest.param(Chunk("json", [b"{}"]), ["Custom.Words"], None, id="records for a parser of text"),
        pytest.param(Chunk("json", [b'{"user": 1}']), [], None, id="records of a source that names no type"),
    ],
)
def test_type_is_found_by_what_the_source_names(
    library: Mapping[str, LogType], chunk: Chunk, allowed: list[str], expected: str | None
) -> None:
    found = classify("app/2026/02/03/log", chunk, library, allowed)

    assert (found.name if isinstance(found, LogType) else found) == expected
