from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from headwater.errors import SchemaError
from headwater.schema.load import load_library, load_schema
from headwater.schema.logtype import INDICATOR_COLUMNS, Cleaning, DelimitedParser, LogType, RegexParser

MINIMAL = """\
schema: Custom.App
description: An application.
fields:
  - {name: when, type: timestamp, description: When., isEventTime: true}
"""


def _write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "schema.yml"
    path.write_text(text, encoding="utf-8")
    return path


def _load(tmp_path: Path, text: str) -> LogType:
    return load_schema(_write(tmp_path, text))


def _problems(tmp_path: Path, text: str) -> list[tuple[int | None, str, str]]:
    with pytest.raises(SchemaError) as caught:
        _load(tmp_path, text)
    return [(problem.line, problem.key, problem.message) for problem in caught.value.problems]


def test_minimal_schema_is_json(tmp_path: Path) -> None:
    log_type = _load(tmp_path, MINIMAL)

    assert (log_type.name, log_type.version, log_type.fields[0].wire) == ("Custom.App", 1, "when")
    assert log_type.fields[0].event_time


@pytest.mark.parametrize(
    ("field", "expected", "is_json"),
    [
        pytest.param("type: string", pa.string(), False, id="string"),
        pytest.param("type: smallint", pa.int64(), False, id="smallint"),
        pytest.param("type: bigint", pa.int64(), False, id="bigint"),
        pytest.param("type: float", pa.float64(), False, id="float"),
        pytest.param("type: boolean", pa.bool_(), False, id="boolean"),
        pytest.param("type: timestamp", pa.timestamp("us", "UTC"), False, id="timestamp"),
        pytest.param("type: json", pa.string(), True, id="json"),
        pytest.param(
            "type: object, fields: [{name: a, type: string, description: A.}]", pa.string(), True, id="object"
        ),
        pytest.param("type: array, element: {type: bigint}", pa.list_(pa.int64()), False, id="array of scalars"),
        pytest.param("type: array, element: {type: json}", pa.string(), True, id="array of json"),
        pytest.param(
            "type: array, element: {type: array, element: {type: string}}", pa.string(), True, id="array of arrays"
        ),
    ],
)
def test_types_map_to_arrow(tmp_path: Path, field: str, expected: pa.DataType, is_json: bool) -> None:
    log_type = _load(tmp_path, f"{MINIMAL}  - {{name: x, description: X., {field}}}\n")

    column = log_type.arrow_schema.field("x")
    assert column.type == expected
    assert (b"json" in column.metadata) is is_json


def test_standard_columns_follow_the_declared_ones(tmp_path: Path) -> None:
    names = _load(tmp_path, MINIMAL).arrow_schema.names

    assert names[:3] == ["when", "p_log_type", "p_event_time"]
    assert names[-2:] == ["p_enrichment", "p_unmapped"]
    assert names[-15:-2] == list(INDICATOR_COLUMNS)


def test_parsers_are_read(tmp_path: Path) -> None:
    delimited = _load(
        tmp_path / "a", MINIMAL + 'parser:\n  delimited: {delimiter: ",", hasHeader: false, columns: [when]}\n'
    )
    regex = _load(tmp_path / "b", MINIMAL + "parser:\n  regex: {pattern: ['^(?P<when>', '.*)$'], emptyValues: ['-']}\n")

    assert delimited.parser == DelimitedParser(",", ("when",), header="none")
    assert regex.parser == RegexParser(("^(?P<when>.*)$",), Cleaning(("-",)))


