"""What an SQS body means."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import NoticeError
from headwater.ingest.notice import Notice, read_notice

SHARED = Path(os.environ.get("HEADWATER_SHARED", Path(__file__).parents[2] / "../shared"))
BUCKET = "example-logs-111122223333"
TOPIC = "arn:aws:sns:us-east-1:111122223333:log-events"


def s3_record(
    key: Any = "AWSLogs/a.json.gz", event_name: str = "ObjectCreated:Put", bucket: Any = BUCKET, **item: Any
) -> dict[str, Any]:
    """One record of an S3 event notification."""
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventName": event_name,
        "s3": {"bucket": {"name": bucket}, "object": {"key": key, "size": 1024, "eTag": "0" * 32} | item},
    }


def s3_body(*records: Any) -> str:
    """An S3 event notification as S3 sends it to SQS."""
    return json.dumps({"Records": list(records)})


def sns(message: Any) -> str:
    """A body as SNS wraps it."""
    return json.dumps({"Type": "Notification", "TopicArn": TOPIC, "Message": message})


def eventbridge(detail_type: str = "Object Created", key: str = "a/b c+d%3D.gz", **item: Any) -> str:
    """An S3 event as EventBridge sends it."""
    detail = {"bucket": {"name": BUCKET}, "object": {"key": key, "size": 10, "etag": "0" * 32} | item}
    event = {"detail-type": detail_type, "source": "aws.s3", "region": "eu-west-1", "detail": detail}
    return json.dumps(event)


def confirmation(url: str, kind: str = "SubscriptionConfirmation") -> str:
    """SNS's request to confirm a subscription."""
    return json.dumps({"Type": kind, "TopicArn": TOPIC, "Token": "EXAMPLE", "SubscribeURL": url, "Message": "You have"})


def test_s3_record_becomes_a_ref_with_decoded_key_and_bare_etag() -> None:
    body = s3_body(s3_record("a%3D1/b+c%20%E3%83%AD.gz", eTag='"abc"', versionId="v1", sequencer="0A"))

    (ref,) = read_notice(body).objects

    assert (ref.bucket, ref.key, ref.region) == (BUCKET, "a=1/b c ロ.gz", "us-east-1")
    assert (ref.version_id, ref.etag, ref.size_bytes, ref.sequencer) == ("v1", "abc", 1024, "0A")
    assert ref.account_id is None


def test_version_null_counts_as_no_version() -> None:
    (ref,) = read_notice(s3_body(s3_record(versionId="null"))).objects

    assert ref.version_id is None


@pytest.mark.parametrize("suffix", ["Put", "Post", "Copy", "CompleteMultipartUpload"])
def test_every_way_to_create_an_object_yields_it(suffix: str) -> None:
    notice = read_notice(s3_body(s3_record(event_name=f"ObjectCreated:{suffix}")))

    assert (notice.kind, len(notice.objects)) == ("s3", 1)


@pytest.mark.parametrize(
    ("event_name", "reason"),
    [
        ("ObjectRemoved:Delete", "object_removed"),
        ("ObjectRestore:Completed", "object_restore"),
        ("ObjectTagging:Put", "object_tagging"),
        ("LifecycleExpiration:Delete", "lifecycle_expiration"),
        ("Replication:OperationMissedThreshold", "replication"),
        ("what is this", "other_event"),
    ],
)
def test_other_event_is_ignored_and_counted_beside_the_created_one(event_name: str, reason: str) -> None:
    notice = read_notice(s3_body(s3_record("gone.gz", event_name), s3_record("kept.gz")))

    assert [ref.key for ref in notice.objects] == ["kept.gz"]
    assert notice.ignored == {reason: 1}


@pytest.mark.parametrize(
    ("record", "reason"),
    [(s3_record("AWSLogs/"), "folder_marker"), (s3_record("e.log.gz", size=0), "empty_object")],
    ids=["folder marker", "empty object"],
)
def test_object_without_content_is_ignored_with_its_reason(record: dict[str, Any], reason: str) -> None:
    assert read_notice(s3_body(record)) == Notice("s3", ignored={reason: 1})


def test_notification_without_records_names_nothing() -> None:
    assert read_notice(s3_body()) == Notice("s3")


@pytest.mark.parametrize("layers", [1, 2])
def test_sns_envelope_is_opened(layers: int) -> None:
    body = s3_body(s3_record())
    for _ in range(layers):
        body = sns(body)

    assert len(read_notice(body).objects) == 1


def test_sns_envelopes_without_end_are_refused() -> None:
    body = s3_body(s3_record())
    for _ in range(4):
        body = sns(body)

    assert reason_of(body) == "nested_too_deep"


