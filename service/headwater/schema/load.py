"""Schema files become log types; every problem of a run is reported at once, with its line and its fix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

import re2

from headwater.errors import ConfigError, Problem, SchemaError
from headwater.schema.logtype import (
    FIELD_TYPES,
    INDICATORS,
    STANDARD_COLUMNS,
    DelimitedParser,
    Field,
    FieldType,
    JsonParser,
    LogType,
    Parser,
    RegexParser,
)
from headwater.yamlfile import Document, load
from headwater.yamlfile import Path as Keys

LIBRARY = Path(__file__).parent / "library"
SCHEMA_FILE = "schema.yml"
TIME_FORMATS = ("rfc3339", "unix", "unix_ms", "unix_us", "unix_ns")

SCHEMA_KEYS = (
    *("schema", "version", "description", "referenceURL", "keyPattern", "content", "parser", "fields"),
    "fieldDiscoveryEnabled",
)
FIELD_KEYS = (
    *("name", "type", "description", "required", "rename", "isEventTime", "timeFormat", "timeFormats", "indicators"),
    *("emptyValues", "split", "element", "fields"),
)
PARSER_KEYS = {
    "json": ("whole",),
    "delimited": ("delimiter", "columns", "hasHeader", "quote", "emptyValues"),
    "regex": ("pattern", "emptyValues"),
}


def load_library(extra: Sequence[Path] = ()) -> Mapping[str, LogType]:
    """Every log type by name: the built-in ones and those found under the folders `extra`.

    Raises: SchemaError with the problems of all files.
    """
    found: dict[str, LogType] = {}
    problems: list[Problem] = []
    for path in _schema_files((LIBRARY, *extra)):
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


def _schema_files(folders: Sequence[Path]) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(folder.rglob(SCHEMA_FILE))


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
    reader = _Reader(str(path), document)
    log_type = reader.log_type()
    if reader.problems:
        raise SchemaError(reader.problems)
    return log_type


class _Reader:
    """Walks one document; a wrong part is noted in `problems` and replaced by a harmless value, to go on."""

    def __init__(self, file: str, document: Document) -> None:
        self.file = file
        self.document = document
        self.problems: list[Problem] = []

    def log_type(self) -> LogType:
        top = self.mapping(self.document.data, (), SCHEMA_KEYS)
        content = self.mapping(top.get("content", {}), ("content",), ("keys", "line"))
        fields = self.fields(top.get("fields"), ("fields",))
        self.check_columns(fields)
        parser = self.parser(top.get("parser", {"json": {}}), ("parser",))
        if isinstance(parser, JsonParser) and parser.whole and parser.whole not in {each.name for each in fields}:
            self.problem(("parser", "json", "whole"), f"{parser.whole!r} is no field", "Name a field of type json.")
        return LogType(
            name=self.text(top, "schema", ()),
            version=self.whole(top.get("version", 1), ("version",)),
            description=self.text(top, "description", ()),
            parser=parser,
            fields=fields,
            reference_url=self.optional_text(top, "referenceURL", ()),
            key_pattern=self.pattern(top, "keyPattern", ()),
            content_keys=self.texts(content.get("keys", []), ("content", "keys")),
            content_line=self.pattern(content, "line", ("content",)),
        )

    def parser(self, data: Any, path: Keys) -> Parser:
        outer = self.mapping(data, path, tuple(PARSER_KEYS))
        if len(outer) != 1:
            self.problem(path, "must name one parser", f"Choose one of {', '.join(PARSER_KEYS)}.")
            return JsonParser()
        kind, inner = next(iter(outer.items()))
        options = self.mapping(inner or {}, (*path, kind), PARSER_KEYS.get(kind, ()))
        empty = self.texts(options.get("emptyValues", []), (*path, kind, "emptyValues"))
        if kind == "regex":
            return RegexParser(self.pattern(options, "pattern", (*path, kind), required=True), empty)
        if kind == "delimited":
            return self.delimited(options, (*path, kind), empty)
        return JsonParser(self.optional_text(options, "whole", (*path, kind)))

    def delimited(self, options: Mapping[str, Any], path: Keys, empty: tuple[str, ...]) -> DelimitedParser:
        delimiter = self.text(options, "delimiter", path)
        quote = self.optional_text(options, "quote", path)
        for key, value in (("delimiter", delimiter), ("quote", quote)):
            if len(value.encode()) > 1:
                self.problem((*path, key), "must be one ASCII character", f'Write for example {key}: "|".')
        columns = self.texts(options.get("columns", []), (*path, "columns"))
        header = self.flag(options, "hasHeader", path, default=True)
        if not header and not columns:
            self.problem(path, "a file without header needs columns", "List the wire names under columns.")
        return DelimitedParser(delimiter, columns, header, empty, quote)

    def fields(self, data: Any, path: Keys) -> tuple[Field, ...]:
        if not isinstance(data, list) or not data:
            self.problem(path, "must be a list of fields", "Give each field name, type and description.")
            return ()
        return tuple(self.field(each, (*path, index)) for index, each in enumerate(data))

    def field(self, data: Any, path: Keys) -> Field:
        known = self.mapping(data, path, FIELD_KEYS)
        name = self.text(known, "name", path)
        return self.typed(known, path, name, self.text(known, "description", path))

    def element(self, data: Any, path: Keys) -> Field:
        return self.typed(self.mapping(data, path, FIELD_KEYS), path, "element", "")

    def typed(self, known: Mapping[str, Any], path: Keys, name: str, description: str) -> Field:
        kind = self.choice(known.get("type"), (*path, "type"), FIELD_TYPES, "string")
        rename = self.mapping(known.get("rename", {}), (*path, "rename"), ("from",))
        has_parts = kind == "object" and "fields" in known
        if kind == "array" and "element" not in known:
            self.problem(path, "an array needs an element", "Add element: {type: string}.")
        return Field(
            name=name,
            type=cast(FieldType, kind),
            description=description,
            wire=self.optional_text(rename, "from", (*path, "rename")) or name,
            required=self.flag(known, "required", path),
            event_time=self.event_time(known, kind, path),
            time_formats=self.time_formats(known, path),
            indicators=self.indicators(known, path),
            empty_values=self.texts(known.get("emptyValues", []), (*path, "emptyValues")),
            split=self.optional_text(known, "split", path) or None,
            element=self.element(known["element"], (*path, "element")) if "element" in known else None,
            fields=self.fields(known["fields"], (*path, "fields")) if has_parts else (),
        )

    def event_time(self, known: Mapping[str, Any], kind: str, path: Keys) -> bool:
        is_event_time = self.flag(known, "isEventTime", path)
        if is_event_time and kind != "timestamp":
            self.problem((*path, "isEventTime"), f"a {kind} cannot be the event time", "Use type: timestamp.")
        return is_event_time

    def time_formats(self, known: Mapping[str, Any], path: Keys) -> tuple[str, ...]:
        single = self.optional_text(known, "timeFormat", path)
        formats = self.texts(known.get("timeFormats", [single] if single else ["rfc3339"]), (*path, "timeFormats"))
        for each in formats:
            if each not in TIME_FORMATS and "%" not in each:
                fix = f"Use {', '.join(TIME_FORMATS)} or a strftime pattern."
                self.problem((*path, "timeFormats"), f"{each!r} is no time format", fix)
        return formats

    def indicators(self, known: Mapping[str, Any], path: Keys) -> tuple[str, ...]:
        names = self.texts(known.get("indicators", []), (*path, "indicators"))
        return tuple(self.choice(each, (*path, "indicators"), tuple(INDICATORS), "ip") for each in names)

    def check_columns(self, fields: tuple[Field, ...]) -> None:
        taken = {column.name.lower(): "a standard column" for column in STANDARD_COLUMNS}
        for index, each in enumerate(fields):
            if each.name.lower() in taken:
                message = f"{each.name!r} is also {taken[each.name.lower()]} (letter case does not count)"
                self.problem(("fields", index, "name"), message, "Rename the field.")
            taken[each.name.lower()] = "another field"
        self.check_wire_names(fields)

    def check_wire_names(self, fields: tuple[Field, ...]) -> None:
        seen: set[str] = set()
        for index, each in enumerate(fields):
            if each.wire.lower() in seen:
                message = f"{each.wire!r} is read by another field too (letter case does not count)"
                self.problem(("fields", index), message, "Name another field of the record under rename: {from: …}.")
            seen.add(each.wire.lower())

    def mapping(self, data: Any, path: Keys, allowed: tuple[str, ...]) -> Mapping[str, Any]:
        if not isinstance(data, dict):
            self.problem(path, "must be a mapping", f"Its keys may be {', '.join(allowed)}." if allowed else "")
            return {}
        for key in data.keys() - set(allowed):
            near = get_close_matches(str(key), allowed, 1)
            self.problem(
                (*path, key), "unknown key", f"Did you mean {near[0]}?" if near else f"Use {', '.join(allowed)}."
            )
        return cast(Mapping[str, Any], data)

    def text(self, data: Mapping[str, Any], key: str, path: Keys) -> str:
        if not data.get(key):
            self.problem(path, f"{key} is missing", f"Add {key}: …")
            return ""
        return self.optional_text(data, key, path)

    def optional_text(self, data: Mapping[str, Any], key: str, path: Keys) -> str:
        value = data.get(key, "")
        if isinstance(value, str):
            return value
        self.problem((*path, key), "must be text", "Put it in quotes.")
        return ""

    def texts(self, data: Any, path: Keys) -> tuple[str, ...]:
        values = [data] if isinstance(data, str) else data
        if isinstance(values, list) and all(isinstance(each, str) for each in values):
            return tuple(values)
        self.problem(path, "must be a list of texts", 'Write for example ["-"].')
        return ()

    def flag(self, data: Mapping[str, Any], key: str, path: Keys, *, default: bool = False) -> bool:
        value = data.get(key, default)
        if not isinstance(value, bool):
            self.problem((*path, key), "must be true or false")
            return default
        return value

    def whole(self, value: Any, path: Keys) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        self.problem(path, "must be a whole number")
        return 0

    def choice(self, value: Any, path: Keys, allowed: tuple[str, ...], default: str) -> str:
        if isinstance(value, str) and value in allowed:
            return value
        near = get_close_matches(str(value), allowed, 1)
        self.problem(
            path, f"{value!r} is unknown", f"Did you mean {near[0]}?" if near else f"Use {', '.join(allowed)}."
        )
        return default

    def pattern(self, data: Mapping[str, Any], key: str, path: Keys, *, required: bool = False) -> str:
        """An RE2 pattern, written as one text or as a list of its pieces."""
        if required and not data.get(key):
            self.problem(path, f"{key} is missing", f"Add {key}: …")
        pattern = "".join(self.texts(data.get(key, ""), (*path, key)))
        try:
            re2.compile(pattern, _quiet())
        except re2.error as error:
            self.problem((*path, key), f"not an RE2 pattern: {_reason(error)}", "RE2 has no look-around.")
            return ""
        return pattern

    def problem(self, path: Keys, message: str, fix: str = "") -> None:
        key = ".".join(str(part) for part in path)
        self.problems.append(Problem(self.file, self.document.line(path), key, message, fix))


def _quiet() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    return options


def _reason(error: re2.error) -> str:
    reason = error.args[0] if error.args else b""
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
