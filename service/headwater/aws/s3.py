"""Log objects as byte streams, read with the customer's role."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from headwater.aws.errors import code_of, translated
from headwater.aws.refusals import Asked
from headwater.aws.session import Sessions
from headwater.errors import ObjectMissing, TransientError
from headwater.model import ObjectRef, Source

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

BLOCK_BYTES = 1024 * 1024
WHOLE_BYTES = 32 * 1024 * 1024  # smaller objects are fetched at once by the download threads
BROKEN_PAUSES_S = (0.5, 2.0, 8.0)  # before a body that broke off is asked for once more; after a block they begin anew
ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})  # storage classes that GetObject refuses


@dataclass(frozen=True, slots=True)
class Fetched:
    """An object on its way in. blocks: its stored (compressed) bytes."""

    ref: ObjectRef
    source: Source
    blocks: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class Listed:
    """An object of a listing. Its ref has the ETag, and no version."""

    ref: ObjectRef
    modified_at: datetime
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a listing: objects, and the folders below the prefix where they were asked for."""

    objects: tuple[Listed, ...]
    folders: tuple[str, ...] = ()


def identify(sessions: Sessions, ref: ObjectRef, source: Source) -> ObjectRef:
    """The ref with its version or etag, asked from S3 if the notification has neither (CloudTrail's SNS form)."""
    return ref if ref.version_id or ref.etag else head(sessions, ref, source)


def head(sessions: Sessions, ref: ObjectRef, source: Source) -> ObjectRef:
    """The ref as S3 knows its newest version. Raises: ObjectMissing, AccessDenied, TransientError."""
    with translated(f"get {ref.url}", asked=_asked("s3:GetObject", ref, source)):
        try:
            found = sessions.ask(source, lambda client: client.head_object(Bucket=ref.bucket, Key=ref.key))
        except ClientError as error:
            if code_of(error) != "403":
                raise
            return _first_byte(sessions, ref, source)
    return _known(ref, found, found["ContentLength"])


def _first_byte(sessions: Sessions, ref: ObjectRef, source: Source) -> ObjectRef:
    """The same by GET: the answer to a HEAD has no body that could say who refused and why."""

    def get(client: S3Client) -> Any:
        answer = client.get_object(Bucket=ref.bucket, Key=ref.key, Range="bytes=0-0")
        answer["Body"].close()
        return answer

    found = sessions.ask(source, get)
    return _known(ref, found, int(found["ContentRange"].rpartition("/")[2]))


def _known(ref: ObjectRef, found: Any, size_bytes: int) -> ObjectRef:
    version = found.get("VersionId")
    return replace(
        ref,
        version_id=version if version and version != "null" else None,
        etag=found["ETag"].strip('"'),
        size_bytes=size_bytes,
    )


def fetch(sessions: Sessions, ref: ObjectRef, source: Source, pause: Callable[[float], None] = time.sleep) -> Fetched:
    """Open one object; a small one is read whole, a large one streams while it is decoded.

    Where its connection or its session ends, reading goes on from the byte reached, of the same bytes.
    Raises: ObjectMissing (also where it was replaced), AccessDenied, TransientError.
    """
    read = _Read(sessions, ref, source, pause)
    try:
        read.open(ref.key)
    except ObjectMissing:
        decoded = unquote_plus(ref.key)
        if decoded == ref.key:
            raise
        read.open(decoded)  # some senders encode keys where S3 itself would not
    if read.size_bytes > WHOLE_BYTES:
        return Fetched(ref, source, read.blocks())
    return Fetched(ref, source, iter([b"".join(read.blocks())]))


