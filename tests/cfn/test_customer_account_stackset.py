"""The StackSet: it takes all that the template which it rolls out takes, and hands it on unchanged."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest
from moto import mock_aws

from support.cfn import load_template, resolve
from support.customer_cases import ACCOUNT_ID, CASES
from support.terraform import REPOSITORY

FOLDER = REPOSITORY / "cfn_templates"
PATH = FOLDER / "customer-account-stackset.yml"
TEMPLATE = load_template(PATH)
CHILD = load_template(FOLDER / "customer-account.yml")
UNIT = "ou-ab12-examples"
OWN = {
    "TemplateUrl": "https://templates.s3.us-east-1.amazonaws.com/headwater/customer-account.yml",
    "OrganizationalUnitIds": UNIT,
    "Region": "us-east-1",
}


def properties(parameters: Mapping[str, str]) -> Mapping[str, Any]:
    """The StackSet's properties for a case of the child template."""
    return resolve(TEMPLATE, {**OWN, **parameters}, account_id=ACCOUNT_ID)["StackSet"]


@pytest.mark.parametrize("name", CHILD["Parameters"])
def test_parameter_of_the_child_is_taken_with_the_same_guard(name: str) -> None:
    assert TEMPLATE["Parameters"][name] == CHILD["Parameters"][name]


def test_rules_of_the_child_are_checked_before_the_roll_out() -> None:
    assert TEMPLATE["Rules"] == CHILD["Rules"]


@pytest.mark.parametrize("name", CASES)
def test_values_are_handed_on_unchanged(name: str) -> None:
    given = CASES[name].stack_parameters()
    handed = {p["ParameterKey"]: p["ParameterValue"] for p in properties(given)["Parameters"]}

    assert set(handed) == set(CHILD["Parameters"])
    assert handed.items() >= given.items()


@pytest.mark.parametrize("name", sorted(set(TEMPLATE["Parameters"]) - set(CHILD["Parameters"])))
def test_own_parameter_is_guarded_and_explained(name: str) -> None:
    parameter = TEMPLATE["Parameters"][name]

    assert {"Description", "AllowedPattern", "ConstraintDescription"} <= set(parameter)
    assert re.search(parameter["AllowedPattern"], parameter.get("Default", OWN.get(name, "")))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TemplateUrl", "http://templates.s3.us-east-1.amazonaws.com/a.yml"),
        ("TemplateUrl", "https://example.com/customer-account.yml"),
        ("OrganizationalUnitIds", ACCOUNT_ID),
        ("Region", "us-east-1,eu-central-1"),
        ("CallAs", "self"),
        ("RetainStacks", "yes"),
        ("FailureTolerancePercentage", "101"),
        ("MaxConcurrentPercentage", "0"),
    ],
)
def test_wrong_value_is_refused(name: str, value: str) -> None:
    assert not re.search(TEMPLATE["Parameters"][name]["AllowedPattern"], value)


def test_accounts_that_join_later_get_the_stack() -> None:
    stack_set = properties(CASES["plain"].stack_parameters())

    assert stack_set["PermissionModel"] == "SERVICE_MANAGED"
    assert stack_set["AutoDeployment"] == {"Enabled": True, "RetainStacksOnAccountRemoval": "false"}
    assert stack_set["StackInstancesGroup"] == [
        {"DeploymentTargets": {"OrganizationalUnitIds": UNIT}, "Regions": ["us-east-1"]}
    ]


@pytest.fixture
def local_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An AWS in this process."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield


@pytest.mark.usefixtures("local_aws")
@pytest.mark.filterwarnings("ignore:Tried to parse")
def test_the_template_is_accepted_as_a_stack() -> None:
    given = OWN | CASES["plain"].stack_parameters()
    client = boto3.client("cloudformation", region_name="us-east-1")

    client.create_stack(
        StackName="rollout",
        TemplateBody=PATH.read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
    )

    assert client.describe_stacks(StackName="rollout")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"


@pytest.mark.usefixtures("local_aws")
@pytest.mark.filterwarnings("ignore:Tried to parse")
def test_the_stack_set_makes_the_role_in_an_account_of_the_unit() -> None:
    unit, member = unit_with_an_account()
    given = CASES["plain"].stack_parameters() | {"BucketSuffix": "account", "OrganizationalUnitIds": unit}

    roll_out(properties(given))

    policy = iam_of(member).get_role_policy(RoleName="headwater-reader", PolicyName="read-logs-1")["PolicyDocument"]
    assert policy["Statement"][1]["Resource"] == f"arn:aws:s3:::payments-logs-{member}"


def unit_with_an_account() -> tuple[str, str]:
    """A new organisation's unit and the account in it."""
    client = boto3.client("organizations", region_name="us-east-1")
    client.create_organization(FeatureSet="ALL")
    root = client.list_roots()["Roots"][0]["Id"]
    unit = client.create_organizational_unit(ParentId=root, Name="customers")["OrganizationalUnit"]["Id"]
    made = client.create_account(Email="payments@example.com", AccountName="payments")["CreateAccountStatus"]
    client.move_account(AccountId=made["AccountId"], SourceParentId=root, DestinationParentId=unit)
    return unit, made["AccountId"]


def roll_out(stack_set: Mapping[str, Any]) -> None:
    """What CloudFormation does with the StackSet; the local AWS knows it as calls, not as a resource."""
    client = boto3.client("cloudformation", region_name="us-east-1")
    targets = stack_set["StackInstancesGroup"][0]
    client.create_stack_set(
        TemplateBody=(FOLDER / "customer-account.yml").read_text(),
        AutoDeployment={"Enabled": True, "RetainStacksOnAccountRemoval": False},
        **{key: stack_set[key] for key in ("StackSetName", "Parameters", "Capabilities", "PermissionModel", "CallAs")},
    )
    client.create_stack_instances(
        StackSetName=stack_set["StackSetName"],
        DeploymentTargets={"OrganizationalUnitIds": [targets["DeploymentTargets"]["OrganizationalUnitIds"]]},
        Regions=targets["Regions"],
    )


def iam_of(account_id: str) -> Any:
    """IAM of another account."""
    role = f"arn:aws:iam::{account_id}:role/OrganizationAccountAccessRole"
    given = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    return boto3.client(
        "iam",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
