"""Log objects with the shape of real traffic; the same bytes on every run.

CloudTrail: 95 of 100 calls are reads by services and roles. A session makes 20 calls on average: 2,907 records of
public samples hold 154 different userIdentity values, and 1,302 different requestParameters.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson

ACCOUNT = "111122223333"
REGION = "us-east-1"
START = datetime(2026, 2, 3, 4, tzinfo=UTC)
CALLS_A_SESSION = 20
HOURS = 2  # what a batch of a running service spans
HASH = "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True, slots=True)
class LogFile:
    """One log object: its S3 key and its gzip bytes."""

    key: str
    body: bytes


def cloudtrail(records: int, per_object: int, seed: int = 7) -> list[LogFile]:
    """`{"Records": […]}` objects of about 1.3 KB a record, in the order of their times as CloudTrail writes them."""
    made = records_of_cloudtrail(records, seed)
    return [
        LogFile(_key("CloudTrail", number, "json.gz"), _gzip(orjson.dumps({"Records": made[at : at + per_object]})))
        for number, at in enumerate(range(0, records, per_object))
    ]


def records_of_cloudtrail(count: int, seed: int = 7) -> list[dict[str, object]]:
    """The records of cloudtrail() themselves."""
    rng = random.Random(seed)
    sessions = [_session(rng, number) for number in range(max(count // CALLS_A_SESSION, 1))]
    return [_record(rng, number, count, rng.choice(sessions)) for number in range(count)]


def vpc_flow(rows: int, per_object: int, seed: int = 7) -> list[LogFile]:
    """Text objects in the default format, version 2, with a header line."""
    header = (
        "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action "
        "log-status"
    )
    rng = random.Random(seed)
    interfaces = [f"eni-{rng.randrange(16**17):017x}" for _ in range(200)]
    return _texts("vpcflowlogs", [_flow(rng, rng.choice(interfaces)) for _ in range(rows)], per_object, header)


def alb(rows: int, per_object: int, seed: int = 7) -> list[LogFile]:
    """Access logs of an application load balancer."""
    rng = random.Random(seed)
    return _texts("elasticloadbalancing", [_request(rng, rows, number) for number in range(rows)], per_object)


def s3_access(rows: int, per_object: int, seed: int = 7) -> list[LogFile]:
    """Server access logs of a bucket."""
    rng = random.Random(seed)
    lines = [_access(rng, rows, number) for number in range(rows)]
    return [
        LogFile(f"access/2026-02-03-04-05-06-{number:016X}", _gzip("\n".join(lines[at : at + per_object]).encode()))
        for number, at in enumerate(range(0, rows, per_object))
    ]


def dns(rows: int, per_object: int, seed: int = 7) -> list[LogFile]:
    """Query logs of the Route 53 resolver, a JSON object a line."""
    rng = random.Random(seed)
    return _texts("vpcdnsquerylogs", [_query(rng, rows, number) for number in range(rows)], per_object)


def plain(files: Sequence[LogFile]) -> list[bytes]:
    """The log text of the files."""
    return [gzip.decompress(file.body) for file in files]


def _texts(kind: str, lines: Sequence[str], per_object: int, *header: str) -> list[LogFile]:
    return [
        LogFile(_key(kind, number, "log.gz"), _gzip("\n".join([*header, *lines[at : at + per_object], ""]).encode()))
        for number, at in enumerate(range(0, len(lines), per_object))
    ]


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, 6, mtime=0)


def _key(kind: str, number: int, ending: str) -> str:
    middle = {"vpcflowlogs": "_fl-0123456789abcdef0", "elasticloadbalancing": "_app.web.0123456789abcdef"}.get(kind, "")
    name = f"{ACCOUNT}_{kind}_{REGION}{middle}_20260203T0405Z_{number:016d}.{ending}"
    return f"AWSLogs/{ACCOUNT}/{kind}/{REGION}/2026/02/03/{name}"


def _time(number: int, count: int) -> datetime:
    return START + timedelta(seconds=HOURS * 3600 * number // count)


# CloudTrail


def _session(rng: random.Random, number: int) -> tuple[dict[str, object], str, str]:
    """A role's session: its identity, the address it calls from, and what it calls with."""
    role, name = f"role-{rng.randrange(40)}", f"session-{number}"
    issuer = f"AROAEXAMPLE{rng.randrange(10**9):010d}"
    identity = {
        "type": "AssumedRole",
        "principalId": f"{issuer}:{name}",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}",
        "accountId": ACCOUNT,
        "accessKeyId": f"ASIA{rng.randrange(10**15):016d}",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": issuer,
                "arn": f"arn:aws:iam::{ACCOUNT}:role/{role}",
                "accountId": ACCOUNT,
                "userName": role,
            },
            "attributes": {"creationDate": "2026-02-03T03:00:00Z", "mfaAuthenticated": "false"},
        },
    }
    agent = f"aws-sdk-go-v2/1.30.{number % 20} os/linux lang/go#1.22.5 md/GOOS#linux md/GOARCH#amd64 api/ec2#1.173.0"
    return identity, f"192.0.2.{rng.randrange(256)}", agent


