"""What the policies that Terraform renders allow and refuse, and that CloudFormation's twin says the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from headwater.demo.aws_server import LocalAws
from support.cfn import load_template, resolve
from support.customer_cases import (
    ACCOUNT_ID,
    BOUNDARY,
    CASES,
    CENTRAL_ID,
    CUSTOMERS,
    EXTERNAL_ID,
    ORGANIZATION_ID,
    Case,
    key_arn,
)
from support.iam import Request, atoms, is_allowed
from support.terraform import REPOSITORY, Terraform, TerraformFailed

pytestmark = pytest.mark.terraform

TEMPLATE = load_template(REPOSITORY / "cfn_templates/customer-account.yml")
Documents = Callable[[str, str], Mapping[str, Any]]


def stack(name: str) -> dict[str, Mapping[str, Any]]:
    """The resources of CloudFormation's twin of a case."""
    case = CASES[name]
    return resolve(
        TEMPLATE,
        case.stack_parameters(),
        account_id=ACCOUNT_ID,
        region=case.region,
        partition=case.partition,
        url_suffix=case.url_suffix,
    )


def stack_policies(name: str, role: str) -> dict[str, Any]:
    """All that the stack's policies allow to a role, as one document."""
    policies = [p["PolicyDocument"] for p in stack(name).values() if p.get("Roles") == [role]]
    return {"Statement": [statement for policy in policies for statement in policy["Statement"]]}


@pytest.fixture(params=["terraform", "cloudformation"])
def documents(request: pytest.FixtureRequest) -> Documents:
    """(case, "trust" or "permissions") → the document, from either twin."""
    if request.param == "terraform":
        outputs = request.getfixturevalue("outputs")
        return lambda case, kind: dict(json.loads(outputs[f"{case}_{kind}"]))

    def from_stack(case: str, kind: str) -> Mapping[str, Any]:
        trust: Mapping[str, Any] = stack(case)["ReaderRole"]["AssumeRolePolicyDocument"]
        return trust if kind == "trust" else stack_policies(case, "ReaderRole")

    return from_stack


def assume(case: Case, **context: str) -> Request:
    """The worker's AssumeRole call."""
    defaults = {
        "sts:ExternalId": EXTERNAL_ID,
        "aws:PrincipalArn": case.worker_role_arn,
        "aws:PrincipalOrgID": ORGANIZATION_ID,
    }
    given = {key.replace("__", ":"): value for key, value in context.items()}
    return Request("sts:AssumeRole", "", case.worker_role_arn, defaults | given)


@pytest.mark.parametrize("name", CASES)
def test_the_worker_assumes_the_role_with_its_external_id(documents: Documents, name: str) -> None:
    assert is_allowed(documents(name, "trust"), assume(CASES[name]))


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_external_id_is_refused(documents: Documents, name: str) -> None:
    assert not is_allowed(documents(name, "trust"), assume(CASES[name], sts__ExternalId="another-external-id"))


@pytest.mark.parametrize("name", CASES)
def test_a_missing_external_id_is_refused(documents: Documents, name: str) -> None:
    request = assume(CASES[name])
    context = {key: value for key, value in request.context.items() if key != "sts:ExternalId"}

    assert not is_allowed(documents(name, "trust"), replace(request, context=context))


@pytest.mark.parametrize(
    "principal",
    [
        f"arn:aws:iam::{CENTRAL_ID}:role/another",
        f"arn:aws:iam::{CENTRAL_ID}:user/headwater-worker",
        f"arn:aws:iam::{CENTRAL_ID}:role/headwater-worker-2",
        "arn:aws:iam::444455556666:role/headwater-worker",
    ],
)
def test_no_other_principal_assumes_the_role(documents: Documents, principal: str) -> None:
    request = replace(assume(CASES["full"], aws__PrincipalArn=principal), principal=principal)

    assert not is_allowed(documents("full", "trust"), request)


def test_a_worker_role_of_another_organization_is_refused(documents: Documents) -> None:
    assert not is_allowed(documents("full", "trust"), assume(CASES["full"], aws__PrincipalOrgID="o-anotherorgid"))


