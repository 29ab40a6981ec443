"""Schema files become log types; every problem of a run is reported at once, with its place and its fix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from headwater.errors import ConfigError, Problem, SchemaError
from headwater.schema.keys import CONTENT, TOP
from headwater.schema.logtype import JsonParser, LogType
from headwater.schema.read_fields import FieldReader, check_columns
from headwater.schema.read_parser import read_parser
from headwater.schema.walk import Walk
from headwater.yamlfile import Document, load

LIBRARY = Path(__file__).parent / "library"
SCHEMA_FILE = "schema.yml"


def load_library(extra: Sequence[Path] = ()) -> Mapping[str, LogType]:
    """Every log type by name: the built-in ones, and those of the user's files and folders `extra`.

    In a folder every .yml and .yaml file is a schema, but for Panther's tests of schemas (*_tests.yml).
    Raises: SchemaError with the problems of all files.
    """
    found: dict[str, LogType] = {}
    problems: list[Problem] = []
    for path in (*sorted(LIBRARY.glob(f"*/{SCHEMA_FILE}")), *user_files(extra)):
        try:
            log_type = load_schema(path)
        except SchemaError as error:
            problems += error.problems
            continue
        if log_type.name in found:
            problems.append(
                Problem(str(path), None, "schema", f"{log_type.name} is defined twice", "Rename one of them.")
            )
        found[log_type.name] = log_type
    if problems:
        raise SchemaError(problems)
    return found


def user_files(paths: Sequence[Path]) -> Iterator[Path]:
    """The schema files of the user: files, and those below folders."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        files = (each for each in path.rglob("*") if each.suffix in (".yml", ".yaml"))
        yield from sorted(each for each in files if not each.stem.endswith("_tests"))


def load_schema(path: Path) -> LogType:
    """The log type of one schema file.

    Raises: SchemaError with every problem of the file.
    """
    try:
        document = load(path.read_text(encoding="utf-8"), str(path))
    except ConfigError as error:
        raise SchemaError(error.problems) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SchemaError.one(path, f"cannot be read: {error}") from error
    walk = Walk(str(path), document)
    log_type = _log_type(walk, document)
    if walk.problems:
        raise SchemaError(walk.problems)
    return log_type


def _log_type(walk: Walk, document: Document) -> LogType:
    top = walk.mapping(document.data, (), TOP)
    content = walk.part(top, "content", (), CONTENT) or {}
    reader = FieldReader(walk, top.get("definitions", {}))
    fields = reader.fields(top["fields"], ("fields",)) if top.get("fields") else ()
    check_columns(walk, fields)
    parser = read_parser(walk, top.get("parser", {"json": {}}))
    if isinstance(parser, JsonParser) and parser.whole and parser.whole not in {each.name for each in fields}:
        walk.problem(("parser", "json", "whole"), f"{parser.whole!r} is no field", "Name a field of type json.")
    return LogType(
        name=walk.text(top, "schema", ()),
        version=walk.count(top, "version", (), default=1),
        description=walk.text(top, "description", ()),
        parser=parser,
        fields=fields,
        reference_url=walk.text(top, "referenceURL", ()),
        key_pattern=walk.pattern(top, "keyPattern", ()),
        content_keys=walk.texts(content, "keys", ("content",)),
        content_line=walk.pattern(content, "line", ("content",)),
        content_columns=walk.texts(content, "columns", ("content",)),
        log_group=walk.pattern(content, "logGroup", ("content",)),
        log_stream=walk.pattern(content, "logStream", ("content",)),
    )
