"""The central account of the demonstration: by the Terraform module `platform`, or its few needful parts by boto3."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.onboard import assets, terraform
from headwater.onboard.root import relative
from headwater.onboard.sessions import Sessions

ACCOUNT_ID = "999988887777"
ORGANIZATION_ID = "o-exampleorgid"
REGION = "us-east-1"
NAME = "headwater"
DEPLOY_ROLE_ARN = f"arn:aws:iam::{ACCOUNT_ID}:role/OrganizationAccountAccessRole"
OUTPUTS = ("queue_url", "dead_letter_queue_url", "worker_role_arn")


@dataclass(frozen=True, slots=True)
class CentralAccount:
    """What the rest of the demonstration needs of it."""

    queue_url: str
    dead_letter_queue_url: str
    worker_role_arn: str


def terraform_state(folder: Path, environment: Mapping[str, str]) -> terraform.State:
    """A root with the platform module, written and initialised in a folder."""
    root, data = folder / "root", folder / "data"
    root.mkdir(parents=True, exist_ok=True)
    text = json.dumps(_document(relative(assets.module_path("platform"), root)), indent=2)
    (root / "main.tf.json").write_text(text, encoding="utf-8")
    plugins = assets.plugin_folder(environment)
    terraform.prepare(root, data / "init", plugins, environment)
    state = terraform.State(root, data / "central", {"path": str(folder / "terraform.tfstate")}, environment)
    terraform.init(state, plugins)
    return state


def by_terraform(state: terraform.State) -> CentralAccount:
    """Apply the root."""
    terraform.apply(state, {})
    outputs = terraform.output(state)
    return CentralAccount(**{name: outputs[name] for name in OUTPUTS})


def _document(module_source: str) -> Mapping[str, Any]:
    return {
        "terraform": {"backend": {"local": {}}},
        "provider": {
            "aws": {
                "region": REGION,
                "allowed_account_ids": [ACCOUNT_ID],
                "assume_role": {"role_arn": DEPLOY_ROLE_ARN, "session_name": "headwater-demo"},
            }
        },
        "module": {
            "platform": {
                "source": module_source,
                "name": NAME,
                "organization_id": ORGANIZATION_ID,
                "worker_on": "elsewhere",
                "alarms": {"enabled": False},
                "alerts_topic": False,
                "trial": True,
            }
        },
        "output": {name: {"value": f"${{module.platform.{name}}}"} for name in OUTPUTS},
    }


def by_boto3(sessions: Sessions) -> CentralAccount:
    """The queues and the worker's role, without Terraform; no bucket, because the demonstration's lake is local."""
    session = sessions.assume(sessions.ours(), DEPLOY_ROLE_ARN, "headwater-demo", REGION)
    sqs, iam = sessions.client(session, "sqs"), sessions.client(session, "iam")
    announced = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{NAME}-intake",
        "Condition": {"StringEquals": {"aws:SourceOrgID": ORGANIZATION_ID}},
    }
    queue = sqs.create_queue(QueueName=f"{NAME}-intake", Attributes={"Policy": _policy(announced)})
    dead_letters = sqs.create_queue(QueueName=f"{NAME}-dead-letters")
    return CentralAccount(queue["QueueUrl"], dead_letters["QueueUrl"], _worker_role(iam))


def _worker_role(iam: Any) -> str:
    trust = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    hop = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": f"arn:aws:iam::*:role/{NAME}-reader"}
    role = iam.create_role(RoleName=f"{NAME}-worker", AssumeRolePolicyDocument=_policy(trust))
    iam.put_role_policy(RoleName=f"{NAME}-worker", PolicyName="worker", PolicyDocument=_policy(hop))
    return str(role["Role"]["Arn"])


def _policy(statement: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