@pytest.mark.parametrize("name", CASES)
def test_no_trust_policy_names_a_role_as_principal(documents: Documents, name: str) -> None:
    """A re-created worker role keeps its access: only its ARN counts, not the AROA id behind it."""
    principals = {principal for _, principal, *_ in atoms(documents(name, "trust"))}

    assert principals == {f"arn:{CASES[name].partition}:iam::{CENTRAL_ID}:root"}


TLS = {"aws:SecureTransport": "true"}
VIA_S3 = {"kms:ViaService": "s3.us-east-1.amazonaws.com"}


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("s3:GetObject", "arn:aws:s3:::payments-logs/AWSLogs/a.json.gz", TLS),
        ("s3:GetObjectVersion", "arn:aws:s3:::payments-logs/alb/a.log.gz", TLS),
        ("s3:GetObject", "arn:aws:s3:::payments-other/anything", TLS),
        ("s3:ListBucket", "arn:aws:s3:::payments-logs", TLS | {"s3:prefix": "AWSLogs/111122223333/"}),
        ("s3:ListBucket", "arn:aws:s3:::payments-logs", TLS | {"s3:prefix": "alb/"}),
        ("s3:ListBucket", "arn:aws:s3:::payments-other", TLS),
        ("s3:GetBucketLocation", "arn:aws:s3:::payments-logs", {}),
        ("kms:Decrypt", key_arn("us-east-1"), VIA_S3),
        ("kms:Decrypt", key_arn("eu-central-1"), {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}),
    ],
)
def test_the_role_reads_its_sources(
    documents: Documents, action: str, resource: str, context: Mapping[str, str]
) -> None:
    assert is_allowed(documents("full", "permissions"), Request(action, resource, context=context))


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        pytest.param("s3:GetObject", "arn:aws:s3:::payments-logs/private/a", TLS, id="other prefix"),
        pytest.param("s3:GetObject", "arn:aws:s3:::payments-logs/AWSLogs", TLS, id="prefix without its slash"),
        pytest.param("s3:GetObject", "arn:aws:s3:::payments-logs-2/AWSLogs/a", TLS, id="other bucket"),
        pytest.param(
            "s3:GetObject",
            "arn:aws:s3:::payments-logs/AWSLogs/a",
            {"aws:SecureTransport": "false"},
            id="object without TLS",
        ),
        pytest.param(
            "s3:ListBucket",
            "arn:aws:s3:::payments-other",
            {"aws:SecureTransport": "false"},
            id="list without TLS",
        ),
        pytest.param("s3:ListBucket", "arn:aws:s3:::payments-logs", TLS, id="list without prefix"),
        pytest.param("s3:ListBucket", "arn:aws:s3:::payments-logs", TLS | {"s3:prefix": "private/"}, id="list other"),
        pytest.param("s3:PutObject", "arn:aws:s3:::payments-logs/AWSLogs/a", TLS, id="write"),
        pytest.param("s3:DeleteObject", "arn:aws:s3:::payments-logs/AWSLogs/a", TLS, id="delete"),
        pytest.param("s3:PutBucketNotification", "arn:aws:s3:::payments-logs", TLS, id="configure"),
        pytest.param("s3:ListAllMyBuckets", "*", TLS, id="list buckets"),
        pytest.param("kms:Decrypt", key_arn("us-west-2"), VIA_S3, id="other key"),
        pytest.param("kms:Decrypt", key_arn("us-east-1"), {}, id="key not through S3"),
        pytest.param("kms:GenerateDataKey", key_arn("us-east-1"), VIA_S3, id="encrypt"),
        pytest.param("iam:PassRole", "*", {}, id="pass a role"),
        pytest.param("sts:AssumeRole", "*", {}, id="assume a role"),
    ],
)
def test_the_role_does_nothing_else(
    documents: Documents, action: str, resource: str, context: Mapping[str, str]
) -> None:
    assert not is_allowed(documents("full", "permissions"), Request(action, resource, context=context))


