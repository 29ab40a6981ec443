"""Which edits of a schema stored rows allow."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.schema.evolve import Difference, differences, is_allowed
from headwater.schema.load import load_schema

OLD = """
schema: Custom.App
version: 2
description: Rows of an app.
fields:
  - {name: time, type: timestamp, required: true, isEventTime: true, description: When.}
  - {name: status, type: int, description: Status code.}
  - {name: note, type: string, description: A note.}
  - name: user
    type: object
    description: Who.
    fields:
      - {name: id, type: string, description: Id.}
  - name: items
    type: array
    description: What.
    element:
      type: object
      fields:
        - {name: size, type: int, description: Size.}
"""


def diff(tmp_path: Path, old: str, new: str) -> tuple[Difference, ...]:
    """The differences of two schemas given as YAML."""
    paths = [tmp_path / "old.yml", tmp_path / "new.yml"]
    for path, text in zip(paths, (old, new), strict=True):
        path.write_text(text)
    return differences(load_schema(paths[0]), load_schema(paths[1]))


NOTE = "  - {name: note, type: string, description: A note.}\n"


@pytest.mark.parametrize(
    ("old", "new", "path", "change", "allowed"),
    [
        ("version: 2", "version: 3", "version", "changed", True),
        ("version: 2", "version: 1", "version", "changed", False),
        ("Custom.App", "Custom.Other", "schema", "renamed", False),
        ("Rows of an app.", "Rows of the app.", "description", "changed", True),
        ("A note.", "Some note.", "note.description", "changed", True),
        (NOTE, NOTE + NOTE.replace("note", "hint"), "hint", "added", True),
        (NOTE, NOTE + "  - {name: hint, type: string, required: true, description: H.}\n", "hint", "added", False),
        (NOTE, "", "note", "removed", False),
        (NOTE, NOTE.replace("string", "int"), "note", "retyped", False),
        (NOTE, NOTE.replace("string", "json"), "note", "retyped", False),
        (
            "type: string, description: A",
            "type: string, indicators: [ip], description: A",
            "note.indicators",
            "c",
            True,
        ),
        (
            "type: string, description: A",
            "type: string, rename: {from: n}, description: A",
            "note.rename.from",
            "c",
            True,
        ),
        ("type: timestamp, required: true,", "type: timestamp,", "time.required", "changed", True),
        ("type: string, description: A", "type: string, required: true, description: A", "note.required", "c", False),
        ("isEventTime: true, ", "", "time.isEventTime", "changed", True),
        ("isEventTime: true, ", "isEventTime: true, timeFormats: [unix], ", "time.timeFormats", "changed", True),
        ("status, type: int", "status, type: bigint", "status", "retyped", True),
        ("status, type: int", "status, type: float", "status", "retyped", False),
        ("{name: id, type: string", "{name: id, type: int", "user.id", "retyped", False),
        ("{name: size, type: int", "{name: size, type: string", "items[].size", "retyped", False),
        (
            "fields:\n  - {name: time",
            "parser: {regex: {pattern: '(?P<note>.*)'}}\nfields:\n  - {name: time",
            "parser",
            "c",
            True,
        ),
    ],
)
def test_each_edit_has_its_verdict(tmp_path: Path, old: str, new: str, path: str, change: str, allowed: bool) -> None:
    assert OLD.count(old) >= 1

    found = diff(tmp_path, OLD, OLD.replace(old, new, 1))

    assert [(each.path, each.change.startswith(change[0]), each.allowed) for each in found] == [(path, True, allowed)]
    assert is_allowed(found) is allowed


def test_same_schema_has_no_differences(tmp_path: Path) -> None:
    assert diff(tmp_path, OLD, OLD) == ()


def test_renamed_field_is_told_as_such(tmp_path: Path) -> None:
    renamed = NOTE.replace("name: note, type: string", "name: remark, rename: {from: note}, type: string")

    found = diff(tmp_path, OLD, OLD.replace(NOTE, renamed))

    assert [(each.path, each.change, each.allowed) for each in found] == [
        ("note", "removed", False),
        ("remark", "added", True),
    ]
    assert "renamed to remark" in found[0].message


def test_new_field_that_differs_by_letter_case_is_refused(tmp_path: Path) -> None:
    found = diff(tmp_path, OLD, OLD.replace(NOTE, NOTE.replace("note", "Note")))

    assert [each.allowed for each in found] == [False, False]


def test_object_may_become_json_for_it_is_stored_the_same_way(tmp_path: Path) -> None:
    old = OLD.replace("    fields:\n      - {name: id, type: string, description: Id.}\n", "")

    found = diff(tmp_path, old, old.replace("type: object\n    description: Who", "type: json\n    description: Who"))

    assert [(each.path, each.change, each.allowed) for each in found] == [("user", "retyped", True)]
