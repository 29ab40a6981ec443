"""Real Terraform onboards two accounts of a local AWS."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from headwater.accounts import load_accounts
from headwater.accounts.lock import read_lock
from headwater.onboard.arrival import Arrivals
from headwater.onboard.driver import Row, Setup, run, run_verify
from headwater.onboard.plan import AccountPlan, plan
from headwater.onboard.terraform import State, init

from .conftest import CENTRAL, PAYMENTS, SHOP, Cloud

pytestmark = pytest.mark.terraform


def plans(accounts_file: Path, setup: Setup, *only: str) -> tuple[AccountPlan, ...]:
    return plan(load_accounts(accounts_file), read_lock(setup.lock_file), only)


def outcomes(rows: tuple[Row, ...]) -> dict[str, str]:
    return {row.account_name: row.outcome if row.outcome != "failed" else row.detail for row in rows}


def roles(cloud: Cloud, account_id: str) -> list[str]:
    return [role["Arn"] for role in cloud.client(account_id, "iam").list_roles()["Roles"]]


def test_two_accounts_from_plan_to_destroy(accounts_file: Path, setup: Setup, cloud: Cloud) -> None:
    planned = run("plan", plans(accounts_file, setup), setup)
    applied = run("apply", plans(accounts_file, setup), setup)
    again = run("apply", plans(accounts_file, setup), setup)
    replanned = run("plan", plans(accounts_file, setup), setup)
    accounts = load_accounts(accounts_file)
    verified = run_verify(accounts.accounts, accounts.central, setup, Arrivals())
    destroyed = run("destroy", plans(accounts_file, setup, "payments"), setup)
    left = read_lock(setup.lock_file)
    shop = run_verify(accounts.accounts[1:], accounts.central, setup)
    run("destroy", plans(accounts_file, setup, "shop"), setup)

    assert outcomes(planned) == {"payments": "changed", "shop": "changed"}
    assert outcomes(applied) == {"payments": "changed", "shop": "changed"}
    assert outcomes(again) == {"payments": "unchanged", "shop": "unchanged"}
    assert outcomes(replanned) == {"payments": "unchanged", "shop": "unchanged"}
    assert outcomes(verified) == {"payments": "verified", "shop": "verified"}
    assert [check.name for check in verified[0].checks[:3]] == [
        "assume role",
        "refuse without ExternalId",
        "refuse with a wrong ExternalId",
    ]
    assert accounts.accounts[1].role_arn == f"arn:aws:iam::{SHOP}:role/corp/headwater-reader"
    assert accounts.topics == {
        f"arn:aws:sns:us-east-1:{PAYMENTS}:headwater-payments-logs",
        f"arn:aws:sns:us-east-1:{SHOP}:headwater-shop-logs",
    }
    assert outcomes(destroyed) == {"payments": "changed"}
    assert list(left) == [SHOP]
    assert outcomes(shop) == {"shop": "verified"}
    assert (roles(cloud, PAYMENTS), roles(cloud, SHOP)) == ([], [])


def test_failed_account_stops_no_other_and_foreign_notifications_are_left_alone(
    accounts_file: Path, setup: Setup, cloud: Cloud
) -> None:
    s3 = cloud.client(PAYMENTS, "s3")
    queue = {"QueueArn": f"arn:aws:sqs:us-east-1:{PAYMENTS}:audit", "Events": ["s3:ObjectCreated:*"]}
    cloud.client(PAYMENTS, "sqs").create_queue(QueueName="audit")
    s3.put_bucket_notification_configuration(
        Bucket="payments-logs", NotificationConfiguration={"QueueConfigurations": [queue]}
    )

    planned = run("plan", plans(accounts_file, setup, "payments"), setup)
    applied = run("apply", plans(accounts_file, setup), setup)
    kept = s3.get_bucket_notification_configuration(Bucket="payments-logs")["QueueConfigurations"]
    s3.put_bucket_notification_configuration(Bucket="payments-logs", NotificationConfiguration={})
    run("destroy", plans(accounts_file, setup, "shop"), setup)

    assert "already notifies" in outcomes(planned)["payments"]
    assert outcomes(applied)["shop"] == "changed"
    assert "already notifies" in outcomes(applied)["payments"]
    assert "notifications: eventbridge" in outcomes(applied)["payments"]
    assert kept[0]["QueueArn"] == queue["QueueArn"]


def test_wrong_deploy_role_fails_before_anything_is_made(accounts_file: Path, setup: Setup) -> None:
    text = accounts_file.read_text().replace("name: shop\n", "name: shop\n    deploy_role_name: no-such-role\n")
    accounts_file.write_text(text)
    stranger = _as_stranger(setup)

    applied = run("apply", plans(accounts_file, setup, "shop"), stranger)

    assert "cannot assume arn:aws:iam::444455556666:role/no-such-role" in outcomes(applied)["shop"]
    assert read_lock(setup.lock_file) == {}


def _as_stranger(setup: Setup) -> Setup:
    """The same setup with the credentials of a role, whom the local AWS refuses roles that nobody made."""
    session = setup.sessions.assume(
        setup.sessions.ours(), f"arn:aws:iam::{CENTRAL}:role/stranger", "test", setup.sessions.region
    )
    found = session.get_credentials()
    assert found is not None
    keys = {
        "aws_access_key_id": found.access_key,
        "aws_secret_access_key": found.secret_key,
        "aws_session_token": found.token,
    }
    return dataclasses.replace(setup, sessions=dataclasses.replace(setup.sessions, base=keys))


def test_states_may_lie_in_a_bucket(accounts_file: Path, setup: Setup, cloud: Cloud) -> None:
    s3: Any = setup.sessions.client(setup.sessions.ours(), "s3")
    s3.create_bucket(Bucket="terraform-states")
    remote = dataclasses.replace(setup, backend=dataclasses.replace(setup.backend, bucket="terraform-states"))

    applied = run("apply", plans(accounts_file, setup, "shop"), remote)
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket="terraform-states")["Contents"]]
    state = json.loads(s3.get_object(Bucket="terraform-states", Key=keys[0])["Body"].read())
    destroyed = run("destroy", plans(accounts_file, setup, "shop"), remote)

    assert outcomes(applied) == outcomes(destroyed) == {"shop": "changed"}
    assert keys == [f"accounts/{SHOP}/terraform.tfstate"]
    assert state["outputs"]["role_arn"]["value"].endswith("role/corp/headwater-reader")


def test_status_tells_absent_from_drifted_and_a_role_that_exists_is_imported(
    accounts_file: Path, setup: Setup, cloud: Cloud
) -> None:
    shop = cloud.client(SHOP, "iam")
    shop.create_role(RoleName="headwater-reader", Path="/corp/", AssumeRolePolicyDocument="{}")
    absent = run("status", plans(accounts_file, setup, "shop"), setup)

    imported = run("import", plans(accounts_file, setup, "shop"), setup)
    again = run("import", plans(accounts_file, setup, "shop"), setup)
    applied = run("apply", plans(accounts_file, setup, "shop"), setup)
    in_sync = run("status", plans(accounts_file, setup, "shop"), setup)
    shop.delete_role_policy(RoleName="headwater-reader", PolicyName="read-logs")
    drifted = run("status", plans(accounts_file, setup, "shop"), setup)
    run("destroy", plans(accounts_file, setup, "shop"), setup)

    assert outcomes(absent) == {"shop": "absent"}
    assert [outcomes(rows)["shop"] for rows in (imported, again, applied, in_sync, drifted)] == [
        "changed",
        "unchanged",
        "changed",
        "unchanged",
        "changed",
    ]
    assert drifted[0].detail == "module.customer_account.aws_iam_role_policy.read[0] will be created"


def test_every_state_takes_the_provider_that_was_fetched_once(accounts_file: Path, setup: Setup) -> None:
    run("plan", plans(accounts_file, setup, "shop"), setup)  # fetches it for the root, here from a mirror
    fetched = dataclasses.replace(setup, plugins=None).providers
    data_dir = setup.folder / "data/another"

    init(State(setup.root, data_dir, {"path": str(setup.folder / "another.tfstate")}, setup.environment), fetched)

    linked = data_dir / "providers/registry.terraform.io/hashicorp/aws"
    assert [path.is_symlink() for path in linked.glob("*/*")] == [True]