@pytest.mark.parametrize("name", CASES)
def test_key_permissions_do_not_depend_on_the_encryption_context(documents: Documents, name: str) -> None:
    assert "kms:EncryptionContext" not in json.dumps(documents(name, "permissions"))


@pytest.mark.parametrize("kind", ["trust", "permissions"])
@pytest.mark.parametrize("name", CASES)
def test_both_twins_allow_the_same(outputs: Mapping[str, str], name: str, kind: str) -> None:
    role = stack(name)["ReaderRole"]
    twin = role["AssumeRolePolicyDocument"] if kind == "trust" else stack_policies(name, "ReaderRole")

    assert atoms(json.loads(outputs[f"{name}_{kind}"])) == atoms(twin)


@pytest.mark.parametrize("name", CASES)
def test_both_twins_make_the_same_topics(resources: Mapping[str, Mapping[str, Any]], name: str) -> None:
    addresses = f"module.{name}.aws_sns_topic_policy.this"
    ours = [atoms(json.loads(r["policy"])) for address, r in resources.items() if address.startswith(addresses)]
    names = {r["name"] for address, r in resources.items() if address.startswith(f"module.{name}.aws_sns_topic.this")}
    twin = stack(name)

    assert {t["TopicName"] for t in twin.values() if "TopicName" in t} == names
    assert sorted(map(sorted, ours)) == sorted(
        sorted(atoms(p["PolicyDocument"])) for p in twin.values() if "Topics" in p
    )


@pytest.mark.parametrize("name", CASES)
def test_both_twins_subscribe_the_queue_equally(resources: Mapping[str, Mapping[str, Any]], name: str) -> None:
    prefix = f"module.{name}.aws_sns_topic_subscription.this"
    ours = [r for address, r in resources.items() if address.startswith(prefix)]
    twin = [s for s in stack(name).values() if "Protocol" in s]

    assert len(ours) == len(twin)
    assert {(r["protocol"], r["endpoint"], r["raw_message_delivery"]) for r in ours} == {
        (s["Protocol"], s["Endpoint"], s["RawMessageDelivery"]) for s in twin
    }


def test_both_twins_forward_the_same_events(resources: Mapping[str, Mapping[str, Any]]) -> None:
    rule = resources['module.eventbridge.aws_cloudwatch_event_rule.this["payments-waf"]']
    policy = resources["module.eventbridge.aws_iam_role_policy.events[0]"]
    twin = stack("eventbridge")

    assert json.loads(rule["event_pattern"]) == twin["Rule1"]["EventPattern"]
    assert twin["Rule1"]["Targets"][0]["Arn"] == CASES["eventbridge"].bus_arn
    assert atoms(json.loads(policy["policy"])) == atoms(stack_policies("eventbridge", "EventsRole"))


def test_both_twins_name_and_bound_the_role_equally(resources: Mapping[str, Mapping[str, Any]]) -> None:
    ours, twin = resources["module.full.aws_iam_role.this[0]"], stack("full")["ReaderRole"]

    assert (ours["name"], ours["path"], ours["permissions_boundary"], ours["max_session_duration"]) == (
        twin["RoleName"],
        twin["Path"],
        twin["PermissionsBoundary"],
        twin["MaxSessionDuration"],
    )
    assert ours["permissions_boundary"] == BOUNDARY


@pytest.mark.parametrize("name", ["china", "govcloud"])
def test_every_arn_is_of_the_partition(documents: Documents, name: str) -> None:
    text = json.dumps([documents(name, "trust"), documents(name, "permissions")])

    assert f"arn:{CASES[name].partition}:" in text
    assert "arn:aws:" not in text