@pytest.mark.parametrize(
    ("text", "line", "key", "message"),
    [
        pytest.param(
            "description: x\n"
            + MINIMAL.replace("schema: Custom.App\n", "", 1).replace("description: An application.\n", ""),
            1,
            "",
            "schema is missing",
            id="no name",
        ),
        pytest.param(MINIMAL + "keyPatern: x\n", 5, "keyPatern", "unknown key", id="misspelt key"),
        pytest.param(
            MINIMAL + "keyPattern: '(?=x)'\n",
            5,
            "keyPattern",
            "not an RE2 pattern: invalid perl operator: (?=",
            id="look-around",
        ),
        pytest.param(
            MINIMAL + "  - {name: x, type: text, description: X.}\n",
            5,
            "fields.1.type",
            "'text' is unknown",
            id="unknown type",
        ),
        pytest.param(
            MINIMAL + "  - {name: x, type: string, description: X., indicators: [ips]}\n",
            5,
            "fields.1.indicators",
            "'ips' is unknown",
            id="unknown indicator",
        ),
        pytest.param(
            MINIMAL + "  - {name: x, type: string, description: X., isEventTime: true}\n",
            5,
            "fields.1.isEventTime",
            "a string cannot be the event time",
            id="event time of text",
        ),
        pytest.param(
            MINIMAL + "  - {name: WHEN, type: string, description: X., rename: {from: y}}\n",
            5,
            "fields.1.name",
            "'WHEN' is also another field (letter case does not count)",
            id="same name in other case",
        ),
        pytest.param(
            MINIMAL + "  - {name: p_row_id, type: string, description: X.}\n",
            5,
            "fields.1.name",
            "'p_row_id' is also a standard column (letter case does not count)",
            id="standard name",
        ),
        pytest.param(
            MINIMAL + "  - {name: x, type: string, description: X., rename: {from: When}}\n",
            5,
            "fields.1",
            "'When' is read by another field too (letter case does not count)",
            id="same wire name",
        ),
        pytest.param(
            MINIMAL + "  - {name: x, type: array, description: X.}\n",
            5,
            "fields.1",
            "an array needs an element",
            id="array of nothing",
        ),
        pytest.param(
            MINIMAL + "  - {name: x, type: timestamp, description: X., timeFormat: epoch}\n",
            5,
            "fields.1.timeFormats",
            "'epoch' is no time format",
            id="unknown time format",
        ),
        pytest.param(MINIMAL + "parser: {xml: {}}\n", 5, "parser.xml", "unknown key", id="unknown parser"),
        pytest.param(
            MINIMAL + "parser: {json: {}, regex: {pattern: x}}\n", 5, "parser", "must name one parser", id="two parsers"
        ),
        pytest.param(
            MINIMAL + "parser: {delimited: {delimiter: '::'}}\n",
            5,
            "parser.delimited.delimiter",
            "must be one ASCII character",
            id="long delimiter",
        ),
        pytest.param(MINIMAL + "version: one\n", 5, "version", "must be a whole number", id="version in words"),
        pytest.param(
            MINIMAL + "  - {name: x, type: string, copy: {}}\n",
            5,
            "fields.1.copy",
            "from is missing",
            id="copy from nowhere",
        ),
        pytest.param(
            MINIMAL + "  - {name: x, type: string, copy: {from: a..b}}\n",
            5,
            "fields.1.copy.from",
            "'a..b' is no path",
            id="broken path",
        ),
        pytest.param(
            MINIMAL + "  - {name: x, type: string, copy: {from: a}, rename: {from: b}}\n",
            5,
            "fields.1.copy",
            "stands beside rename",
            id="two origins",
        ),
        pytest.param(
            MINIMAL + "  - {name: x, type: string, concat: {separator: x}}\n",
            5,
            "fields.1.concat",
            "paths is missing",
            id="concat of nothing",
        ),
        pytest.param(
            MINIMAL + "  - {name: x, type: string, split: {separator: x}}\n",
            5,
            "fields.1.split",
            "index is missing",
            id="split without index",
        ),
        pytest.param(
            MINIMAL + "  - {name: x, type: string, split: x}\n",
            5,
            "fields.1.split",
            "is a list's separator",
            id="separator of a text",
        ),
        pytest.param(
            MINIMAL + "  - {name: x, type: string, mask: {type: hash}}\n",
            5,
            "fields.1.mask.type",
            "'hash' is unknown",
            id="unknown mask",
        ),
        pytest.param(
            MINIMAL + "  - {name: x, type: string, validate: {ip: v4}}\n",
            5,
            "fields.1.validate.ip",
            "'v4' is unknown",
            id="unknown kind of address",
        ),
        pytest.param(
            MINIMAL + "  - {name: x, type: string, validate: {pattern: x}}\n",
            5,
            "fields.1.validate.pattern",
            "unknown key",
            id="unknown rule",
        ),
        pytest.param(
            MINIMAL + "  - {name: x, type: string, isEmbeddedJSON: true}\n",
            5,
            "fields.1.isEmbeddedJSON",
            "a string is no JSON",
            id="embedded text",
        ),
        pytest.param(
            MINIMAL + "  - {name: x, type: string, trimSpace: yes}\n",
            5,
            "fields.1.trimSpace",
            "must be true or false",
            id="flag in words",
        ),
        pytest.param(
            MINIMAL + "  - {name: x, type: string, emptyValues: {a: b}}\n",
            5,
            "fields.1.emptyValues",
            "must be a list of texts",
            id="no list",
        ),
        pytest.param(
            MINIMAL + "  - {name: x, type: int, mask: {type: redact}}\n",
            5,
            "fields.1.mask",
            "a int cannot be masked",
            id="masked number",
        ),
        pytest.param(
            MINIMAL + "  - {name: x, type: int, validate: {allow: [a]}}\n",
            5,
            "fields.1.validate",
            "a int cannot be validated",
            id="validated number",
        ),
        pytest.param(
            MINIMAL + "  - {name: x, type: ref}\n", 5, "fields.1.type", "'' is not defined", id="ref to nothing"
        ),
        pytest.param(
            MINIMAL + "  - {name: x, type: ref, target: Y}\n",
            5,
            "fields.1.target",
            "'Y' is not defined",
            id="ref to something unknown",
        ),
        pytest.param(
            MINIMAL + "definitions: {A: {type: array, element: {type: ref, target: A}}}\n",
            5,
            "definitions.A.element.target",
            "A is made of itself",
            id="circle of definitions",
        ),
        pytest.param(
            MINIMAL + "definitions: {A: {type: txt}}\n",
            5,
            "definitions.A.type",
            "'txt' is unknown",
            id="wrong definition",
        ),
        pytest.param(MINIMAL + "definitions: [A]\n", 5, "definitions", "must be a mapping", id="list of definitions"),
        pytest.param(
            MINIMAL + "parser: {fastmatch: {}}\n", 5, "parser.fastmatch", "match is missing", id="fastmatch of nothing"
        ),
        pytest.param(
            MINIMAL + "parser: {fastmatch: {match: ['%{a}%{b}']}}\n",
            5,
            "parser.fastmatch.match.0",
            "the pattern has no text between %{a} and the next field",
            id="fields without a delimiter",
        ),
        pytest.param(
            MINIMAL + "parser: {fastmatch: {match: [plain]}}\n",
            5,
            "parser.fastmatch.match.0",
            "the pattern names no field",
            id="fastmatch without fields",
        ),
        pytest.param(
            MINIMAL + "parser: {regex: {match: '%{NOPE:a}'}}\n",
            5,
            "parser.regex.match",
            "no pattern 'NOPE'",
            id="unknown pattern",
        ),
        pytest.param(
            MINIMAL + "parser: {regex: {match: '%{A:a}', patternDefinitions: {A: '%{A}'}}}\n",
            5,
            "parser.regex.match",
            "pattern A is made of itself",
            id="pattern of itself",
        ),
        pytest.param(
            MINIMAL + "parser: {regex: {match: '(a)'}}\n",
            5,
            "parser.regex.match",
            "has no named group",
            id="regex without fields",
        ),
        pytest.param(
            MINIMAL + "parser: {regex: {match: '(?P<a>(?!x))'}}\n",
            5,
            "parser.regex.match",
            "not an RE2 pattern: invalid perl operator: (?!",
            id="look-ahead",
        ),
        pytest.param(
            MINIMAL + "parser: {csv: {}}\n",
            5,
            "parser.csv",
            "a file without header needs columns",
            id="csv without columns",
        ),
        pytest.param(
            MINIMAL + "parser: {csv: {hasHeader: true, skipLines: -1}}\n",
            5,
            "parser.csv.skipLines",
            "must be a whole number",
            id="negative count",
        ),
        pytest.param(
            MINIMAL + "parser: {csv: {hasHeader: true, expandFields: [a]}}\n",
            5,
            "parser.csv.expandFields",
            "must be texts by name",
            id="templates without names",
        ),
        pytest.param(
            MINIMAL + "parser: {native: {name: nope}}\n",
            5,
            "parser.native.name",
            "there is no native parser 'nope'",
            id="unknown native parser",
        ),
        pytest.param(MINIMAL + "parser: {script: {function: x}}\n", 5, "parser.script", "unknown key", id="script"),
        pytest.param("- schema\n", 1, "", "must be a mapping", id="not a mapping"),
    ],
)
def test_mistake_is_told_with_its_line(tmp_path: Path, text: str, line: int, key: str, message: str) -> None:
    assert (line, key, message) in _problems(tmp_path, text)


