"""Lookup tables of a few lines, and batches of a few records."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headwater.enrich.lookup import Lookup, load_lookup
from headwater.enrich.spec import LookupSpec, read_spec
from headwater.ingest.parse import Part, parse
from headwater.model import Batch, Chunk, ObjectRef, Source
from headwater.schema.load import load_library
from headwater.schema.logtype import LogType

NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
MIB = 1024 * 1024

MakeSpec = Callable[..., LookupSpec]
MakeLookup = Callable[..., Lookup]
MakeBatch = Callable[..., Batch]


@pytest.fixture(scope="session")
def library() -> Mapping[str, LogType]:
    return load_library()


@pytest.fixture
def make_spec(tmp_path: Path) -> MakeSpec:
    """make_spec("owners", "id", "Selector", …, **changes) describes a table that touches AWS.CloudTrail."""

    def make(name: str, key: str, *selectors: str, log_type: str = "AWS.CloudTrail", **changes: Any) -> LookupSpec:
        associated = [{"LogType": log_type, "Selectors": list(selectors)}] if selectors else []
        data = {
            "AnalysisType": "lookup_table",
            "LookupName": name,
            "Enabled": True,
            "Schema": "Unknown.Schema",
            "Filename": "table.csv",
            "LogTypeMap": {"PrimaryKey": key, "AssociatedLogTypes": associated},
        }
        return read_spec({**data, **changes}, tmp_path / "table.yml", tmp_path)

    return make


@pytest.fixture
def make_lookup(make_spec: MakeSpec, library: Mapping[str, LogType]) -> MakeLookup:
    """As make_spec, with the content of the table's file."""

    def make(content: str | bytes, name: str, key: str, *selectors: str, **changes: Any) -> Lookup:
        data = content if isinstance(content, bytes) else content.encode()
        max_bytes = changes.pop("max_bytes", MIB)
        known = changes.pop("library", library)
        spec = make_spec(name, key, *selectors, **changes)
        return load_lookup(spec, [data], known, max_bytes=max_bytes, now=NOW)

    return make


@pytest.fixture
def make_batch(library: Mapping[str, LogType]) -> MakeBatch:
    """make_batch({...}, …, log_type=…) parses records of one log type."""

    def make(*records: dict[str, Any], log_type: str = "AWS.CloudTrail") -> Batch:
        chunk = Chunk("json", [json.dumps(record).encode() for record in records])
        source = Source("111122223333", "payments", "trail", "payments-logs")
        parsed = parse(library[log_type], [Part(ObjectRef("payments-logs", "k", etag="e"), source, chunk)], NOW)
        assert parsed.batch is not None
        return parsed.batch

    return make
