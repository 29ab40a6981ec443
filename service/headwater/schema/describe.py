"""A log type as plain data, for commands and for the pages of the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from headwater.schema.logtype import DelimitedParser, Field, JsonParser, LogType, NativeParser, RegexParser


def parser_name(log_type: LogType) -> str:
    """The word for how records are read."""
    match log_type.parser:
        case JsonParser():
            return "json"
        case DelimitedParser():
            return "delimited"
        case RegexParser():
            return "regex"
        case NativeParser(name):
            return f"native: {name}"


def described(log_type: LogType) -> dict[str, Any]:
    """Everything there is to know about a log type."""
    return {
        "name": log_type.name,
        "version": log_type.version,
        "description": log_type.description,
        "reference_url": log_type.reference_url,
        "key_pattern": log_type.key_pattern,
        "parser": parser_name(log_type),
        "fields": [_described(name, field) for name, field in all_fields(log_type.fields)],
    }


def all_fields(fields: Sequence[Field], above: str = "") -> Iterator[tuple[str, Field]]:
    """The fields and their parts, each with its path: detail.userIdentity.arn, resources[].ARN."""
    for field in fields:
        path = f"{above}{field.name}"
        yield path, field
        if field.element is not None:
            yield from all_fields(field.element.fields, f"{path}[].")
        yield from all_fields(field.fields, f"{path}.")


def type_name(field: Field) -> str:
    """`array of string`, `timestamp` …"""
    return f"array of {type_name(field.element)}" if field.type == "array" and field.element else field.type


def indicators_of(field: Field) -> tuple[str, ...]:
    """The indicators of a field, or of what an array holds."""
    return field.indicators or (field.element.indicators if field.element is not None else ())


def _described(path: str, field: Field) -> dict[str, Any]:
    return {
        "name": path,
        "type": type_name(field),
        "required": field.required,
        "event_time": field.event_time,
        "indicators": list(indicators_of(field)),
        "description": field.description,
    }
