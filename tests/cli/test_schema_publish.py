"""schema publish: new fields reach the lake, and refused edits change nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Headwater = Callable[..., Any]
FIRST = "schema: Custom.App\nversion: 1\ndescription: D.\nfields:\n  - {name: a, type: string, description: A.}\n"
SECOND = FIRST.replace("version: 1", "version: 2") + "  - {name: b, type: int, description: B.}\n"


@pytest.fixture
def published(headwater: Headwater, tmp_path: Path) -> Headwater:
    """The command with a folder of schemas, of which one is published and has rows."""
    (tmp_path / "schemas").mkdir()
    (tmp_path / "app.yml").write_text(FIRST)
    (tmp_path / "app.json").write_text('{"a": "x", "b": 1}\n')

    def run(*arguments: str | Path) -> Any:
        return headwater(*arguments, HEADWATER_SCHEMAS=json.dumps([str(tmp_path / "schemas")]))

    assert run("schema", "publish", "app.yml").code == 0
    assert run("ingest", tmp_path / "app.json", "--log-type", "Custom.App").code == 0
    return run


def test_new_field_becomes_a_column(published: Headwater, tmp_path: Path) -> None:
    (tmp_path / "app.yml").write_text(SECOND)

    ran = published("schema", "publish", "app.yml")

    assert ran.code == 0, ran.err
    assert "logs.custom_app has 1 new columns: b." in ran.out
    assert (tmp_path / "schemas" / "Custom.App.yml").read_text() == SECOND
    rows = published("query", "SELECT a, b FROM logs.custom_app", "-o", "json").json
    assert rows == [{"a": "x", "b": None}]


def test_refused_edit_changes_nothing(published: Headwater, tmp_path: Path) -> None:
    (tmp_path / "app.yml").write_text(FIRST.replace("type: string", "type: int"))

    ran = published("schema", "publish", "app.yml")

    assert ran.code == 2
    assert "string became int" in ran.err
    assert (tmp_path / "schemas" / "Custom.App.yml").read_text() == FIRST


def test_built_in_type_is_not_replaced(published: Headwater, tmp_path: Path) -> None:
    (tmp_path / "app.yml").write_text(FIRST.replace("Custom.App", "AWS.VPCFlow"))

    ran = published("schema", "publish", "app.yml")

    assert ran.code == 2
    assert "built-in" in ran.err


def test_without_a_folder_nothing_is_published(headwater: Headwater, tmp_path: Path) -> None:
    (tmp_path / "app.yml").write_text(FIRST)

    ran = headwater("schema", "publish", "app.yml")

    assert ran.code == 2
    assert "HEADWATER_SCHEMAS" in ran.err
