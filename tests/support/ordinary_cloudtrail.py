"""What CloudTrail records on an uneventful day, made from a fixed seed: applications, pipelines, people, services."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from typing import Any

Record = dict[str, Any]

ACCOUNT = "111122223333"
SISTER = "444455556666"
OFFICE = "203.0.113.10"
TERRAFORM = "APN/1.0 HashiCorp/1.0 Terraform/1.7.5 (+https://www.terraform.io) terraform-provider-aws/5.40.0"
SDK = "aws-sdk-java/2.25.10 Linux/6.1.82 OpenJDK_64-Bit_Server_VM/21.0.2"
TRUST = {
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]
}
READ = {"Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::data/*"}]}


def records(count: int, seed: int = 7) -> list[Record]:
    """That many records of an ordinary day. Each kind's share is about what it has in accounts of medium size."""
    draw = random.Random(seed)
    kinds = draw.choices(list(KINDS), weights=list(KINDS.values()), k=count)
    return [kind(draw) for kind in kinds]


def _application(draw: random.Random) -> Record:
    """A service of one's own: reads and writes data, decrypts, reads the few secrets it needs."""
    app = f"app-{draw.randrange(8)}"
    instance = f"i-0123456789abcd{app[-1]}{draw.randrange(4)}"
    who = _role(app, instance if draw.random() < 0.3 else f"task-{draw.randrange(20)}")
    source, name, parameters, data = draw.choice(
        (
            ("s3", "GetObject", {"bucketName": "data", "key": f"{draw.random()}.json"}, True),
            ("s3", "PutObject", {"bucketName": "data", "key": f"{draw.random()}.json"}, True),
            ("s3", "DeleteObject", {"bucketName": "data", "key": f"{draw.random()}.json"}, True),
            ("kms", "Decrypt", {"encryptionContext": {"app": app}}, False),
            ("sts", "GetCallerIdentity", None, False),
            ("secretsmanager", "GetSecretValue", {"secretId": f"{app}/db"}, False),
            ("ssm", "GetParameter", {"name": f"/{app}/{draw.randrange(5)}", "withDecryption": True}, False),
            ("ec2", "DescribeInstances", {"instancesSet": {}, "filterSet": {}}, False),
        )
    )
    address = f"198.51.100.{app[-1]}"
    return _record(source, name, parameters, who, address, SDK, data=data)


def _denied(draw: random.Random) -> Record:
    """An application that lacks a right and tries again and again."""
    app = f"app-{draw.randrange(3)}"
    record = _record("s3", "GetObject", {"bucketName": "old"}, _role(app, "task-1"), "198.51.100.9", SDK, data=True)
    return {**record, "errorCode": "AccessDenied", "errorMessage": "Access Denied"}