def test_statements_for_the_customers_own_policies_let_the_role_read(outputs: Mapping[str, Any]) -> None:
    statements = outputs["full_statements"]
    role = f"arn:aws:iam::{ACCOUNT_ID}:role/corp/log-read"
    bucket = {"Statement": json.loads(statements["buckets"]["payments-logs"])}
    key = {"Statement": json.loads(statements["keys"][key_arn("us-east-1")])}
    read = Request("s3:GetObject", "arn:aws:s3:::payments-logs/AWSLogs/a", role, {"aws:PrincipalArn": role})
    decrypt = Request("kms:Decrypt", key_arn("us-east-1"), role, {"aws:PrincipalArn": role} | VIA_S3)

    assert is_allowed(bucket, read)
    assert is_allowed(key, decrypt)
    assert not is_allowed(bucket, replace(read, context={"aws:PrincipalArn": f"{role}-2"}))
    assert not is_allowed(key, replace(decrypt, context={"aws:PrincipalArn": role}))


QUEUE_LIMIT, ROLE_LIMIT, TRUST_LIMIT, KEY_LIMIT = 8_192, 10_240, 2_048, 32_768  # bytes, AWS quotas


@pytest.mark.parametrize("name", ["central_of_500", "central_of_an_organization"])
def test_policies_of_500_customers_stay_below_their_limits(
    resources: Mapping[str, Mapping[str, Any]], name: str
) -> None:
    queue = resources[f"module.{name}.module.intake.aws_sqs_queue.intake"]["policy"]
    key = resources[f"module.{name}.module.intake.aws_kms_key.this"]["policy"]
    trust = resources[f"module.{name}.module.service.aws_iam_role.worker"]["assume_role_policy"]

    assert len(queue) <= QUEUE_LIMIT
    assert len(key) <= KEY_LIMIT
    assert len(trust) <= TRUST_LIMIT


def test_more_customers_than_fit_are_refused_at_plan(
    initialised: Callable[[str], Terraform], tree: Path, aws: LocalAws
) -> None:
    (tree / "crowd").mkdir()
    crowd = {
        "source": "../modules/platform",
        "worker_on": "elsewhere",
        "customer_account_ids": [f"{200000000000 + n}" for n in range(600)],
    }
    (tree / "crowd/main.tf.json").write_text(json.dumps({"module": {"crowd": crowd}}))
    terraform = replace(initialised("crowd"), environment=aws.environment)

    with pytest.raises(TerraformFailed, match="organization_id"):
        terraform.run("plan", "-no-color", "-lock=false")


def test_policies_of_an_organization_do_not_grow_with_its_accounts(resources: Mapping[str, Mapping[str, Any]]) -> None:
    queue = resources["module.central_of_an_organization.module.intake.aws_sqs_queue.intake"]["policy"]

    assert not any(account in queue for account in CUSTOMERS)
    assert len(queue) < 2_000


@pytest.mark.parametrize("name", CASES)
def test_a_customers_documents_stay_below_their_limits(outputs: Mapping[str, str], name: str) -> None:
    assert len(json.dumps(json.loads(outputs[f"{name}_trust"]))) <= TRUST_LIMIT
    assert len(json.dumps(json.loads(outputs[f"{name}_permissions"]))) <= ROLE_LIMIT


def deliver(name: str, service: str = "sns.amazonaws.com", **context: str) -> Request:
    """A service sends a message to the intake queue of a case."""
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT_ID}:{name.replace('_', '-')}-intake"
    given = {key.replace("__", ":"): value for key, value in context.items()}
    return Request("sqs:SendMessage", queue, service, {"aws:SecureTransport": "true"} | given)


@pytest.mark.parametrize(
    ("name", "context", "allowed"),
    [
        ("central", {"aws__SourceAccount": ACCOUNT_ID}, True),
        ("central", {"aws__SourceAccount": "444455556666"}, False),
        ("central", {}, False),
        ("central", {"aws__SourceAccount": ACCOUNT_ID, "aws:SecureTransport": "false"}, False),
        ("central_of_500", {"aws__SourceAccount": CUSTOMERS[-1]}, True),
        ("central_of_an_organization", {"aws__SourceOrgID": ORGANIZATION_ID}, True),
        ("central_of_an_organization", {"aws__SourceOrgID": "o-anotherorgid"}, False),
    ],
)
def test_only_topics_of_customers_reach_the_queue(
    resources: Mapping[str, Mapping[str, Any]], name: str, context: Mapping[str, str], allowed: bool
) -> None:
    policy = json.loads(resources[f"module.{name}.module.intake.aws_sqs_queue.intake"]["policy"])

    assert is_allowed(policy, deliver(name, **context)) is allowed