@dataclass(slots=True)
class _Read:
    """A GetObject that survives the end of its connection and of its session."""

    sessions: Sessions
    ref: ObjectRef
    source: Source
    pause: Callable[[float], None]
    size_bytes: int = 0
    _key: str = ""
    _done: int = 0
    _body: Any = field(default=None, repr=False)
    _etag: str = ""

    def open(self, key: str) -> None:
        """Ask for the whole object. Where it has no version, its ETag says that it is the one that was announced."""
        self._key = key
        same = {"IfMatch": f'"{self.ref.etag}"'} if self.ref.etag and not self.ref.version_id else {}
        answer = self._get(same)
        self._body, self._etag, self.size_bytes = answer["Body"], answer["ETag"], answer["ContentLength"]

    def blocks(self) -> Iterator[bytes]:
        """The bytes; raises TransientError where nothing more came after several tries."""
        broken = 0
        while True:
            try:
                for block in self._body.iter_chunks(BLOCK_BYTES):
                    self._done += len(block)
                    broken = 0
                    yield block
                return
            except (BotoCoreError, HTTPError) as error:  # botocore lets urllib3's own error of TLS through
                if broken == len(BROKEN_PAUSES_S):
                    raise TransientError(f"read {self.ref.url}: broke off at byte {self._done}: {error}") from error
                self.pause(BROKEN_PAUSES_S[broken])
                broken += 1
                self._go_on()

    def _go_on(self) -> None:
        """Ask for the rest, of the very bytes that were begun."""
        if self._done == self.size_bytes:
            self._body = _Nothing()
            return
        answer = self._get({"Range": f"bytes={self._done}-", "IfMatch": self._etag})
        begins = str(answer.get("ContentRange", "")).removeprefix("bytes ").partition("-")[0]
        if begins != str(self._done):
            raise TransientError(f"read {self.ref.url}: S3 did not go on from byte {self._done}")
        self._body = answer["Body"]

    def _get(self, more: dict[str, Any]) -> Any:
        ref, key = replace(self.ref, key=self._key), self._key
        version: dict[str, Any] = {"VersionId": ref.version_id} if ref.version_id else {}
        action = "s3:GetObjectVersion" if ref.version_id else "s3:GetObject"

        def get(client: S3Client) -> Any:
            return client.get_object(Bucket=ref.bucket, Key=key, **version, **more)

        with translated(f"get {ref.url}", asked=_asked(action, ref, self.source)):
            return self.sessions.ask(self.source, get)


class _Nothing:
    """The body of an object that broke off behind its last byte."""

    def iter_chunks(self, _size: int) -> Iterator[bytes]:
        return iter(())


def list_objects(sessions: Sessions, source: Source, prefix: str = "", start_after: str = "") -> Iterator[Listed]:
    """The objects of a source's bucket in the order of their keys, a page of 1,000 at a time; nothing is collected.

    start_after: the key to go on behind. Empty objects and folder markers are left out.
    """
    for page in list_pages(sessions, source, prefix, start_after=start_after):
        yield from page.objects


def list_pages(
    sessions: Sessions, source: Source, prefix: str, *, start_after: str = "", folders: bool = False
) -> Iterator[Page]:
    """The same by pages. folders: only what lies directly below the prefix, with the folders there."""
    more: dict[str, Any] = {"StartAfter": start_after} if start_after else {}
    more |= {"Delimiter": "/"} if folders else {}
    while True:
        answer = _list(sessions, source, prefix, more)
        listed = tuple(_listed(source.bucket, item) for item in answer.get("Contents", ()) if _is_log(item))
        yield Page(listed, tuple(each["Prefix"] for each in answer.get("CommonPrefixes", ())))
        if not answer.get("IsTruncated"):
            return
        more["ContinuationToken"] = answer["NextContinuationToken"]


def _list(sessions: Sessions, source: Source, prefix: str, more: dict[str, Any]) -> Any:
    arn = f"arn:{_partition(source)}:s3:::{source.bucket}"
    asked = Asked(service="s3", action="s3:ListBucket", resource=arn, principal=source.role_arn or "")
    with translated(f"list s3://{source.bucket}/{prefix}", asked=asked):
        return sessions.ask(source, lambda client: client.list_objects_v2(Bucket=source.bucket, Prefix=prefix, **more))


def _is_log(item: Any) -> bool:
    return bool(item["Size"]) and not item["Key"].endswith("/")


def _listed(bucket: str, item: Any) -> Listed:
    ref = ObjectRef(bucket, item["Key"], etag=item["ETag"].strip('"'), size_bytes=item["Size"])
    return Listed(ref, item["LastModified"], item.get("StorageClass") in ARCHIVED)


def _asked(action: str, ref: ObjectRef, source: Source) -> Asked:
    arn = f"arn:{_partition(source)}:s3:::{ref.bucket}/{source.prefix}*"
    return Asked("", "s3", action, arn, source.role_arn or "", source.kms_key_arn or "")


def _partition(source: Source) -> str:
    return source.role_arn.split(":")[1] if source.role_arn else "aws"


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
