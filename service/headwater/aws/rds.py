"""Logging in to a database of RDS: with a token of our own role, or as its administrator."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import urlsplit

import boto3

from headwater.aws.errors import translated
from headwater.errors import ConfigError

POSTGRESQL_PORT = 5432


def token_maker(url: str, region: str) -> Callable[[], str]:
    """Makes a password for each new connection to the URL's host and user; it holds 15 minutes, connections longer."""
    parts = urlsplit(url)
    if not parts.hostname or not parts.username:
        raise ConfigError.one(
            "environment",
            "HEADWATER_STATE_IAM_AUTH needs a host and a user in HEADWATER_STATE_URL",
            fix="Use postgresql://user@host:5432/database?sslmode=require.",
        )
    client = boto3.client("rds", region_name=region)
    host, user, port = parts.hostname, parts.username, parts.port or POSTGRESQL_PORT
    return lambda: str(client.generate_db_auth_token(DBHostname=host, Port=port, DBUsername=user, Region=region))


def read_login(secret_arn: str, region: str) -> tuple[str, str]:
    """User and password of a secret that RDS made. Raises: AccessDenied, ConfigError for a secret of another form."""
    client = boto3.client("secretsmanager", region_name=region)
    with translated(f"read the secret {secret_arn}", "secretsmanager:GetSecretValue and kms:Decrypt of its key"):
        text = client.get_secret_value(SecretId=secret_arn)["SecretString"]
    try:
        content = json.loads(text)
        return str(content["username"]), str(content["password"])
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError.one(
            "environment", f"the secret {secret_arn} is no login", fix="RDS makes {username, password}."
        ) from error