@pytest.mark.parametrize("name", ["central", "central_of_500", "central_of_an_organization"])
def test_whoever_may_send_to_the_queue_may_use_its_key(resources: Mapping[str, Mapping[str, Any]], name: str) -> None:
    queue = json.loads(resources[f"module.{name}.module.intake.aws_sqs_queue.intake"]["policy"])
    key = json.loads(resources[f"module.{name}.module.intake.aws_kms_key.this"]["policy"])
    senders = {(principal, conditions) for _, principal, _, _, conditions in atoms(queue)}
    users = {
        (principal, conditions)
        for _, principal, action, _, conditions in atoms(key)
        if action == "kms:GenerateDataKey*"
    }

    assert senders == users


def test_only_the_central_rule_reaches_the_queue_from_eventbridge(resources: Mapping[str, Mapping[str, Any]]) -> None:
    name = "central_of_an_organization"
    policy = json.loads(resources[f"module.{name}.module.intake.aws_sqs_queue.intake"]["policy"])
    base = f"arn:aws:events:us-east-1:{ACCOUNT_ID}:rule/central-of-an-organization"
    context = {"aws__SourceAccount": ACCOUNT_ID}

    ours = deliver(name, "events.amazonaws.com", aws__SourceArn=f"{base}/central-of-an-organization-intake", **context)
    other = deliver(name, "events.amazonaws.com", aws__SourceArn=f"{base}/another", **context)

    assert is_allowed(policy, ours)
    assert not is_allowed(policy, other)


def test_only_the_organization_puts_events_on_the_bus(resources: Mapping[str, Mapping[str, Any]]) -> None:
    policy = json.loads(
        resources["module.central_of_an_organization.module.intake.aws_cloudwatch_event_bus_policy.this[0]"]["policy"]
    )
    bus = f"arn:aws:events:us-east-1:{ACCOUNT_ID}:event-bus/central-of-an-organization"
    role = "arn:aws:iam::444455556666:role/headwater-events-us-east-1"
    request = Request("events:PutEvents", bus, role, {"aws:PrincipalOrgID": ORGANIZATION_ID})

    assert is_allowed(policy, request)
    assert not is_allowed(policy, replace(request, context={"aws:PrincipalOrgID": "o-anotherorgid"}))
    assert not is_allowed(policy, replace(request, action="events:PutRule"))


def test_the_lake_refuses_requests_without_tls(resources: Mapping[str, Mapping[str, Any]]) -> None:
    policy = json.loads(resources["module.central.module.lake.aws_s3_bucket_policy.this"]["policy"])
    denied = atoms(policy, effect="Deny")

    tls = frozenset({("Bool", "aws:SecureTransport", "false")})
    assert {(principal, action) for _, principal, action, _, conditions in denied if conditions == tls} == {
        ("*", "s3:*")
    }


def test_no_bucket_of_ours_logs_its_access(resources: Mapping[str, Mapping[str, Any]]) -> None:
    """Access logs of the lake in a collected bucket would feed themselves for ever."""
    central = [address for address in resources if address.startswith("module.central")]

    assert central
    assert not [address for address in central if "aws_s3_bucket_logging" in address]


def test_central_works_in_china(resources: Mapping[str, Mapping[str, Any]]) -> None:
    policies = [
        resources[f"module.central_in_china.{address}"][attribute]
        for address, attribute in (
            ("module.intake.aws_sqs_queue.intake", "policy"),
            ("module.service.aws_kms_key.this", "policy"),
            ("module.service.aws_iam_role.worker", "assume_role_policy"),
        )
    ]

    assert "arn:aws:" not in "".join(policies)
    assert "logs.cn-north-1.amazonaws.com.cn" in policies[1]
