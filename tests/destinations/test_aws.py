"""The destinations in AWS, and the secrets that lie there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from headwater.destinations.destination import Destination
from headwater.destinations.message import message_of
from headwater.destinations.secret import Secrets
from headwater.errors import AccessDenied, DeliveryFailed, DeliveryRefused
from support.alerts import ALERTS, WIDE, WORST, message
from support.wire import Sent, Wire, connect

Make = Callable[..., Destination]
REGION, ACCOUNT = "eu-west-1", "123456789012"
WHICH = pytest.mark.parametrize("which", ALERTS)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield


@pytest.fixture
def queue(aws: None) -> str:
    return str(boto3.client("sqs", REGION).create_queue(QueueName="alerts")["QueueUrl"])


def received(queue_url: str) -> list[dict[str, Any]]:
    """The messages of a queue, with their attributes."""
    answer = boto3.client("sqs", REGION).receive_message(
        QueueUrl=queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], AttributeNames=["All"]
    )
    return [dict(one) for one in answer.get("Messages", [])]


def queue_arn(queue_url: str) -> str:
    answer = boto3.client("sqs", REGION).get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    return str(answer["Attributes"]["QueueArn"])


@WHICH
def test_queue_gets_an_alert_with_attributes_to_choose_by(which: str, queue: str, make: Make) -> None:
    make("sqs", {"queue_url": queue, "region": REGION}, {}).send(message(which))

    (one,) = received(queue)
    assert json.loads(one["Body"])["alert_id"] == ALERTS[which].alert_id
    assert one["MessageAttributes"]["severity"]["StringValue"] == "HIGH"
    assert len(one["Body"].encode()) <= 262_144


def test_fifo_queue_takes_one_of_two_tries(aws: None, make: Make) -> None:
    attributes = {"FifoQueue": "true"}
    url = boto3.client("sqs", REGION).create_queue(QueueName="alerts.fifo", Attributes=attributes)["QueueUrl"]
    destination = make("sqs", {"queue_url": url, "region": REGION}, {})

    destination.send(message())
    destination.send(message())

    assert len(received(url)) == 1


@WHICH
def test_topic_gets_an_alert(which: str, queue: str, make: Make) -> None:
    sns = boto3.client("sns", REGION)
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn(queue))

    make("sns", {"topic_arn": topic}, {}).send(message(which))

    (one,) = received(queue)
    envelope = json.loads(one["Body"])
    assert json.loads(envelope["Message"])["alert_id"] == ALERTS[which].alert_id
    assert envelope["Subject"].isascii()
    assert envelope["Subject"].isprintable()
    assert len(envelope["Subject"]) <= 100


@WHICH
def test_bus_gets_an_event(which: str, queue: str, make: Make) -> None:
    events = boto3.client("events", REGION)
    bus = events.create_event_bus(Name="security")["EventBusArn"]
    pattern = json.dumps({"source": ["headwater.alerts"], "detail-type": ["Headwater Alert Opened"]})
    events.put_rule(Name="all", EventBusName="security", EventPattern=pattern)
    events.put_targets(Rule="all", EventBusName="security", Targets=[{"Id": "q", "Arn": queue_arn(queue)}])

    make("eventbridge", {"bus_arn": bus}, {}).send(message(which))

    (one,) = received(queue)
    assert json.loads(one["Body"])["detail"]["alert_id"] == ALERTS[which].alert_id


def test_refused_event_is_not_taken_for_sent(monkeypatch: pytest.MonkeyPatch, make: Make) -> None:
    refused = {"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "no"}
    answering(connect(monkeypatch), {"FailedEntryCount": 1, "Entries": [refused]})
    destination = make("eventbridge", {"bus_arn": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"}, {})

    with pytest.raises(DeliveryRefused, match="NotAuthorizedForSource"):
        destination.send(message())


@WHICH
def test_second_try_writes_the_same_object(which: str, aws: None, make: Make) -> None:
    s3 = boto3.client("s3", REGION)
    s3.create_bucket(Bucket="alerts", CreateBucketConfiguration={"LocationConstraint": REGION})  # type: ignore[typeddict-item]
    destination = make("s3", {"bucket": "alerts", "region": REGION}, {})

    destination.send(message(which))
    destination.send(message(which))

    (found,) = s3.list_objects_v2(Bucket="alerts")["Contents"]
    assert found["Key"].startswith("alerts/account_id=111122223333/date=2026-03-01/")
    (line,) = s3.get_object(Bucket="alerts", Key=found["Key"])["Body"].read().splitlines()
    assert json.loads(line)["title"]


def test_each_action_has_an_object_of_its_own(aws: None, make: Make) -> None:
    s3 = boto3.client("s3", REGION)
    s3.create_bucket(Bucket="alerts", CreateBucketConfiguration={"LocationConstraint": REGION})  # type: ignore[typeddict-item]
    destination = make("s3", {"bucket": "alerts", "region": REGION}, {})

    destination.send(message())
    destination.send(message(action="resolved"))

    assert s3.list_objects_v2(Bucket="alerts")["KeyCount"] == 2


@pytest.mark.parametrize("kind", ["sqs", "security_hub"])
def test_aws_takes_an_alert_whose_every_field_is_as_wide_as_can_be(kind: str, queue: str, make: Make) -> None:
    fields = {"sqs": {"queue_url": queue, "region": REGION}, "security_hub": HUB}

    make(kind, fields[kind], {}).send(message_of(WORST, "k" * 200, account_name=WIDE, note=WIDE))

    assert received(queue) or boto3.client("securityhub", REGION).get_findings()["Findings"]


HUB = {"region": REGION, "account_id": ACCOUNT}
LIMITS = {"Id": 512, "GeneratorId": 512, "Title": 256, "Description": 1024}


@WHICH
def test_security_hub_gets_a_finding_within_the_limits(which: str, aws: None, make: Make) -> None:
    hub = boto3.client("securityhub", REGION)

    make("security_hub", HUB, {}).send(message(which))

    (found,) = hub.get_findings()["Findings"]
    assert [name for name, limit in LIMITS.items() if not 0 < len(found[name]) <= limit] == []
    assert found["FindingProviderFields"]["Severity"] == {"Label": "HIGH", "Original": "HIGH"}
    assert found["RecordState"] == "ACTIVE"
    assert len(found["ProductFields"]) <= 50
    assert all(len(name) <= 128 and len(value) <= 2048 for name, value in found["ProductFields"].items())
    assert len(found["Remediation"]["Recommendation"]["Text"]) <= 512
    assert len(json.dumps(found)) <= 240_000
    assert found["Resources"][0]["Id"] == "AWS::::Account:111122223333"


def answering(wire: Wire, *answers: dict[str, Any]) -> list[Sent]:
    """AWS's JSON answers, one after the other."""
    wire.answers += [(200, {"Content-Type": "application/json"}, json.dumps(answer).encode()) for answer in answers]
    return wire.sent


