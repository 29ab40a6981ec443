"""Each role of the central account does its work and nothing else; each resource lets in whom it must, and no other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from support.central_proofs import (
    ALERT_KEY,
    DEAD_LETTERS,
    DESTINATIONS,
    LAKE,
    LOOKUP_KEY,
    LOOKUP_ROLE,
    QUEUE,
    QUEUE_KEY,
    REGION,
    SECRET_KEY,
    STATE_SECRET,
)
from support.customer_cases import ACCOUNT_ID, ORGANIZATION_ID
from support.iam import Request, atoms, is_allowed, listed

pytestmark = [pytest.mark.terraform, pytest.mark.timeout(600)]

Proofs = Mapping[str, Mapping[str, Any]]
TLS = {"aws:SecureTransport": "true"}
PLAIN_TEXT = {"aws:SecureTransport": "false"}
VIA_S3 = {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}
VIA_SNS = {"kms:ViaService": f"sns.{REGION}.amazonaws.com"}
GLUE = f"arn:aws:glue:{REGION}:{ACCOUNT_ID}"
ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role"
HUB = f"arn:aws:securityhub:{REGION}:{ACCOUNT_ID}:product/{ACCOUNT_ID}/default"
PARAMETER = f"arn:aws:ssm:{REGION}:{ACCOUNT_ID}:parameter/headwater"
STREAM = f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group"
IMAGE = f"arn:aws:ecr:{REGION}:{ACCOUNT_ID}:repository"
LOGIN = f"arn:aws:rds-db:{REGION}:{ACCOUNT_ID}:dbuser:db-EXAMPLE"
ADMINS = "arn:aws:iam::444455556666:role/OrganizationAccountAccessRole"
OURS = {"aws:SourceAccount": ACCOUNT_ID}
THEIRS = {"aws:SourceAccount": "444455556666"}
WRITES_LAKE = {"s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"}
LISTS_LAKE = {"s3:GetBucketLocation", "s3:ListBucket"}
READS_CATALOG = {"glue:GetDatabase", "glue:GetDatabases", "glue:GetTable", "glue:GetTables"}
WRITES_CATALOG = {"glue:CreateDatabase", "glue:CreateTable", "glue:DeleteTable", "glue:UpdateTable"}
KEYS = {"kms:Decrypt", "kms:GenerateDataKey"}
READS_QUEUE = {"sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
RUNS_QUERIES = {
    "athena:BatchGetQueryExecution",
    "athena:GetQueryExecution",
    "athena:GetQueryResults",
    "athena:GetWorkGroup",
    "athena:ListQueryExecutions",
    "athena:StartQueryExecution",
    "athena:StopQueryExecution",
}
PULLS = {"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"}
STARTS = PULLS | {"ecr:GetAuthorizationToken", "logs:CreateLogStream", "logs:PutLogEvents"}
WORKS = {"sts:AssumeRole", "sqs:SendMessage", "rds-db:connect"}
SENDS_ALERTS = {
    "events:PutEvents",
    "s3:PutObject",
    "secretsmanager:GetSecretValue",
    "securityhub:BatchImportFindings",
    "securityhub:BatchUpdateFindings",
    "sns:Publish",
    "sqs:SendMessage",
    "ssm:GetParameter",
    "ssm:GetParameters",
}
WORKER = WORKS | READS_QUEUE | KEYS | WRITES_LAKE | LISTS_LAKE | READS_CATALOG | WRITES_CATALOG
READER = {"s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject", "glue:GetPartitions"} | LISTS_LAKE | READS_CATALOG
ALL_ACTIONS: Mapping[str, set[str]] = {
    "plain.worker": WORKER,
    "full.worker": WORKER | SENDS_ALERTS,
    "apart.worker": WORKER,
    "apart.console": READER | RUNS_QUERIES | KEYS | {"rds-db:connect"},
    "apart.deliverer": SENDS_ALERTS | KEYS | {"rds-db:connect", "s3:GetObject"},
    "plain.execution": STARTS,
    "full.execution": STARTS | {"secretsmanager:GetSecretValue", "kms:Decrypt"},
    "lake.writer": WRITES_LAKE | LISTS_LAKE | READS_CATALOG | WRITES_CATALOG | KEYS,
    "lake.reader": READER | RUNS_QUERIES | KEYS,
    "lake.optimizer": {"s3:DeleteObject", "s3:GetObject", "s3:PutObject", "glue:GetTable", "glue:UpdateTable"}
    | {"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"}
    | KEYS
    | LISTS_LAKE,
    "state.connect": {"rds-db:connect"},
    "network.flow": {"logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"},
}


@pytest.mark.parametrize("role", ALL_ACTIONS)
def test_role_has_these_actions_and_no_other(proofs: Proofs, role: str) -> None:
    assert {action for _, _, action, _, _ in atoms(proofs[role])} == ALL_ACTIONS[role]


@pytest.mark.parametrize("role", ALL_ACTIONS)
def test_role_has_no_action_on_everything(proofs: Proofs, role: str) -> None:
    """ecr:GetAuthorizationToken knows no resource."""
    wide = {action for _, _, action, resource, _ in atoms(proofs[role]) if resource in ("*", "arn:aws:s3:::*")}

    assert wide <= {"ecr:GetAuthorizationToken"}


def test_a_worker_without_options_reaches_no_lookup_table_and_no_destination(proofs: Proofs) -> None:
    sids = {statement["Sid"] for statement in proofs["full.worker"]["Statement"]}
    plain = {statement["Sid"] for statement in proofs["plain.worker"]["Statement"]}

    assert sids - plain == {
        *("ReadLookupTables", "DecryptLookupTables", "AssumeLookupRoles"),
        *("PublishAlerts", "SendAlerts", "PutAlertsOnBuses", "WriteAlerts", "ImportFindings"),
        "ResolveFindings",
        *("ReadSecrets", "ReadParameters", "KeysOfDestinations"),
    }


@pytest.mark.parametrize(
    ("role", "action", "resource", "context", "allowed"),
    [
        ("worker", "s3:PutObject", f"{LAKE}/lake/logs/aws_cloudtrail/a", TLS, True),
        ("worker", "s3:GetObject", f"{LAKE}/config/accounts.yml", TLS, True),
        ("worker", "s3:PutObject", f"{LAKE}/config/accounts.yml", TLS, False),
        ("worker", "s3:DeleteObject", f"{LAKE}/athena-results/a", TLS, False),
        ("worker", "s3:PutObject", f"{LAKE}-2/lake/a", TLS, False),
        ("worker", "s3:PutBucketPolicy", LAKE, TLS, False),
        ("worker", "glue:CreateTable", f"{GLUE}:database/logs", {}, True),
        ("worker", "glue:CreateTable", f"{GLUE}:database/finance", {}, False),
        ("worker", "glue:DeleteDatabase", f"{GLUE}:database/logs", {}, False),
        ("worker", "sqs:ReceiveMessage", QUEUE, {}, True),
        ("worker", "sqs:SendMessage", QUEUE, {}, True),
        ("worker", "sqs:PurgeQueue", QUEUE, {}, False),
        ("worker", "sqs:SetQueueAttributes", QUEUE, {}, False),
        ("worker", "sqs:SendMessage", DEAD_LETTERS, {}, True),
        ("worker", "sqs:DeleteMessage", DEAD_LETTERS, {}, True),
        ("worker", "sqs:PurgeQueue", DEAD_LETTERS, {}, False),
        ("worker", "kms:Decrypt", QUEUE_KEY, {}, True),
        ("worker", "kms:PutKeyPolicy", QUEUE_KEY, {}, False),
        ("worker", "sts:AssumeRole", "arn:aws:iam::444455556666:role/headwater-reader", {}, True),
        ("worker", "sts:AssumeRole", ADMINS, {}, False),
        ("worker", "sts:AssumeRole", f"{ROLE}/full-worker", {}, False),
        ("worker", "sts:AssumeRole", LOOKUP_ROLE, {}, True),
        ("worker", "sts:AssumeRole", f"{LOOKUP_ROLE}-2", {}, False),
        ("worker", "s3:GetObject", "arn:aws:s3:::reference-data/zones.csv", TLS, True),
        ("worker", "s3:GetObject", "arn:aws:s3:::reference-data/lookups/a.json", TLS, True),
        ("worker", "s3:GetObject", "arn:aws:s3:::reference-data/lookups/a.json", PLAIN_TEXT, False),
        ("worker", "s3:GetObject", "arn:aws:s3:::reference-data/salaries.csv", TLS, False),
        ("worker", "s3:GetObject", "arn:aws:s3:::reference-data-2/zones.csv", TLS, False),
        ("worker", "s3:PutObject", "arn:aws:s3:::reference-data/zones.csv", TLS, False),
        ("worker", "s3:ListBucket", "arn:aws:s3:::reference-data", TLS, False),
        ("worker", "kms:Decrypt", LOOKUP_KEY, VIA_S3, True),
        ("worker", "kms:Decrypt", LOOKUP_KEY, {}, False),
        ("worker", "kms:GenerateDataKey", LOOKUP_KEY, VIA_S3, False),
        ("worker", "sns:Publish", DESTINATIONS["topic_arns"][0], {}, True),
        ("worker", "sns:Publish", f"arn:aws:sns:{REGION}:{ACCOUNT_ID}:full-alerts", {}, True),
        ("worker", "sns:Publish", f"arn:aws:sns:{REGION}:{ACCOUNT_ID}:other", {}, False),
        ("worker", "sns:Subscribe", DESTINATIONS["topic_arns"][0], {}, False),
        ("worker", "sqs:SendMessage", DESTINATIONS["queue_arns"][0], {}, True),
        ("worker", "sqs:ReceiveMessage", DESTINATIONS["queue_arns"][0], {}, False),
        ("worker", "events:PutEvents", DESTINATIONS["event_bus_arns"][0], {}, True),
        ("worker", "events:PutEvents", f"arn:aws:events:{REGION}:{ACCOUNT_ID}:event-bus/default", {}, False),
        ("worker", "s3:PutObject", "arn:aws:s3:::security-alerts/headwater/a.json", TLS, True),
        ("worker", "s3:PutObject", "arn:aws:s3:::security-alerts/others/a.json", TLS, False),
        ("worker", "s3:GetObject", "arn:aws:s3:::security-alerts/headwater/a.json", TLS, False),
        ("worker", "securityhub:BatchImportFindings", HUB, {}, True),
        ("worker", "securityhub:BatchImportFindings", f"{HUB}-2", {}, False),
        ("worker", "secretsmanager:GetSecretValue", DESTINATIONS["secret_arns"][0], {}, True),
        ("worker", "secretsmanager:GetSecretValue", STATE_SECRET, {}, False),
        ("worker", "secretsmanager:PutSecretValue", DESTINATIONS["secret_arns"][0], {}, False),
        ("worker", "ssm:GetParameter", DESTINATIONS["parameter_arns"][0], {}, True),
        ("worker", "ssm:GetParameter", f"{PARAMETER}/other", {}, False),
        ("worker", "kms:GenerateDataKey", ALERT_KEY, VIA_SNS, True),
        ("worker", "kms:GenerateDataKey", ALERT_KEY, {}, False),
        ("worker", "kms:Decrypt", SECRET_KEY, {}, False),
        ("worker", "iam:PassRole", f"{ROLE}/full-worker", {}, False),
        ("execution", "secretsmanager:GetSecretValue", STATE_SECRET, {}, True),
        ("execution", "secretsmanager:GetSecretValue", DESTINATIONS["secret_arns"][0], {}, False),
        ("execution", "kms:Decrypt", SECRET_KEY, {}, True),
        ("execution", "kms:Decrypt", QUEUE_KEY, {}, False),
        ("execution", "ecr:BatchGetImage", f"{IMAGE}/headwater", {}, True),
        ("execution", "ecr:BatchGetImage", f"{IMAGE}/other", {}, False),
        ("execution", "ecr:PutImage", f"{IMAGE}/headwater", {}, False),
        ("execution", "logs:PutLogEvents", f"{STREAM}:/full/worker:log-stream:a", {}, True),
        ("execution", "logs:PutLogEvents", f"{STREAM}:/other:log-stream:a", {}, False),
        ("execution", "s3:GetObject", f"{LAKE}/lake/a", TLS, False),
    ],
)  # fmt: skip
def test_service_with_every_option(
    proofs: Proofs, role: str, action: str, resource: str, context: Mapping[str, str], allowed: bool
) -> None:
    assert is_allowed(proofs[f"full.{role}"], Request(action, resource, context=context)) is allowed


@pytest.mark.parametrize(
    ("role", "action", "resource", "allowed"),
    [
        ("console", "s3:GetObject", f"{LAKE}/lake/logs/a", True),
        ("console", "s3:GetObject", f"{LAKE}/config/accounts.yml", True),
        ("console", "s3:PutObject", f"{LAKE}/lake/logs/a", False),
        ("console", "s3:DeleteObject", f"{LAKE}/lake/logs/a", False),
        ("console", "glue:UpdateTable", f"{GLUE}:table/logs/aws_cloudtrail", False),
        ("console", "sqs:ReceiveMessage", QUEUE, False),
        ("console", "sts:AssumeRole", "arn:aws:iam::444455556666:role/headwater-reader", False),
        ("console", "sns:Publish", DESTINATIONS["topic_arns"][0], False),
        ("deliverer", "sns:Publish", DESTINATIONS["topic_arns"][0], True),
        ("deliverer", "secretsmanager:GetSecretValue", DESTINATIONS["secret_arns"][0], True),
        ("deliverer", "rds-db:connect", f"{LOGIN}/headwater", True),
        ("deliverer", "rds-db:connect", f"{LOGIN}/headwater_admin", False),
        ("deliverer", "s3:GetObject", f"{LAKE}/lake/logs/a", False),
        ("deliverer", "s3:GetObject", f"{LAKE}/config/accounts.yml", True),
        ("deliverer", "sqs:ReceiveMessage", QUEUE, False),
        ("deliverer", "sts:AssumeRole", "arn:aws:iam::444455556666:role/headwater-reader", False),
        ("worker", "sns:Publish", DESTINATIONS["topic_arns"][0], False),
        ("worker", "secretsmanager:GetSecretValue", DESTINATIONS["secret_arns"][0], False),
    ],
)  # fmt: skip
def test_console_and_deliverer_have_less_than_the_worker(
    proofs: Proofs, role: str, action: str, resource: str, allowed: bool
) -> None:
    assert is_allowed(proofs[f"apart.{role}"], Request(action, resource, context=TLS)) is allowed


@pytest.mark.parametrize(
    ("action", "resource", "context", "allowed"),
    [
        ("s3:GetObject", f"{LAKE}/lake/logs/a", TLS, True),
        ("s3:GetObject", f"{LAKE}/config/accounts.yml", TLS, False),
        ("s3:PutObject", f"{LAKE}/athena-results/a", TLS, True),
        ("s3:PutObject", f"{LAKE}/lake/logs/a", TLS, False),
        ("athena:StartQueryExecution", f"arn:aws:athena:{REGION}:{ACCOUNT_ID}:workgroup/headwater", {}, True),
        ("athena:StartQueryExecution", f"arn:aws:athena:{REGION}:{ACCOUNT_ID}:workgroup/primary", {}, False),
        ("glue:GetTable", f"{GLUE}:table/logs/aws_cloudtrail", {}, True),
        ("glue:GetTable", f"{GLUE}:table/finance/ledger", {}, False),
        ("glue:UpdateTable", f"{GLUE}:table/logs/aws_cloudtrail", {}, False),
    ],
)
def test_an_analyst_reads_tables_and_writes_results_alone(
    proofs: Proofs, action: str, resource: str, context: Mapping[str, str], allowed: bool
) -> None:
    assert is_allowed(proofs["lake.reader"], Request(action, resource, context=context)) is allowed


@pytest.mark.parametrize(("context", "allowed"), [(VIA_S3, True), (VIA_SNS, False), ({}, False)])
def test_an_analyst_uses_the_lakes_key_through_s3_alone(
    proofs: Proofs, context: Mapping[str, str], allowed: bool
) -> None:
    key = next(s["Resource"] for s in proofs["lake.reader"]["Statement"] if s["Sid"] == "LakeKey")

    assert is_allowed(proofs["lake.reader"], Request("kms:Decrypt", key, context=context)) is allowed


TASK = {"aws:SourceArn": f"arn:aws:ecs:{REGION}:{ACCOUNT_ID}:cluster/full"}
FLOW_LOG = {"aws:SourceArn": f"arn:aws:ec2:{REGION}:{ACCOUNT_ID}:vpc-flow-log/fl-1"}
TASKS = "ecs-tasks.amazonaws.com"


@pytest.mark.parametrize(
    ("trust", "principal", "context", "allowed"),
    [
        ("full.worker_trust", TASKS, OURS | TASK, True),
        ("full.worker_trust", TASKS, THEIRS | TASK, False),
        ("full.worker_trust", TASKS, OURS, False),
        ("full.worker_trust", "ec2.amazonaws.com", OURS | TASK, False),
        ("full.worker_trust", f"{ROLE}/scheduler", {"aws:PrincipalArn": f"{ROLE}/scheduler"}, True),
        ("full.worker_trust", f"{ROLE}/other", {"aws:PrincipalArn": f"{ROLE}/other"}, False),
        ("full.task_trust", TASKS, OURS | TASK, True),
        ("full.task_trust", TASKS, THEIRS | TASK, False),
        ("full.task_trust", f"{ROLE}/scheduler", {"aws:PrincipalArn": f"{ROLE}/scheduler"}, False),
        ("lake.optimizer_trust", "glue.amazonaws.com", OURS, True),
        ("lake.optimizer_trust", "glue.amazonaws.com", THEIRS, False),
        ("network.flow_trust", "vpc-flow-logs.amazonaws.com", OURS | FLOW_LOG, True),
        ("network.flow_trust", "vpc-flow-logs.amazonaws.com", THEIRS | FLOW_LOG, False),
    ],
)
def test_roles_open_to_their_service_in_this_account(
    proofs: Proofs, trust: str, principal: str, context: Mapping[str, str], allowed: bool
) -> None:
    assert is_allowed(proofs[trust], Request("sts:AssumeRole", "", principal, context)) is allowed


SNS, EVENTS, LOGS, ALARMS = (
    "sns.amazonaws.com",
    "events.amazonaws.com",
    f"logs.{REGION}.amazonaws.com",
    "cloudwatch.amazonaws.com",
)
OF_ORGANIZATION = {"aws:SourceOrgID": ORGANIZATION_ID}
RULE = {"aws:SourceArn": f"arn:aws:events:{REGION}:{ACCOUNT_ID}:rule/headwater/headwater-intake"}
LOG_GROUP = {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:/full/worker"}
OTHER_GROUP = {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:/other"}


@pytest.mark.parametrize(
    ("key", "action", "principal", "context", "allowed"),
    [
        ("intake", "kms:GenerateDataKey", SNS, OF_ORGANIZATION, True),
        ("intake", "kms:GenerateDataKey", SNS, {"aws:SourceOrgID": "o-anotherorgid"}, False),
        ("intake", "kms:GenerateDataKey", EVENTS, OURS | RULE, True),
        ("intake", "kms:GenerateDataKey", EVENTS, THEIRS | RULE, False),
        ("intake", "kms:PutKeyPolicy", SNS, OF_ORGANIZATION, False),
        ("intake", "kms:Decrypt", "arn:aws:iam::444455556666:role/a", {}, False),
        ("lake", "kms:Decrypt", f"{ROLE}/administrator", {}, True),
        ("lake", "kms:Decrypt", "arn:aws:iam::444455556666:role/a", {}, False),
        ("lake", "kms:GenerateDataKey", SNS, OF_ORGANIZATION, False),
        ("state", "kms:Decrypt", "arn:aws:iam::444455556666:role/a", {}, False),
        ("state", "kms:Decrypt", "rds.amazonaws.com", OURS, False),
        ("full", "kms:GenerateDataKey", LOGS, LOG_GROUP, True),
        ("full", "kms:GenerateDataKey", LOGS, OTHER_GROUP, False),
        ("full", "kms:Decrypt", "logs.eu-central-1.amazonaws.com", LOG_GROUP, False),
        ("observability", "kms:GenerateDataKey", ALARMS, OURS, True),
        ("observability", "kms:GenerateDataKey", ALARMS, THEIRS, False),
        ("observability", "kms:GenerateDataKey", SNS, OURS, False),
    ],
)
def test_key_serves_its_own_purpose(
    proofs: Proofs, key: str, action: str, principal: str, context: Mapping[str, str], allowed: bool
) -> None:
    assert is_allowed(proofs[f"{key}.key"], Request(action, "*", principal, context)) is allowed


BUS = f"arn:aws:events:{REGION}:{ACCOUNT_ID}:event-bus/headwater"
ALARMS_TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT_ID}:headwater-alarms"
FORWARDER = "arn:aws:iam::444455556666:role/headwater-events-us-east-1"
MEMBER = {"aws:PrincipalOrgID": ORGANIZATION_ID}


@pytest.mark.parametrize(
    ("policy", "request_", "allowed"),
    [
        ("intake.intake", Request("sqs:SendMessage", QUEUE, SNS, OF_ORGANIZATION | TLS), True),
        ("intake.intake", Request("sqs:SendMessage", QUEUE, SNS, OF_ORGANIZATION | PLAIN_TEXT), False),
        ("intake.intake", Request("sqs:ReceiveMessage", QUEUE, SNS, OF_ORGANIZATION | TLS), False),
        ("intake.intake", Request("sqs:SendMessage", f"{QUEUE}-2", SNS, OF_ORGANIZATION | TLS), False),
        ("intake.intake", Request("sqs:SendMessage", QUEUE, FORWARDER, MEMBER | TLS), False),
        ("intake.dead_letters", Request("sqs:SendMessage", DEAD_LETTERS, SNS, OF_ORGANIZATION | TLS), False),
        ("intake.bus", Request("events:PutEvents", BUS, FORWARDER, MEMBER), True),
        ("intake.bus", Request("events:PutEvents", BUS, FORWARDER, {"aws:PrincipalOrgID": "o-anotherorgid"}), False),
        ("intake.bus", Request("events:PutEvents", BUS, FORWARDER, {}), False),
        ("intake.bus", Request("events:PutTargets", BUS, FORWARDER, MEMBER), False),
        ("observability.topic", Request("sns:Publish", ALARMS_TOPIC, ALARMS, OURS | TLS), True),
        ("observability.topic", Request("sns:Publish", ALARMS_TOPIC, ALARMS, OURS | PLAIN_TEXT), False),
        ("observability.topic", Request("sns:Publish", ALARMS_TOPIC, ALARMS, THEIRS | TLS), False),
        ("observability.topic", Request("sns:Publish", ALARMS_TOPIC, "s3.amazonaws.com", OURS | TLS), False),
        ("network.interface", Request("sqs:ReceiveMessage", QUEUE, ROLE, {"aws:PrincipalAccount": ACCOUNT_ID}), True),
        ("network.interface", Request("sqs:SendMessage", QUEUE, ROLE, {"aws:PrincipalAccount": "444455556666"}), False),
        ("network.interface", Request("sts:AssumeRole", "*", "*", {}), False),
        ("network.sns", Request("sns:ConfirmSubscription", f"arn:aws:sns:{REGION}:444455556666:a", "*", {}), True),
        ("network.sns", Request("sns:Publish", f"arn:aws:sns:{REGION}:444455556666:a", "*", {}), False),
        ("network.sns", Request("sns:Publish", ALARMS_TOPIC, ROLE, {"aws:PrincipalAccount": ACCOUNT_ID}), True),
    ],
)  # fmt: skip
def test_resource_lets_in_whom_it_must_and_nobody_else(
    proofs: Proofs, policy: str, request_: Request, allowed: bool
) -> None:
    assert is_allowed(proofs[policy], request_) is allowed


READER_ROLE = {"aws:PrincipalArn": "arn:aws:iam::444455556666:role/headwater-reader"}
LAYERS = f"arn:aws:s3:::prod-{REGION}-starport-layer-bucket/sha256"


@pytest.mark.parametrize(
    ("action", "resource", "context", "allowed"),
    [
        ("s3:PutObject", f"{LAKE}/lake/a", {"aws:PrincipalAccount": ACCOUNT_ID}, True),
        ("s3:PutObject", "arn:aws:s3:::intruder/a", {"aws:PrincipalAccount": "111122223333"}, False),
        ("s3:GetObject", "arn:aws:s3:::payments-logs/a", READER_ROLE, True),
        ("s3:PutObject", "arn:aws:s3:::payments-logs/a", READER_ROLE, False),
        ("s3:GetObject", "arn:aws:s3:::reference-data/a", {"aws:PrincipalArn": LOOKUP_ROLE}, True),
        ("s3:GetObject", "arn:aws:s3:::reference-data/a", {"aws:PrincipalArn": f"{LOOKUP_ROLE}-2"}, False),
        ("s3:GetObject", LAYERS, {}, True),
        ("s3:PutObject", LAYERS, {}, False),
        ("s3:GetObject", "arn:aws:s3:::anything/a", {}, False),
    ],
)
def test_the_gateway_to_s3_serves_our_roles_and_readers(
    proofs: Proofs, action: str, resource: str, context: Mapping[str, str], allowed: bool
) -> None:
    assert is_allowed(proofs["network.s3"], Request(action, resource, "*", context)) is allowed


ANY_OBJECT = [{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": f"{LAKE}/*"}]
ENCRYPTION = "s3:x-amz-server-side-encryption"


@pytest.mark.parametrize(
    ("action", "context", "allowed"),
    [
        ("s3:GetObject", TLS, True),
        ("s3:GetObject", PLAIN_TEXT, False),
        ("s3:PutObject", TLS, True),
        ("s3:PutObject", TLS | {ENCRYPTION: "aws:kms"}, True),
        ("s3:PutObject", TLS | {ENCRYPTION: "AES256"}, False),
    ],
)
def test_the_lake_refuses_plain_text_whatever_a_role_may_do(
    proofs: Proofs, action: str, context: Mapping[str, str], allowed: bool
) -> None:
    together = {"Statement": [*listed(proofs["lake.access"]["Statement"]), *ANY_OBJECT]}

    assert is_allowed(together, Request(action, f"{LAKE}/lake/a", f"{ROLE}/full-worker", context)) is allowed


def test_the_alerts_topic_refuses_plain_text(proofs: Proofs) -> None:
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT_ID}:full-alerts"
    insecure = frozenset({("Bool", "aws:SecureTransport", "false")})

    assert atoms(proofs["full.alerts_topic"], effect="Deny") == {("Deny", "*", "sns:Publish", topic, insecure)}
