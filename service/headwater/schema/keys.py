"""The keys of a schema file: what each may hold and what it means. Read by loader, JSON Schema and docs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headwater.schema.logtype import FIELD_TYPES, INDICATORS

Json = Mapping[str, Any]

TEXT: Json = {"type": "string"}
TEXTS: Json = {"type": "array", "items": TEXT}
TEXT_OR_TEXTS: Json = {"anyOf": [TEXT, TEXTS]}
FLAG: Json = {"type": "boolean"}
COUNT: Json = {"type": "integer", "minimum": 0}
CHARACTER: Json = {"type": "string", "minLength": 1, "maxLength": 1}
BY_NAME: Json = {"type": "object", "additionalProperties": TEXT}


@dataclass(frozen=True, slots=True)
class Key:
    """meaning: one sentence. holds: JSON Schema of the value."""

    meaning: str
    holds: Json
    is_required: bool = False


Keys = Mapping[str, Key]


def mapping_of(keys: Keys) -> Json:
    """The JSON Schema of a mapping with these keys."""
    required = [name for name, key in keys.items() if key.is_required]
    members = {name: {"description": key.meaning, **key.holds} for name, key in keys.items()}
    made: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": members}
    return made | ({"required": required} if required else {})


RENAME: Keys = {"from": Key("Name of the field in the record.", TEXT, is_required=True)}
COPY: Keys = {"from": Key("Path of the value to copy, names joined by dots.", TEXT, is_required=True)}
CONCAT: Keys = {
    "paths": Key("Paths of the values to join; absent ones are left out.", TEXTS, is_required=True),
    "separator": Key("Text between them; default: none.", TEXT),
}
SPLIT: Keys = {
    "from": Key("Path of the text to cut; default: the field's own.", TEXT),
    "separator": Key("Where to cut.", TEXT, is_required=True),
    "index": Key("Which piece, from 0.", COUNT, is_required=True),
}
MASK: Keys = {
    "type": Key(
        "redact puts a fixed text in the place of the value; obfuscate its SHA-256, keyed with the salt.",
        {"enum": ["redact", "obfuscate"]},
        is_required=True,
    ),
    "to": Key("The text that redact puts; default: REDACTED.", TEXT),
    "salt": Key("Key of the hash: equal values stay equal, and nobody without it can try values out.", TEXT),
}
NETWORKS = ("any", "ipv4", "ipv6")
VALIDATE: Keys = {
    "allow": Key("The only texts that may be.", TEXTS),
    "deny": Key("Texts that may not be.", TEXTS),
    "ip": Key("The text must be an IP address.", {"enum": list(NETWORKS)}),
    "cidr": Key("The text must be a CIDR range.", {"enum": list(NETWORKS)}),
}

VALUE: Keys = {
    "type": Key("Type of the value.", {"enum": [*FIELD_TYPES, "ref"]}, is_required=True),
    "target": Key("With type ref: the entry of definitions that is meant.", TEXT),
    "element": Key("What an array holds.", {"$ref": "#/$defs/value"}),
    "fields": Key("The declared parts of an object.", {"type": "array", "items": {"$ref": "#/$defs/field"}}),
    "timeFormat": Key("How a timestamp is written.", {"$ref": "#/$defs/timeFormat"}),
    "timeFormats": Key(
        "How a timestamp is written: several are tried in order.",
        {"anyOf": [{"$ref": "#/$defs/timeFormat"}, {"type": "array", "items": {"$ref": "#/$defs/timeFormat"}}]},
    ),
    "isEventTime": Key("The timestamp says when it happened; of several the first that is not null counts.", FLAG),
    "indicators": Key(
        "Into which p_any_ columns the text is put.", {"type": "array", "items": {"enum": [*INDICATORS]}}
    ),
    "validate": Key("Which texts may be; a row with another one does not fit the schema.", mapping_of(VALIDATE)),
    "isEmbeddedJSON": Key("The value is JSON written as a text; it is opened.", FLAG),
    "emptyValues": Key("Texts that mean no value.", TEXT_OR_TEXTS),
    "trimSpace": Key("Take away the blanks around a text.", FLAG),
    "mask": Key("Hide a secret text.", mapping_of(MASK)),
    "split": Key(
        "Take one piece of a text; for an array: the separator of a list that is written as one text.",
        {"anyOf": [TEXT, mapping_of(SPLIT)]},
    ),
}
FIELD: Keys = {
    "name": Key("Name of the column.", TEXT, is_required=True),
    **VALUE,
    "description": Key("What the value tells.", TEXT),
    "required": Key("A row in which it is absent or null does not fit the schema.", FLAG),
    "rename": Key("The record has it under another name.", mapping_of(RENAME)),
    "copy": Key("The value stands elsewhere in the record, and stays there as well.", mapping_of(COPY)),
    "concat": Key("The value is several values in one text.", mapping_of(CONCAT)),
}

_CLEANING: Keys = {
    "emptyValues": Key("Texts that mean no value.", TEXT_OR_TEXTS),
    "trimSpace": Key("Take away the blanks around every text.", FLAG),
    "expandFields": Key("Further texts by name: templates in which %{name} stands for the text of that name.", BY_NAME),
    "skipPrefix": Key("Lines that begin so are no rows.", TEXT),
    "skipLines": Key("So many lines at the top of each object are no rows.", COUNT),
}
_RECORDS: Keys = {
    **_CLEANING,
    "recordStart": Key("RE2 pattern of lines that begin a record; other lines belong to the one before.", TEXT),
}
PARSERS: Mapping[str, Keys] = {
    "json": {"whole": Key("Name of the one field that takes the record as it is.", TEXT)},
    "fastmatch": {
        "match": Key(
            "Lines with %{field} for each field; the first that fits is taken.", TEXT_OR_TEXTS, is_required=True
        ),
        **_RECORDS,
    },
    "regex": {
        "match": Key("RE2 pattern with named groups or %{PATTERN:field}; a list is put together.", TEXT_OR_TEXTS),
        "pattern": Key("Another word for match.", TEXT_OR_TEXTS),
        "patternDefinitions": Key("Further patterns by name, for %{NAME} in match.", BY_NAME),
        **_RECORDS,
    },
    "csv": {
        "delimiter": Key("The character between two cells; default: a comma.", CHARACTER),
        "hasHeader": Key("The first line names the columns; with columns it is only left out.", FLAG),
        "columns": Key("Names of the columns; an empty name leaves a column out.", TEXTS),
        "quotes": Key(
            "What stands around cells: a character, or false; default: a double quote.", {"type": ["string", "boolean"]}
        ),
        **_CLEANING,
    },
    "delimited": {
        "delimiter": Key("The character between two cells; several blanks count as one.", CHARACTER, is_required=True),
        "hasHeader": Key("A line of known names, in any order, names the columns wherever it stands.", FLAG),
        "columns": Key("Names of the columns of files without such a line.", TEXTS),
        "quote": Key("What stands around cells; default: nothing.", CHARACTER),
        **_CLEANING,
    },
    "native": {"name": Key("A module of headwater/ingest/native.", TEXT, is_required=True), **_RECORDS},
}
CONTENT: Keys = {
    "keys": Key("Keys that every record has, by which it is recognised.", TEXTS),
    "line": Key("RE2 pattern of a typical line, by which it is recognised.", TEXT_OR_TEXTS),
    "columns": Key("Column names of which a header line has at least one.", TEXTS),
    "logGroup": Key("RE2 pattern of the CloudWatch log groups whose records it takes, whatever they hold.", TEXT),
    "logStream": Key("RE2 pattern of the CloudWatch log streams whose records it takes.", TEXT),
}
TOP: Keys = {
    "schema": Key("Name of the log type, such as Custom.Orders.", TEXT, is_required=True),
    "version": Key("Counts up with every change of the schema; default: 1.", COUNT),
    "description": Key("What the log tells.", TEXT),
    "referenceURL": Key("Where the format is described.", TEXT),
    "keyPattern": Key("RE2 pattern of the keys of objects that hold this log.", TEXT_OR_TEXTS),
    "content": Key("How records are recognised whose key does not tell.", mapping_of(CONTENT)),
    "parser": Key(
        "How lines become fields; default: each record is one JSON object.",
        {
            "type": "object",
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
            "properties": {name: mapping_of(keys) for name, keys in PARSERS.items()},
        },
    ),
    "fields": Key(
        "The columns.", {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/field"}}, is_required=True
    ),
    "definitions": Key(
        "Values by name, for type ref.", {"type": "object", "additionalProperties": {"$ref": "#/$defs/value"}}
    ),
    "fieldDiscoveryEnabled": Key("Taken over from Panther and not used: unknown fields are always kept.", FLAG),
}
