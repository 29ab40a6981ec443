"""The examples really applied, planned again and destroyed, against a local AWS of several accounts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from typing import Any

import pytest

from support.iam import Request, is_allowed
from support.terraform import statements_of
from support.terraform_lifecycles import CENTRAL_ID, PAYMENTS_ID, WEB_ID, Lifecycle

pytestmark = [pytest.mark.terraform, pytest.mark.timeout(900)]


@pytest.fixture(params=["minimal", "many_accounts"])
def lifecycle(request: pytest.FixtureRequest, started: Mapping[str, Future[Lifecycle]]) -> Lifecycle:
    """Each example's life."""
    return started[request.param].result()


@pytest.fixture
def minimal(started: Mapping[str, Future[Lifecycle]]) -> Lifecycle:
    """The life of examples/minimal."""
    return started["minimal"].result()


@pytest.fixture
def many_accounts(started: Mapping[str, Future[Lifecycle]]) -> Lifecycle:
    """The life of examples/many-accounts."""
    return started["many_accounts"].result()


def test_second_plan_is_empty(lifecycle: Lifecycle) -> None:
    assert lifecycle.replanned == []


def test_destroy_leaves_nothing(lifecycle: Lifecycle) -> None:
    assert lifecycle.left == []


def test_only_objects_below_the_prefix_are_announced(minimal: Lifecycle) -> None:
    assert minimal.announced == ["AWSLogs/a.json"]


def test_subscription_across_accounts_is_confirmed_when_apply_ends(minimal: Lifecycle) -> None:
    """The local AWS leaves it pending until the queue's side confirms, as AWS does."""
    subscription = applied(minimal, "module.customer")[
        'module.customer.aws_sns_topic_subscription.this["payments-logs"]'
    ]

    assert subscription["pending_confirmation"] is False


def test_topics_and_event_bus_both_reach_the_queue(many_accounts: Lifecycle) -> None:
    assert sorted(many_accounts.announced) == ["alb/a.log", "waf/a.json"]


def test_the_reader_role_opens_to_the_worker_alone(minimal: Lifecycle) -> None:
    assert minimal.reader == {
        "wrong external id": "AccessDenied",
        "no external id": "AccessDenied",
        "its prefix": "ok",
        "another prefix": "AccessDenied",
        "a write": "AccessDenied",
    }


def test_removing_a_middle_source_touches_nothing_else(many_accounts: Lifecycle) -> None:
    """The bucket's one notification and the role's policy lose an entry; no resource is made again."""
    assert many_accounts.removal == {
        "module.account.aws_iam_role_policy.read[0]": ["update"],
        'module.account.aws_s3_bucket_notification.this["payments-logs"]': ["update"],
    }


def test_the_role_of_the_central_region_reads_every_region_and_each_region_announces_its_own(
    many_accounts: Lifecycle,
) -> None:
    home, edge = (many_accounts.outputs[state]["account"] for state in ("home", "edge"))
    read = Request("s3:GetObject", "arn:aws:s3:::payments-edge-logs/a", context={"aws:SecureTransport": "true"})

    assert is_allowed(statements_of(home["permissions_policy"]), read)
    assert set(home["topic_arns"]) == {"cloudtrail", "loadbalancer"}
    assert edge["topic_arns"] == {"edge": f"arn:aws:sns:eu-central-1:{PAYMENTS_ID}:headwater-payments-edge-logs"}
    assert edge["role_arn"] == home["role_arn"]


def test_own_paths_are_kept(many_accounts: Lifecycle) -> None:
    role_arn = many_accounts.outputs["web"]["account"]["role_arn"]

    assert role_arn == f"arn:aws:iam::{WEB_ID}:role/corp/security/headwater-reader"


def worker_policy(minimal: Lifecycle) -> Mapping[str, Any]:
    """What the worker's role may do."""
    return statements_of(applied(minimal, SERVICE)[f"{SERVICE}.aws_iam_role_policy.worker"]["policy"])


def applied(minimal: Lifecycle, module: str) -> Mapping[str, Mapping[str, Any]]:
    """Address → attributes of what a module made."""
    modules = {child["address"]: child for child in _below(minimal.values["root_module"])}
    return {resource["address"]: resource["values"] for resource in modules[module]["resources"]}


def _below(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for child in module.get("child_modules", []):
        yield child
        yield from _below(child)


SERVICE = "module.platform.module.service"
LAKE = f"arn:aws:s3:::headwater-lake-{CENTRAL_ID}"


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("sts:AssumeRole", f"arn:aws:iam::{PAYMENTS_ID}:role/headwater-reader", True),
        ("sts:AssumeRole", f"arn:aws:iam::{PAYMENTS_ID}:role/OrganizationAccountAccessRole", False),
        ("sts:AssumeRole", f"arn:aws:iam::{PAYMENTS_ID}:role/headwater-reader-2", False),
        ("sqs:ReceiveMessage", f"arn:aws:sqs:us-east-1:{CENTRAL_ID}:headwater-intake", True),
        ("sqs:SendMessage", f"arn:aws:sqs:us-east-1:{CENTRAL_ID}:headwater-dead-letters", True),
        ("sqs:SendMessage", f"arn:aws:sqs:us-east-1:{CENTRAL_ID}:headwater-intake", True),
        ("sqs:SendMessage", f"arn:aws:sqs:us-east-1:{CENTRAL_ID}:another", False),
        ("sqs:SetQueueAttributes", f"arn:aws:sqs:us-east-1:{CENTRAL_ID}:headwater-intake", False),
        ("s3:PutObject", f"{LAKE}/lake/logs/aws_cloudtrail/data/a.parquet", True),
        ("s3:DeleteBucket", LAKE, False),
        ("s3:GetObject", "arn:aws:s3:::payments-logs/AWSLogs/a", False),
        ("glue:UpdateTable", f"arn:aws:glue:us-east-1:{CENTRAL_ID}:table/logs/aws_cloudtrail", True),
        ("glue:UpdateTable", f"arn:aws:glue:us-east-1:{CENTRAL_ID}:table/finance/ledger", False),
        ("glue:DeleteDatabase", f"arn:aws:glue:us-east-1:{CENTRAL_ID}:database/logs", False),
        ("sns:Publish", f"arn:aws:sns:us-east-1:{CENTRAL_ID}:headwater-alerts", True),
        ("sns:Publish", f"arn:aws:sns:us-east-1:{CENTRAL_ID}:another", False),
        ("rds-db:connect", f"arn:aws:rds-db:us-east-1:{CENTRAL_ID}:dbuser:db-another/headwater", False),
        ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:us-east-1:{CENTRAL_ID}:secret:headwater", False),
    ],
)
def test_the_worker_may_do_its_work_and_no_more(minimal: Lifecycle, action: str, resource: str, allowed: bool) -> None:
    assert is_allowed(worker_policy(minimal), Request(action, resource)) is allowed
