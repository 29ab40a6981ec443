"""The policies of the central modules, rendered with every option that adds a statement, for tests to judge."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from support.customer_cases import ACCOUNT_ID, ORGANIZATION_ID
from support.terraform import Terraform

REGION = "us-east-1"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/00000000-0000-4000-8000-00000000"  # and four digits
QUEUE_KEY, LOOKUP_KEY, ALERT_KEY, SECRET_KEY = (f"{KEY}{number:04d}" for number in range(1, 5))
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:headwater-intake"
DEAD_LETTERS = f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:headwater-dead-letters"
LAKE = f"arn:aws:s3:::headwater-lake-{ACCOUNT_ID}"
STATE_SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT_ID}:secret:headwater-state-AbCdEf"
LOOKUP_ROLE = "arn:aws:iam::444455556666:role/reference-data"
LOOKUPS = {
    "object_arns": ["arn:aws:s3:::reference-data/zones.csv", "arn:aws:s3:::reference-data/lookups/*"],
    "kms_key_arns": [LOOKUP_KEY],
    "role_arns": [LOOKUP_ROLE],
}
DESTINATIONS = {
    "topic_arns": [f"arn:aws:sns:{REGION}:444455556666:security"],
    "queue_arns": [f"arn:aws:sqs:{REGION}:444455556666:security"],
    "event_bus_arns": [f"arn:aws:events:{REGION}:444455556666:event-bus/security"],
    "object_arns": ["arn:aws:s3:::security-alerts/headwater/*"],
    "security_hub": True,
    "secret_arns": [f"arn:aws:secretsmanager:{REGION}:{ACCOUNT_ID}:secret:slack-AbCdEf"],
    "parameter_arns": [f"arn:aws:ssm:{REGION}:{ACCOUNT_ID}:parameter/headwater/pagerduty"],
    "kms_key_arns": [ALERT_KEY],
}
SERVICE = {
    "source": "../modules/service",
    "queue_arn": QUEUE,
    "queue_url": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT_ID}/headwater-intake",
    "dead_letter_queue_arn": DEAD_LETTERS,
    "dead_letter_queue_url": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT_ID}/headwater-dead-letters",
    "queue_kms_key_arn": QUEUE_KEY,
    "lake_bucket_name": f"headwater-lake-{ACCOUNT_ID}",
    "lake_warehouse": f"s3://headwater-lake-{ACCOUNT_ID}/lake",
    "lake_writer_policy": "${module.lake.writer_policy}",
    "lake_reader_policy": "${module.lake.reader_policy}",
    "state_connect_policy": "${module.state.connect_policy}",
    "image": f"{ACCOUNT_ID}.dkr.ecr.{REGION}.amazonaws.com/headwater:0.1.0",
    "create_service": False,
}
PLAIN = {"worker": {"command": ["run"]}}
APART = PLAIN | {"console": {"command": ["console"]}, "deliverer": {"command": ["deliver"]}}
MODULES: Mapping[str, Mapping[str, Any]] = {
    "lake": {"source": "../modules/lake", "optimized_tables": {"logs.aws_cloudtrail": ["compaction"]}},
    "state": {
        "source": "../modules/state",
        "existing": {"host": "state.example.com", "resource_id": "db-EXAMPLE", "database": "headwater"},
    },
    "network": {"source": "../modules/network", "customer_role_arns": [LOOKUP_ROLE]},
    "observability": {
        "source": "../modules/observability",
        "queue_name": "headwater-intake",
        "dead_letter_queue_name": "headwater-dead-letters",
        "log_group_name": "/headwater/worker",
    },
    "plain": SERVICE | {"name": "plain", "tasks": PLAIN, "alerts_topic": False},
    "full": SERVICE
    | {
        "name": "full",
        "tasks": PLAIN,
        "lookup_tables": LOOKUPS,
        "alert_destinations": DESTINATIONS,
        "worker_assumed_by_arns": [f"arn:aws:iam::{ACCOUNT_ID}:role/scheduler"],
        "state_url_secret_arn": STATE_SECRET,
        "state_url_secret_kms_key_arn": SECRET_KEY,
    },
    "apart": SERVICE | {"name": "apart", "tasks": APART, "alert_destinations": DESTINATIONS},
    "intake": {"source": "../modules/intake", "organization_id": ORGANIZATION_ID},
}
DOCUMENTS: Mapping[str, tuple[str, ...]] = {
    "lake": ("writer", "reader", "optimizer", "optimizer_trust", "access", "key"),
    "state": ("connect", "key"),
    "network": ("interface", "s3", "sns", "flow", "flow_trust"),
    "observability": ("key", "topic"),
    "plain": ("worker", "execution"),
    "full": ("worker", "worker_trust", "task_trust", "execution", "key", "alerts_topic"),
    "apart": ("worker", "console", "deliverer"),
    "intake": ("intake", "dead_letters", "key", "bus"),
}


def root_of_proofs() -> dict[str, Any]:
    """A root module, as Terraform's JSON, with each central module, and the service three times."""
    return {"provider": {"aws": {"region": REGION}}, "module": MODULES}


def render(terraform: Terraform) -> dict[str, Mapping[str, Any]]:
    """module.document → the policy. Of what policies name, only keys are made: their ARNs are known to AWS alone."""
    addresses = {
        f"module.{module}.data.aws_iam_policy_document.{name}": f"{module}.{name}"
        for module, names in DOCUMENTS.items()
        for name in names
    }
    targets = [f"-target={address}" for address in addresses]
    terraform.run("apply", "-auto-approve", "-no-color", "-lock=false", *targets)
    state = json.loads(terraform.run("show", "-json"))
    return {
        addresses[resource["address"]]: json.loads(resource["values"]["json"])
        for module in state["values"]["root_module"]["child_modules"]
        for resource in module["resources"]
        if resource["address"] in addresses
    }