def _record(
    rng: random.Random, number: int, count: int, session: tuple[dict[str, object], str, str]
) -> dict[str, object]:
    identity, address, agent = session
    writes = rng.random() >= 0.95
    source, name, parameters, answer, resources = _call(rng, writes=writes)
    host = f"{source.split('.')[0]}.{REGION}.amazonaws.com"
    record: dict[str, object] = {
        "eventVersion": "1.11",
        "userIdentity": identity,
        "eventTime": _time(number, count).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": source,
        "eventName": name,
        "awsRegion": REGION,
        "sourceIPAddress": address if rng.random() < 0.6 else source,
        "userAgent": agent,
        "requestParameters": parameters,
        "responseElements": answer,
        "requestID": f"{rng.randrange(16**8):08x}-0000-4000-8000-{number:012d}",
        "eventID": f"{rng.randrange(16**8):08x}-1111-4000-8000-{number:012d}",
        "readOnly": not writes,
        **({"resources": resources} if resources else {}),
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": host,
        },
    }
    if rng.random() < 0.01:
        record |= {"errorCode": "AccessDenied", "errorMessage": f"User: {identity['arn']} is not authorized"}
    return record


Call = tuple[str, str, object, object, list[dict[str, str]]]
Kind = tuple[str, str, str | None, str | None, str]


def _call(rng: random.Random, *, writes: bool) -> Call:
    """Service, name, request, answer and resources of a call."""
    source, name, parameters, answer, kind = rng.choices(*(WRITES if writes else READS))[0]
    some = f"{rng.randrange(5_000):017x}"
    arn = f"arn:aws:{source.split('.')[0]}:{REGION}:{ACCOUNT}:{kind}/{some}" if kind else ""
    resources = [{"accountId": ACCOUNT, "type": f"AWS::{kind}", "ARN": arn}] if kind else []
    return source, name, _filled(parameters, some), _filled(answer, some), resources


def _filled(shape: str | None, some: str) -> object:
    return None if shape is None else orjson.loads(shape.replace("%", some))


# service, call, request and answer (% stands for one of 5,000 ids), and the kind of the resource it names; then how
# often each comes
READS: tuple[Sequence[Kind], Sequence[int]] = (
    (
        ("ec2.amazonaws.com", "DescribeInstances", '{"instancesSet":{},"filterSet":{}}', None, ""),
        (
            "ec2.amazonaws.com",
            "DescribeInstances",
            '{"filterSet":{"items":[{"name":"instance-id","valueSet":{"items":[{"value":"i-%"}]}}]}}',
            None,
            "",
        ),
        ("ec2.amazonaws.com", "DescribeVolumes", '{"volumeSet":{"items":[{"volumeId":"vol-%"}]}}', None, ""),
        (
            "sts.amazonaws.com",
            "AssumeRole",
            '{"roleArn":"arn:aws:iam::111122223333:role/task","roleSessionName":"%","durationSeconds":3600}',
            '{"credentials":{"accessKeyId":"ASIAEXAMPLE","sessionToken":"%%%%%%%%","expiration":"Feb 3, 2026"},'
            '"assumedRoleUser":{"assumedRoleId":"AROAEXAMPLE:%","arn":"arn:aws:sts::111122223333:assumed-role/task/%"}}',
            "IAM::Role",
        ),
        (
            "s3.amazonaws.com",
            "GetBucketAcl",
            '{"bucketName":"data","Host":"data.s3.amazonaws.com","acl":""}',
            None,
            "S3",
        ),
        (
            "kms.amazonaws.com",
            "Decrypt",
            '{"encryptionContext":{"aws:s3:arn":"arn:aws:s3:::data/%"},"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}',
            None,
            "KMS::Key",
        ),
        ("kms.amazonaws.com", "GenerateDataKey", '{"keySpec":"AES_256","keyId":"alias/data"}', None, "KMS::Key"),
        ("logs.amazonaws.com", "DescribeLogStreams", '{"logGroupName":"/aws/lambda/%"}', None, ""),
        ("ssm.amazonaws.com", "GetParameter", '{"name":"/app/%","withDecryption":true}', None, ""),
        ("ssm.amazonaws.com", "UpdateInstanceInformation", '{"instanceId":"i-%","agentVersion":"3.3.0"}', None, ""),
        ("secretsmanager.amazonaws.com", "GetSecretValue", '{"secretId":"app/%"}', None, ""),
        ("dynamodb.amazonaws.com", "DescribeTable", '{"tableName":"sessions"}', None, ""),
        ("monitoring.amazonaws.com", "ListMetrics", None, None, ""),
        ("iam.amazonaws.com", "GetRole", '{"roleName":"role-%"}', None, ""),
    ),
    (150, 150, 100, 80, 60, 100, 40, 80, 20, 60, 10, 60, 80, 60),
)
WRITES: tuple[Sequence[Kind], Sequence[int]] = (
    (
        ("s3.amazonaws.com", "PutObject", '{"bucketName":"data","key":"%"}', None, "S3"),
        ("iam.amazonaws.com", "CreateUser", '{"userName":"user-%"}', '{"user":{"userName":"user-%"}}', ""),
        (
            "ec2.amazonaws.com",
            "RunInstances",
            '{"instancesSet":{"items":[{"imageId":"ami-%","minCount":1,"maxCount":1}]},"instanceType":"m7g.large"}',
            '{"instancesSet":{"items":[{"instanceId":"i-%","privateIpAddress":"10.0.0.9"}]}}',
            "",
        ),
        (
            "ec2.amazonaws.com",
            "CreateTags",
            '{"resourcesSet":{"items":[{"resourceId":"i-%"}]}}',
            '{"_return":true}',
            "",
        ),
        ("logs.amazonaws.com", "CreateLogStream", '{"logGroupName":"/aws/lambda/%","logStreamName":"%"}', None, ""),
        ("cloudtrail.amazonaws.com", "StopLogging", '{"name":"trail"}', None, ""),
    ),
    (600, 2, 60, 100, 400, 1),
)


