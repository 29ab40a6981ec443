"""The `fields` and `definitions` of a schema file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from headwater.schema.keys import CONCAT, COPY, FIELD, MASK, NETWORKS, RENAME, SPLIT, VALIDATE, VALUE
from headwater.schema.keys import Keys as KnownKeys
from headwater.schema.logtype import (
    FIELD_TYPES,
    INDICATORS,
    STANDARD_COLUMNS,
    Concat,
    Field,
    FieldType,
    Mask,
    Piece,
    Route,
    Validation,
)
from headwater.schema.timeformats import BUILT_IN, problem_of
from headwater.schema.walk import Walk
from headwater.yamlfile import Path as At

MAX_DEPTH = 50  # fields inside each other
HARMLESS = Field("", "string", "", "")


class FieldReader:
    """Reads fields; definitions are read where a ref names them, and once more on their own for their mistakes."""

    def __init__(self, walk: Walk, definitions: Any) -> None:
        self.walk = walk
        self.definitions: Mapping[str, Any] = definitions if isinstance(definitions, dict) else {}
        if not isinstance(definitions, dict):
            walk.problem(("definitions",), "must be a mapping", "Write each value under its name.")
        self.inside: tuple[str, ...] = ()  # the definitions that are being read
        for name, data in self.definitions.items():
            self.inside = (name,)
            self._value(walk.mapping(data, ("definitions", name), VALUE), ("definitions", name), name)
        self.inside = ()

    def fields(self, data: Any, at: At) -> tuple[Field, ...]:
        """The fields of a log type or of an object."""
        if not isinstance(data, list) or not data:
            self.walk.problem(at, "must be a list of fields", "Give each field name, type and description.")
            return ()
        return tuple(self._field(each, (*at, index)) for index, each in enumerate(data))

    def _field(self, data: Any, at: At) -> Field:
        if len(at) > MAX_DEPTH:
            self.walk.problem(at, "lies too deep", "Use type: json.")
            return HARMLESS
        known = self.walk.mapping(data, at, FIELD)
        name = self.walk.text(known, "name", at)
        value = self._value(known, at, name)
        moved = self._moved(known, value, at)
        return replace(
            moved, description=self.walk.text(known, "description", at), required=self.walk.flag(known, "required", at)
        )

    def _moved(self, known: Mapping[str, Any], value: Field, at: At) -> Field:
        """The field with where its value comes from."""
        rename = self.walk.part(known, "rename", at, RENAME)
        copy = self.walk.part(known, "copy", at, COPY)
        concat = self.walk.part(known, "concat", at, CONCAT)
        given = [key for key in ("rename", "copy", "concat") if key in known]
        if len(given) > 1:
            self.walk.problem((*at, given[1]), f"stands beside {given[0]}", "A value comes from one place: choose one.")
        wire = self.walk.text(rename, "from", (*at, "rename")) if rename else ""
        return replace(
            value,
            wire=wire or value.name,
            copy=self._route(copy, "from", (*at, "copy")) if copy else (),
            concat=self._concat(concat, (*at, "concat")) if concat else None,
        )

    def _concat(self, data: Mapping[str, Any], at: At) -> Concat | None:
        paths = self.walk.texts(data, "paths", at)
        routes = tuple(self._as_route(path, (*at, "paths")) for path in paths)
        return Concat(routes, self.walk.text(data, "separator", at)) if routes and all(routes) else None

    def _route(self, data: Mapping[str, Any], key: str, at: At) -> Route:
        text = self.walk.text(data, key, at)
        return self._as_route(text, (*at, key)) if text else ()

    def _as_route(self, path: str, at: At) -> Route:
        names = tuple(path.split("."))
        if all(names):
            return names
        self.walk.problem(at, f"{path!r} is no path", "Join names by single dots: user.name.")
        return ()

    def _value(self, known: Mapping[str, Any], at: At, name: str) -> Field:
        kind = known.get("type")
        if kind is None:
            return replace(HARMLESS, name=name, wire=name)  # told as missing
        kind = self.walk.choice(kind, (*at, "type"), (*FIELD_TYPES, "ref"), "string")
        if kind == "ref":
            return self._reference(known, at, name)
        masked = self._mask(known, kind, at)
        separator, piece = self._split(known, kind, at)
        return Field(
            name=name,
            type=cast(FieldType, kind),
            description="",
            wire=name,
            event_time=self._event_time(known, kind, at),
            time_formats=self._time_formats(known, at),
            indicators=self._indicators(known, at),
            empty_values=self.walk.texts(known, "emptyValues", at),
            split=separator,
            piece=piece,
            element=self._element(known, kind, at),
            fields=self.fields(known["fields"], (*at, "fields")) if kind == "object" and "fields" in known else (),
            trim=self.walk.flag(known, "trimSpace", at),
            embedded=self._embedded(known, kind, at),
            validation=self._validation(known, kind, at),
            mask=masked,
        )

    def _reference(self, known: Mapping[str, Any], at: At, name: str) -> Field:
        target = self.walk.text(known, "target", at)
        if target in self.inside:
            self.walk.problem((*at, "target"), f"{target} is made of itself", "Use type: json at one place.")
            return replace(HARMLESS, name=name, wire=name)
        if target not in self.definitions:
            defined = ", ".join(self.definitions) or "none is there"
            self.walk.problem(
                (*at, "target" if target else "type"), f"{target!r} is not defined", f"Definitions: {defined}."
            )
            return replace(HARMLESS, name=name, wire=name)
        own = {key: value for key, value in known.items() if key in VALUE and key not in ("type", "target")}
        definition = self.definitions[target]
        merged = {**definition, **own} if isinstance(definition, dict) else own
        noted = len(self.walk.problems)
        self.inside = (*self.inside, target)
        value = self._value(merged, at, name)
        self.inside = self.inside[:-1]
        told = [problem for problem in self.walk.problems[noted:] if "made of itself" in problem.message or own]
        del self.walk.problems[noted:]
        self.walk.problems += told
        return value

    def _element(self, known: Mapping[str, Any], kind: str, at: At) -> Field | None:
        if kind != "array":
            return None
        if "element" not in known:
            self.walk.problem(at, "an array needs an element", "Add element: {type: string}.")
            return None
        inner = self.walk.mapping(known["element"], (*at, "element"), _ELEMENT)
        return self._value(inner, (*at, "element"), "element")

    def _event_time(self, known: Mapping[str, Any], kind: str, at: At) -> bool:
        is_event_time = self.walk.flag(known, "isEventTime", at)
        if is_event_time and kind != "timestamp":
            self.walk.problem((*at, "isEventTime"), f"a {kind} cannot be the event time", "Use type: timestamp.")
        return is_event_time

    def _time_formats(self, known: Mapping[str, Any], at: At) -> tuple[str, ...]:
        key = "timeFormats" if "timeFormats" in known else "timeFormat"
        formats = self.walk.texts(known, key, at) or ("rfc3339",)
        for each in formats:
            if (reason := problem_of(each)) is not None:
                fix = f"Use {', '.join(BUILT_IN)} or a strftime pattern."
                self.walk.problem((*at, "timeFormats"), f"{each!r} {reason}", fix)
        return formats

    def _indicators(self, known: Mapping[str, Any], at: At) -> tuple[str, ...]:
        names = self.walk.texts(known, "indicators", at)
        return tuple(self.walk.choice(each, (*at, "indicators"), INDICATORS, "ip") for each in names)

    def _embedded(self, known: Mapping[str, Any], kind: str, at: At) -> bool:
        embedded = self.walk.flag(known, "isEmbeddedJSON", at)
        if embedded and kind not in ("object", "array", "json"):
            self.walk.problem((*at, "isEmbeddedJSON"), f"a {kind} is no JSON", "Use type: object, array or json.")
        return embedded

    def _split(self, known: Mapping[str, Any], kind: str, at: At) -> tuple[str | None, Piece | None]:
        value = known.get("split")
        if value is None:
            return None, None
        if isinstance(value, str):
            if kind != "array" or not value:
                self.walk.problem((*at, "split"), "is a list's separator", "Write split: {separator: …, index: 0}.")
            return value, None
        data = self.walk.mapping(value, (*at, "split"), SPLIT)
        index = self.walk.count(data, "index", (*at, "split"))
        separator = self.walk.text(data, "separator", (*at, "split"))
        return None, Piece(self._route(data, "from", (*at, "split")), separator, index) if separator else None

    def _validation(self, known: Mapping[str, Any], kind: str, at: At) -> Validation | None:
        data = self.walk.part(known, "validate", at, VALIDATE)
        if data is None:
            return None
        at = (*at, "validate")
        if kind != "string":
            self.walk.problem(at, f"a {kind} cannot be validated", "Use type: string.")
        ip, cidr = (
            self.walk.choice(data[key], (*at, key), NETWORKS, "any") if key in data else "" for key in ("ip", "cidr")
        )
        return Validation(self.walk.texts(data, "allow", at), self.walk.texts(data, "deny", at), ip, cidr)

    def _mask(self, known: Mapping[str, Any], kind: str, at: At) -> Mask | None:
        data = self.walk.part(known, "mask", at, MASK)
        if data is None:
            return None
        at = (*at, "mask")
        if kind != "string":
            self.walk.problem(at, f"a {kind} cannot be masked", "Use type: string.")
        way = self.walk.choice(data.get("type"), (*at, "type"), ("redact", "obfuscate"), "redact")
        to = self.walk.text(data, "to", at) or "REDACTED"
        return Mask("obfuscate" if way == "obfuscate" else "redact", to, self.walk.text(data, "salt", at))


_ELEMENT: KnownKeys = {name: FIELD[name] for name in FIELD if name in VALUE or name == "description"}


def check_columns(walk: Walk, fields: tuple[Field, ...]) -> None:
    """Note names that come twice, whatever their letter case, as columns or as keys of the record."""
    taken = {column.name.lower(): "a standard column" for column in STANDARD_COLUMNS}
    read: set[str] = set()
    for index, each in enumerate(fields):
        if each.name.lower() in taken:
            message = f"{each.name!r} is also {taken[each.name.lower()]} (letter case does not count)"
            walk.problem(("fields", index, "name"), message, "Rename the field.")
        taken[each.name.lower()] = "another field"
        if each.reads_own and each.wire.lower() in read:
            message = f"{each.wire!r} is read by another field too (letter case does not count)"
            walk.problem(("fields", index), message, "Name another field of the record under rename: {from: …}.")
        if each.reads_own:
            read.add(each.wire.lower())
