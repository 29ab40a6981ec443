"""The `parser` of a schema file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headwater.schema import fastmatch, grok
from headwater.schema.keys import PARSERS
from headwater.schema.logtype import (
    Cleaning,
    DelimitedParser,
    Header,
    JsonParser,
    NativeParser,
    Parser,
    RegexParser,
)
from headwater.schema.walk import Walk
from headwater.yamlfile import Path as At

NATIVE = Path(__file__).parents[1] / "ingest" / "native"
AT = ("parser",)


def read_parser(walk: Walk, data: Any) -> Parser:
    """The parser; JSON where none is named."""
    if not isinstance(data, dict) or len(data) != 1:
        walk.problem(AT, "must name one parser", f"Choose one of {', '.join(PARSERS)}.")
        return JsonParser()
    kind, inner = next(iter(data.items()))
    if kind not in PARSERS:
        walk.unknown_key((*AT, kind), tuple(PARSERS))
        return JsonParser()
    at = (*AT, kind)
    options = walk.mapping(inner or {}, at, PARSERS[kind])
    return _READERS[kind](walk, options, at)


def _json(walk: Walk, options: Mapping[str, Any], at: At) -> Parser:
    return JsonParser(walk.text(options, "whole", at))


def _native(walk: Walk, options: Mapping[str, Any], at: At) -> Parser:
    name = walk.text(options, "name", at)
    known = sorted(path.stem for path in NATIVE.glob("*.py") if path.stem != "__init__")
    if name and name not in known:
        walk.problem(
            (*at, "name"), f"there is no native parser {name!r}", f"Use {', '.join(known) or 'another parser'}."
        )
    return NativeParser(name, _cleaning(walk, options, at))


def _fastmatch(walk: Walk, options: Mapping[str, Any], at: At) -> Parser:
    names: dict[str, str] = {}
    quoted: set[str] = set()
    patterns = []
    for number, pattern in enumerate(walk.texts(options, "match", at)):
        try:
            compiled = fastmatch.compiled(pattern, names, quoted)
        except fastmatch.FastmatchError as error:
            fix = "Write for example '%{time} [%{level}] %{message}'."
            walk.problem((*at, "match", number), f"the pattern {error}", fix)
            continue
        patterns.append(walk.checked(compiled, (*at, "match", number)))
    return RegexParser(tuple(patterns), _cleaning(walk, options, at), tuple(names.items()), frozenset(quoted))


def _regex(walk: Walk, options: Mapping[str, Any], at: At) -> Parser:
    key = "pattern" if "pattern" in options else "match"
    pattern = "".join(walk.texts(options, key, at))
    if not pattern:
        walk.problem(at, "match is missing", "Add match: …")
    names: dict[str, str] = {}
    try:
        pattern, names = grok.expand(pattern, walk.named_texts(options, "patternDefinitions", at))
    except grok.GrokError as error:
        walk.problem((*at, key), str(error), "Define it under patternDefinitions.")
        pattern = ""
    pattern = walk.checked(grok.named_only(pattern), (*at, key))
    if pattern and "(?P<" not in pattern:
        walk.problem((*at, key), "has no named group", "Write for example '(?P<level>[A-Z]+) %{GREEDYDATA:message}'.")
    return RegexParser((pattern,), _cleaning(walk, options, at), tuple(names.items()))


def _csv(walk: Walk, options: Mapping[str, Any], at: At) -> Parser:
    columns = walk.texts(options, "columns", at)
    has_header = walk.flag(options, "hasHeader", at)
    if not has_header and not columns:
        walk.problem(at, "a file without header needs columns", "List the wire names under columns, or set hasHeader.")
    header: Header = "none" if not has_header else "skipped" if columns else "names"
    return DelimitedParser(
        walk.character(options, "delimiter", at, ","),
        columns,
        header,
        _quotes(walk, options, at),
        _cleaning(walk, options, at),
    )


def _quotes(walk: Walk, options: Mapping[str, Any], at: At) -> str:
    value = options.get("quotes", True)
    if isinstance(value, bool):
        return '"' if value else ""
    return walk.character(options, "quotes", at)


def _delimited(walk: Walk, options: Mapping[str, Any], at: At) -> Parser:
    columns = walk.texts(options, "columns", at)
    has_header = walk.flag(options, "hasHeader", at, default=True)
    if not has_header and not columns:
        walk.problem(at, "a file without header needs columns", "List the wire names under columns.")
    header: Header = "maybe" if has_header else "none"
    delimiter, quote = walk.character(options, "delimiter", at), walk.character(options, "quote", at)
    return DelimitedParser(delimiter, columns, header, quote, _cleaning(walk, options, at))


def _cleaning(walk: Walk, options: Mapping[str, Any], at: At) -> Cleaning:
    return Cleaning(
        empty_values=walk.texts(options, "emptyValues", at),
        trim=walk.flag(options, "trimSpace", at),
        expand=tuple(walk.named_texts(options, "expandFields", at).items()),
        skip_prefix=walk.text(options, "skipPrefix", at),
        skip_lines=walk.count(options, "skipLines", at),
        record_start=walk.pattern(options, "recordStart", at),
    )


_READERS = {
    "json": _json,
    "native": _native,
    "fastmatch": _fastmatch,
    "regex": _regex,
    "csv": _csv,
    "delimited": _delimited,
}
