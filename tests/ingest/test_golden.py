"""Every log type of the library, held to its samples. HEADWATER_UPDATE_GOLDEN=1 writes the golden files anew."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from headwater.ingest.classify import classify
from headwater.ingest.decode import decode
from headwater.ingest.envelopes import open_envelopes
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
        for chunk in open_envelopes(decode([sample.read_bytes()], max_bytes=1 << 20), (), Counter()):
            log_type = classify("", chunk, library, (folder.name,) if folder.name.startswith("Raw.") else ())
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
    if folder.name.startswith("Raw."):  # their rows show what they hold instead
        missing = set()

    assert missing == set()


OURS = {path.name for path in FOLDERS}


def _parse_file(
    path: Path, log_type: str, library: Mapping[str, LogType], source: Source, now: datetime
) -> tuple[list[dict[str, Any]], int]:
    """The rows of a file, and how many records were rejected or fit no log type."""
    rows: list[dict[str, Any]] = []
    rejected = 0
    for chunk in decode([path.read_bytes()], max_bytes=1 << 30):
        found = classify("", chunk, library, (log_type,))
        if not isinstance(found, LogType):
            rejected += len(chunk.records)
            continue
        parsed = parse(found, [Part(ObjectRef(source.bucket, path.name), source, chunk)], now)
        rows += row_dicts(parsed.batch.table) if parsed.batch else []
        rejected += sum(parsed.rejected)
    return rows, rejected


def test_field_faults_give_their_number_of_events(
    shared: Path, library: Mapping[str, LogType], source: Source, parse_time: datetime
) -> None:
    lines = (shared / "cases" / "cases.jsonl").read_text(encoding="utf-8").splitlines()
    cases = [
        case for case in map(json.loads, lines) if case.get("log_type") in OURS and case["group"] != "decompression"
    ]

    found = {
        case["id"]: _parse_file(shared / "cases" / case["input_file"], case["log_type"], library, source, parse_time)
        for case in cases
    }

    assert len(cases) > 20
    assert [name for name, (_, rejected) in found.items() if rejected] == ["P27"]  # its two text lines: another type
    wrong = [
        case["id"]
        for case in cases
        if len(found[case["id"]][0]) != case["check"].get("count", len(case["check"].get("events", [0])))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("pattern", "log_type"),
    [
        pytest.param("AWS.CloudTrail/invictus-ir-aws_dataset/*.json", "AWS.CloudTrail", id="cloudtrail"),
        pytest.param("AWS.CloudTrail/trailscraper/*", "AWS.CloudTrail", id="old cloudtrail"),
        pytest.param("AWS.VPCFlow/*.log", "AWS.VPCFlow", id="vpc flow"),
        pytest.param("AWS.ALB/*.csv", "AWS.ALB", id="alb"),
        pytest.param("AWS.ALB/*.log", "AWS.ALB", id="alb of the guide"),
        pytest.param("AWS.S3ServerAccess/*.log", "AWS.S3ServerAccess", id="s3"),
    ],
)
def test_real_samples_are_read_without_rejects(
    shared: Path, library: Mapping[str, LogType], source: Source, parse_time: datetime, pattern: str, log_type: str
) -> None:
    paths = sorted((shared / "samples").glob(pattern))

    found = {path.name: _parse_file(path, log_type, library, source, parse_time) for path in paths}

    assert paths != []
    assert [name for name, (rows, rejected) in found.items() if rejected or not rows] == []
    assert [row for rows, _ in found.values() for row in rows if "p_unmapped" in row] == []
