"""One customer bucket, one role and the central queues in a local AWS, and what a test does with them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from headwater.accounts import load_accounts
from headwater.accounts.model import Accounts
from headwater.aws import sns
from headwater.cli.serve import make_worker
from headwater.settings import Settings

CENTRAL = "999988887777"
CUSTOMER = "111122223333"
EXTERNAL_ID = "headwater-example-external-id"


def client(service: str, account: str) -> Any:
    """A client that acts in an account of the local AWS."""
    sts = boto3.Session().client("sts")
    arn = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
    made = sts.assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    return boto3.Session().client(
        service,
        aws_access_key_id=made["AccessKeyId"],
        aws_secret_access_key=made["SecretAccessKey"],
        aws_session_token=made["SessionToken"],
    )


def become_worker(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the worker's role in the central account, and its credentials those of this process."""
    iam = client("iam", CENTRAL)
    trust = json.dumps(policy("sts:AssumeRole", principal="*"))
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    iam.put_role_policy(RoleName=name, PolicyName="work", PolicyDocument=json.dumps(policy("sqs:*", "sts:AssumeRole")))
    sts = boto3.Session().client("sts")
    made = sts.assume_role(RoleArn=arn["Role"]["Arn"], RoleSessionName="worker")["Credentials"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", made["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", made["SecretAccessKey"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", made["SessionToken"])


def policy(*actions: str, principal: str | None = None) -> dict[str, Any]:
    """A policy that allows actions on everything, or a trust policy."""
    to = {"Principal": {"AWS": principal}} if principal else {"Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), **to}]}


def record(number: int, **fields: Any) -> dict[str, Any]:
    """A CloudTrail record; numbers make event ids."""
    return {
        "eventVersion": "1.10",
        "userIdentity": {
            "type": "AssumedRole",
            "accountId": CUSTOMER,
            "arn": f"arn:aws:sts::{CUSTOMER}:assumed-role/r/s",
        },
        "eventTime": f"2026-02-03T04:{number % 60:02d}:06Z",
        "eventSource": "ec2.amazonaws.com",
        "eventName": "DescribeInstances",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.10",
        "userAgent": "example",
        "requestParameters": None,
        "responseElements": None,
        "eventID": f"00000000-0000-4000-8000-{number:012d}",
        "eventType": "AwsApiCall",
        "recipientAccountId": CUSTOMER,
        **fields,
    }


def stop_logging(number: int) -> dict[str, Any]:
    """A record that the built-in detections alert on."""
    return record(
        number,
        eventSource="cloudtrail.amazonaws.com",
        eventName="StopLogging",
        requestParameters={"name": f"arn:aws:cloudtrail:us-east-1:{CUSTOMER}:trail/main"},
    )


def cloudtrail_gz(records: Sequence[dict[str, Any]]) -> bytes:
    return gzip.compress(json.dumps({"Records": list(records)}).encode(), mtime=0)


def make_world(folder: Path, number: int, monkeypatch: pytest.MonkeyPatch, state_url: str | None = None) -> World:
    """A new customer and new queues in the local AWS that the environment names; this process becomes the worker."""
    bucket = f"customer-logs-{number}-{folder.name[-8:].strip('_-').lower()}".replace("_", "-")
    s3, iam, sqs = client("s3", CUSTOMER), client("iam", CUSTOMER), client("sqs", CENTRAL)
    become_worker(f"headwater-worker-{number}", monkeypatch)
    s3.create_bucket(Bucket=bucket)
    role = f"headwater-reader-{number}"
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust_policy()))
    iam.put_role_policy(RoleName=role, PolicyName="read", PolicyDocument=json.dumps(read_policy(bucket)))
    queue = sqs.create_queue(QueueName=f"intake-{number}")["QueueUrl"]
    dead = sqs.create_queue(QueueName=f"intake-{number}-dead")["QueueUrl"]
    accounts_file = folder / "accounts.yml"
    accounts_file.write_text(accounts_yml(bucket, role))
    settings = Settings(
        home=folder / "home",
        accounts_file=str(accounts_file),
        queue_url=queue,
        dead_letter_queue_url=dead,
        visibility_timeout_s=2,
        retry_s=0,
        lease_s=600,
        batch_max_s=0.2,
        lag_limit_s=1e9,  # the events of the tests are of long ago
        state_url=state_url,
    )
    return World(settings, load_accounts(accounts_file), accounts_file, bucket, s3, sqs)


@dataclass
class World:
    """One test's buckets, queues, settings and accounts."""

    settings: Settings
    accounts: Accounts
    accounts_file: Path
    bucket: str
    s3: Any
    sqs: Any

    def put(self, name: str, body: bytes) -> dict[str, Any]:
        """Upload a log object; gives the S3 event record of it."""
        file = f"{CUSTOMER}_CloudTrail_us-east-1_20260203T0405Z_{name}.json.gz"
        key = f"AWSLogs/{CUSTOMER}/CloudTrail/us-east-1/2026/02/03/{file}"
        etag = self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)["ETag"].strip('"')
        return {
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "awsRegion": "us-east-1",
            "s3": {"bucket": {"name": self.bucket}, "object": {"key": key, "size": len(body), "eTag": etag}},
        }

    def notify(self, *records: dict[str, Any]) -> None:
        """Send one notification that names the records."""
        self.send({"Records": list(records)})

    def send(self, body: Any) -> None:
        """Send one SQS message."""
        self.sqs.send_message(QueueUrl=self.settings.queue_url, MessageBody=json.dumps(body))

    def run(self, confirm: Callable[[str, str], None] = sns.confirm) -> None:
        """Run a worker until the queue is empty."""
        make_worker(self.settings, self.accounts, confirm=confirm).run(once=True)

    def reload(self) -> None:
        """Read accounts.yml again."""
        self.accounts = load_accounts(self.accounts_file)

    def dead_letters(self) -> list[dict[str, str]]:
        """Bodies and reasons in the dead-letter queue."""
        answer = self.sqs.receive_message(
            QueueUrl=self.settings.dead_letter_queue_url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            VisibilityTimeout=0,
        )
        return [
            {"body": m["Body"], "reason": m["MessageAttributes"]["reason"]["StringValue"]}
            for m in answer.get("Messages", [])
        ]


def trust_policy() -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def read_policy(bucket: str) -> dict[str, Any]:
    allow = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": f"arn:aws:s3:::{bucket}/AWSLogs/*"}
    return {"Version": "2012-10-17", "Statement": [allow]}


def accounts_yml(bucket: str, role: str) -> str:
    return f"""
version: 1
central:
  account_id: "{CENTRAL}"
  region: us-east-1
  lake_bucket: headwater-lake-{CENTRAL}
accounts:
  - id: "{CUSTOMER}"
    name: payments
    external_id: {EXTERNAL_ID}
    role_name: {role}
    sources:
      - name: cloudtrail
        bucket: {bucket}
        prefix: AWSLogs/
        exclude: ["*/CloudTrail-Digest/*"]
        notifications: existing_topic
        topic_arn: arn:aws:sns:us-east-1:{CUSTOMER}:log-events
"""
