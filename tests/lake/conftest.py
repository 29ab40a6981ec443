"""A lake in a temporary folder, and the same on a local Glue and S3."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import boto3
import pytest
from moto.server import ThreadedMotoServer
from pyiceberg.catalog import Catalog

from headwater.lake.catalog import open_catalog


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """An empty lake on SQLite and a folder."""
    return open_catalog("sqlite", str(tmp_path / "lake"), home=tmp_path, region="us-east-1")


@pytest.fixture(scope="session")
def aws_endpoint() -> Iterator[str]:
    """A local AWS on loopback."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def glue_catalog(aws_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """An empty lake on Glue and S3."""
    environment = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": aws_endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    urlopen(Request(f"{aws_endpoint}/moto-api/reset", method="POST")).close()
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="headwater-lake")
    return open_catalog("glue", "s3://headwater-lake/lake", home=tmp_path, region="us-east-1")