@pytest.mark.parametrize("wrap", [str, sns], ids=["direct", "through SNS"])
def test_eventbridge_key_is_taken_as_it_stands(wrap: Any) -> None:
    (ref,) = read_notice(wrap(eventbridge(**{"version-id": "v1"}))).objects

    assert (ref.bucket, ref.key, ref.region, ref.version_id) == (BUCKET, "a/b c+d%3D.gz", "eu-west-1", "v1")


@pytest.mark.parametrize(
    ("detail_type", "reason"),
    [
        ("Object Deleted", "object_deleted"),
        ("Object Restore Completed", "object_restore_completed"),
        ("Object Tags Added", "object_tags_added"),
        ("?", "other_event"),
    ],
)
def test_other_eventbridge_event_is_ignored_and_counted(detail_type: str, reason: str) -> None:
    assert read_notice(eventbridge(detail_type)) == Notice("eventbridge", ignored={reason: 1})


def test_empty_object_through_eventbridge_is_ignored() -> None:
    assert read_notice(eventbridge(size=0)) == Notice("eventbridge", ignored={"empty_object": 1})


def test_cloudtrail_message_yields_each_key_as_it_stands() -> None:
    body = sns(json.dumps({"s3Bucket": BUCKET, "s3ObjectKey": ["a+1.json.gz", "folder/", "b%20.json.gz"]}))

    notice = read_notice(body)

    assert notice.kind == "cloudtrail"
    assert [ref.key for ref in notice.objects] == ["a+1.json.gz", "b%20.json.gz"]
    assert notice.ignored == {"folder_marker": 1}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": BUCKET}), "test_event"),
        ("CloudTrail validation message.", "cloudtrail_validation"),
        ('"CloudTrail validation message."', "cloudtrail_validation"),
    ],
    ids=["test event", "validation text", "validation as JSON"],
)
@pytest.mark.parametrize("wrap", [str, sns], ids=["direct", "through SNS"])
def test_link_test_names_no_objects(body: str, kind: str, wrap: Any) -> None:
    assert read_notice(wrap(body)) == Notice(kind)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "nonce"),
    [
        pytest.param("0123456789abcdef" * 2, "0123456789abcdef" * 2, id="of verify"),
        pytest.param("'; DROP TABLE link_tests; --", None, id="no nonce"),
        pytest.param("a" * 33, None, id="too long"),
        pytest.param(["a" * 32], None, id="no text"),
    ],
)
def test_only_a_nonce_of_ours_is_taken_from_a_link_test(given: Any, nonce: str | None) -> None:
    body = json.dumps({"Event": "s3:TestEvent", "Bucket": BUCKET, "HeadwaterNonce": given})

    assert read_notice(body) == Notice("test_event", nonce=nonce)


@pytest.mark.parametrize(
    ("sns_kind", "kind"),
    [
        ("SubscriptionConfirmation", "subscription_confirmation"),
        ("UnsubscribeConfirmation", "unsubscribe_confirmation"),
    ],
)
@pytest.mark.parametrize(
    "host",
    ["sns.us-east-1.amazonaws.com", "sns.cn-north-1.amazonaws.com.cn", "sns.us-gov-west-1.amazonaws.com"],
)
def test_confirmation_carries_topic_token_and_url(sns_kind: str, kind: str, host: str) -> None:
    url = f"https://{host}/?Action=ConfirmSubscription&Token=EXAMPLE"

    notice = read_notice(confirmation(url, sns_kind))

    assert notice.kind == kind
    assert notice.confirmation is not None
    assert (notice.confirmation.topic_arn, notice.confirmation.subscribe_url) == (TOPIC, url)


