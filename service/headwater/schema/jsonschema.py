"""The JSON Schema of schema files, for editors; made from the same keys that the loader knows."""

from __future__ import annotations

from typing import Any

from headwater.schema.keys import FIELD, TOP, VALUE, mapping_of
from headwater.schema.timeformats import BUILT_IN

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TIME_FORMAT = {"anyOf": [{"enum": list(BUILT_IN)}, {"type": "string", "pattern": "%", "description": "strftime"}]}


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a schema file."""
    described = {key: FIELD[key] for key in (*VALUE, "description")}
    return {
        "$schema": DIALECT,
        "title": "Headwater log type",
        **mapping_of(TOP),
        "$defs": {
            "field": mapping_of(FIELD),
            "value": mapping_of(described),
            "timeFormat": TIME_FORMAT,
        },
    }
