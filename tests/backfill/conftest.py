"""A customer whose bucket may be listed, and the command line."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

from headwater.cli import build
from headwater.cli.app import app
from headwater.demo.aws_server import LocalAws, start
from headwater.lake.query import query
from headwater.state import alerts
from headwater.state.database import connect
from support.world import CUSTOMER, World, client, cloudtrail_gz, make_world, read_policy, record, stop_logging

NAMES = itertools.count(1000)


@pytest.fixture(scope="session")
def aws() -> Iterator[LocalAws]:
    with start() as local:
        yield local


@dataclass(frozen=True)
class Ran:
    code: int
    out: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Bucket:
    """The world of one customer, and what the tests of this area ask of it."""

    world: World
    environment: dict[str, str]

    def put(self, name: str, day: datetime | None = None, *records: dict[str, Any]) -> str:
        """Write a trail's object into the folder of a day, as of today; gives its key."""
        day = day or datetime.now(UTC)
        key = f"AWSLogs/{CUSTOMER}/CloudTrail/us-east-1/{day:%Y/%m/%d}/{name}.json.gz"
        body = cloudtrail_gz(records or (record(1), stop_logging(2)))
        self.world.s3.put_object(Bucket=self.world.bucket, Key=key, Body=body)
        return key

    def event(self, key: str) -> dict[str, Any]:
        """What S3 would have announced of an object."""
        found = self.world.s3.head_object(Bucket=self.world.bucket, Key=key)
        named = {"key": key, "size": found["ContentLength"], "eTag": found["ETag"].strip('"')}
        named |= {"versionId": found["VersionId"]} if "VersionId" in found else {}
        about = {"bucket": {"name": self.world.bucket}, "object": named}
        return {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "awsRegion": "us-east-1", "s3": about}

    def run(self, *arguments: str, **environment: str) -> Ran:
        """Run the command."""
        ran = CliRunner().invoke(app, list(arguments), env={**self.environment, **environment})
        structlog.reset_defaults()  # its logger would go on writing to a stream of this run
        if ran.exception is not None and not isinstance(ran.exception, SystemExit):
            raise ran.exception
        return Ran(ran.exit_code, ran.stdout)

    def rows(self) -> list[str]:
        """Where each stored row comes from."""
        sql = "SELECT p_source_file.key AS key FROM logs.aws_cloudtrail ORDER BY 1"
        if not any(name.endswith("aws_cloudtrail") for name in self.tables()):
            return []
        return [row["key"] for row in query(build.catalog(self.world.settings), sql).to_pylist()]

    def tables(self) -> list[str]:
        catalog = build.catalog(self.world.settings)
        return [".".join(name) for space in catalog.list_namespaces() for name in catalog.list_tables(space)]

    def alerts(self) -> int:
        """Alerts of detections."""
        found = alerts.list_alerts(connect(self.world.settings.resolved_state_url), limit=100)
        return sum(each.kind == "RULE" for each in found)

    def matches(self) -> int:
        found = query(build.catalog(self.world.settings), "SELECT count(*) AS n FROM detections.matches").to_pylist()
        return int(found[0]["n"])


MakeBucket = Callable[..., Bucket]


@pytest.fixture
def make_bucket(aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeBucket:
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)

    def make(state_url: str | None = None, notifications: str = "existing_topic") -> Bucket:
        number = next(NAMES)
        iam = client("iam", CUSTOMER)
        world = make_world(tmp_path, number, monkeypatch, state_url)
        iam.put_role_policy(
            RoleName=f"headwater-reader-{number}",
            PolicyName="list",
            PolicyDocument=json.dumps(_list_policy(world.bucket)),
        )
        if notifications == "none":
            text = world.accounts_file.read_text().replace("existing_topic", "none")
            world.accounts_file.write_text("\n".join(line for line in text.splitlines() if "topic_arn" not in line))
            world.reload()
        names = ("home", "accounts_file", "queue_url", "dead_letter_queue_url", "state_url", "retry_s")
        values = {f"HEADWATER_{name.upper()}": getattr(world.settings, name) for name in names}
        return Bucket(world, {name: str(value) for name, value in values.items() if value is not None})

    return make


@pytest.fixture
def bucket(make_bucket: MakeBucket) -> Bucket:
    return make_bucket()


def _list_policy(bucket: str) -> dict[str, Any]:
    policy = read_policy(bucket)
    listing = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{bucket}"}
    policy["Statement"] += [policy["Statement"][0] | {"Action": "s3:GetObjectVersion"}, listing]
    return policy