def _terraform(draw: random.Random) -> Record:
    """A pipeline that plans (reads) and applies (writes) what is in order."""
    name, source, parameters = draw.choice(
        (
            ("DescribeInstanceAttribute", "ec2", {"instanceId": f"i-{draw.randrange(99)}", "attribute": "userData"}),
            ("GetRole", "iam", {"roleName": f"role-{draw.randrange(50)}"}),
            ("ListAttachedRolePolicies", "iam", {"roleName": f"role-{draw.randrange(50)}"}),
            ("ListRolePolicies", "iam", {"roleName": f"role-{draw.randrange(50)}"}),
            ("GetSecretValue", "secretsmanager", {"secretId": f"secret-{draw.randrange(90)}"}),
            ("GetBucketPolicy", "s3", {"bucketName": f"bucket-{draw.randrange(50)}"}),
            ("CreateRole", "iam", {"roleName": "task", "assumeRolePolicyDocument": json.dumps(TRUST)}),
            ("PutRolePolicy", "iam", {"roleName": "task", "policyName": "read", "policyDocument": json.dumps(READ)}),
            ("AttachRolePolicy", "iam", {"roleName": "task", "policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}),
            ("AuthorizeSecurityGroupIngress", "ec2", {"groupId": "sg-1", "ipPermissions": {"items": [_web_port()]}}),
            ("PutRetentionPolicy", "logs", {"logGroupName": "/app", "retentionInDays": 30}),
            ("CreateLogGroup", "logs", {"logGroupName": f"/preview/{draw.randrange(999)}"}),
            ("UpdateFunctionCode20150331v2", "lambda", {"functionName": "app", "s3Bucket": "code"}),
            ("PutBucketVersioning", "s3", {"bucketName": "data", "VersioningConfiguration": {"Status": "Enabled"}}),
        )
    )
    return _record(source, name, parameters, _role("pipeline", "build"), OFFICE, TERRAFORM)


def _web_port() -> Mapping[str, Any]:
    return {"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]}}


def _person(draw: random.Random) -> Record:
    """Someone who signs in with MFA through federation and looks around in the console."""
    who = _role("AWSReservedSSO_Developer_0123456789abcdef", f"user-{draw.randrange(30)}")
    agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/122.0.0.0"
    if draw.random() < 0.05:
        record = _record("signin", "ConsoleLogin", None, who, OFFICE, agent)
        login = {"ConsoleLogin": "Success" if draw.random() < 0.9 else "Failure"}
        return {**record, "responseElements": login, "additionalEventData": {"MFAUsed": "No"}}
    source, name = draw.choice(
        (("ec2", "DescribeInstances"), ("iam", "ListUsers"), ("iam", "ListRoles"), ("iam", "ListPolicies"),
         ("s3", "ListBuckets"), ("logs", "FilterLogEvents"), ("cloudtrail", "LookupEvents"),
         ("rds", "DescribeDBInstances"), ("lambda", "ListFunctions20150331"), ("ssm", "StartSession"))
    )  # fmt: skip
    parameters = {"target": f"i-{draw.randrange(3)}"} if name == "StartSession" else None
    return {**_record(source, name, parameters, who, OFFICE, agent), "sessionCredentialFromConsole": "true"}


def _service(draw: random.Random) -> Record:
    """AWS services at work: roles assumed, Auto Scaling, Config, backups, Identity Center."""
    service, role, name, source, parameters = draw.choice(
        (
            ("autoscaling", "AutoScaling", "RunInstances", "ec2", {"instanceType": "m5.large"}),
            ("autoscaling", "AutoScaling", "TerminateInstances", "ec2", {"instancesSet": {}}),
            ("ecs.application-autoscaling", "ECS", "DeleteAlarms", "monitoring", {"alarmNames": ["app"]}),
            ("config", "Config", "ListUsers", "iam", None),
            ("config", "Config", "GetAccountAuthorizationDetails", "iam", None),
            ("sso", "SSO", "AttachRolePolicy", "iam", {"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
            ("backup", "Backup", "DeleteRecoveryPoint", "backup", {"backupVaultName": "Default"}),
        )
    )  # fmt: skip
    who = _role(f"AWSServiceRoleFor{role}", "service", path=f"aws-service-role/{service}.amazonaws.com/")
    host = f"{service}.amazonaws.com"
    return _record(source, name, parameters, {**who, "invokedBy": host}, host, host)


def _assumed(draw: random.Random) -> Record:
    """A role assumed by a service or from a sister account."""
    parameters = {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/app-{draw.randrange(8)}", "roleSessionName": "x"}
    if draw.random() < 0.1:
        who: Record = {"type": "AWSAccount", "principalId": "AROAEXAMPLE123456789:deploy", "accountId": SISTER}
        return _record("sts", "AssumeRole", parameters, who, "198.51.100.77", SDK)
    host = draw.choice(("ecs-tasks", "lambda", "ec2")) + ".amazonaws.com"
    return _record("sts", "AssumeRole", parameters, {"type": "AWSService", "invokedBy": host}, host, host)


def _role(name: str, session: str, path: str = "") -> Record:
    issuer = {
        "type": "Role",
        "arn": f"arn:aws:iam::{ACCOUNT}:role/{path}{name}",
        "accountId": ACCOUNT,
        "userName": name,
    }
    return {
        "type": "AssumedRole",
        "principalId": f"AROACKCEVSQ6C2EXAMPLE:{session}",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{session}",
        "accountId": ACCOUNT,
        "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
        "sessionContext": {"sessionIssuer": issuer, "attributes": {"mfaAuthenticated": "false"}},
    }


def _record(
    source: str, name: str, parameters: Any, who: Record, address: str, agent: str, *, data: bool = False
) -> Record:
    return {
        "eventVersion": "1.11",
        "userIdentity": who,
        "eventTime": "2026-03-01T10:00:00Z",
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": address,
        "userAgent": agent,
        "errorCode": None,
        "errorMessage": None,
        "requestParameters": parameters,
        "responseElements": None,
        "additionalEventData": None,
        "readOnly": name.startswith(("Get", "List", "Describe", "Lookup", "Filter", "AssumeRole")),
        "eventType": "AwsApiCall",
        "managementEvent": not data,
        "recipientAccountId": ACCOUNT,
        "sessionCredentialFromConsole": None,
        "eventCategory": "Data" if data else "Management",
    }


KINDS: Mapping[Callable[[random.Random], Record], int] = {
    _application: 60,
    _denied: 2,
    _terraform: 12,
    _person: 8,
    _service: 8,
    _assumed: 10,
}
