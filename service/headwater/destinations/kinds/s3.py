"""Amazon S3: one object of one JSON line for each message."""

from __future__ import annotations

import hashlib
from datetime import UTC
from typing import Any

import orjson
from pydantic import Field

from headwater.destinations.amazon import AwsSettings, api
from headwater.destinations.destination import Destination
from headwater.destinations.kind import ResolveSecret
from headwater.destinations.message import Message, message_json


class Settings(AwsSettings):
    """A bucket and a prefix."""

    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$", description="Region of the bucket.")
    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", description="Name of the bucket.")
    prefix: str = Field("alerts/", max_length=512, description="What the keys begin with.")
    kms_key_arn: str = Field("", description="KMS key; default: the bucket's own encryption.")


class S3:
    """One prefix of a bucket. The same delivery writes the same key, so that a second try replaces the first."""

    def __init__(self, name: str, settings: Settings) -> None:
        self.name = name
        self._settings = settings
        self._api = api("s3", settings, settings.region)

    def send(self, message: Message) -> None:
        """Write one object."""
        where = f"s3://{self._settings.bucket}/{key(self._settings.prefix, message)}"
        arguments: dict[str, Any] = {
            "Bucket": self._settings.bucket,
            "Key": key(self._settings.prefix, message),
            "Body": orjson.dumps(message_json(message), option=orjson.OPT_APPEND_NEWLINE),
            "ContentType": "application/x-ndjson",
            "ChecksumAlgorithm": "SHA256",
        }
        if self._settings.kms_key_arn:
            arguments |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self._settings.kms_key_arn}
        self._api("put_object", f"write {where}", f"s3:PutObject on {where}", **arguments)


def make(name: str, config: Settings, _resolve_secret: ResolveSecret) -> Destination:
    """The destination of such settings."""
    return S3(name, config)


def key(prefix: str, message: Message) -> str:
    """`alerts/account_id=111122223333/date=2026-03-01/<alert>-opened-<hash of the key>.jsonl`."""
    day = message.created_at.astimezone(UTC).date().isoformat()
    short = hashlib.sha256(message.idempotency_key.encode()).hexdigest()[:16]
    account = message.account_id or "none"
    return f"{prefix}account_id={account}/date={day}/{message.alert_id}-{message.action}-{short}.jsonl"
