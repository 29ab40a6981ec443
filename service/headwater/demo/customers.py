"""What the customers have before anybody onboards them: a log bucket each, encrypted with a key of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from headwater.demo import central
from headwater.demo.samples import REGION, Customer, SampleObject
from headwater.onboard.sessions import Sessions

SOURCES = (("aws-logs", "AWSLogs/"), ("s3-access", "s3-access/"))  # name, prefix


def make_bucket(customer: Customer, sessions: Sessions) -> str:
    """Bucket and key of a customer. Returns: the key's ARN."""
    key_arn = str(_client(customer, sessions, "kms").create_key(Description="logs")["KeyMetadata"]["Arn"])
    s3 = _client(customer, sessions, "s3")
    s3.create_bucket(Bucket=customer.bucket)
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key_arn}
    rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}
    s3.put_bucket_encryption(Bucket=customer.bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    return key_arn


def upload(samples: Sequence[SampleObject], sessions: Sessions) -> None:
    """Put the objects as AWS's services would; the bucket encrypts them."""
    for customer in dict.fromkeys(sample.customer for sample in samples):
        s3 = _client(customer, sessions, "s3")
        for sample in samples:
            if sample.customer is customer:
                s3.put_object(Bucket=customer.bucket, Key=sample.key, Body=sample.body)


def accounts_document(key_arns: Mapping[Customer, str]) -> str:
    """accounts.yml of the customers; JSON, which YAML contains."""
    document = {
        "version": 1,
        "central": {
            "account_id": central.ACCOUNT_ID,
            "region": central.REGION,
            "organization_id": central.ORGANIZATION_ID,
            "lake_bucket": f"{central.NAME}-lake-{central.ACCOUNT_ID}",
        },
        "accounts": [_account(customer, key_arn) for customer, key_arn in key_arns.items()],
    }
    return yaml.safe_dump(document, sort_keys=False)


def _account(customer: Customer, key_arn: str) -> dict[str, Any]:
    sources = [
        {"name": name, "bucket": customer.bucket, "prefix": prefix, "kms_key_arn": key_arn} for name, prefix in SOURCES
    ]
    return {"id": customer.account_id, "name": customer.name, "labels": {"env": "demo"}, "sources": sources}


def _client(customer: Customer, sessions: Sessions, service: str) -> Any:
    role_arn = f"arn:aws:iam::{customer.account_id}:role/OrganizationAccountAccessRole"
    session = sessions.assume(sessions.ours(), role_arn, "headwater-demo", REGION)
    return sessions.client(session, service)