def test_resolved_finding_is_archived_and_its_workflow_set(monkeypatch: pytest.MonkeyPatch, make: Make) -> None:
    imported = {"FailedCount": 0, "SuccessCount": 1, "FailedFindings": []}
    sent = answering(connect(monkeypatch), imported, {"ProcessedFindings": [], "UnprocessedFindings": []})

    make("security_hub", HUB, {}).send(message(action="resolved"))

    finding, update = (json.loads(one.body) for one in sent)
    assert finding["Findings"][0]["RecordState"] == "ARCHIVED"
    assert update["Workflow"] == {"Status": "RESOLVED"}
    assert update["FindingIdentifiers"] == [
        {"Id": finding["Findings"][0]["Id"], "ProductArn": finding["Findings"][0]["ProductArn"]}
    ]
    assert update["Note"] == {"Text": "False positive: planned work", "UpdatedBy": "headwater"}


@pytest.mark.parametrize(("code", "error"), [("InvalidInput", DeliveryRefused), ("InternalException", DeliveryFailed)])
def test_refused_finding_is_not_taken_for_sent(
    code: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch, make: Make
) -> None:
    failed = {"Id": "x", "ErrorCode": code, "ErrorMessage": "because"}
    answering(connect(monkeypatch), {"FailedCount": 1, "SuccessCount": 0, "FailedFindings": [failed]})

    with pytest.raises(error, match="because"):
        make("security_hub", HUB, {}).send(message())


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "ThrottlingException", DeliveryFailed),
        (500, "InternalError", DeliveryFailed),
        (400, "InvalidInputException", DeliveryRefused),
        (403, "AccessDeniedException", AccessDenied),
    ],
)
def test_error_of_aws_says_whether_to_try_again(
    status: int, code: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch, make: Make
) -> None:
    wire = connect(monkeypatch)
    body = json.dumps({"__type": code, "message": "no"}).encode()
    wire.s3 = lambda _: (status, {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": code}, body)

    with pytest.raises(error, match=code):
        make("eventbridge", {"bus_arn": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"}, {}).send(message())


def test_role_of_a_customer_is_assumed_with_its_external_id(monkeypatch: pytest.MonkeyPatch, make: Make) -> None:
    wire = connect(monkeypatch)
    answering(wire, {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]})
    role = "arn:aws:iam::111122223333:role/alerts"
    fields = {"bus_arn": f"arn:aws:events:{REGION}:111122223333:event-bus/default", "role_arn": role}

    make("eventbridge", fields | {"external_id": "example-id"}, {}).send(message())

    (assumed,) = wire.to("sts")
    assert assumed.parameters["RoleArn"] == role
    assert assumed.parameters["ExternalId"] == "example-id"
    assert "ASIA1" in wire.to("s3")[0].headers["Authorization"]


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_secrets_are_read_by_name_arn_key_path_and_variable(aws: None) -> None:
    manager = boto3.client("secretsmanager", REGION)
    arn = manager.create_secret(Name="slack", SecretString='{"url": "https://example.com/x"}')["ARN"]
    boto3.client("ssm", REGION).put_parameter(Name="/hw/key", Value="the-key\n", Type="SecureString")
    secrets = Secrets("us-east-1", {"HW_TOKEN": "the-token"})
    near = Secrets(REGION, {})

    assert near("secretsmanager:slack#url") == "https://example.com/x"
    assert secrets(f"secretsmanager:{arn}#url") == "https://example.com/x"
    assert near("ssm:/hw/key") == "the-key"
    assert secrets("env:HW_TOKEN") == "the-token"


def test_rotated_secret_is_taken_up_within_five_minutes(aws: None) -> None:
    manager = boto3.client("secretsmanager", REGION)
    manager.create_secret(Name="token", SecretString="old")
    clock = Clock()
    secrets = Secrets(REGION, {}, clock)
    seen = [secrets("secretsmanager:token")]
    manager.put_secret_value(SecretId="token", SecretString="new")

    for now_s in (299.0, 301.0):
        clock.now_s = now_s
        seen.append(secrets("secretsmanager:token"))

    assert seen == ["old", "old", "new"]


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("env:ABSENT", "ABSENT is not set"),
        ("env:EMPTY", "is empty"),
        ("secretsmanager:plain#key", "is not JSON"),
        ("secretsmanager:object#absent", "has no text of that key"),
        ("secretsmanager:absent", "ResourceNotFound"),
        ("ssm:/absent", "ParameterNotFound"),
    ],
)
def test_missing_secret_is_told_without_any_secret_and_tried_again(reference: str, said: str, aws: None) -> None:
    manager = boto3.client("secretsmanager", REGION)
    manager.create_secret(Name="plain", SecretString="the-plain-secret")
    manager.create_secret(Name="object", SecretString='{"key": "the-secret-member"}')

    with pytest.raises(DeliveryFailed, match=said) as raised:
        Secrets(REGION, {"EMPTY": " "})(reference)

    assert "the-" not in str(raised.value)
    assert raised.value.__cause__ is None or "the-" not in str(raised.value.__cause__)
