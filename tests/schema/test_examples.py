"""The example schemas of the documentation, held to their samples (HEADWATER_UPDATE_GOLDEN=1 makes the rows anew)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headwater.ingest.check import check
from headwater.ingest.decode import decode
from headwater.model import ObjectRef, Source
from headwater.schema.load import load_library, load_schema

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "schemas"
FOLDERS = sorted(EXAMPLES.iterdir())
NOW = datetime(2026, 2, 4, tzinfo=UTC)
SOURCE = Source("111122223333", "payments", "app", "example-logs-111122223333")


def _lines(folder: Path) -> Iterator[dict[str, Any]]:
    """The rows of the sample, then what was rejected."""
    chunks = decode([(folder / "sample.log").read_bytes()], max_bytes=1 << 20)
    checked = check(load_schema(folder / "schema.yml"), ObjectRef("b", "sample.log"), SOURCE, chunks, NOW, 100)
    yield from checked.events
    yield from ({"reject": each.reason, "row": each.row, "raw": each.raw} for each in checked.rejects)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_samples_of_examples_give_the_golden_rows(folder: Path) -> None:
    golden = folder / "golden.jsonl"

    lines = list(_lines(folder))

    if os.environ.get("HEADWATER_UPDATE_GOLDEN") == "1":
        golden.write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines), encoding="utf-8")
    assert lines == [json.loads(line) for line in golden.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_samples_of_examples_fill_every_column(folder: Path) -> None:
    rows = [json.loads(line) for line in (folder / "golden.jsonl").read_text(encoding="utf-8").splitlines()]
    filled = {name for row in rows if "reject" not in row for name in row}

    missing = {field.name for field in load_schema(folder / "schema.yml").fields} - filled

    assert missing == set()


def test_examples_stand_beside_the_library() -> None:
    assert {folder.name for folder in FOLDERS} <= set(load_library([EXAMPLES]))
