"""The JSON Schema for editors says what the loader says."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from headwater.schema.jsonschema import json_schema
from headwater.schema.load import LIBRARY
from headwater.yamlfile import load

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "schemas"
FILES = sorted([*LIBRARY.glob("*/schema.yml"), *EXAMPLES.glob("*/schema.yml")])
VALIDATOR = jsonschema.Draft202012Validator(json_schema())
FIELD = "{name: a, type: string}"


def mistakes(text: str) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(load(text, "schema.yml").data)]


def test_it_is_a_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_it_takes_every_schema_that_we_ship(file: Path) -> None:
    assert mistakes(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"fields: [{FIELD}]", id="no name"),
        pytest.param("schema: A\nfields: []", id="no fields"),
        pytest.param("schema: A\nfields: [{name: a, type: text}]", id="unknown type"),
        pytest.param("schema: A\nfields: [{name: a, type: string, requierd: true}]", id="misspelt key"),
        pytest.param("schema: A\nfields: [{name: a, type: timestamp, timeFormats: [epoch]}]", id="unknown time format"),
        pytest.param("schema: A\nfields: [{name: a, type: string, indicators: [ips]}]", id="unknown indicator"),
        pytest.param("schema: A\nfields: [{name: a, type: string, mask: {}}]", id="mask of no kind"),
        pytest.param(f"schema: A\nparser: {{json: {{}}, csv: {{}}}}\nfields: [{FIELD}]", id="two parsers"),
        pytest.param(f"schema: A\nparser: {{fastmatch: {{}}}}\nfields: [{FIELD}]", id="fastmatch of nothing"),
    ],
)
def test_it_marks_what_the_loader_refuses(text: str) -> None:
    assert mistakes(text) != []
