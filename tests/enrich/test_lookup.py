"""The data of a table: its forms, its types, its keys, and what is wrong with it."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from enrich.conftest import MakeLookup
from headwater.errors import EnrichmentError
from headwater.schema.load import load_schema

CSV = "id,team,note\n1,core,\n2,edge,x\n"
ROW = {"id": "1", "team": "core"}


def parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"id": ["1", "2"], "team": ["core", "edge"], "note": [None, "x"]}), sink)
    return sink.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(CSV, id="csv"),
        pytest.param("\ufeff" + CSV.replace("\n", "\r\n"), id="csv of Windows"),
        pytest.param(CSV.replace(",", "\t"), id="tabs"),
        pytest.param(CSV.replace(",", ";"), id="semicolons"),
        pytest.param('"id","team","note"\n"1","core",""\n"2","edge","x"\n', id="quoted csv"),
        pytest.param(gzip.compress(CSV.encode()), id="csv.gz"),
        pytest.param(zstandard.compress(CSV.encode()), id="csv.zst"),
        pytest.param('{"id":"1","team":"core","note":null}\n{"id":"2","team":"edge","note":"x"}\n', id="json lines"),
        pytest.param('[{"id":"1","team":"core"},\n {"id":"2","team":"edge","note":"x"}]', id="json array"),
        pytest.param(gzip.compress(b'{"id":"1","team":"core"}\n{"id":"2"}'), id="json lines.gz"),
        pytest.param(parquet(), id="parquet"),
    ],
)
def test_every_form_gives_the_same_rows(make_lookup: MakeLookup, content: str | bytes) -> None:
    lookup = make_lookup(content, "owners", "id")

    assert (len(lookup.table), lookup.table.matching, lookup.row("1")) == (2, "exact", ROW)
    assert lookup.row("3") is None


def test_json_keeps_its_types(make_lookup: MakeLookup) -> None:
    row = {"port": 443, "tls": True, "tags": ["a"], "owner": {"team": "core"}, "share": 0.5}

    lookup = make_lookup(json.dumps(row), "ports", "port")

    assert lookup.row("443") == row


def schema(tmp_path: Path, parser: str = "") -> dict[str, Any]:
    path = tmp_path / "schema.yml"
    path.write_text(
        f"schema: Unknown.Schema\nversion: 1\ndescription: D.\n{parser}fields:\n"
        "  - {name: id, type: string, description: I., required: true}\n"
        "  - {name: score, type: int, description: S.}\n"
        "  - {name: tags, type: array, element: {type: string}, description: T.}\n"
    )
    return {"Unknown.Schema": load_schema(path)}


@pytest.mark.parametrize(
    ("content", "parser"),
    [
        pytest.param('id,score,tags,more\nx,5,"[""a"",""b""]",m\n', "", id="csv by a schema of JSON"),
        pytest.param('id,score,tags,more\nx,5,"[""a"",""b""]",m\n', "parser: {csv: {hasHeader: true}}\n", id="csv"),
        pytest.param('{"id":"x","score":5,"tags":["a","b"],"more":"m"}', "", id="json"),
        pytest.param(
            '{"id":"x","score":5,"tags":["a","b"],"more":"m"}', "parser: {csv: {hasHeader: true}}\n", id="json by csv"
        ),
    ],
)
def test_schema_gives_the_types(make_lookup: MakeLookup, tmp_path: Path, content: str, parser: str) -> None:
    lookup = make_lookup(content, "t", "id", library=schema(tmp_path, parser))

    assert lookup.row("x") == {"id": "x", "score": 5, "tags": ["a", "b"], "more": "m"}


def test_rows_that_do_not_fit_are_counted(make_lookup: MakeLookup, tmp_path: Path) -> None:
    lookup = make_lookup("id,score\nx,5\ny,many\n,7\n", "t", "id", library=schema(tmp_path))

    assert (len(lookup.table), lookup.skipped) == (1, 2)
    assert "score" in lookup.reason


@pytest.mark.parametrize("key", ["id", "ID", "inner.id"])
def test_key_is_found_by_name_in_any_case_or_by_path(make_lookup: MakeLookup, key: str) -> None:
    lookup = make_lookup('{"id":"1","inner":{"id":"1"}}', "t", key)

    assert lookup.row("1") is not None


def test_each_element_of_a_list_is_a_key(make_lookup: MakeLookup) -> None:
    lookup = make_lookup('{"ids":["a","b"],"team":"core"}\n{"ids":["c"],"team":"edge"}', "t", "ids")

    assert len(lookup.table) == 2
    assert [(lookup.row(key) or {}).get("team") for key in "abc"] == ["core", "core", "edge"]


def test_of_rows_with_one_key_the_last_counts(make_lookup: MakeLookup) -> None:
    assert make_lookup("id,n\na,1\na,2\n", "t", "id").row("a") == {"id": "a", "n": "2"}


def test_keys_that_are_all_networks_or_addresses_match_by_containment(make_lookup: MakeLookup) -> None:
    networks = make_lookup("net,name\n192.0.2.0/24,a\n198.51.100.7,b\n", "t", "net")
    mixed = make_lookup("net,name\n192.0.2.0/24,a\nunknown,b\n", "t", "net")

    assert (networks.table.matching, networks.row("192.0.2.9")) == ("cidr", {"net": "192.0.2.0/24", "name": "a"})
    assert (mixed.table.matching, mixed.row("192.0.2.9")) == ("exact", None)


def test_schema_that_says_cidr_leaves_other_keys_out(make_lookup: MakeLookup, tmp_path: Path) -> None:
    path = tmp_path / "schema.yml"
    path.write_text(
        "schema: Unknown.Schema\nversion: 1\ndescription: D.\nfields:\n"
        "  - {name: net, type: string, description: N., validate: {cidr: any}}\n"
    )

    lookup = make_lookup("net\n192.0.2.0/24\nunknown\n", "t", "net", library={"Unknown.Schema": load_schema(path)})

    assert (lookup.table.matching, len(lookup.table), lookup.skipped) == ("cidr", 1, 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("", "has no row with a id", id="empty"),
        pytest.param("name\nx\n", "has no row with a id", id="no key column"),
        pytest.param("id,id\n1,2\n", "has a name twice", id="name twice"),
        pytest.param('id,name\n1,"' + "x" * 200_000 + '"\n', "is no CSV", id="cell too long"),
        pytest.param(gzip.compress(b"id\n1\n" * 1000)[:-20], "cannot be read: gzip", id="truncated"),
        pytest.param(
            gzip.compress(b"id\n1\n" * 1_000_000), "has more than 1 MiB; HEADWATER_LOOKUP_MAX_MIB", id="large"
        ),
        pytest.param(b"\x00\x01\xab\xcd\xefMaxMind.com" + bytes(range(200)), "cannot be read", id="binary"),
        pytest.param('{"id": 1e999999}', "has no row", id="no number"),
        pytest.param(f'{{"id": {2**70}}}', "more than 64 bits", id="number of 71 bits"),
        pytest.param('{"id": "a", "deep": ' + "[" * 400 + "]" * 400 + "}", "has no row", id="deep"),
        pytest.param(json.dumps({"id": "a", "text": "x" * 70_000}), "longer than 65536 bytes: a", id="long row"),
    ],
)
def test_data_that_cannot_be_used_is_told(make_lookup: MakeLookup, content: str | bytes, message: str) -> None:
    with pytest.raises(EnrichmentError) as caught:
        make_lookup(content, "owners", "id")

    assert str(caught.value).startswith("lookup table owners: ")
    assert message in str(caught.value)


def test_maxmind_databases_are_refused_with_the_way_out(make_lookup: MakeLookup) -> None:
    with pytest.raises(EnrichmentError, match=r"asn\.mmdb is a MaxMind database, which is not read; convert it to CSV"):
        make_lookup(b"\x00" * 100, "asn", "network", Filename="asn.mmdb")
