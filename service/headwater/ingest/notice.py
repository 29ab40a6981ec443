"""What an SQS body means: new log objects, a link test, a subscription to confirm, or nothing we know."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import unquote_plus, urlsplit

import msgspec

from headwater.errors import NoticeError
from headwater.model import ObjectRef

NoticeKind = Literal[
    "s3",
    "eventbridge",
    "cloudtrail",
    "test_event",
    "subscription_confirmation",
    "unsubscribe_confirmation",
    "cloudtrail_validation",
]

MAX_SNS_NESTING = 3
CLOUDTRAIL_VALIDATION = "CloudTrail validation message."  # sent once when a trail gets its SNS topic
SNS_HOST = re.compile(r"sns\.[a-z]{2,4}(?:-[a-z]+)+-\d\.amazonaws\.com(?:\.cn)?")
S3_EVENT_NAME = re.compile(r"(?:s3:)?([A-Z][A-Za-z]{1,63})(?::[A-Za-z*]{1,64})?")
EVENTBRIDGE_TYPE = re.compile(r"(?:Object )?([A-Z][A-Za-z]{1,31}(?: [A-Za-z]{1,31}){0,3})")
EDGE_OF_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])| ")

NONCE = "HeadwaterNonce"  # key of our own in a test message; S3's own have none
NONCE_SHAPE = re.compile(r"[0-9a-f]{32}")
MAX_KEY_BYTES = 1024  # S3 limit

Size = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Confirmation:
    """An SNS subscription (or its end) that waits for our answer; the URL is proven to be SNS's own."""

    topic_arn: str
    token: str = field(repr=False)
    subscribe_url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Notice:
    """What one SQS body announces.

    ignored: announcements that are no new log object, by reason: folder_marker, empty_object, object_removed, …
    nonce: of a test message that `headwater onboard verify` sent.
    """

    kind: NoticeKind
    objects: tuple[ObjectRef, ...] = ()
    ignored: Mapping[str, int] = field(default_factory=dict)
    confirmation: Confirmation | None = None
    nonce: str | None = None


class _Bucket(msgspec.Struct):
    name: str


class _S3Object(msgspec.Struct, rename="camel"):
    key: str
    size: Size | None = None
    e_tag: str | None = None
    version_id: str | None = None
    sequencer: str | None = None


class _S3Entity(msgspec.Struct):
    bucket: _Bucket
    object: _S3Object


class _S3Record(msgspec.Struct, rename="camel"):
    event_source: Literal["aws:s3"]
    event_name: str
    s3: _S3Entity
    aws_region: str | None = None


class _EventBridgeObject(msgspec.Struct, rename="kebab"):
    key: str
    size: Size | None = None
    etag: str | None = None
    version_id: str | None = None
    sequencer: str | None = None


class _EventBridgeDetail(msgspec.Struct):
    bucket: _Bucket
    object: _EventBridgeObject


class _EventBridge(msgspec.Struct, rename="kebab"):
    detail_type: str
    source: Literal["aws.s3"]
    detail: _EventBridgeDetail
    region: str | None = None


class _CloudTrail(msgspec.Struct):
    s3Bucket: str
    s3ObjectKey: list[str]


class _Sns(msgspec.Struct):
    Message: str


class _Confirmation(msgspec.Struct):
    TopicArn: str
    Token: str
    SubscribeURL: str


def read_notice(body: str) -> Notice:
    """The objects an SQS body announces, or the reason why it announces none.

    Raises: NoticeError with reason not_json, not_a_notification, malformed_notification, bad_key, bad_subscribe_url
        or nested_too_deep; never another exception.
    Source: AWS S3 user guide, "Event message structure" and "EventBridge event message structure".
    """
    value = _load(body)
    if isinstance(value, dict) and value.get("Type") in ("SubscriptionConfirmation", "UnsubscribeConfirmation"):
        return _read_confirmation(value)
    for _ in range(MAX_SNS_NESTING):
        if not (isinstance(value, dict) and value.get("Type") == "Notification"):
            return _read_value(value)
        value = _load(_convert(value, _Sns, "SNS notification").Message, "not_a_notification")
    raise NoticeError(
        "nested_too_deep", f"The body holds more than {MAX_SNS_NESTING - 1} SNS envelopes in one another."
    )


def _load(text: str, reason: str = "not_json") -> Any:
    """The JSON value of a text; CloudTrail's plain sentence stays a string."""
    if text.strip() == CLOUDTRAIL_VALIDATION:
        return CLOUDTRAIL_VALIDATION
    try:
        return msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise NoticeError(reason, f"The text is not JSON: {error}") from error


def _read_value(value: Any) -> Notice:
    if value == CLOUDTRAIL_VALIDATION:
        return Notice("cloudtrail_validation")
    if not isinstance(value, dict):
        raise NoticeError("not_a_notification", f"The body is a JSON {type(value).__name__}, not a notification.")
    if value.get("Event") == "s3:TestEvent":
        nonce = value.get(NONCE)
        return Notice("test_event", nonce=nonce if isinstance(nonce, str) and NONCE_SHAPE.fullmatch(nonce) else None)
    if "Records" in value:
        return _read_s3(value["Records"])
    if "detail-type" in value:
        return _read_eventbridge(value)
    if "s3Bucket" in value:
        return _read_cloudtrail(value)
    raise NoticeError("not_a_notification", f"The body is JSON with the keys {sorted(value)[:5]}, not a notification.")