def test_mistake_is_told_with_its_column_and_its_fix(tmp_path: Path) -> None:
    with pytest.raises(SchemaError) as caught:
        _load(tmp_path, MINIMAL + "  - {name: x, type: strng}\n")

    (problem,) = caught.value.problems
    assert str(problem) == f"{tmp_path}/schema.yml:5:15:fields.1.type: 'strng' is unknown Fix: Did you mean string?"


def test_broken_yaml_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=r"schema\.yml:2:10: not YAML"):
        _load(tmp_path, "schema: A\nfields: {]\n")


def test_panther_schema_loads_as_it_is(tmp_path: Path) -> None:
    log_type = _load(
        tmp_path,
        """\
version: 0
schema: Custom.SampleSchema
referenceURL: https://example.com
fieldDiscoveryEnabled: true
parser:
  csv:
    delimiter: ','
    hasHeader: true
fields:
- name: action
  type: string
  required: true
- name: time
  type: timestamp
  timeFormats:
   - unix
""",
    )

    assert [(each.name, each.type, each.required) for each in log_type.fields] == [
        ("action", "string", True),
        ("time", "timestamp", False),
    ]


def test_every_mistake_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    text = MINIMAL + "  - {name: a, type: nothing, indicators: [x]}\n  - {name: b, type: string, requierd: true}\n"

    assert [line for line, _, _ in _problems(tmp_path, text)] == [5, 5, 6]


