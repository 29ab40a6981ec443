"""Time formats: built-in ones, spellings that sources use for them, strftime patterns, several in order."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from headwater.ingest.times import instant, to_timestamps
from headwater.schema.timeformats import problem_of

NOW = datetime(2026, 2, 4, tzinfo=UTC)
AT = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
HALF = AT.replace(microsecond=500_000)


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        ("rfc3339", "2026-02-03T04:05:06Z", AT),
        ("rfc3339", "2026-02-03T04:05:06.5Z", HALF),
        ("rfc3339", "2026-02-03 04:05:06.500000000", HALF),
        ("rfc3339", "2026-02-03T13:05:06+0900", AT),
        ("rfc3339", "2026-02-03 13:05:06 +09:00", AT),
        ("rfc3339", "2026-02-03 04:05:06 UTC", AT),
        ("rfc3339", "2026-02-03 04:05:06 GMT", AT),
        ("rfc3339", "2026-02-03T04:05:06z", AT),
        ("rfc3339", "2026-02-03T04:05:06", AT),
        ("rfc3339", "20260203T040506Z", AT),
        ("rfc3339", "2026-02-30T00:00:00Z", None),
        ("rfc3339", "yesterday", None),
        ("rfc3339", "", None),
        ("unix", "1770091506", AT),
        ("unix", "1770091506.5", HALF),
        ("unix", "1770091506.500000123", HALF),
        ("unix_ms", "1770091506500", HALF),
        ("unix_us", "1770091506500000", HALF),
        ("unix_ns", "1770091506500000000", HALF),
        ("unix", "9" * 40, None),
        ("unix", "nan", None),
        ("unix", "inf", None),
        ("%d/%b/%Y:%H:%M:%S %z", "03/Feb/2026:13:05:06 +0900", AT),
        ("%Y-%m-%d %H:%M:%S", "2026-02-03 04:05:06", AT),
        ("%Y-%m-%dT%H:%M:%S.%fZ", "2026-02-03T04:05:06.500000000Z", HALF),
        ("%F %T,%L", "2026-02-03 04:05:06,500", HALF),
        ("%a %b %e %T %Y", "Tue Feb  3 04:05:06 2026", AT),
        ("%D %r", "02/03/26 04:05:06 AM", AT),
        ("%-d.%-m.%Y %H:%M:%S", "3.2.2026 04:05:06", AT),
        ("%b %d %H:%M:%S", "Feb  3 04:05:06", AT),
        ("%b %d %H:%M:%S", "Feb 12 04:05:06", datetime(2025, 2, 12, 4, 5, 6, tzinfo=UTC)),
        ("%b %d %H:%M:%S", "Feb 29 04:05:06", datetime(2024, 2, 29, 4, 5, 6, tzinfo=UTC)),
        ("%b %d %H:%M:%S", "Feb 30 04:05:06", None),
        ("%Y", "x" * 100_000, None),
    ],
)  # fmt: skip
def test_time_is_read(form: str, text: str, expected: datetime | None) -> None:
    assert instant(text, [form], NOW) == expected


def test_forms_of_the_field_are_read(shared: Path) -> None:
    pairs = json.loads((shared / "cases" / "inputs" / "H03_time_text_forms.json").read_text(encoding="utf-8"))

    found = {text: instant(text, ["rfc3339", "%d/%b/%Y:%H:%M:%S %z"]) for text, _ in pairs}

    assert found == {text: expected and datetime.fromisoformat(expected) for text, expected in pairs}


def test_formats_are_tried_in_order() -> None:
    texts = pa.array(["2026-02-03T04:05:06Z", "1770091506", "1770091506500", "x", None])

    assert to_timestamps(texts, ["rfc3339", "unix", "unix_ms"]).to_pylist() == [AT, AT, HALF, None, None]


@pytest.mark.parametrize(
    ("values", "formats", "expected"),
    [
        pytest.param([1770091506, None], ["unix"], [AT, None], id="seconds"),
        pytest.param([1770091506.5], ["unix"], [HALF], id="seconds with a fraction"),
        pytest.param([1770091506, 1770091506500], ["unix", "unix_ms"], [AT, HALF], id="seconds or milliseconds"),
        pytest.param([10**18], ["unix"], [None], id="beyond the calendar"),
        pytest.param([float("nan"), 1e300], ["unix"], [None, None], id="no number at all"),
    ],
)
def test_numbers_are_read(values: list[float | None], formats: list[str], expected: list[datetime | None]) -> None:
    assert to_timestamps(pa.array(values), formats).to_pylist() == expected


@pytest.mark.parametrize("form", ["rfc3339", "unix_ms", "%d/%b/%Y:%H:%M:%S %z", "%F %T", "%%", "%e. %B"])
def test_format_is_known(form: str) -> None:
    assert problem_of(form) is None


@pytest.mark.parametrize("form", ["epoch", "YYYY-MM-DD", "%Q", "%Y-%", ""])
def test_format_is_no_format(form: str) -> None:
    assert problem_of(form) is not None
