"""The CloudFormation template: clean, every parameter guarded, and accepted by a stack engine."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from support.cfn import load_template, resolve
from support.customer_cases import ACCOUNT_ID, CASES
from support.terraform import REPOSITORY

FOLDER = REPOSITORY / "cfn_templates"
TEMPLATES = sorted(FOLDER.glob("*.yml"))
PATH = FOLDER / "customer-account.yml"
TEMPLATE = load_template(PATH)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_template_is_clean(path: Path) -> None:
    linter = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run([linter, "--regions", "us-east-1", "--", path], capture_output=True, text=True, timeout=120)

    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_template_has_a_kebab_case_name(path: Path) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*\.yml", path.name)


@pytest.mark.parametrize("name", TEMPLATE["Parameters"])
def test_parameter_is_guarded_and_explained(name: str) -> None:
    parameter = TEMPLATE["Parameters"][name]

    assert {"Description", "AllowedPattern", "ConstraintDescription"} <= set(parameter)
    assert "Default" not in parameter or re.search(parameter["AllowedPattern"], parameter["Default"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CentralAccountId", "99998888777"),
        ("WorkerRoleArn", "arn:aws:iam::999988887777:role/*"),
        ("QueueArn", "arn:aws:sqs:us-east-1:999988887777:headwater.fifo"),
        ("EventBusArn", "arn:aws:events:us-east-1:999988887777:rule/x"),
        ("OrganizationId", "exampleorgid"),
        ("ExternalId", "two words"),
        ("RoleName", "corp/log-read"),
        ("RolePath", "corp"),
        ("PermissionsBoundaryArn", "arn:aws:iam::111122223333:role/x"),
        ("ExistingTopicArn", "arn:aws:sqs:us-east-1:111122223333:x"),
        ("SubscriptionDeadLetterQueueArn", "arn:aws:sns:us-east-1:111122223333:x"),
        ("TopicKmsKeyArn", "arn:aws:kms:us-east-1:111122223333:alias/aws/sns"),
        *((f"Bucket{number}", "arn:aws:s3:::payments-logs") for number in (1, 2, 3)),
        *((f"Prefix{number}", "/AWSLogs/") for number in (1, 2, 3)),
        *((f"Prefix{number}", "AWSLogs/*") for number in (1, 2, 3)),
        *((f"KmsKeyArn{number}", "arn:aws:kms:us-east-1:111122223333:alias/logs") for number in (1, 2, 3)),
    ],
)
def test_wrong_value_is_refused(name: str, value: str) -> None:
    assert not re.search(TEMPLATE["Parameters"][name]["AllowedPattern"], value)


@pytest.mark.parametrize("name", CASES)
def test_every_case_passes_the_guards(name: str) -> None:
    for parameter, value in CASES[name].stack_parameters().items():
        assert re.search(TEMPLATE["Parameters"][parameter]["AllowedPattern"], value), parameter


@pytest.mark.parametrize(
    ("suffix", "ending"), [("account", f"-{ACCOUNT_ID}"), ("account-region", f"-{ACCOUNT_ID}-us-east-1")]
)
@pytest.mark.parametrize("name", ["whole_bucket", "full", "eventbridge"])
def test_bucket_suffix_is_as_if_it_stood_in_the_buckets_names(name: str, suffix: str, ending: str) -> None:
    given = CASES[name].stack_parameters()
    written = {key: value + ending if key.startswith("Bucket") else value for key, value in given.items()}

    assert told(given | {"BucketSuffix": suffix}) == told(written)


def told(parameters: dict[str, str]) -> dict[str, Any]:
    """The stack's resources without what only people read."""
    resources = resolve(TEMPLATE, parameters, account_id=ACCOUNT_ID)
    return {
        name: {key: value for key, value in properties.items() if key not in ("DisplayName", "Description")}
        for name, properties in resources.items()
    }


def resource_types(name: str) -> dict[str, Any]:
    """Deploy a case as a stack on moto; logical id → type of what came to be."""
    parameters = [
        {"ParameterKey": key, "ParameterValue": value} for key, value in CASES[name].stack_parameters().items()
    ]
    client = boto3.client("cloudformation", region_name="us-east-1")
    client.create_stack(
        StackName=name.replace("_", "-"),
        TemplateBody=PATH.read_text(),
        Parameters=parameters,
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    answer = client.list_stack_resources(StackName=name.replace("_", "-"))
    return {r["LogicalResourceId"]: r["ResourceType"] for r in answer["StackResourceSummaries"]}


@pytest.mark.filterwarnings("ignore:Tried to parse")
@pytest.mark.parametrize("name", ["plain", "full", "polling"])
def test_stack_makes_the_role(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        made = resource_types(name)
        role = boto3.client("iam").get_role(RoleName=CASES[name].parameters.get("RoleName", "headwater-reader"))

    assert made["ReaderRole"] == "AWS::IAM::Role"
    assert role["Role"]["Arn"].startswith(f"arn:aws:iam::{ACCOUNT_ID}:role/")
    assert ("ReadSource3" in made) == (len(CASES[name].sources) == 3)
