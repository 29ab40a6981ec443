"""The local AWS refuses what AWS refuses. One account layout for all: a customer 1111…, the central account 9999…."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from headwater.demo.aws_server import LocalAws, start

CUSTOMER, CENTRAL = "111122223333", "999988887777"
EXTERNAL_ID = "external-id-0123456789"
READER = f"arn:aws:iam::{CUSTOMER}:role/corp/reader"
WORKER = f"arn:aws:iam::{CENTRAL}:role/worker"
ADMIN = "OrganizationAccountAccessRole"


@dataclass(frozen=True)
class World:
    """What the fixture made."""

    aws: LocalAws
    key_arn: str
    queue_url: str
    topic_arn: str

    def session(self, account_id: str) -> boto3.Session:
        """An administrator's session in an account."""
        return assume(
            self.aws, boto3.client("sts", **self.aws.client_arguments), f"arn:aws:iam::{account_id}:role/{ADMIN}"
        )

    def client(self, account_id: str, service: str) -> Any:
        return self.session(account_id).client(service, endpoint_url=self.aws.url)

    def worker(self) -> boto3.Session:
        """A session of the worker role."""
        return assume(self.aws, boto3.client("sts", **self.aws.client_arguments), WORKER)

    def reader(self, external_id: str | None = EXTERNAL_ID) -> boto3.Session:
        """A session of the customer's role, by way of the worker's."""
        return assume(self.aws, self.worker().client("sts", endpoint_url=self.aws.url), READER, external_id)


def assume(aws: LocalAws, sts: Any, role_arn: str, external_id: str | None = None) -> boto3.Session:
    extra = {"ExternalId": external_id} if external_id else {}
    found = sts.assume_role(RoleArn=role_arn, RoleSessionName="test", **extra)["Credentials"]
    keys = (found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
    return boto3.Session(*keys, region_name="us-east-1")


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]})


@pytest.fixture(scope="module")
def world(aws: LocalAws) -> World:
    bare = World(aws, "", "", "")
    customer, central = bare.session(CUSTOMER), bare.session(CENTRAL)
    topic_arn, queue_url = _link(aws, customer, central)
    key_arn = _buckets(aws, customer, topic_arn)
    _roles(aws, customer, central)
    return World(aws, key_arn, queue_url, topic_arn)


def _link(aws: LocalAws, customer: boto3.Session, central: boto3.Session) -> tuple[str, str]:
    sqs, sns = central.client("sqs", endpoint_url=aws.url), customer.client("sns", endpoint_url=aws.url)
    queue_arn = f"arn:aws:sqs:us-east-1:{CENTRAL}:intake"
    send = {"Action": "sqs:SendMessage", "Principal": {"Service": "sns.amazonaws.com"}, "Resource": queue_arn}
    condition = {"StringEquals": {"aws:SourceAccount": [CUSTOMER]}}
    policy = document({**send, "Condition": condition})
    queue_url = sqs.create_queue(QueueName="intake", Attributes={"Policy": policy})["QueueUrl"]
    topic_arn = sns.create_topic(Name="objects")["TopicArn"]
    publish = {"Action": "sns:Publish", "Principal": {"Service": "s3.amazonaws.com"}, "Resource": topic_arn}
    condition = {"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::customer-logs"}}
    policy = document({**publish, "Condition": condition})
    sns.set_topic_attributes(TopicArn=topic_arn, AttributeName="Policy", AttributeValue=policy)
    sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=queue_arn, Attributes={"RawMessageDelivery": "true"})
    return topic_arn, queue_url


def _buckets(aws: LocalAws, customer: boto3.Session, topic_arn: str) -> str:
    s3, kms = customer.client("s3", endpoint_url=aws.url), customer.client("kms", endpoint_url=aws.url)
    key_arn: str = kms.create_key()["KeyMetadata"]["Arn"]
    for bucket in ("customer-logs", "customer-other"):
        s3.create_bucket(Bucket=bucket)
        target = {"TopicArn": topic_arn, "Events": ["s3:ObjectCreated:*"]}
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"TopicConfigurations": [target]}
        )
        s3.put_object(Bucket=bucket, Key="AWSLogs/plain", Body=b"plain")
    s3.put_object(
        Bucket="customer-logs",
        Key="AWSLogs/sealed",
        Body=b"sealed",
        ServerSideEncryption="aws:kms",
        SSEKMSKeyId=key_arn,
    )
    return key_arn


