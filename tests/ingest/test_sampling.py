"""A proposed schema takes every row of the records that it was made from."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import InferenceError
from headwater.ingest.decode import Decoded, decode
from headwater.ingest.parse import Part, parse
from headwater.ingest.rows import row_dicts
from headwater.ingest.sampling import Proposal, propose
from headwater.model import ObjectRef, Source
from headwater.schema.load import load_schema
from headwater.schema.logtype import LogType

NOW = datetime(2026, 2, 4, tzinfo=UTC)


def chunks(body: bytes) -> Decoded:
    return decode([body], max_bytes=10**9)


def proposed(body: bytes) -> Proposal:
    return propose(lambda: chunks(body), "Custom.Sample", "Rows of a test")


def loaded(made: Proposal, folder: Path) -> LogType:
    path = folder / "schema.yml"
    path.write_text(made.yaml, encoding="utf-8")
    return load_schema(path)


def rows_of(body: bytes, folder: Path) -> list[dict[str, Any]]:
    """Every row of a file under the schema made from it, without the standard columns."""
    log_type = loaded(proposed(body), folder)
    rows: list[dict[str, Any]] = []
    for chunk in chunks(body):
        parsed = parse(log_type, [Part(ObjectRef("b", "k"), Source("111122223333", "a", "s", "b"), chunk)], NOW)
        assert parsed.rejects == ()
        assert parsed.batch is not None
        rows += row_dicts(parsed.batch.table)
    return [{key: value for key, value in row.items() if not key.startswith("p_")} for row in rows]


def count_matched(body: bytes, folder: Path) -> int:
    """How many rows of a file the schema made from it takes."""
    log_type = loaded(proposed(body), folder)
    parts = [Part(ObjectRef("b", "k"), Source("111122223333", "a", "s", "b"), chunk) for chunk in chunks(body)]
    return sum(sum(parse(log_type, [part], NOW).rows) for part in parts)


PRINTABLE = st.characters(exclude_categories=["C", "Z"])
NAMES = st.characters(exclude_categories=["C", "Z"], exclude_characters='"\\')
TEXTS = st.one_of(
    st.sampled_from(["", "-", "007", "1", "2.5", "1e5", "true", "null", "2026-02-03T04:05:06Z", "1770091500"]),
    st.sampled_from(
        ["192.0.2.1", "111122223333", "03/Feb/2026:04:05:06 +0000", "01/02/2026 04:05:06", "a b", '"', "'"]
    ),
    st.text(PRINTABLE, max_size=6),
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), TEXTS
)
KEYS = st.one_of(
    st.sampled_from(["a", "b", "time", "ts", "id", "x.y", "@ts", "p_x", "1e5"]), st.text(NAMES, min_size=1)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)
Record = dict[str, Any]


def _one_spelling(record: Record) -> Record:
    return {key.lower(): value for key, value in record.items()}


RECORDS = st.lists(st.dictionaries(KEYS, VALUES, max_size=4).map(_one_spelling), min_size=1, max_size=6)
FRAMES: dict[str, Callable[[Sequence[Record]], str]] = {
    "ndjson": lambda records: "\n".join(map(json.dumps, records)),
    "array": json.dumps,
    "records": lambda records: json.dumps({"Records": records}),
    "pretty": lambda records: "\n".join(json.dumps(record, indent=2) for record in records),
}


@settings(max_examples=150, deadline=None)
@given(RECORDS, st.sampled_from(sorted(FRAMES)))
def test_every_json_row_fits_the_schema_made_from_it(
    tmp_path_factory: pytest.TempPathFactory, records: list[Record], frame: str
) -> None:
    full = [record for record in records if any(value is not None for value in record.values())]
    body = FRAMES[frame](records).encode()
    if not full:
        with pytest.raises(InferenceError):
            proposed(body)
        return

    assert count_matched(body, tmp_path_factory.mktemp("j")) == len(full)


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, int]:
    """A text with a header, and how many of its rows hold a value."""
    columns = draw(
        st.lists(
            st.sampled_from(["time", "user", "Status Code", "id", "x.y", "bytes", "P_x"]),
            min_size=2,
            max_size=5,
            unique=True,
        )
    )
    rows = draw(st.lists(st.lists(TEXTS, min_size=len(columns), max_size=len(columns)), min_size=1, max_size=6))
    text = io.StringIO()
    writer = csv.writer(text, delimiter=draw(st.sampled_from(",\t|;")), lineterminator="\n")
    writer.writerows([columns, *rows])
    return text.getvalue(), sum(any(cell not in ("", "-") for cell in row) for row in rows)


@settings(max_examples=150, deadline=None)
@given(tables())
def test_every_row_of_a_table_fits_the_schema_made_from_it(
    tmp_path_factory: pytest.TempPathFactory, table: tuple[str, int]
) -> None:
    text, full = table
    if not full:
        return

    assert count_matched(text.encode(), tmp_path_factory.mktemp("t")) == full


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(TEXTS, min_size=1, max_size=4).map(" ".join), min_size=1, max_size=5))
def test_every_line_of_text_fits_the_schema_made_from_it(
    tmp_path_factory: pytest.TempPathFactory, words: list[str]
) -> None:
    lines = [f"0 {each}" for each in words]  # a line of names could be a header

    assert count_matched("\n".join(lines).encode(), tmp_path_factory.mktemp("l")) == len(lines)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["a", "b", "c.d", "a-b", "a_b", "time"]),
            st.sampled_from(["1", "x", '"x y"', '""', '"a\\"b"', "2026-02-03T04:05:06Z", "-"]),
            min_size=1,
        ),
        min_size=1,
        max_size=5,
    )
)
def test_every_line_of_pairs_fits_the_schema_made_from_it(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]]
) -> None:
    lines = [" ".join(f"{key}={value}" for key, value in row.items()) for row in rows]
    full = [row for row in rows if any(value not in ("-", '""') for value in row.values())]

    matched = count_matched("\n".join(lines).encode(), tmp_path_factory.mktemp("p")) if full else 0

    assert matched >= len(full)


@pytest.mark.parametrize(
    ("body", "row"),
    [
        (
            b'time,user,status\n2026-02-03T04:05:06Z,"ann, b",200\n2026-02-03T04:05:07Z,-,404\n',
            {"time": "2026-02-03T04:05:06Z", "user": "ann, b", "status": 200},
        ),
        (b"time\tid\n1770091500\t007\n1770091501\t8\n", {"time": "2026-02-03T04:05:00Z", "id": "007"}),
        (b"a|1|2.5\nb|2|3\n", {"column_1": "a", "column_2": 1, "column_3": 2.5}),
        (
            b'192.0.2.1 - - [03/Feb/2026:04:05:06 +0000] "GET / HTTP/1.1" 200\n'
            b'192.0.2.2 - bob [03/Feb/2026:04:05:06 +0000] "GET /a HTTP/1.1" 404\n',
            {
                "column_1": "192.0.2.1",
                "column_4": "2026-02-03T04:05:06Z",
                "column_5": "GET / HTTP/1.1",
                "column_6": 200,
            },
        ),
        (b'level=info msg="a b" n=1\nlevel=warn n=2\n', {"level": "info", "msg": "a b", "n": 1}),
        (b"ip bytes\n192.0.2.1 5\n192.0.2.2 6\n", {"ip": "192.0.2.1", "bytes": 5}),
        (
            b"#Version: 1.0\n#Fields: date sc-status cs(Referer)\n2026-02-03\t200\t-\n2026-02-03\t404\t/a\n",
            {"date": "2026-02-03T00:00:00Z", "sc_status": 200},
        ),
        (b"#n,user\n1,ann\n2,bob\n3,eve\n", {"n": 1, "user": "ann"}),
        (b"#n,user,x\n1,ann,\n2,bob,c\n", {"n": 1, "user": "ann"}),
        (b"hello there\nworld\n", {"message": "hello there"}),
        (b'{"id": 18446744073709551616}\n{"id": 1}\n', {"id": "18446744073709551616"}),
        (b'[{"tag": {"value": 123}}, {"tag": {"value": "abc"}}]', {"tag": {"value": 123}}),
        (b'{"BotTags": "api"}\n{"BotTags": ["x"]}\n', {"BotTags": ["api"]}),
    ],
    ids=[
        "csv",
        "tab",
        "no-header",
        "quotes-and-brackets",
        "pairs",
        "spaces",
        "w3c",
        "two",
        "remark",
        "text",
        "big",
        "mixed",
        "list",
    ],
)
def test_row_comes_out_as_it_was_meant(tmp_path: Path, body: bytes, row: dict[str, Any]) -> None:
    assert rows_of(body, tmp_path)[0] == row


def test_long_text_is_read_in_parts_that_share_their_header(tmp_path: Path) -> None:
    lines = [b"n,user", *(b"%d,user%d" % (number, number) for number in range(500))]
    parts = [decode([b"\n".join(lines)], max_bytes=10**9, segment_bytes=size) for size in (64, 10**9)]

    made = [
        propose(lambda size=size: decode([b"\n".join(lines)], max_bytes=10**9, segment_bytes=size), "Custom.S", "Rows")
        for size in (64, 10**9)
    ]

    assert len(list(parts[0])) > 1
    assert made[0] == made[1]
    assert (made[0].rows, made[0].unmatched) == (500, 0)


def test_rows_without_values_and_broken_ones_are_told(tmp_path: Path) -> None:
    made = proposed(b'{"a": 1}\n{"a": null}\n{"a": \n{"a": 2}\n')

    assert (made.rows, made.unmatched) == (2, 2)
    assert [note for note in made.notes if "hold no value" in note or "broken" in note]


def test_order_of_lines_does_not_count() -> None:
    lines = [b"3,b,2026-02-03T04:05:06Z", b"2,,2026-02-03T04:05:07Z", b"1.5,a,"]
    texts = [proposed(b"n,c,t\n" + b"\n".join(order)).yaml for order in (lines, lines[::-1])]

    assert texts[0] == texts[1]


@pytest.mark.parametrize("body", [b"", b"{}\n{}\n"], ids=["empty", "no-values"])
def test_records_that_no_schema_takes_are_an_error(body: bytes) -> None:
    with pytest.raises(InferenceError):
        proposed(body)
