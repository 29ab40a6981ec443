"""Every log type of the library, held to its samples. HEADWATER_UPDATE_GOLDEN=1 writes the golden files anew."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from headwater.ingest.classify import classify
from headwater.ingest.decode import decode
from headwater.ingest.parse import Part, parse
from headwater.ingest.rows import row_dicts
from headwater.model import ObjectRef, Source
from headwater.schema.load import LIBRARY
from headwater.schema.logtype import LogType

FOLDERS = sorted(path.parent for path in LIBRARY.glob("*/schema.yml"))
UPDATE = os.environ.get("HEADWATER_UPDATE_GOLDEN") == "1"


def _lines(folder: Path, library: Mapping[str, LogType], source: Source, now: datetime) -> Iterator[dict[str, Any]]:
    """The rows of all samples of a log type, then what was rejected."""
    rejects: list[dict[str, Any]] = []
    for sample in sorted(folder.glob("sample*")):
        for chunk in decode([sample.read_bytes()], max_bytes=1 << 20):
            log_type = classify("", chunk, library, ())
            if log_type is None:
                rejects += [{"reject": "unclassified", "raw": bytes(each).decode()} for each in chunk.records]
                continue
            assert log_type is library[folder.name], f"{sample.name} is taken for {log_type}"
            parsed = parse(log_type, [Part(ObjectRef(source.bucket, sample.name), source, chunk)], now)
            rejects += [{"reject": reject.reason, "row": reject.row, "raw": reject.raw} for reject in parsed.rejects]
            yield from row_dicts(parsed.batch.table) if parsed.batch else ()
    yield from rejects


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_samples_give_the_golden_rows(
    folder: Path, library: Mapping[str, LogType], source: Source, parse_time: datetime
) -> None:
    golden = folder / "golden.jsonl"

    lines = list(_lines(folder, library, source, parse_time))

    if UPDATE:
        golden.write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines), encoding="utf-8")
    assert lines == [json.loads(line) for line in golden.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_samples_fill_every_column(folder: Path, library: Mapping[str, LogType]) -> None:
    golden = (json.loads(line) for line in (folder / "golden.jsonl").read_text(encoding="utf-8").splitlines())
    filled = {name for row in golden if "reject" not in row for name in row}

    missing = {field.name for field in library[folder.name].fields} - filled

    assert missing == set()
