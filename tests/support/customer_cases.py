"""The customer accounts that the Terraform module and the CloudFormation template are both rendered for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ACCOUNT_ID = "123456789012"  # the account of the local AWS's static credentials
CENTRAL_ID = "999988887777"
ORGANIZATION_ID = "o-exampleorgid"
EXTERNAL_ID = "example-external-id"
KEY_ID = "00000000-0000-4000-8000-00000000abcd"


@dataclass(frozen=True)
class Case:
    """One account's variables in both languages."""

    sources: tuple[Mapping[str, str], ...]
    partition: str = "aws"
    region: str = "us-east-1"
    url_suffix: str = "amazonaws.com"
    variables: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def worker_role_arn(self) -> str:
        """The only principal that the trust policy lets in."""
        return f"arn:{self.partition}:iam::{CENTRAL_ID}:role/headwater-worker"

    @property
    def queue_arn(self) -> str:
        """The central queue."""
        return f"arn:{self.partition}:sqs:{self.region}:{CENTRAL_ID}:headwater-intake"

    @property
    def bus_arn(self) -> str:
        """The central event bus."""
        return f"arn:{self.partition}:events:{self.region}:{CENTRAL_ID}:event-bus/headwater"

    def terraform_variables(self) -> dict[str, Any]:
        """Variables of modules/customer_account."""
        return {
            "account_id": ACCOUNT_ID,
            "account_name": "payments",
            "external_id": EXTERNAL_ID,
            "central_account_id": CENTRAL_ID,
            "worker_role_arn": self.worker_role_arn,
            "queue_arn": self.queue_arn,
            "event_bus_arn": self.bus_arn,
            "bucket_notifications_checked": True,
            "sources": [{"name": f"source-{n}", **source} for n, source in enumerate(self.sources, 1)],
            **self.variables,
        }

    def stack_parameters(self) -> dict[str, str]:
        """Parameters of cfn_templates/customer-account.yml."""
        named = {"bucket": "Bucket", "prefix": "Prefix", "kms_key_arn": "KmsKeyArn"}
        sources = {
            f"{named[key]}{number}": value
            for number, source in enumerate(self.sources, 1)
            for key, value in source.items()
            if key in named
        }
        return {
            "CentralAccountId": CENTRAL_ID,
            "WorkerRoleArn": self.worker_role_arn,
            "QueueArn": self.queue_arn,
            "EventBusArn": self.bus_arn,
            "ExternalId": EXTERNAL_ID,
            **sources,
            **self.parameters,
        }


def key_arn(region: str, partition: str = "aws") -> str:
    """A key of the customer."""
    return f"arn:{partition}:kms:{region}:{ACCOUNT_ID}:key/{KEY_ID}"


