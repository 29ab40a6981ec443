"""CloudTrail and VPC flow logs with the shape of real traffic; the same bytes on every run."""

from __future__ import annotations

import gzip
import random
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

ACCOUNT = "111122223333"
READS = (  # 95 of 100 calls are reads by services and roles
    ("ec2.amazonaws.com", "DescribeInstances"),
    ("ec2.amazonaws.com", "DescribeVolumes"),
    ("sts.amazonaws.com", "AssumeRole"),
    ("s3.amazonaws.com", "GetBucketAcl"),
    ("kms.amazonaws.com", "Decrypt"),
    ("logs.amazonaws.com", "DescribeLogStreams"),
    ("ssm.amazonaws.com", "GetParameter"),
    ("dynamodb.amazonaws.com", "DescribeTable"),
    ("monitoring.amazonaws.com", "ListMetrics"),
)
WRITES = (
    ("s3.amazonaws.com", "PutObject"),
    ("iam.amazonaws.com", "CreateUser"),
    ("ec2.amazonaws.com", "RunInstances"),
    ("cloudtrail.amazonaws.com", "StopLogging"),
    ("signin.amazonaws.com", "ConsoleLogin"),
)


@dataclass(frozen=True, slots=True)
class LogFile:
    """One log object: its S3 key and its gzip bytes."""

    key: str
    body: bytes


def cloudtrail(records: int, per_object: int, seed: int = 7) -> list[LogFile]:
    """`{"Records": […]}` objects of about 1.2 KB a record."""
    made = records_of_cloudtrail(records, seed)
    return [
        LogFile(_cloudtrail_key(start), _gzip(orjson.dumps({"Records": made[start : start + per_object]})))
        for start in range(0, records, per_object)
    ]


def records_of_cloudtrail(count: int, seed: int = 7) -> list[dict[str, object]]:
    """The records of cloudtrail() themselves."""
    rng = random.Random(seed)
    return [_record(rng, number) for number in range(count)]


def vpc_flow(rows: int, per_object: int, seed: int = 7) -> list[LogFile]:
    """Text objects in the default format, version 2, with a header line."""
    rng = random.Random(seed)
    header = (
        "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action "
        "log-status"
    )
    lines = [_flow(rng) for _ in range(rows)]
    return [
        LogFile(_flow_key(start), _gzip("\n".join([header, *lines[start : start + per_object], ""]).encode()))
        for start in range(0, rows, per_object)
    ]


def uncompressed(files: Sequence[LogFile]) -> int:
    """Bytes of log text in the files."""
    return sum(len(gzip.decompress(file.body)) for file in files)


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, 6, mtime=0)


def _cloudtrail_key(number: int) -> str:
    name = f"{ACCOUNT}_CloudTrail_us-east-1_20260203T0405Z_{number:016d}.json.gz"
    return f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/02/03/{name}"


def _flow_key(number: int) -> str:
    name = f"{ACCOUNT}_vpcflowlogs_us-east-1_fl-0123456789abcdef0_20260203T0405Z_{number:08x}.log.gz"
    return f"AWSLogs/{ACCOUNT}/vpcflowlogs/us-east-1/2026/02/03/{name}"


def _record(rng: random.Random, number: int) -> dict[str, object]:
    source, name = rng.choice(READS if rng.random() < 0.95 else WRITES)
    role = f"role-{rng.randrange(40)}"
    key = f"ASIA{rng.randrange(10**12):016d}"
    hour, minute, second = rng.randrange(24), rng.randrange(60), rng.randrange(60)
    return {
        "eventVersion": "1.10",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": f"AROAEXAMPLEEXAMPLE{rng.randrange(100):03d}:session-{rng.randrange(500)}",
            "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/session-{rng.randrange(500)}",
            "accountId": ACCOUNT,
            "accessKeyId": key,
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": "AROAEXAMPLEEXAMPLE001",
                    "arn": f"arn:aws:iam::{ACCOUNT}:role/{role}",
                    "accountId": ACCOUNT,
                    "userName": role,
                },
                "attributes": {"creationDate": "2026-02-03T00:00:00Z", "mfaAuthenticated": "false"},
            },
        },
        "eventTime": f"2026-02-03T{hour:02d}:{minute:02d}:{second:02d}Z",
        "eventSource": source,
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": f"192.0.2.{rng.randrange(256)}" if rng.random() < 0.6 else source,
        "userAgent": "aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5 md/GOOS#linux md/GOARCH#amd64 api/ec2#1.173.0",
        "requestParameters": {
            "filterSet": {"items": [{"name": "instance-id", "value": f"i-{rng.randrange(16**8):017x}"}]}
        },
        "responseElements": None,
        "requestID": f"{rng.randrange(16**8):08x}-0000-4000-8000-{number:012d}",
        "eventID": f"{rng.randrange(16**8):08x}-1111-4000-8000-{number:012d}",
        "readOnly": True,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": f"{source.split('.')[0]}.us-east-1.amazonaws.com",
        },
    }


def _flow(rng: random.Random) -> str:
    start = 1_770_091_500 + rng.randrange(3600)
    action = "ACCEPT" if rng.random() < 0.9 else "REJECT"
    source, target = f"10.0.{rng.randrange(8)}.{rng.randrange(256)}", f"198.51.100.{rng.randrange(256)}"
    ports = f"{rng.randrange(1024, 65536)} {rng.choice((443, 80, 22, 53, 5432))} 6"
    size = f"{rng.randrange(1, 500)} {rng.randrange(40, 900_000)}"
    return (
        f"2 {ACCOUNT} eni-{rng.randrange(16**4):017x} {source} {target} {ports} {size} {start} {start + 60} {action} OK"
    )
