"""Two customers and the central account on a local AWS of this session."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from headwater.accounts import Accounts, load_accounts
from headwater.accounts.model import Account
from headwater.demo.aws_server import LocalAws, start
from headwater.onboard.driver import Setup, setup_for
from headwater.onboard.sessions import Sessions

CENTRAL, PAYMENTS, SHOP = "999988887777", "111122223333", "444455556666"
ACCOUNTS = """\
version: 1
central: {account_id: "999988887777", region: us-east-1, organization_id: o-exampleorgid, lake_bucket: lake}
accounts:
  - id: "111122223333"
    name: payments
    sources:
      - {name: trail, bucket: payments-logs, prefix: AWSLogs/, kms_key_arn: "KEY_ARN"}
      - {name: access, bucket: payments-logs, prefix: access/}
  - id: "444455556666"
    name: shop
    role_path: /corp/
    sources:
      - {name: flow, bucket: shop-logs}
"""
QUEUE_POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": f"arn:aws:sqs:us-east-1:{CENTRAL}:headwater-intake",
                "Condition": {"StringEquals": {"aws:SourceOrgID": "o-exampleorgid"}},
            }
        ],
    }
)


@dataclass(frozen=True)
class Cloud:
    """The local AWS and a way into its accounts."""

    aws: LocalAws
    key_arn: str = ""

    @property
    def sessions(self) -> Sessions:
        """Sessions made from the static credentials, which may assume the worker's role."""
        base = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        return Sessions("us-east-1", base, self.aws.url)

    def client(self, account_id: str, service: str, region: str = "us-east-1") -> Any:
        """A client of the administrator of an account."""
        sts = boto3.client("sts", **self.aws.client_arguments)
        role = f"arn:aws:iam::{account_id}:role/OrganizationAccountAccessRole"
        made = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        keys = (made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
        make: Any = boto3.Session(*keys, region_name=region).client
        return make(service, endpoint_url=self.aws.url)


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    """A local AWS with the customers' buckets and the roles and queue of the central account."""
    with start(pending_subscriptions=True) as aws:
        bare = Cloud(aws)
        key_arn = bare.client(PAYMENTS, "kms").create_key()["KeyMetadata"]["Arn"]
        for account_id, bucket in ((PAYMENTS, "payments-logs"), (SHOP, "shop-logs")):
            bare.client(account_id, "s3").create_bucket(Bucket=bucket)
        sealed = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_arn}
        bare.client(PAYMENTS, "s3").put_object(Bucket="payments-logs", Key="AWSLogs/1.json", Body=b"{}", **sealed)
        bare.client(CENTRAL, "sqs").create_queue(QueueName="headwater-intake", Attributes={"Policy": QUEUE_POLICY})
        _worker(bare.client(CENTRAL, "iam"))
        yield Cloud(aws, key_arn)


def _worker(iam: Any) -> None:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}
    hop = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::*:role/*"}
    for name in ("headwater-worker", "stranger"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document(trust))
        iam.put_role_policy(RoleName=name, PolicyName="hop", PolicyDocument=_document(hop))


def _document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def accounts_file(tmp_path: Path, cloud: Cloud) -> Path:
    """accounts.yml of the two customers."""
    path = tmp_path / "accounts.yml"
    path.write_text(ACCOUNTS.replace("KEY_ARN", cloud.key_arn))
    return path


@pytest.fixture
def accounts(accounts_file: Path) -> Accounts:
    """The same, read."""
    return load_accounts(accounts_file)


@pytest.fixture
def payments(accounts: Accounts) -> Account:
    """The first customer."""
    return accounts.accounts[0]


@pytest.fixture
def setup(tmp_path: Path, accounts_file: Path, cloud: Cloud) -> Setup:
    """The onboarding against the local AWS."""
    if shutil.which("terraform") is None:
        pytest.skip("no terraform on PATH")
    environment = {**os.environ, **cloud.aws.environment}
    return setup_for(tmp_path, accounts_file, cloud.sessions, environment=environment, parallelism=2)