BOUNDARY = f"arn:aws:iam::{ACCOUNT_ID}:policy/boundary"
EXISTING_TOPIC = "arn:aws:sns:us-east-1:444455556666:shared"
CASES: Mapping[str, Case] = {
    "plain": Case(({"bucket": "payments-logs", "prefix": "AWSLogs/"},)),
    "whole_bucket": Case(({"bucket": "logs.payments.example.com"},)),
    "full": Case(
        (
            {"bucket": "payments-logs", "prefix": "AWSLogs/", "kms_key_arn": key_arn("us-east-1")},
            {"bucket": "payments-logs", "prefix": "alb/", "kms_key_arn": key_arn("us-east-1")},
            {"bucket": "payments-other", "kms_key_arn": key_arn("eu-central-1")},
        ),
        variables={
            "organization_id": ORGANIZATION_ID,
            "permissions_boundary_arn": BOUNDARY,
            "role_name": "log-read",
            "role_path": "/corp/",
            "subscribe_from": "central",
        },
        parameters={
            "OrganizationId": ORGANIZATION_ID,
            "PermissionsBoundaryArn": BOUNDARY,
            "RoleName": "log-read",
            "RolePath": "/corp/",
            "SubscribeFrom": "central",
        },
    ),
    "existing_topic": Case(
        ({"bucket": "payments-logs", "notifications": "existing_topic", "topic_arn": EXISTING_TOPIC},),
        parameters={"Notifications": "existing_topic", "ExistingTopicArn": EXISTING_TOPIC},
    ),
    "eventbridge": Case(
        ({"bucket": "payments-waf", "prefix": "waf/", "notifications": "eventbridge"},),
        parameters={"Notifications": "eventbridge"},
    ),
    "polling": Case(({"bucket": "payments-logs", "notifications": "none"},), parameters={"Notifications": "none"}),
    "china": Case(
        ({"bucket": "payments-logs", "prefix": "AWSLogs/", "kms_key_arn": key_arn("cn-north-1", "aws-cn")},),
        partition="aws-cn",
        region="cn-north-1",
        url_suffix="amazonaws.com.cn",
    ),
    "govcloud": Case(
        ({"bucket": "payments-logs", "prefix": "AWSLogs/"},), partition="aws-us-gov", region="us-gov-west-1"
    ),
}
CUSTOMERS = [f"{100000000000 + number}" for number in range(500)]
CENTRAL: Mapping[str, Mapping[str, Any]] = {
    "central": {"customer_account_ids": [ACCOUNT_ID]},
    "central_of_500": {"customer_account_ids": CUSTOMERS},
    "central_of_an_organization": {"organization_id": ORGANIZATION_ID},
    "central_in_china": {"organization_id": ORGANIZATION_ID, "providers": {"aws": "aws.aws-cn"}},
}

FLOWS = {"vpc_ids": {"main": "vpc-0123456789abcdef0"}}
ACCESS = {"buckets": {"invoices": "payments-invoices"}}
CHINA = {"providers": {"aws": "aws.aws-cn"}}
LOGS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "logs_cloudtrail": ("cloudtrail", {}),
    "logs_organization": ("cloudtrail", {"organization_id": ORGANIZATION_ID, "prefix": "org/"}),
    "logs_vpc_flow": ("vpc_flow", FLOWS),
    "logs_s3_access": ("s3_access", ACCESS),
    "logs_cloudtrail_cn": ("cloudtrail", CHINA),
    "logs_vpc_flow_cn": ("vpc_flow", FLOWS | CHINA),
    "logs_s3_access_cn": ("s3_access", ACCESS | CHINA),
}


def root_of_cases() -> dict[str, Any]:
    """A root module, as Terraform's JSON, that calls the modules once for every case."""
    customers = {
        name: {
            "source": "../modules/customer_account",
            "providers": {"aws": "aws" if case.partition == "aws" else f"aws.{case.partition}"},
            **case.terraform_variables(),
        }
        for name, case in CASES.items()
    }
    central = {
        name: {"source": "../modules/platform", "name": name.replace("_", "-"), "worker_on": "elsewhere", **variables}
        for name, variables in CENTRAL.items()
    }
    logs = {
        name: {"source": f"../modules/customer_logs/{kind}", **variables} for name, (kind, variables) in LOGS.items()
    }
    logs["logs_customer"] = {
        "source": "../modules/customer_account",
        **CASES["plain"].terraform_variables(),
        "sources": [f"${{module.{name}.source}}" for name in ("logs_cloudtrail", "logs_vpc_flow", "logs_s3_access")],
    }
    others = {case.partition: case.region for case in CASES.values() if case.partition != "aws"}
    documents = {"trust": "trust_policy", "permissions": "permissions_policy", "statements": "bucket_key_statements"}
    return {
        "provider": {"aws": [{"region": "us-east-1"}] + [{"alias": p, "region": r} for p, r in others.items()]},
        "module": customers | central | logs,
        "output": {
            f"{name}_{short}": {"value": f"${{module.{name}.{output}}}"}
            for name in CASES
            for short, output in documents.items()
        },
    }