def test_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    _write(tmp_path / "a", "schema: A\n")
    _write(tmp_path / "b", "]")

    with pytest.raises(SchemaError) as caught:
        load_library([tmp_path])

    assert {Path(problem.file).parent.name for problem in caught.value.problems} == {"a", "b"}


def test_folders_add_log_types_to_the_library(tmp_path: Path) -> None:
    _write(tmp_path / "Custom.App", MINIMAL)

    library = load_library([tmp_path])

    assert {"Custom.App", "AWS.CloudTrail"} <= set(library)


def test_files_of_a_folder_are_schemas_whatever_their_names(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "app.yaml").write_text(MINIMAL)
    (tmp_path / "app_tests.yml").write_text("name: a test of Panther's tool\n")
    (tmp_path / "one.yml").write_text(MINIMAL.replace("Custom.App", "Custom.One"))

    assert {"Custom.App", "Custom.One"} <= set(load_library([tmp_path]))
    assert "Custom.One" in load_library([tmp_path / "one.yml"])


def test_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="cannot be read"):
        load_library([tmp_path / "absent.yml"])


def test_second_schema_of_a_name_is_refused(tmp_path: Path) -> None:
    _write(tmp_path, MINIMAL.replace("Custom.App", "AWS.ALB"))

    with pytest.raises(SchemaError, match=r"AWS\.ALB is defined twice"):
        load_library([tmp_path])
