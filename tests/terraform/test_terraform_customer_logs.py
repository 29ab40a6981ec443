"""The modules that turn a log source on: who may write into their buckets, who may read, and that the sources fit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from support.customer_cases import ACCOUNT_ID, ORGANIZATION_ID
from support.iam import Request, atoms, is_allowed

pytestmark = pytest.mark.terraform

Resources = Mapping[str, Mapping[str, Any]]
TLS = {"aws:SecureTransport": "true"}
READER = f"arn:aws:iam::{ACCOUNT_ID}:role/headwater-reader"
TRAIL = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT_ID}:trail/headwater"
LOGS = f"arn:aws:logs:us-east-1:{ACCOUNT_ID}"


def bucket_policy(resources: Resources, call: str) -> Mapping[str, Any]:
    """The policy of a log bucket."""
    policy: Mapping[str, Any] = json.loads(
        resources[f"module.{call}.module.bucket.aws_s3_bucket_policy.this"]["policy"]
    )
    return policy


def key_policy(resources: Resources, call: str) -> Mapping[str, Any]:
    """The policy of a log bucket's key."""
    policy: Mapping[str, Any] = json.loads(resources[f"module.{call}.module.bucket.aws_kms_key.this[0]"]["policy"])
    return policy


OTHER_ACCOUNT = {"aws:SourceAccount": "444455556666"}
FULL = {"s3:x-amz-acl": "bucket-owner-full-control"}
BUCKETS = {
    "logs_cloudtrail": f"arn:aws:s3:::headwater-cloudtrail-{ACCOUNT_ID}",
    "logs_organization": f"arn:aws:s3:::headwater-cloudtrail-{ACCOUNT_ID}",
    "logs_vpc_flow": f"arn:aws:s3:::headwater-vpc-flow-{ACCOUNT_ID}-us-east-1",
    "logs_s3_access": f"arn:aws:s3:::headwater-s3-access-{ACCOUNT_ID}-us-east-1",
}
TRAIL_WRITES = ("cloudtrail.amazonaws.com", {"aws:SourceArn": TRAIL} | FULL)
FLOW_WRITES = (
    "delivery.logs.amazonaws.com",
    {"aws:SourceAccount": ACCOUNT_ID, "aws:SourceArn": f"{LOGS}:log-delivery"} | FULL,
)
ACCESS_WRITES = (
    "logging.s3.amazonaws.com",
    {"aws:SourceAccount": ACCOUNT_ID, "aws:SourceArn": "arn:aws:s3:::payments-invoices"},
)


@pytest.mark.parametrize(
    ("call", "key", "writer", "changed", "allowed"),
    [
        ("logs_cloudtrail", f"AWSLogs/{ACCOUNT_ID}/CloudTrail/a", TRAIL_WRITES, {}, True),
        ("logs_cloudtrail", "AWSLogs/444455556666/CloudTrail/a", TRAIL_WRITES, {}, False),
        ("logs_cloudtrail", f"AWSLogs/{ACCOUNT_ID}/CloudTrail/a", TRAIL_WRITES, {"aws:SourceArn": f"{TRAIL}-2"}, False),
        ("logs_cloudtrail", f"AWSLogs/{ACCOUNT_ID}/CloudTrail/a", FLOW_WRITES, {}, False),
        ("logs_organization", f"org/AWSLogs/{ORGANIZATION_ID}/444455556666/CloudTrail/a", TRAIL_WRITES, {}, True),
        ("logs_organization", "org/AWSLogs/o-anotherorgid/444455556666/CloudTrail/a", TRAIL_WRITES, {}, False),
        ("logs_vpc_flow", f"AWSLogs/{ACCOUNT_ID}/vpcflowlogs/a", FLOW_WRITES, {}, True),
        ("logs_vpc_flow", f"AWSLogs/{ACCOUNT_ID}/vpcflowlogs/a", FLOW_WRITES, OTHER_ACCOUNT, False),
        ("logs_vpc_flow", f"other/{ACCOUNT_ID}/a", FLOW_WRITES, {}, False),
        ("logs_s3_access", "s3-access/a", ACCESS_WRITES, {}, True),
        ("logs_s3_access", "a", ACCESS_WRITES, {}, False),
        ("logs_s3_access", "s3-access/a", ACCESS_WRITES, {"aws:SourceArn": BUCKETS["logs_s3_access"]}, False),
        ("logs_s3_access", "s3-access/a", ACCESS_WRITES, OTHER_ACCOUNT, False),
    ],
)  # fmt: skip
def test_only_the_log_source_writes_into_its_bucket(
    resources: Resources,
    call: str,
    key: str,
    writer: tuple[str, Mapping[str, str]],
    changed: Mapping[str, str],
    allowed: bool,
) -> None:
    service, context = writer
    request = Request("s3:PutObject", f"{BUCKETS[call]}/{key}", service, {**TLS, **context, **changed})

    assert is_allowed(bucket_policy(resources, call), request) is allowed