def _roles(aws: LocalAws, customer: boto3.Session, central: boto3.Session) -> None:
    trust = {"Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{CENTRAL}:root"}}
    condition = {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}, "ArnEquals": {"aws:PrincipalArn": WORKER}}
    iam = customer.client("iam", endpoint_url=aws.url)
    iam.create_role(
        Path="/corp/", RoleName="reader", AssumeRolePolicyDocument=document({**trust, "Condition": condition})
    )
    read = document(
        {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::customer-logs/AWSLogs/*"},
        {"Action": "s3:ListBucket", "Resource": "arn:aws:s3:::customer-logs"},
    )
    iam.put_role_policy(RoleName="reader", PolicyName="read", PolicyDocument=read)
    iam = central.client("iam", endpoint_url=aws.url)
    ecs = {"Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}
    for name in ("worker", "stranger"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(ecs))
        hop = document({"Action": "sts:AssumeRole", "Resource": "arn:aws:iam::*:role/corp/reader"})
        iam.put_role_policy(RoleName=name, PolicyName="assume", PolicyDocument=hop)


def test_role_is_assumed_with_the_right_external_id(world: World) -> None:
    identity = world.reader().client("sts", endpoint_url=world.aws.url).get_caller_identity()

    assert identity["Account"] == CUSTOMER


@pytest.mark.parametrize("external_id", [None, "wrong-external-id"], ids=["without", "wrong"])
def test_role_is_refused_with_another_external_id(world: World, external_id: str | None) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        world.reader(external_id)


def test_role_is_refused_to_another_role_of_the_trusted_account(world: World) -> None:
    static = boto3.client("sts", **world.aws.client_arguments)
    stranger = assume(world.aws, static, f"arn:aws:iam::{CENTRAL}:role/stranger")

    with pytest.raises(ClientError, match="AccessDenied"):
        assume(world.aws, stranger.client("sts", endpoint_url=world.aws.url), READER, EXTERNAL_ID)


def test_role_that_nobody_made_is_refused(world: World) -> None:
    sts = world.worker().client("sts", endpoint_url=world.aws.url)

    with pytest.raises(ClientError, match="AccessDenied"):
        assume(world.aws, sts, f"arn:aws:iam::{CUSTOMER}:role/corp/absent", EXTERNAL_ID)


@pytest.mark.parametrize(
    ("bucket", "key", "readable"),
    [
        pytest.param("customer-logs", "AWSLogs/plain", True, id="granted"),
        pytest.param("customer-other", "AWSLogs/plain", False, id="bucket-not-granted"),
        pytest.param("customer-logs", "AWSLogs/sealed", False, id="key-not-granted"),
    ],
)
def test_role_reads_only_what_its_policy_grants(world: World, bucket: str, key: str, readable: bool) -> None:
    s3 = world.reader().client("s3", endpoint_url=world.aws.url)

    assert _can_read(s3, bucket, key) is readable


def test_decrypt_permission_opens_sealed_objects(world: World) -> None:
    decrypt = document({"Action": "kms:Decrypt", "Resource": world.key_arn})
    iam, reader = world.client(CUSTOMER, "iam"), world.reader().client("s3", endpoint_url=world.aws.url)
    iam.put_role_policy(RoleName="reader", PolicyName="decrypt", PolicyDocument=decrypt)

    readable = _can_read(reader, "customer-logs", "AWSLogs/sealed")

    iam.delete_role_policy(RoleName="reader", PolicyName="decrypt")
    assert readable


def test_subscription_waits_for_confirmation_then_delivers(world: World) -> None:
    sqs, s3 = world.client(CENTRAL, "sqs"), world.client(CUSTOMER, "s3")

    before = _drain(sqs, world.queue_url)
    confirmation = json.loads(before[0])
    sns = world.worker().client("sns", endpoint_url=world.aws.url)
    sns.confirm_subscription(TopicArn=confirmation["TopicArn"], Token=confirmation["Token"])
    s3.put_object(Bucket="customer-logs", Key="AWSLogs/new", Body=b"new")
    s3.put_object(Bucket="customer-other", Key="AWSLogs/topic-policy-refuses-this-bucket", Body=b"new")
    after = _drain(sqs, world.queue_url)

    assert (len(before), confirmation["Type"]) == (1, "SubscriptionConfirmation")
    assert [json.loads(body)["Records"][0]["s3"]["object"]["key"] for body in after] == ["AWSLogs%2Fnew"]


def test_server_ends_with_its_block() -> None:
    with start() as aws:
        buckets = boto3.client("s3", **aws.client_arguments).list_buckets()["Buckets"]

    assert buckets == []
    with pytest.raises(Exception, match="Could not connect"):
        boto3.client("s3", **aws.client_arguments).list_buckets()


def _can_read(s3: Any, bucket: str, key: str) -> bool:
    try:
        s3.get_object(Bucket=bucket, Key=key)
    except s3.exceptions.ClientError as error:
        return bool(error.response["Error"]["Code"] != "AccessDenied")
    return True


def _drain(sqs: Any, queue_url: str) -> list[str]:
    bodies: list[str] = []
    while found := sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get("Messages", []):
        for message in found:
            bodies.append(message["Body"])
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
    return bodies
