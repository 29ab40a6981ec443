from __future__ import annotations

from typing import Any

import pytest

from headwater.onboard.iam_policy import Decision, Principal, Request, allowed, allowed_by_key_or_trust, evaluate

WORKER = Principal(
    "999988887777",
    "arn:aws:iam::999988887777:role/corp/worker",
    "arn:aws:sts::999988887777:assumed-role/worker/session",
)
ROLE = "arn:aws:iam::111122223333:role/headwater-reader"
ASSUME = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}


def trust(principal: Any, **condition: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    return {"Statement": {**statement, "Condition": condition} if condition else statement}


def assume(**context: str) -> Request:
    return Request(WORKER, "sts:AssumeRole", ROLE, {key.replace("_", ":", 1): value for key, value in context.items()})


@pytest.mark.parametrize(
    ("document", "request_", "expected"),
    [
        pytest.param(trust({"AWS": WORKER.role_arn}), assume(), Decision.ALLOW, id="role-with-path"),
        pytest.param(trust({"AWS": WORKER.session_arn}), assume(), Decision.ALLOW, id="session"),
        pytest.param(trust("*"), assume(), Decision.ALLOW, id="everyone"),
        pytest.param(trust({"AWS": "999988887777"}), assume(), Decision.ALLOW_ACCOUNT, id="account-number"),
        pytest.param(
            trust({"AWS": "arn:aws:iam::999988887777:root"}), assume(), Decision.ALLOW_ACCOUNT, id="account-root"
        ),
        pytest.param(trust({"AWS": "444455556666"}), assume(), Decision.NEUTRAL, id="another-account"),
        pytest.param(trust({"Service": "ecs-tasks.amazonaws.com"}), assume(), Decision.NEUTRAL, id="a-service"),
    ],
)
def test_principal_is_matched(document: dict[str, Any], request_: Request, expected: Decision) -> None:
    assert evaluate(document, request_, with_principal=True) is expected


@pytest.mark.parametrize(
    ("condition", "context", "holds"),
    [
        pytest.param({"StringEquals": {"sts:ExternalId": "right"}}, {"sts_ExternalId": "right"}, True, id="equal"),
        pytest.param({"StringEquals": {"sts:ExternalId": "right"}}, {"sts_ExternalId": "wrong"}, False, id="unequal"),
        pytest.param({"StringEquals": {"sts:ExternalId": "right"}}, {}, False, id="absent"),
        pytest.param({"StringEqualsIfExists": {"sts:ExternalId": "right"}}, {}, True, id="absent-if-exists"),
        pytest.param({"StringNotEquals": {"sts:ExternalId": "right"}}, {}, True, id="absent-negated"),
        pytest.param(
            {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::999988887777:role/corp/*"}},
            {"aws_PrincipalArn": WORKER.role_arn},
            True,
            id="arn-like",
        ),
        pytest.param(
            {"ArnEquals": {"aws:PrincipalArn": ["arn:aws:iam::999988887777:role/worker"]}},
            {"aws_PrincipalArn": WORKER.role_arn},
            False,
            id="arn-with-other-path",
        ),
        pytest.param({"Bool": {"aws:SecureTransport": False}}, {"aws_SecureTransport": "true"}, False, id="bool"),
        pytest.param({"Null": {"sts:ExternalId": "true"}}, {}, True, id="null-of-absent"),
        pytest.param(
            {"NumericLessThan": {"aws:MultiFactorAuthAge": 10}}, {"aws_MultiFactorAuthAge": "9"}, True, id="n"
        ),
        pytest.param({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, {"aws_SourceIp": "192.0.2.7"}, True, id="ip"),
        pytest.param(
            {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-example/*"}},
            {"aws_PrincipalOrgPaths": "o-example/r-1"},
            True,
            id="any-value",
        ),
    ],
)
def test_condition_holds(condition: dict[str, Any], context: dict[str, str], holds: bool) -> None:
    document = trust("*", **condition)

    decision = evaluate(document, assume(**context), with_principal=True)

    assert (decision is Decision.ALLOW) is holds


def test_deny_beats_allow_in_either_order() -> None:
    deny = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    allow = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
    request = Request(WORKER, "s3:getobject", "arn:aws:s3:::b/k")

    decisions = [evaluate({"Statement": order}, request) for order in ([deny, allow], [allow, deny], [allow])]

    assert decisions == [Decision.DENY, Decision.DENY, Decision.ALLOW]


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        pytest.param({"NotAction": "s3:*", "Resource": "*"}, Decision.NEUTRAL, id="not-action-excludes"),
        pytest.param({"NotAction": "iam:*", "Resource": "*"}, Decision.ALLOW, id="not-action-includes"),
        pytest.param({"Action": "*", "NotResource": "arn:aws:s3:::b/*"}, Decision.NEUTRAL, id="not-resource-excludes"),
        pytest.param({"Action": "s3:Get?bject", "Resource": "arn:aws:s3:::?/*"}, Decision.ALLOW, id="question-mark"),
    ],
)
def test_statement_applies(element: dict[str, Any], expected: Decision) -> None:
    request = Request(WORKER, "s3:GetObject", "arn:aws:s3:::b/k")

    assert evaluate({"Statement": [{"Effect": "Allow", **element}]}, request) is expected


def test_across_accounts_both_sides_must_allow() -> None:
    resource = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "999988887777"}, **_read()}]}
    request = Request(WORKER, "s3:GetObject", "arn:aws:s3:::b/k")
    identity = [{"Statement": [{"Effect": "Allow", **_read()}]}]

    answers = [
        allowed(request, identity, resource, owner="111122223333"),
        allowed(request, [], resource, owner="111122223333"),
        allowed(request, identity, None, owner="111122223333"),
        allowed(request, identity, None, owner="999988887777"),
    ]

    assert answers == [True, False, False, True]


def test_trust_in_an_account_needs_the_callers_own_permission() -> None:
    document = trust({"AWS": "arn:aws:iam::999988887777:root"})

    with_permission = allowed_by_key_or_trust(assume(), [{"Statement": ASSUME}], document, owner="111122223333")
    without = allowed_by_key_or_trust(assume(), [], document, owner="111122223333")

    assert (with_permission, without) == (True, False)


def _read() -> dict[str, str]:
    return {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
