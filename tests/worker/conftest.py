"""A local AWS for the session; a world of its own for each test."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.accounts import load_accounts
from headwater.demo.aws_server import LocalAws, start
from headwater.settings import Settings
from support.world import CENTRAL, CUSTOMER, World, accounts_yml, become_worker, client, read_policy, trust_policy

NAMES = itertools.count()


@pytest.fixture(scope="session")
def aws() -> Iterator[LocalAws]:
    with start() as local:
        yield local


@pytest.fixture
def world(aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> World:
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    number = next(NAMES)
    bucket, name = f"customer-logs-{number}-{tmp_path.name[-8:].strip('_-').lower()}", f"intake-{number}"
    s3, iam, sqs = client("s3", CUSTOMER), client("iam", CUSTOMER), client("sqs", CENTRAL)
    become_worker(f"headwater-worker-{number}", monkeypatch)
    bucket = bucket.replace("_", "-")
    s3.create_bucket(Bucket=bucket)
    role = f"headwater-reader-{number}"
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust_policy()))
    iam.put_role_policy(RoleName=role, PolicyName="read", PolicyDocument=json.dumps(read_policy(bucket)))
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    dead = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    accounts_file = tmp_path / "accounts.yml"
    accounts_file.write_text(accounts_yml(bucket, role))
    settings = Settings(
        home=tmp_path / "home",
        accounts_file=str(accounts_file),
        queue_url=queue,
        dead_letter_queue_url=dead,
        visibility_timeout_s=2,
        retry_s=0,
        lease_s=600,
        batch_max_s=0.2,
        state_url=getattr(request, "param", None),
    )
    return World(settings, load_accounts(accounts_file), accounts_file, bucket, s3, sqs)
