"""Onboard many accounts of a local AWS from one accounts.yml, and measure it: onboarding_scale.py [ACCOUNTS].

A few accounts one at a time, then others two at a time; the rest in a run that is killed in the midst and goes on where
it was; one more account touches no state but its own; the plan for 1,000 accounts. Exit 1 where one of that does not
hold.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
import yaml

from headwater.accounts import load_accounts
from headwater.demo.aws_server import LocalAws, start
from headwater.onboard.plan import plan

CENTRAL_ID, REGION, STATES = "999988887777", "us-east-1", "headwater-states"
SINGLY = 6  # accounts that are enough to know the time of one
RATIO_MAX = 0.65  # wall time per account, two at a time against one at a time, on two cores
PLAN_LIMIT_S = 10.0
MAIN = "from headwater.cli.app import main; main()"


def main() -> int:
    """Run every step, and print what came of it as a table and as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("accounts", nargs="?", type=int, default=30)
    count: int = parser.parse_args().accounts
    with tempfile.TemporaryDirectory() as folder, start() as aws:
        home = Path(folder)
        ids = [str(100_000_000_000 + number) for number in range(count + 1)]
        _prepare(aws, home, ids)
        found = {"accounts": count, **_measure(aws, home, ids), "plan_1000_s": _plan_time(home, 1_000)}
    found["ok"] = (
        found["ratio"] <= RATIO_MAX
        and found["resumed"] == "all unchanged"
        and found["states_changed_by_one_more"] == 1
        and found["plan_1000_s"] < PLAN_LIMIT_S
    )
    for name, value in found.items():
        print(f"{name:>28}  {value}")
    print(json.dumps(found))
    return 0 if found["ok"] else 1


def _measure(aws: LocalAws, home: Path, ids: Sequence[str]) -> dict[str, Any]:
    started = time.monotonic()
    _onboard(aws, home, ids[:SINGLY], parallel=1)
    one_s = (time.monotonic() - started) / SINGLY
    half = (SINGLY + len(ids)) // 2
    started = time.monotonic()
    _onboard(aws, home, ids[SINGLY:half], parallel=2)
    two_s = (time.monotonic() - started) / (half - SINGLY)
    rest = ids[half:-1]
    killed_after_s = one_s * len(rest) / 4
    _killed(aws, home, rest, killed_after_s)
    kept = _versions(aws)
    _onboard(aws, home, rest, parallel=2)
    resumed = {row["outcome"] for row in _onboard(aws, home, rest, parallel=2)}
    before = _versions(aws)
    _onboard(aws, home, ids, parallel=2, only=ids[-1:])
    changed = [key for key, version in _versions(aws).items() if before.get(key) != version]
    return {
        "one_at_a_time_s": round(one_s, 1),
        "two_at_a_time_s": round(two_s, 1),
        "ratio": round(two_s / one_s, 2),
        "killed_after_s": round(killed_after_s),
        "onboarded_before_the_kill": len(kept) - half,
        "resumed": "all unchanged" if resumed == {"unchanged"} else sorted(resumed),
        "states_changed_by_one_more": len(changed),
    }


def _accounts_file(home: Path, ids: Sequence[str]) -> Path:
    accounts = [
        {
            "id": id_,
            "name": f"team-{id_}",
            "sources": [{"name": "trail", "bucket": f"logs-{id_}", "prefix": "AWSLogs/"}],
        }
        for id_ in ids
    ]
    central = {"account_id": CENTRAL_ID, "region": REGION, "lake_bucket": "headwater-lake"}
    file = home / "accounts.yml"
    file.write_text(yaml.safe_dump({"version": 1, "central": central, "accounts": accounts}))
    return file


def _prepare(aws: LocalAws, home: Path, ids: Sequence[str]) -> None:
    _client(aws, CENTRAL_ID, "sqs").create_queue(QueueName="headwater-intake")
    boto3.client("s3", **aws.client_arguments).create_bucket(Bucket=STATES)
    boto3.client("s3", **aws.client_arguments).put_bucket_versioning(
        Bucket=STATES, VersioningConfiguration={"Status": "Enabled"}
    )
    for id_ in ids:
        _client(aws, id_, "s3").create_bucket(Bucket=f"logs-{id_}")


def _command(aws: LocalAws, home: Path, only: Sequence[str], parallel: int) -> tuple[list[str], Mapping[str, str]]:
    command = [sys.executable, "-c", MAIN, "onboard", "apply", *only, "--state-bucket", STATES]
    environment = {**os.environ, **aws.environment, "HEADWATER_HOME": str(home), "HEADWATER_REGION": REGION}
    return [*command, "--parallel", str(parallel), "--output", "json"], {
        **environment,
        "HEADWATER_ACCOUNTS_FILE": str(home / "accounts.yml"),
    }


def _onboard(
    aws: LocalAws, home: Path, ids: Sequence[str], *, parallel: int, only: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """The rows of `headwater onboard apply`. Raises: SystemExit where an account failed."""
    _accounts_file(home, [*_known(home), *(id_ for id_ in ids if id_ not in _known(home))])
    command, environment = _command(aws, home, only or ids, parallel)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 — ours
    if done.returncode != 0:
        raise SystemExit(done.stderr or done.stdout)
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def _known(home: Path) -> list[str]:
    file = home / "accounts.yml"
    return [account.id for account in load_accounts(file).accounts] if file.exists() else []


def _killed(aws: LocalAws, home: Path, ids: Sequence[str], after_s: float) -> None:
    """Start the onboarding with its Terraform processes, and kill them all in the midst."""
    _accounts_file(home, [*_known(home), *ids])
    command, environment = _command(aws, home, ids, 2)
    running = subprocess.Popen(  # noqa: S603 — ours
        command, env=environment, stdout=subprocess.DEVNULL, start_new_session=True
    )
    time.sleep(after_s)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    locks = boto3.client("s3", **aws.client_arguments)
    for entry in locks.list_objects_v2(Bucket=STATES).get("Contents", []):  # those that nobody holds any more
        if entry["Key"].endswith(".tflock"):
            locks.delete_object(Bucket=STATES, Key=entry["Key"])


def _versions(aws: LocalAws) -> dict[str, str]:
    """The latest version of every state."""
    listed = boto3.client("s3", **aws.client_arguments).list_object_versions(Bucket=STATES).get("Versions", [])
    return {entry["Key"]: entry["VersionId"] for entry in listed if entry["IsLatest"]}


def _plan_time(home: Path, count: int) -> float:
    file = _accounts_file(home, [str(200_000_000_000 + number) for number in range(count)])
    started = time.monotonic()
    plan(load_accounts(file), {})
    return round(time.monotonic() - started, 2)


def _client(aws: LocalAws, account_id: str, service: str) -> Any:
    role = f"arn:aws:iam::{account_id}:role/OrganizationAccountAccessRole"
    made = boto3.client("sts", **aws.client_arguments).assume_role(RoleArn=role, RoleSessionName="scale")["Credentials"]
    keys = (made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
    make: Any = boto3.Session(*keys, region_name=REGION).client
    return make(service, endpoint_url=aws.url)


if __name__ == "__main__":
    sys.exit(main())
