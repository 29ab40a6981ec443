"""The data of lookup tables that lie in S3."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from headwater.aws.errors import translated
from headwater.aws.s3 import split_url
from headwater.aws.session import Sessions
from headwater.enrich.spec import Refresh
from headwater.errors import EnrichmentError

BLOCK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Stored:
    """A table's object. version: its ETag. made_at: when it was written. blocks: read while they are decoded."""

    version: str
    made_at: datetime
    blocks: Iterator[bytes]


def fetch(sessions: Sessions, refresh: Refresh, version: str, max_bytes: int) -> Stored | None:
    """The object of a table; None where it still has the version that we know.

    Raises: ObjectMissing, AccessDenied, TransientError; EnrichmentError for an object of more than max_bytes.
    """
    bucket, key = split_url(refresh.url)
    needs = f"s3:GetObject on {refresh.url}"
    needs += f" and kms:Decrypt on {refresh.kms_key}" if refresh.kms_key else ""
    known: dict[str, Any] = {"IfNoneMatch": version} if version else {}
    client = sessions.s3_as(refresh.role_arn)
    with translated(f"get {refresh.url}", needs):
        try:
            answer = client.get_object(Bucket=bucket, Key=key, **known)
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 304:
                return None
            raise
    if answer["ContentLength"] > max_bytes:
        raise EnrichmentError(f"{refresh.url} has {answer['ContentLength']} bytes, more than HEADWATER_LOOKUP_MAX_MIB")
    return Stored(answer["ETag"], answer["LastModified"], _blocks(answer["Body"].iter_chunks(BLOCK_BYTES), refresh.url))


def _blocks(chunks: Iterator[bytes], url: str) -> Iterator[bytes]:
    with translated(f"read {url}"):
        yield from chunks
