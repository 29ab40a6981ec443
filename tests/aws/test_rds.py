"""Tokens and secrets of RDS."""

from __future__ import annotations

import boto3
import pytest
from moto import mock_aws

from headwater.aws import rds
from headwater.errors import ConfigError

REGION = "us-east-1"


@pytest.fixture(autouse=True)
def local_aws(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield


def test_a_token_names_host_port_user_and_action() -> None:
    token = rds.token_maker("postgresql://headwater@db.example.com:5433/headwater", REGION)()

    assert token.startswith("db.example.com:5433/?Action=connect&DBUser=headwater&X-Amz-Algorithm=AWS4-HMAC-SHA256")
    assert "rds-db" in token


def test_a_url_without_a_user_is_refused() -> None:
    with pytest.raises(ConfigError, match="needs a host and a user"):
        rds.token_maker("postgresql://db.example.com/headwater", REGION)


def test_the_administrators_login_is_read_and_another_secret_refused() -> None:
    client = boto3.client("secretsmanager", region_name=REGION)
    good = client.create_secret(Name="rds", SecretString='{"username": "admin", "password": "p"}')["ARN"]
    bad = client.create_secret(Name="other", SecretString="p")["ARN"]

    assert rds.read_login(good, REGION) == ("admin", "p")
    with pytest.raises(ConfigError, match="is no login"):
        rds.read_login(bad, REGION)