@pytest.mark.parametrize("call", BUCKETS)
def test_requests_without_tls_are_refused(resources: Resources, call: str) -> None:
    denied = {
        (principal, action, resource, conditions)
        for _, principal, action, resource, conditions in atoms(bucket_policy(resources, call), effect="Deny")
    }

    insecure = frozenset({("Bool", "aws:SecureTransport", "false")})
    assert denied == {("*", "s3:*", BUCKETS[call] + path, insecure) for path in ("", "/*")}


@pytest.mark.parametrize(
    ("call", "action", "principal", "context", "allowed"),
    [
        ("logs_cloudtrail", "kms:GenerateDataKey", "cloudtrail.amazonaws.com", {"aws:SourceArn": TRAIL}, True),
        ("logs_cloudtrail", "kms:GenerateDataKey", "cloudtrail.amazonaws.com", {"aws:SourceArn": f"{TRAIL}-2"}, False),
        ("logs_vpc_flow", "kms:GenerateDataKey", *FLOW_WRITES, True),
        ("logs_vpc_flow", "kms:GenerateDataKey", FLOW_WRITES[0], {"aws:SourceAccount": "444455556666"}, False),
    ],
)
def test_only_the_log_source_encrypts(
    resources: Resources, call: str, action: str, principal: str, context: Mapping[str, str], allowed: bool
) -> None:
    assert is_allowed(key_policy(resources, call), Request(action, "*", principal, context)) is allowed


@pytest.mark.parametrize("call", ["logs_cloudtrail", "logs_vpc_flow"])
def test_the_reader_role_decrypts_through_s3(resources: Resources, call: str) -> None:
    statement = next(s for s in key_policy(resources, call)["Statement"] if s.get("Sid") == "HeadwaterDecrypts")

    assert statement["Condition"] == {
        "ArnEquals": {"aws:PrincipalArn": READER},
        "StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"},
    }
    assert statement["Action"] == "kms:Decrypt"


def test_access_logs_lie_under_sse_s3(resources: Resources) -> None:
    """S3 delivers access logs to no bucket under SSE-KMS."""
    address = "module.logs_s3_access.module.bucket.aws_s3_bucket_server_side_encryption_configuration.this"
    rule = resources[address]["rule"][0]

    assert rule["apply_server_side_encryption_by_default"][0]["sse_algorithm"] == "AES256"


def test_customer_account_takes_the_sources_as_they_are(resources: Resources) -> None:
    """Its topics and notifications are keyed by bucket, so the buckets' names must be known at plan."""
    prefix = 'module.logs_customer.aws_s3_bucket_notification.this["'
    notified = {address.removeprefix(prefix)[:-2] for address in resources if address.startswith(prefix)}

    assert notified == {arn.rpartition(":")[2] for arn in BUCKETS.values()}


@pytest.mark.parametrize("call", ["logs_cloudtrail_cn", "logs_vpc_flow_cn", "logs_s3_access_cn"])
def test_log_sources_work_in_china(resources: Resources, call: str) -> None:
    policy = json.dumps(bucket_policy(resources, call))

    assert "arn:aws-cn:" in policy
    assert "arn:aws:" not in policy
