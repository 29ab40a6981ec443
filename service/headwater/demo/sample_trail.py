"""CloudTrail objects of the demonstration: an hour of everyday calls, and the incidents among them."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

EVERYDAY = 60
CALLS = (  # eventSource, eventName, readOnly
    ("ec2.amazonaws.com", "DescribeInstances", True),
    ("s3.amazonaws.com", "ListBuckets", True),
    ("sts.amazonaws.com", "GetCallerIdentity", True),
    ("kms.amazonaws.com", "Decrypt", True),
    ("secretsmanager.amazonaws.com", "GetSecretValue", True),
    ("lambda.amazonaws.com", "UpdateFunctionCode20150331v2", False),
    ("ecs.amazonaws.com", "RunTask", False),
)
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Trail:
    """Whose records, and of which hour."""

    account_id: str
    bucket: str
    region: str
    start: datetime


def trail_object(trail: Trail, chance: random.Random, incidents: Sequence[str]) -> tuple[str, bytes, int]:
    """Key, bytes and number of records of one object."""
    records = [_everyday(trail, chance) for _ in range(EVERYDAY)]
    records += [INCIDENTS[name](trail, chance) for name in incidents]
    records.sort(key=lambda record: str(record["eventTime"]))
    body = gzip.compress(json.dumps({"Records": records}, separators=(",", ":")).encode(), mtime=0)
    stamp = trail.start + timedelta(hours=1)
    name = f"{trail.account_id}_CloudTrail_{trail.region}_{stamp:%Y%m%dT%H%MZ}_{_hex(chance, 16)}.json.gz"
    return f"AWSLogs/{trail.account_id}/CloudTrail/{trail.region}/{stamp:%Y/%m/%d}/{name}", body, len(records)


def _everyday(trail: Trail, chance: random.Random) -> Record:
    source, name, read_only = chance.choice(CALLS)
    who = chance.choice(("deploy", "app", "monitoring"))
    parameters = {"maxResults": 100} if read_only else {"functionName": "orders", "tags": {"env": "prod"}}
    return {
        **_record(trail, chance, source, name, read_only=read_only),
        "userIdentity": _role(trail, who, f"i-{_hex(chance, 17)}"),
        "requestParameters": chance.choice((parameters, None)) if read_only else parameters,
        "responseElements": None if read_only else {"status": "ok"},
    }


def _root_login(trail: Trail, chance: random.Random) -> Record:
    return {
        **_record(trail, chance, "signin.amazonaws.com", "ConsoleLogin", read_only=False),
        "eventType": "AwsConsoleSignIn",
        "sourceIPAddress": "203.0.113.66",
        "userIdentity": {
            "type": "Root",
            "principalId": trail.account_id,
            "arn": f"arn:aws:iam::{trail.account_id}:root",
            "accountId": trail.account_id,
        },
        "requestParameters": None,
        "responseElements": {"ConsoleLogin": "Success"},
        "additionalEventData": {"LoginTo": "https://console.example.com/", "MobileVersion": "No", "MFAUsed": "No"},
    }


def _access_key_for_another_user(trail: Trail, chance: random.Random) -> Record:
    return {
        **_record(trail, chance, "iam.amazonaws.com", "CreateAccessKey", read_only=False),
        "sourceIPAddress": "203.0.113.66",
        "userIdentity": _user(trail, "alice"),
        "requestParameters": {"userName": "backup-service"},
        "responseElements": {
            "accessKey": {"accessKeyId": "AKIAIOSFODNN7EXAMPLE", "status": "Active", "userName": "backup-service"}
        },
    }


def _trail_stopped(trail: Trail, chance: random.Random) -> Record:
    name = f"arn:aws:cloudtrail:{trail.region}:{trail.account_id}:trail/audit"
    return {
        **_record(trail, chance, "cloudtrail.amazonaws.com", "StopLogging", read_only=False),
        "sourceIPAddress": "203.0.113.66",
        "userIdentity": _user(trail, "alice"),
        "requestParameters": {"name": name},
        "responseElements": None,
    }


def _bucket_made_public(trail: Trail, chance: random.Random) -> Record:
    bucket = "webshop-data"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {
        **_record(trail, chance, "s3.amazonaws.com", "PutBucketPolicy", read_only=False),
        "userIdentity": _role(trail, "deploy", "bob@example.com"),
        "requestParameters": {"bucketName": bucket, "bucketPolicy": policy, "Host": f"{bucket}.s3.amazonaws.com"},
        "responseElements": None,
        "resources": [{"accountId": trail.account_id, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{bucket}"}],
    }


INCIDENTS: Mapping[str, Callable[[Trail, random.Random], Record]] = {
    "root_login": _root_login,
    "access_key_for_another_user": _access_key_for_another_user,
    "trail_stopped": _trail_stopped,
    "bucket_made_public": _bucket_made_public,
}


def _record(trail: Trail, chance: random.Random, source: str, name: str, *, read_only: bool) -> Record:
    at = trail.start + timedelta(seconds=chance.randrange(3_599))
    return {
        "eventVersion": "1.11",
        "eventTime": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": source,
        "eventName": name,
        "awsRegion": trail.region,
        "sourceIPAddress": f"192.0.2.{chance.randrange(1, 255)}",
        "userAgent": chance.choice(("aws-cli/2.17.0", "Boto3/1.35.0", "aws-sdk-go-v2/1.30.0")),
        "requestID": _uuid(chance),
        "eventID": _uuid(chance),
        "readOnly": read_only,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": trail.account_id,
        "eventCategory": "Management",
    }


def _role(trail: Trail, name: str, session: str) -> Record:
    issuer = {
        "type": "Role",
        "principalId": "AROAEXAMPLEEXAMPLEEX",
        "arn": f"arn:aws:iam::{trail.account_id}:role/{name}",
        "accountId": trail.account_id,
        "userName": name,
    }
    attributes = {"mfaAuthenticated": "false", "creationDate": f"{trail.start:%Y-%m-%dT%H:%M:%SZ}"}
    return {
        "type": "AssumedRole",
        "principalId": f"AROAEXAMPLEEXAMPLEEX:{session}",
        "arn": f"arn:aws:sts::{trail.account_id}:assumed-role/{name}/{session}",
        "accountId": trail.account_id,
        "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
        "sessionContext": {"sessionIssuer": issuer, "attributes": attributes},
    }


def _user(trail: Trail, name: str) -> Record:
    return {
        "type": "IAMUser",
        "principalId": "AIDAEXAMPLEEXAMPLEEX",
        "arn": f"arn:aws:iam::{trail.account_id}:user/{name}",
        "accountId": trail.account_id,
        "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
        "userName": name,
    }


def _uuid(chance: random.Random) -> str:
    digits = _hex(chance, 32)
    return "-".join((digits[:8], digits[8:12], f"4{digits[13:16]}", f"8{digits[17:20]}", digits[20:]))


def _hex(chance: random.Random, digits: int) -> str:
    return f"{chance.getrandbits(4 * digits):0{digits}x}"
