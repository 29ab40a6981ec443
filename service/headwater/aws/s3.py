"""Log objects as byte streams, read with the customer's role."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import boto3

from headwater.aws.errors import translated
from headwater.aws.session import Sessions
from headwater.errors import ObjectMissing
from headwater.model import ObjectRef, Source

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

BLOCK_BYTES = 1024 * 1024
WHOLE_BYTES = 32 * 1024 * 1024  # smaller objects are fetched at once by the download threads


@dataclass(frozen=True, slots=True)
class Fetched:
    """An object on its way in. blocks: its stored (compressed) bytes."""

    ref: ObjectRef
    source: Source
    blocks: Iterator[bytes]


def identify(sessions: Sessions, ref: ObjectRef, source: Source) -> ObjectRef:
    """The ref with its version or etag, asked from S3 if the notification has neither (CloudTrail's SNS form)."""
    if ref.version_id or ref.etag:
        return ref
    client = sessions.s3(source)
    with translated(f"head {ref.url}", f"s3:GetObject on {ref.url}"):
        head = client.head_object(Bucket=ref.bucket, Key=ref.key)
    version = head.get("VersionId")
    return replace(
        ref,
        version_id=version if version and version != "null" else None,
        etag=head["ETag"].strip('"'),
        size_bytes=head["ContentLength"],
    )


def fetch(sessions: Sessions, ref: ObjectRef, source: Source) -> Fetched:
    """Open one object; a small one is read whole, a large one streams while it is decoded.

    Raises: ObjectMissing, AccessDenied, TransientError.
    """
    client = sessions.s3(source)
    try:
        answer = _get(client, ref, ref.key)
    except ObjectMissing:
        decoded = unquote_plus(ref.key)
        if decoded == ref.key:
            raise
        answer = _get(client, ref, decoded)  # some senders encode keys where S3 itself would not
    body = answer["Body"]
    if answer["ContentLength"] > WHOLE_BYTES:
        return Fetched(ref, source, _stream(body, ref))
    with translated(f"read {ref.url}"):
        return Fetched(ref, source, iter([body.read()]))


def list_objects(sessions: Sessions, source: Source, prefix: str = "", start_after: str = "") -> Iterator[ObjectRef]:
    """The objects of a source's bucket in the order of their keys, a page of 1,000 at a time; nothing is collected.

    start_after: the key to go on behind. Empty objects and folder markers are left out.
    """
    pages = (
        sessions.s3(source)
        .get_paginator("list_objects_v2")
        .paginate(Bucket=source.bucket, Prefix=prefix, StartAfter=start_after)
    )
    with translated(f"list s3://{source.bucket}/{prefix}", f"s3:ListBucket on {source.bucket} below {prefix}"):
        for page in pages:
            for item in page.get("Contents", ()):
                if item["Size"] and not item["Key"].endswith("/"):
                    etag = item["ETag"].strip('"')
                    yield ObjectRef(source.bucket, item["Key"], etag=etag, size_bytes=item["Size"])


def _get(client: S3Client, ref: ObjectRef, key: str) -> Any:
    version: dict[str, Any] = {"VersionId": ref.version_id} if ref.version_id else {}
    action = "s3:GetObjectVersion" if ref.version_id else "s3:GetObject"
    with translated(f"get s3://{ref.bucket}/{key}", f"{action} on s3://{ref.bucket}/{key} and kms:Decrypt on its key"):
        return client.get_object(Bucket=ref.bucket, Key=key, **version)


def _stream(body: Any, ref: ObjectRef) -> Iterator[bytes]:
    with translated(f"read {ref.url}"):
        yield from body.iter_chunks(BLOCK_BYTES)


def read_text(url: str, region: str) -> str:
    """The text of a small object of our own account, e.g. accounts.yml."""
    bucket, key = split_url(url)
    with translated(f"get {url}", f"s3:GetObject on {url}"):
        body: bytes = boto3.Session().client("s3", region_name=region).get_object(Bucket=bucket, Key=key)["Body"].read()
        return body.decode()


def write_text(url: str, text: str, region: str) -> None:
    """Write a small object of our own account."""
    bucket, key = split_url(url)
    with translated(f"put {url}", f"s3:PutObject on {url}"):
        boto3.Session().client("s3", region_name=region).put_object(Bucket=bucket, Key=key, Body=text.encode())


def split_url(url: str) -> tuple[str, str]:
    """Bucket and key of an s3:// URL."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key
