"""The helpers of the built-in detections: what they make of identities, requests and policies."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any
from urllib.parse import quote

import pytest

from headwater.detect.event import PantherEvent
from headwater.detect.load import builtin_path
from headwater.detect.modules import Namespace

FOLDER = builtin_path() / "helpers"
NAMES = ("headwater_aws", "headwater_aws_policy")
MODULE = Namespace(builtin_path(), {name: FOLDER / f"{name}.py" for name in NAMES}).run(
    "test", "test.py", b"import headwater_aws as aws\nimport headwater_aws_policy as policy\n"
)
AWS: ModuleType = MODULE.aws
POLICY: ModuleType = MODULE.policy

ACCOUNT, OTHER = "111122223333", "999988887777"
SESSION = {
    "type": "AssumedRole",
    "principalId": "AROAEXAMPLE:alice",
    "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/Dev/alice",
    "accountId": ACCOUNT,
    "sessionContext": {"sessionIssuer": {"arn": f"arn:aws:iam::{ACCOUNT}:role/Dev"}},
}
LINKED = {"sessionContext": {"sessionIssuer": {"arn": f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/x/R"}}}


def event(**columns: Any) -> PantherEvent:
    return PantherEvent(columns, None)


def allow(principal: Any, condition: Any = None, action: Any = "*") -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"}
    return {"Statement": [{**statement, "Condition": condition} if condition else statement]}


@pytest.mark.parametrize(
    ("identity", "actor", "arn", "principal"),
    [
        pytest.param(SESSION, SESSION["arn"], SESSION["arn"], f"arn:aws:iam::{ACCOUNT}:role/Dev", id="role session"),
        pytest.param({"userName": "a", "arn": "arn:a"}, "a", "arn:a", "arn:a", id="user"),
        pytest.param({"invokedBy": "x.amazonaws.com"}, *["x.amazonaws.com"] * 3, id="service"),
        pytest.param({"accountId": OTHER}, *[OTHER] * 3, id="account"),
        pytest.param(None, *["unknown identity"] * 3, id="null"),
        pytest.param([1], *["unknown identity"] * 3, id="list"),
    ],
)
def test_actor_has_a_name_whatever_the_identity_lacks(identity: Any, actor: str, arn: str, principal: str) -> None:
    row = event(userIdentity=identity)

    assert (AWS.actor(row), AWS.actor_arn(row), AWS.principal(row)) == (actor, arn, principal)


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        pytest.param({"type": "AWSService"}, True, id="on its own"),
        pytest.param({**SESSION, "invokedBy": "athena.amazonaws.com"}, True, id="for someone"),
        pytest.param(LINKED, True, id="service-linked role"),
        pytest.param({"type": "IAMUser", "invokedBy": "signin.amazonaws.com"}, False, id="console before 2018"),
        pytest.param(SESSION, False, id="role of a person"),
        pytest.param(None, False, id="null"),
    ],
)
def test_calls_of_aws_services_are_told_from_those_of_people(identity: Any, expected: bool) -> None:
    assert AWS.by_aws_service(event(userIdentity=identity)) is expected


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        pytest.param({"userIdentity": {"invokedBy": "cloudformation.amazonaws.com"}}, True, id="CloudFormation"),
        pytest.param({"userAgent": "APN/1.0 HashiCorp/1.0 Terraform/1.7.5"}, True, id="Terraform"),
        pytest.param({"userAgent": "aws-cli/2.15.30"}, False, id="command line"),
        pytest.param({}, False, id="no client"),
    ],
)
def test_infrastructure_as_code_is_known_by_its_client(columns: dict[str, Any], expected: bool) -> None:
    assert AWS.by_infrastructure_code(event(**columns)) is expected


def test_account_is_the_one_that_received_the_record() -> None:
    identity = {"accountId": OTHER}

    assert AWS.account(event(recipientAccountId=ACCOUNT, userIdentity=identity)) == ACCOUNT
    assert AWS.account(event(userIdentity=identity)) == OTHER
    assert AWS.account(event()) == "unknown"


def test_title_and_dedup_name_who_what_and_where() -> None:
    row = event(recipientAccountId=ACCOUNT, awsRegion="us-east-1", userIdentity=SESSION)

    assert AWS.headline(row, "did it") == f"{SESSION['arn']} did it: account {ACCOUNT} in us-east-1"
    assert AWS.grouping(row, "a", 1) == f"{ACCOUNT}:a:1"


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        pytest.param({"a": {"b": 1}}, 1, id="there"),
        pytest.param({"a": "text"}, "none", id="text on the way"),
        pytest.param(None, "none", id="null"),
        pytest.param("text", "none", id="text"),
    ],
)
def test_request_gives_the_default_for_parameters_of_another_shape(parameters: Any, expected: Any) -> None:
    assert AWS.request(event(requestParameters=parameters), "a", "b", default="none") == expected


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        ("AROAEXAMPLE:i-0123456789abcdef0", "i-0123456789abcdef0"),
        ("AROAEXAMPLE:i-01234567", "i-01234567"),
        ("AROAEXAMPLE:i-am-alice", ""),
        ("AIDAEXAMPLE", ""),
    ],
)
def test_session_of_an_instance_is_named_by_its_id(session: str, expected: str) -> None:
    assert AWS.instance_id(event(userIdentity={"principalId": session})) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"arn:aws:iam::{OTHER}:root", OTHER),
        (OTHER, OTHER),
        ("arn:aws:iam::cloudfront:user/x", ""),
        ("arn:aws:s3:::bucket", ""),
        ("arn:", ""),
        ("AIDAEXAMPLE", ""),
        (None, ""),
    ],
)
def test_account_is_found_in_arns_and_bare_ids(text: Any, expected: str) -> None:
    assert AWS.account_of(text) == expected


@pytest.mark.parametrize(
    ("value", "items", "mappings"),
    [
        pytest.param({"items": [{"a": 1}, 2]}, [{"a": 1}, 2], [{"a": 1}], id="items"),
        pytest.param([{"a": 1}], [{"a": 1}], [{"a": 1}], id="list"),
        pytest.param({"a": 1}, [], [{"a": 1}], id="one mapping"),
        pytest.param("x", ["x"], [], id="text"),
        pytest.param({"items": None}, [], [], id="empty items"),
        pytest.param(None, [], [], id="null"),
        pytest.param(7, [7], [], id="number"),
    ],
)
def test_one_and_many_become_lists(value: Any, items: list[Any], mappings: list[Any]) -> None:
    assert (AWS.items(value), AWS.mappings(value)) == (items, mappings)


def test_names_tell_what_serves_security() -> None:
    assert AWS.watches_security("prod-CloudTrail-logs")
    assert not AWS.watches_security("web-shop")


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        pytest.param({"Statement": []}, {"Statement": []}, id="mapping"),
        pytest.param('{"Statement": []}', {"Statement": []}, id="text"),
        pytest.param(quote('{"Statement": []}'), {"Statement": []}, id="URL-encoded"),
        pytest.param("[1]", {}, id="a list"),
        pytest.param("{broken", {}, id="broken"),
        pytest.param("", {}, id="empty"),
        pytest.param(None, {}, id="null"),
    ],
)
def test_policy_is_read_from_every_form(policy: Any, expected: Any) -> None:
    assert POLICY.document(policy) == expected


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        pytest.param({"Effect": "Allow", "Action": "*", "Resource": "*"}, True, id="all"),
        pytest.param({"Effect": "Allow", "Action": ["s3:*", "IAM:*"], "Resource": ["*"]}, True, id="all of IAM"),
        pytest.param({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}, False, id="one service"),
        pytest.param({"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::b"}, False, id="one resource"),
        pytest.param({"Effect": "Deny", "Action": "*", "Resource": "*"}, False, id="denied"),
    ],
)
def test_policy_that_allows_everything_is_known(statement: dict[str, Any], expected: bool) -> None:
    assert POLICY.allows_everything({"Statement": statement}) is expected
    assert POLICY.allows_everything(json.dumps({"Statement": [statement]})) is expected


GITHUB = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
SUBJECT = "token.actions.githubusercontent.com:sub"


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        pytest.param(allow("*"), ["everyone"], id="everyone"),
        pytest.param(allow({"AWS": ["*"]}), ["everyone"], id="everyone of AWS"),
        pytest.param(allow({"AWS": f"arn:aws:iam::{OTHER}:root"}), [OTHER], id="another account"),
        pytest.param(allow({"AWS": [OTHER, ACCOUNT]}), [OTHER], id="by bare id"),
        pytest.param(allow({"AWS": f"arn:aws:iam::{ACCOUNT}:role/a"}), [], id="the account itself"),
        pytest.param(allow({"Service": "ec2.amazonaws.com"}), [], id="a service"),
        pytest.param(allow("*", {"StringEquals": {"aws:PrincipalOrgID": "o-example"}}), [], id="the organization"),
        pytest.param(allow("*", {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": ["o-e/*"]}}), [], id="a unit"),
        pytest.param(allow("*", {"Bool": {"aws:SecureTransport": "true"}}), ["everyone"], id="everyone by TLS"),
        pytest.param(allow("*", {"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}), ["everyone"], id="all but a network"),
        pytest.param(allow("*", {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}), ["everyone"], id="every address"),
        pytest.param(allow("*", {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24"]}}), [], id="an office"),
        pytest.param(allow("*", {"StringLike": {"aws:PrincipalArn": "*"}}), ["everyone"], id="any ARN"),
        pytest.param(allow({"AWS": OTHER}, {"StringEquals": {"sts:ExternalId": "x"}}), [OTHER], id="with ExternalId"),
        pytest.param(allow({"Federated": GITHUB}), [f"anyone of {GITHUB}"], id="all of GitHub"),
        pytest.param(allow({"Federated": GITHUB}, {"StringLike": {SUBJECT: "*"}}), [f"anyone of {GITHUB}"], id="sub *"),
        pytest.param(allow({"Federated": GITHUB}, {"StringLike": {SUBJECT: "repo:a/b:*"}}), [], id="one repository"),
        pytest.param(allow({"Federated": "cognito-identity.amazonaws.com"}), [], id="another provider"),
        pytest.param({"Statement": {"Effect": "Deny", "Principal": "*"}}, [], id="denied"),
        pytest.param({"Statement": "text"}, [], id="no statement"),
        pytest.param(allow(7, [1]), [], id="odd"),
    ],
)
def test_policy_tells_which_outsiders_it_lets_in(policy: dict[str, Any], expected: list[str]) -> None:
    assert POLICY.opened_to(policy, ACCOUNT) == expected
    assert POLICY.opened_to(json.dumps(policy), ACCOUNT) == expected
