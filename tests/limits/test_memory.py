"""Objects of any size and shape go through in 512 MB of memory, or end in rejects or a clear error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]
LIMIT_MIB = 512
OTHERS = ("array", "ndjson", "concatenated", "documents")
FRAMINGS = ["records", *(pytest.param(each, marks=pytest.mark.slow) for each in OTHERS)]


def ingest(shape: str, size_mb: int) -> dict[str, Any]:
    """What became of an object of some size, as support.large_object prints it."""
    command = [sys.executable, "-m", "support.large_object", shape, str(size_mb)]
    done = subprocess.run(command, cwd=TESTS, check=True, capture_output=True, text=True, timeout=1500)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("shape", FRAMINGS)
def test_object_of_600_mb_goes_through_in_512_mib(shape: str) -> None:
    found = ingest(shape, 600)

    assert found["mib"] < LIMIT_MIB
    assert found["rows_out"] == found["rows_in"] > 100_000
    assert found["files"] < 40


@pytest.mark.parametrize("shape", ["flow lines", "small records"])
def test_many_rows_go_through_in_512_mib(shape: str) -> None:
    found = ingest(shape, 120)

    assert found["mib"] < LIMIT_MIB
    assert found["rows_out"] == found["rows_in"] > 100_000


@pytest.mark.parametrize(
    ("shape", "size_mb", "rejects"),
    [("long line", 100, 3), ("long record", 100, 3), ("one document", 100, 1), ("wide csv", 2, 2)],
)
def test_record_too_large_is_rejected_in_512_mib(shape: str, size_mb: int, rejects: int) -> None:
    found = ingest(shape, size_mb)

    assert found["mib"] < LIMIT_MIB
    assert (found["rows_out"], found["rejects"]) == (0, rejects)


@pytest.mark.slow
def test_endless_nesting_is_an_error_in_512_mib() -> None:
    found = ingest("deep", 20)

    assert found["mib"] < LIMIT_MIB
    assert "the text ends within a JSON value" in found["error"]


@pytest.mark.parametrize(("shape", "size_mb"), [("empty records", 1), ("empty lines", 1)])
def test_tiny_records_are_rejected_in_512_mib(shape: str, size_mb: int) -> None:
    found = ingest(shape, size_mb)

    assert found["mib"] < LIMIT_MIB
    assert found["rejects"] == found["rows_in"] > 250_000


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("shape", [*FRAMINGS, "flow lines"])
def test_object_of_5_gb_goes_through_in_512_mib(shape: str) -> None:
    found = ingest(shape, 5000)

    assert found["mib"] < LIMIT_MIB
    assert found["rows_out"] == found["rows_in"] > 1_000_000


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "size_mb"), [("empty records", 12), ("empty lines", 20), ("deep", 200)])
def test_larger_bomb_ends_in_512_mib(shape: str, size_mb: int) -> None:
    assert ingest(shape, size_mb)["mib"] < LIMIT_MIB