# Text logs


def _flow(rng: random.Random, interface: str) -> str:
    """Mostly calls of ours that are let through; what is rejected comes from the internet."""
    start = int(START.timestamp()) + rng.randrange(HOURS * 3600)
    ours, theirs = f"10.0.{rng.randrange(8)}.{rng.randrange(256)}", f"198.51.100.{rng.randrange(256)}"
    ports = f"{rng.randrange(1024, 65536)} {rng.choice((443, 80, 22, 53, 5432))} 6"
    size = f"{rng.randrange(1, 500)} {rng.randrange(40, 900_000)}"
    ends, action = (f"{ours} {theirs}", "ACCEPT") if rng.random() < 0.9 else (f"{theirs} {ours}", "REJECT")
    return f"2 {ACCOUNT} {interface} {ends} {ports} {size} {start} {start + 60} {action} OK"


def _request(rng: random.Random, count: int, number: int) -> str:
    at = _time(number, count).strftime("%Y-%m-%dT%H:%M:%S")
    client, target = f"203.0.113.{rng.randrange(256)}", f"10.0.0.{rng.randrange(64)}"
    path = f"/api/{rng.choice(('orders', 'users', 'items'))}/{rng.randrange(10_000)}"
    status = rng.choices(("200", "304", "404", "500"), (900, 60, 35, 5))[0]
    return (
        f"https {at}.{number % 1_000_000:06d}Z app/web/0123456789abcdef {client}:{rng.randrange(1024, 65536)} "
        f"{target}:8080 0.000 0.0{rng.randrange(10, 100)} 0.000 {status} {status} {rng.randrange(100, 900)} "
        f'{rng.randrange(200, 9000)} "GET https://www.example.com:443{path} HTTP/2.0" '
        '"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0" TLS_AES_128_GCM_SHA256 TLSv1.3 '
        f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/web/0123456789abcdef "
        f'"Root=1-67a0b1c2-{number:024x}" "www.example.com" '
        f'"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/12345678-1234-1234-1234-123456789012" 0 '
        f'{at}.000000Z "forward" "-" "-" "{target}:8080" "{status}" "-" "-" TID_{HASH}'
    )


def _access(rng: random.Random, count: int, number: int) -> str:
    at = _time(number, count).strftime("%d/%b/%Y:%H:%M:%S +0000")
    user, key = (
        f"arn:aws:sts::{ACCOUNT}:assumed-role/app/task-{rng.randrange(50)}",
        f"data/{rng.randrange(10_000)}.json",
    )
    return (
        f"{HASH}{HASH} example-logs [{at}] 192.0.2.{rng.randrange(256)} {user} {number:016X} REST.GET.OBJECT {key} "
        f'"GET /{key} HTTP/1.1" 200 - {rng.randrange(100, 90_000)} {rng.randrange(100, 90_000)} {rng.randrange(9, 90)} '
        f'{rng.randrange(5, 50)} "-" "aws-sdk-java/2.25.10 Linux/6.1.82" - {HASH}= SigV4 TLS_AES_128_GCM_SHA256 '
        "AuthHeader example-logs.s3.us-east-1.amazonaws.com TLSv1.3 - -"
    )


def _query(rng: random.Random, count: int, number: int) -> str:
    name = f"{rng.choice(('api', 'cdn', 'db', 'auth'))}-{rng.randrange(200)}.example.com."
    record = {
        "version": "1.100000",
        "account_id": ACCOUNT,
        "region": REGION,
        "vpc_id": "vpc-0123456789abcdef0",
        "query_timestamp": _time(number, count).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "query_name": name,
        "query_type": "A",
        "query_class": "IN",
        "rcode": "NOERROR",
        "answers": [{"Rdata": f"198.51.100.{rng.randrange(256)}", "Type": "A", "Class": "IN"}],
        "srcaddr": f"10.0.0.{rng.randrange(256)}",
        "srcport": str(rng.randrange(1024, 65536)),
        "transport": "UDP",
        "srcids": {"instance": f"i-{rng.randrange(200):017x}"},
    }
    return orjson.dumps(record).decode()
