"""The tests' own IAM evaluator: it must refuse for the right reasons, or the tests of our policies prove nothing."""

from __future__ import annotations

from typing import Any

import pytest

from support.iam import Request, atoms, is_allowed

BUCKET = "arn:aws:s3:::logs"
ROOT = {"AWS": "arn:aws:iam::999988887777:root"}
ROLE = "arn:aws:iam::999988887777:role/reader"


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    """A policy of statements that allow s3:GetObject on one bucket's objects unless they say otherwise."""
    base = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{BUCKET}/*"}
    return {"Statement": [base | statement for statement in statements]}


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        pytest.param({}, True, id="match"),
        pytest.param({"Action": ["s3:Get*"]}, True, id="action wildcard"),
        pytest.param({"Action": "S3:getobject"}, True, id="actions ignore case"),
        pytest.param({"Action": "s3:PutObject"}, False, id="other action"),
        pytest.param({"Resource": f"{BUCKET}/A*"}, False, id="resources mind case"),
        pytest.param({"Resource": f"{BUCKET}/?"}, True, id="question mark"),
        pytest.param({"Principal": ROOT}, True, id="root means the account"),
        pytest.param({"Principal": {"AWS": "999988887777"}}, True, id="account number"),
        pytest.param({"Principal": {"AWS": "arn:aws:iam::111122223333:root"}}, False, id="other account"),
        pytest.param({"Principal": {"Service": "sns.amazonaws.com"}}, False, id="a service"),
        pytest.param({"Condition": {"StringEquals": {"AWS:PRINCIPALORGID": ["o-a", "o-b"]}}}, True, id="one of many"),
        pytest.param({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-*"}}}, False, id="equals takes no globs"),
        pytest.param({"Condition": {"StringLike": {"aws:PrincipalOrgID": "o-*"}}}, True, id="like takes globs"),
        pytest.param({"Condition": {"StringEquals": {"sts:ExternalId": "x"}}}, False, id="missing key"),
        pytest.param({"Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/reader"}}}, True, id="ARN"),
        pytest.param({"Condition": {"ArnLike": {"aws:PrincipalArn": "arn:*:role/reader"}}}, False, id="six ARN parts"),
        pytest.param({"Condition": {"Bool": {"aws:SecureTransport": True}}}, True, id="a YAML boolean"),
        pytest.param({"Condition": {"Null": {"sts:ExternalId": "true"}}}, True, id="absent as wanted"),
        pytest.param({"Condition": {"Null": {"aws:PrincipalOrgID": "true"}}}, False, id="not absent"),
        pytest.param({"Condition": {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-a"}}}, False, id="not equal"),
        pytest.param({"Condition": {"StringNotEqualsIfExists": {"sts:ExternalId": "x"}}}, True, id="absent is unequal"),
    ],
)
def test_statement_decides(statement: dict[str, Any], allowed: bool) -> None:
    context = {"aws:PrincipalOrgID": "o-a", "aws:PrincipalArn": ROLE, "aws:SecureTransport": "true"}

    assert is_allowed(document(statement), Request("s3:GetObject", f"{BUCKET}/a", ROLE, context)) is allowed


def test_deny_wins() -> None:
    assert not is_allowed(document({}, {"Effect": "Deny"}), Request("s3:GetObject", f"{BUCKET}/a"))


def test_atoms_do_not_depend_on_how_statements_are_grouped() -> None:
    together = document({"Action": ["s3:GetObject", "s3:GetObjectVersion"]})
    apart = document({"Action": "s3:GetObjectVersion", "Sid": "B"}, {"Sid": "A"})

    assert atoms(together) == atoms(apart)


def test_atoms_tell_conditions_apart() -> None:
    one = document({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-a"}}})
    other = document({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-b"}}})

    assert atoms(one) != atoms(other)