def _convert(value: Any, shape: type[T], name: str) -> T:
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise NoticeError("malformed_notification", f"The {name} is malformed: {error}") from error


def _read_s3(records: Any) -> Notice:
    if isinstance(records, list) and records and not any(_is_s3(record) for record in records):
        raise NoticeError("not_a_notification", "None of the Records comes from S3.")
    objects: list[ObjectRef] = []
    ignored: Counter[str] = Counter()
    for record in _convert(records, list[_S3Record], "S3 notification"):
        reason, ref = _read_s3_record(record)
        if ref is not None:
            objects.append(ref)
        else:
            ignored[reason] += 1
    return Notice("s3", tuple(objects), dict(ignored))


def _is_s3(record: Any) -> bool:
    return isinstance(record, dict) and record.get("eventSource") == "aws:s3"


def _read_s3_record(record: _S3Record) -> tuple[str, ObjectRef | None]:
    """Either ("", the new object) or (why it is ignored, None)."""
    name = S3_EVENT_NAME.fullmatch(record.event_name)
    if name is None or name[1] != "ObjectCreated":
        return (_snake(name[1]) if name else "other_event"), None
    item = record.s3.object
    ref = _object_ref(
        bucket=record.s3.bucket.name,
        key=_unquote(item.key),
        region=record.aws_region,
        version_id=item.version_id,
        etag=item.e_tag,
        size_bytes=item.size,
        sequencer=item.sequencer,
    )
    return _unless_empty(ref)


def _read_eventbridge(value: Any) -> Notice:
    if value.get("source") != "aws.s3":
        raise NoticeError("not_a_notification", "The EventBridge event does not come from aws.s3.")
    event = _convert(value, _EventBridge, "EventBridge event")
    if event.detail_type != "Object Created":
        name = EVENTBRIDGE_TYPE.fullmatch(event.detail_type)
        return Notice("eventbridge", ignored={f"object_{_snake(name[1])}" if name else "other_event": 1})
    item = event.detail.object
    reason, ref = _unless_empty(
        _object_ref(
            bucket=event.detail.bucket.name,
            key=item.key,
            region=event.region,
            version_id=item.version_id,
            etag=item.etag,
            size_bytes=item.size,
            sequencer=item.sequencer,
        )
    )
    return Notice("eventbridge", (ref,)) if ref is not None else Notice("eventbridge", ignored={reason: 1})


def _read_cloudtrail(value: Any) -> Notice:
    """CloudTrail's own SNS message; its keys are not encoded and carry neither size nor version."""
    message = _convert(value, _CloudTrail, "CloudTrail notification")
    read = [_unless_empty(_object_ref(bucket=message.s3Bucket, key=key)) for key in message.s3ObjectKey]
    ignored = Counter(reason for reason, ref in read if ref is None)
    return Notice("cloudtrail", tuple(ref for _, ref in read if ref is not None), dict(ignored))


def _read_confirmation(value: Any) -> Notice:
    """Source: AWS SNS developer guide, "HTTP/HTTPS subscription confirmation JSON format"."""
    message = _convert(value, _Confirmation, "SNS confirmation")
    if not _is_sns_url(message.SubscribeURL):
        raise NoticeError("bad_subscribe_url", "The SubscribeURL is not an https URL of sns.<region>.amazonaws.com.")
    kind: NoticeKind = (
        "subscription_confirmation" if value["Type"] == "SubscriptionConfirmation" else "unsubscribe_confirmation"
    )
    return Notice(kind, confirmation=Confirmation(message.TopicArn, message.Token, message.SubscribeURL))


def _is_sns_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and SNS_HOST.fullmatch(parts.netloc) is not None


def _object_ref(
    *,
    bucket: str,
    key: str,
    region: str | None = None,
    version_id: str | None = None,
    etag: str | None = None,
    size_bytes: int | None = None,
    sequencer: str | None = None,
) -> ObjectRef:
    """A ref with S3's spellings removed: version "null" means none, an etag may stand in quotes."""
    if not bucket or not key:
        raise NoticeError("malformed_notification", "The notification names an object without bucket or key.")
    if len(key.encode()) > MAX_KEY_BYTES or "\0" in "".join(filter(None, (bucket, key, version_id, etag, sequencer))):
        raise NoticeError("bad_key", f"S3 has no such key: over {MAX_KEY_BYTES} bytes or with a NUL: {key[:200]!r}")
    return ObjectRef(
        bucket=bucket,
        key=key,
        region=region or None,
        version_id=None if version_id in (None, "", "null") else version_id,
        etag=(etag or "").strip('"') or None,
        size_bytes=size_bytes,
        sequencer=sequencer or None,
    )


def _unless_empty(ref: ObjectRef) -> tuple[str, ObjectRef | None]:
    if ref.key.endswith("/"):
        return "folder_marker", None
    if ref.size_bytes == 0:
        return "empty_object", None
    return "", ref


def _unquote(key: str) -> str:
    """S3 event records carry keys form-encoded: space as +, UTF-8 as %XX."""
    try:
        return unquote_plus(key, errors="strict")
    except UnicodeDecodeError as error:
        raise NoticeError("bad_key", f"The object key is not UTF-8 after decoding: {key[:200]!r}") from error


def _snake(name: str) -> str:
    return EDGE_OF_WORD.sub("_", name).lower()
