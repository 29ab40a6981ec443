"""schema infer and diff, as people and programs call them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from headwater.schema.load import load_schema

Headwater = Callable[..., Any]


ACCOUNTS = """
version: 1
central:
  account_id: "999988887777"
  region: us-east-1
  lake_bucket: headwater-lake-999988887777
accounts:
  - id: "111122223333"
    name: payments
    external_id: 0123456789abcdef0123456789abcdef
    sources:
      - name: app
        bucket: example-logs-111122223333
        prefix: app/
        region: us-east-1
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A compressed file of JSON lines."""
    path = tmp_path / "app-access.log.gz"
    rows = [{"time": f"2026-02-03T04:05:0{n}Z", "ip": f"192.0.2.{n}", "status": 200 + n} for n in range(3)]
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    return path


def test_file_yields_a_schema_that_loads(headwater: Headwater, log: Path, tmp_path: Path) -> None:
    ran = headwater("schema", "infer", log)

    assert ran.code == 0
    assert "3 rows fit the proposal, 0 do not." in ran.err
    (tmp_path / "made.yml").write_text(ran.out)
    made = load_schema(tmp_path / "made.yml")
    assert made.name == "Custom.AppAccess"
    assert [(each.name, each.type) for each in made.fields] == [
        ("time", "timestamp"),
        ("ip", "string"),
        ("status", "int"),
    ]


def test_schema_fits_the_file_that_it_was_made_from(headwater: Headwater, log: Path, tmp_path: Path) -> None:
    (tmp_path / "made.yml").write_text(headwater("schema", "infer", log, "--name", "Custom.App").out)

    ran = headwater("schema", "test", tmp_path / "made.yml", log)

    assert ran.code == 0, ran.err


def test_source_yields_a_schema_of_what_was_rejected(headwater: Headwater, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "a.log").write_text('{"n": 1, "when": "x"}\n{"n": 2.5}\n')
    headwater("ingest", folder)

    ran = headwater("schema", "infer", "--source", "files", "--since", "1h")

    assert ran.code == 0, ran.err
    assert "schema: Custom.Files" in ran.out
    assert "type: float" in ran.out


def test_source_yields_a_schema_of_its_raw_rows_and_rejects(headwater: Headwater, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"id": "007", "ip": "192.0.2.1"}\n{"id": "8", "ip": null}\n')
    (tmp_path / "b.log").write_text("n,user\n1,ann\n2,bob\n3,eve\n")
    headwater("ingest", tmp_path / "a.json", "--log-type", "Raw.JSON")
    made = headwater("schema", "infer", "--source", "000000000000/files", "--name", "Custom.A")
    headwater("ingest", tmp_path / "b.log")

    both = headwater("schema", "infer", "--source", "files", "--name", "Custom.B")

    assert "name: ip" in made.out, made.err
    assert "2 rows fit the proposal, 0 do not." in made.err
    assert "name: user" in both.out, both.err  # three lines, two objects: the larger part is told
    assert "3 rows fit the proposal, 2 do not." in both.err


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a local AWS with one log object, in a bucket of a configured source."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    client = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    client.create_bucket(Bucket="example-logs-111122223333")
    client.put_object(Bucket="example-logs-111122223333", Key="app/1.json.gz", Body=gzip.compress(b'{"n": 1}'))
    yield environment
    server.stop()


@pytest.mark.parametrize("configured", [False, True], ids=["own credentials", "role of the source"])
def test_object_yields_a_schema(headwater: Headwater, tmp_path: Path, aws: dict[str, str], configured: bool) -> None:
    if configured:
        (tmp_path / "accounts.yml").write_text(ACCOUNTS)

    ran = headwater("schema", "infer", "s3://example-logs-111122223333/app/1.json.gz", **aws)

    assert ran.code == 0, ran.err
    assert "name: n" in ran.out


def test_prefix_stands_for_its_first_object(headwater: Headwater, aws: dict[str, str]) -> None:
    found = headwater("schema", "infer", "s3://example-logs-111122223333/app/", **aws)
    empty = headwater("schema", "infer", "s3://example-logs-111122223333/nothing/", **aws)

    assert "name: n" in found.out
    assert (empty.code, "holds no object" in empty.err) == (2, True)


def test_role_without_external_id_is_not_assumed_for_an_object(
    headwater: Headwater, tmp_path: Path, aws: dict[str, str]
) -> None:
    (tmp_path / "accounts.yml").write_text(ACCOUNTS.replace("    external_id: 0123456789abcdef0123456789abcdef\n", ""))

    ran = headwater("schema", "infer", "s3://example-logs-111122223333/app/1.json.gz", **aws)

    assert ran.code == 1
    assert "has no ExternalId yet" in ran.err


def test_source_that_sent_nothing_is_an_error(headwater: Headwater) -> None:
    ran = headwater("schema", "infer", "--source", "nobody")

    assert ran.code == 1
    assert "has sent no unknown rows" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [(), ("absent.log",), ("s3://bucket",), ("--source", "x", "--since", "soon"), ("a.log", "--source", "x")],
    ids=["nothing", "no-file", "no-key", "no-duration", "both"],
)
def test_wrong_arguments_are_told(headwater: Headwater, arguments: tuple[str, ...]) -> None:
    ran = headwater("schema", "infer", *arguments)

    assert ran.code == 2
    assert "Fix:" in ran.err


OLD = "schema: Custom.App\nversion: 1\ndescription: D.\nfields:\n  - {name: a, type: string, description: A.}\n"
ADDED = OLD + "  - {name: b, type: int, description: B.}\n"


def test_allowed_edit_exits_with_zero(headwater: Headwater, tmp_path: Path) -> None:
    (tmp_path / "old.yml").write_text(OLD)
    (tmp_path / "new.yml").write_text(ADDED)

    ran = headwater("schema", "diff", "old.yml", "new.yml")

    assert ran.code == 0
    assert "The edit is allowed." in ran.out


def test_refused_edit_exits_with_one_and_names_the_path(headwater: Headwater, tmp_path: Path) -> None:
    (tmp_path / "old.yml").write_text(ADDED)
    (tmp_path / "new.yml").write_text(OLD)

    ran = headwater("schema", "diff", "old.yml", "new.yml", "-o", "json")

    assert ran.code == 1
    assert ran.json["allowed"] is False
    assert [(each["path"], each["change"]) for each in ran.json["differences"]] == [("b", "removed")]
