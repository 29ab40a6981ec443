"""Fixtures for parsing: the library, and records put through `parse`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pytest

from headwater.ingest.parse import Parsed, Part, parse
from headwater.ingest.rows import row_dicts
from headwater.model import Chunk, ObjectRef, Source
from headwater.schema.load import load_library
from headwater.schema.logtype import LogType


class MakePart(Protocol):
    """Records as a part of one object."""

    def __call__(
        self, records: Sequence[Any], key: str = "logs/object", first_row: int = 0, context: Mapping[str, str] = {}
    ) -> Part: ...


class ParseRecords(Protocol):
    """Records of one object through `parse`."""

    def __call__(self, log_type: str, records: Sequence[Any]) -> Parsed: ...


Rows = Callable[[str, Sequence[Any]], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def library() -> Mapping[str, LogType]:
    """The built-in log types."""
    return load_library()


@pytest.fixture(scope="session")
def parse_time() -> datetime:
    """The `now` of every test."""
    return datetime(2026, 2, 4, tzinfo=UTC)


@pytest.fixture(scope="session")
def source() -> Source:
    """One feed of one account."""
    return Source("111122223333", "payments", "trail", "example-logs-111122223333")


@pytest.fixture
def make_part(source: Source) -> MakePart:
    """Makes parts of objects of one bucket."""

    def make(
        records: Sequence[Any], key: str = "logs/object", first_row: int = 0, context: Mapping[str, str] = {}
    ) -> Part:
        shape = "json" if records and bytes(records[0])[:1] in (b"{", b'"', b"[") else "lines"
        chunk = Chunk(shape, records, first_row, context)  # type: ignore[arg-type]
        return Part(ObjectRef(source.bucket, key, version_id="1"), source, chunk)

    return make


@pytest.fixture
def parse_records(library: Mapping[str, LogType], make_part: MakePart, parse_time: datetime) -> ParseRecords:
    """Parses records of one object."""
    return lambda log_type, records: parse(library[log_type], [make_part(records)], parse_time)


@pytest.fixture
def rows(parse_records: ParseRecords) -> Rows:
    """The rows of records that must all parse."""

    def parsed_rows(log_type: str, records: Sequence[Any]) -> list[dict[str, Any]]:
        parsed = parse_records(log_type, records)
        assert parsed.rejects == ()
        assert parsed.batch is not None
        return row_dicts(parsed.batch.table)

    return parsed_rows


@pytest.fixture(scope="session")
def shared() -> Path:
    """Samples and fault cases kept outside the repository."""
    beside = Path(__file__).parents[3] / "shared"
    folder = Path(os.environ.get("HEADWATER_SHARED", beside))
    if not folder.is_dir():
        pytest.skip("no ../shared folder")
    return folder
