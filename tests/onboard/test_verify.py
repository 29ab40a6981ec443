"""Each check fails for its own fault, and says which statement is missing. The roles here are made by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from headwater.accounts import Accounts, parse_accounts
from headwater.errors import OnboardError
from headwater.onboard.sessions import Sessions
from headwater.onboard.verify import Check, verify

from .conftest import CENTRAL, PAYMENTS, Cloud

WORKER = f"arn:aws:iam::{CENTRAL}:role/headwater-worker"
EXTERNAL_ID = "external-id-0123456789"
TRUST = {
    "Effect": "Allow",
    "Action": "sts:AssumeRole",
    "Principal": {"AWS": f"arn:aws:iam::{CENTRAL}:root"},
    "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}, "ArnEquals": {"aws:PrincipalArn": WORKER}},
}


@dataclass
class Customer:
    """A customer's role that a test may break; `pauses` counts the waits for IAM."""

    cloud: Cloud
    iam: Any
    name: str
    pauses: int = 0

    def trust(self, statement: dict[str, Any]) -> None:
        self.iam.update_assume_role_policy(RoleName=self.name, PolicyDocument=document(statement))

    def permissions(self, *statements: dict[str, Any]) -> None:
        self.iam.put_role_policy(RoleName=self.name, PolicyName="read", PolicyDocument=document(*statements))

    def verify(self, prefix: str = "AWSLogs/") -> dict[str, Check]:
        accounts = self.accounts(prefix)
        checks = verify(accounts.accounts[0], accounts.central, self.cloud.sessions, self._pause)
        return {check.name: check for check in checks}

    def accounts(self, prefix: str = "AWSLogs/") -> Accounts:
        text = f"""\
version: 1
central: {{account_id: "{CENTRAL}", region: us-east-1, lake_bucket: lake}}
accounts:
  - id: "{PAYMENTS}"
    name: payments
    role_name: {self.name}
    external_id: {EXTERNAL_ID}
    sources: [{{name: trail, bucket: payments-logs, prefix: {prefix}}}]
"""
        return parse_accounts(text, "accounts.yml")

    def _pause(self, seconds: float) -> None:
        self.pauses += 1


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def grant(action: str, resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


READ = grant("s3:GetObject", "arn:aws:s3:::payments-logs/AWSLogs/*")
LIST = grant("s3:ListBucket", "arn:aws:s3:::payments-logs")
DECRYPT = grant("kms:Decrypt", "*")


@pytest.fixture
def customer(cloud: Cloud, request: pytest.FixtureRequest) -> Iterator[Customer]:
    iam = cloud.client(PAYMENTS, "iam")
    name = request.node.name.partition("[")[0][:60]
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(TRUST))
    made = Customer(cloud, iam, name)
    made.permissions(READ, LIST, DECRYPT)
    yield made
    iam.delete_role_policy(RoleName=name, PolicyName="read")
    iam.delete_role(RoleName=name)


def test_right_role_passes_every_check(customer: Customer) -> None:
    checks = customer.verify()

    assert {name: check.ok for name, check in checks.items()} == {
        "assume role": True,
        "refuse without ExternalId": True,
        "refuse with a wrong ExternalId": True,
        "list trail": True,
        "read trail": True,
    }
    assert checks["read trail"].detail == "s3://payments-logs/AWSLogs/1.json (KMS)"
    assert customer.pauses == 0


def test_role_without_external_id_condition_is_unsafe(customer: Customer) -> None:
    customer.trust({**TRUST, "Condition": {"ArnEquals": {"aws:PrincipalArn": WORKER}}})

    checks = customer.verify()

    assert [name for name, check in checks.items() if not check.ok] == [
        "refuse without ExternalId",
        "refuse with a wrong ExternalId",
    ]
    assert checks["refuse without ExternalId"].detail == "UNSAFE: the role opened"
    assert "sts:ExternalId" in checks["refuse without ExternalId"].fix


def test_role_that_trusts_somebody_else_is_tried_again_then_explained(customer: Customer) -> None:
    customer.trust({**TRUST, "Principal": {"AWS": "arn:aws:iam::123456789012:root"}})

    checks = customer.verify()

    assert list(checks) == ["assume role", "refuse without ExternalId", "refuse with a wrong ExternalId"]
    assert not checks["assume role"].ok
    assert WORKER in checks["assume role"].fix
    assert customer.pauses == 5


@pytest.mark.parametrize(
    ("statements", "failed", "fix"),
    [
        pytest.param([READ, DECRYPT], "list trail", "grant s3:ListBucket on payments-logs", id="list"),
        pytest.param([LIST, DECRYPT], "read trail", "grant s3:GetObject on", id="get"),
        pytest.param([LIST, READ], "read trail", "the role lacks kms:Decrypt", id="decrypt"),
    ],
)
def test_missing_statement_is_named(
    customer: Customer, statements: list[dict[str, Any]], failed: str, fix: str
) -> None:
    customer.permissions(*statements)

    wrong = [check for check in customer.verify().values() if not check.ok]

    assert [check.name for check in wrong] == [failed]
    assert fix in wrong[0].fix


def test_key_policy_that_refuses_is_told_apart(customer: Customer) -> None:
    kms = customer.cloud.client(PAYMENTS, "kms")
    before = kms.get_key_policy(KeyId=customer.cloud.key_arn, PolicyName="default")["Policy"]
    stranger = {**grant("kms:*", "*"), "Principal": {"AWS": "arn:aws:iam::123456789012:root"}}
    kms.put_key_policy(KeyId=customer.cloud.key_arn, PolicyName="default", Policy=document(stranger))

    check = customer.verify()["read trail"]

    kms.put_key_policy(KeyId=customer.cloud.key_arn, PolicyName="default", Policy=before)
    assert not check.ok
    assert "the key's own policy refuses" in check.fix


def test_empty_source_is_no_failure(customer: Customer) -> None:
    check = customer.verify("empty/")["read trail"]

    assert check.ok
    assert "nothing to read yet" in check.detail


def test_verification_needs_the_workers_role(customer: Customer) -> None:
    sessions = customer.cloud.sessions
    other = sessions.assume(sessions.ours(), f"arn:aws:iam::{CENTRAL}:role/stranger", "test", "us-east-1")
    keys = other.get_credentials()
    assert keys is not None
    base = {
        "aws_access_key_id": keys.access_key,
        "aws_secret_access_key": keys.secret_key,
        "aws_session_token": keys.token,
    }
    accounts = customer.accounts()

    with pytest.raises(OnboardError, match="add your role to worker_assumed_by_arns"):
        verify(accounts.accounts[0], accounts.central, Sessions("us-east-1", base, sessions.endpoint_url))