def test_token_stays_out_of_the_text_form() -> None:
    notice = read_notice(confirmation("https://sns.us-east-1.amazonaws.com/?Token=SECRET"))

    assert "SECRET" not in repr(notice)
    assert "EXAMPLE" not in repr(notice)


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.us-east-1.amazonaws.com/",
        "https://sns.us-east-1.amazonaws.com.example.com/",
        "https://example.com/sns.us-east-1.amazonaws.com",
        "https://sns.us-east-1.amazonaws.com@example.com/",
        "https://sns.us-east-1.amazonaws.com:8443/",
        "https://sns.amazonaws.com/",
        "https://[oops/",
        "",
    ],
)
def test_subscribe_url_of_another_host_is_refused(url: str) -> None:
    assert reason_of(confirmation(url)) == "bad_subscribe_url"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "not_json"),
        ("hello", "not_json"),
        ('{"Records": [{"eventVersion"', "not_json"),
        ("[" * 100_000, "not_json"),
        ('"\ud800"', "not_json"),
        (sns("hello"), "not_a_notification"),
        (sns(confirmation("https://sns.us-east-1.amazonaws.com/")), "not_a_notification"),
        ("[]", "not_a_notification"),
        ("7", "not_a_notification"),
        ("null", "not_a_notification"),
        ("{}", "not_a_notification"),
        (json.dumps({"Records": [{"eventSource": "aws:sqs", "body": "x"}]}), "not_a_notification"),
        (json.dumps({"detail-type": "GuardDuty Finding", "source": "aws.guardduty"}), "not_a_notification"),
        (json.dumps({"Records": None}), "malformed_notification"),
        (json.dumps({"Records": {"a": 1}}), "malformed_notification"),
        (s3_body(s3_record(), 7), "malformed_notification"),
        (s3_body(s3_record(key=None)), "malformed_notification"),
        (s3_body(s3_record(key="")), "malformed_notification"),
        (s3_body(s3_record(bucket=None)), "malformed_notification"),
        (s3_body(s3_record(bucket="")), "malformed_notification"),
        (s3_body(s3_record(size="1024")), "malformed_notification"),
        (s3_body(s3_record(size=-1)), "malformed_notification"),
        (s3_body(s3_record(size=2**63)), "malformed_notification"),
        (s3_body(s3_record(key="a%FF")), "bad_key"),
        (s3_body(s3_record(key="a%00")), "bad_key"),
        (s3_body(s3_record(key="k" * 1025)), "bad_key"),
        (s3_body(s3_record(versionId="v\0")), "bad_key"),
        (sns({"Records": []}), "malformed_notification"),
        (json.dumps({"Type": "SubscriptionConfirmation"}), "malformed_notification"),
        (json.dumps({"s3Bucket": BUCKET, "s3ObjectKey": "one"}), "malformed_notification"),
        (json.dumps({"detail-type": "Object Created", "source": "aws.s3", "detail": []}), "malformed_notification"),
    ],
)
def test_body_that_names_no_objects_is_refused_with_a_stable_reason(body: str, reason: str) -> None:
    assert reason_of(body) == reason


KEYS = st.sampled_from(
    (
        *("Type", "Message", "Records", "eventSource", "eventName", "s3", "bucket", "name", "object", "key", "size"),
        *("versionId", "detail-type", "source", "detail", "s3Bucket", "s3ObjectKey", "Event", "TopicArn", "Token"),
        *("SubscribeURL", "awsRegion"),
    )
)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=12,
)
WORDS = st.sampled_from(["Notification", "SubscriptionConfirmation", "aws:s3", "ObjectCreated:Put", "aws.s3", "a%FF"])


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text() | JUNK.map(json.dumps) | st.dictionaries(KEYS, JUNK | WORDS, max_size=8).map(json.dumps))
def test_any_body_is_a_notice_or_a_notice_error(body: str) -> None:
    for text in (body, sns(body)):
        assert notice_or_reason(text)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.dictionaries(KEYS, JUNK | WORDS, max_size=4), st.dictionaries(KEYS, JUNK | WORDS, max_size=4))
def test_s3_record_with_odd_fields_is_read_or_refused(record: dict[str, Any], item: dict[str, Any]) -> None:
    odd = s3_record(**{key: value for key, value in item.items() if key in ("key", "size", "versionId")}) | record

    found = notice_or_reason(s3_body(odd))

    assert isinstance(found, str) or len(found.objects) + sum(found.ignored.values()) == 1


def notice_or_reason(body: str) -> Notice | str:
    """What a body means, its objects proven usable; or the reason of its refusal."""
    try:
        notice = read_notice(body)
    except NoticeError as error:
        return error.reason
    assert all(len(ref.object_id) == 64 for ref in notice.objects)
    return notice


def reason_of(body: str) -> str:
    """The reason with which a body is refused."""
    with pytest.raises(NoticeError) as caught:
        read_notice(body)
    return caught.value.reason


def field_cases() -> list[Any]:
    """The notification faults seen in the field, where their folder is present."""
    path = SHARED / "cases/cases.jsonl"
    if not path.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason="shared cases are absent"))]
    cases = [json.loads(line) for line in path.read_text().splitlines()]
    return [pytest.param(case, id=case["id"]) for case in cases if case["id"][0] == "N" and "input_file" in case]


@pytest.mark.parametrize("case", field_cases())
def test_field_notification_is_read_as_its_case_says(case: dict[str, Any]) -> None:
    text = (SHARED / "cases" / case["input_file"]).read_text()
    bodies = text.splitlines() if case["input_file"].endswith(".jsonl") else [text]
    check = case["check"]

    for body in bodies:
        if check.get("ack") is False:
            assert reason_of(body)
            continue
        notice = read_notice(body)
        if "type" in check:
            assert notice.kind == check["type"]
        if "objects" in check and check.get("reason") != "unknown_source":  # sources are known to accounts.yml alone
            found = [
                {name: getattr(ref, name) for name in want}
                for ref, want in zip(notice.objects, check["objects"], strict=False)
            ]
            assert (found, len(notice.objects)) == (check["objects"], len(check["objects"]))
