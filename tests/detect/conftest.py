"""Folders of detections and batches of rows for the tests of this area."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from headwater.detect.load import Pack, load_pack
from headwater.model import Batch

Write = Callable[[Mapping[str, str]], Path]
RuleYaml = Callable[..., str]
BatchOf = Callable[..., Batch]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes files (path → text) below a folder and gives the folder."""

    def write_files(files: Mapping[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
        return tmp_path

    return write_files


@pytest.fixture
def pack_of(write: Write) -> Callable[..., Pack]:
    """Loads a pack of one rule (T.Rule on log type T) from its Python, with more YAML lines and more files."""

    def load(python: str, yaml: str = "", **files: str) -> Pack:
        return load_pack([write({"rule.yml": make_rule_yaml("T.Rule", "rule.py", yaml), "rule.py": python, **files})])

    return load


@pytest.fixture(scope="session")
def rule_yaml() -> RuleYaml:
    """Makes the YAML of an enabled rule on log type T from its id, its Python file and more lines."""
    return make_rule_yaml


@pytest.fixture(scope="session")
def batch_of() -> BatchOf:
    """Makes a batch of rows: mappings and lists become JSON-text columns, as the objects of log types do."""
    return make_batch


def make_rule_yaml(rule_id: str, filename: str, more: str = "") -> str:
    """The YAML of an enabled rule on log type T."""
    head = (
        f"AnalysisType: rule\nRuleID: {rule_id}\nEnabled: true\nSeverity: Medium\nFilename: {filename}\nLogTypes: [T]\n"
    )
    return head + textwrap.dedent(more)


def make_batch(rows: Sequence[Mapping[str, Any]], log_type: str = "T", keys: Sequence[str] = ()) -> Batch:
    """Rows as a batch. keys: columns besides those that the rows have."""
    filled = [
        {
            "p_row_id": f"{number:040x}",
            "p_event_time": "2026-03-01T10:00:00Z",
            "p_account_id": "111122223333",
            "p_log_type": log_type,
            **row,
        }
        for number, row in enumerate(rows)
    ]
    names = dict.fromkeys([*keys, *(name for row in filled for name in row)])
    fields = [_column(name, [row.get(name) for row in filled]) for name in names]
    return Batch(log_type, pa.table([column for _, column in fields], schema=pa.schema([field for field, _ in fields])))


def _column(name: str, values: Sequence[Any]) -> tuple[pa.Field, pa.Array]:
    if any(isinstance(value, dict | list) for value in values):
        texts = pa.array([None if value is None else json.dumps(value) for value in values], pa.string())
        return pa.field(name, pa.string(), metadata={b"json": b"true"}), texts
    array = pa.array(values)
    return (
        (pa.field(name, array.type), array)
        if array.type != pa.null()
        else (pa.field(name, pa.string()), array.cast(pa.string()))
    )
