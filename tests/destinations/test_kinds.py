"""What a person may write about a destination."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from headwater.destinations.kind import Config, load_kinds
from support.receivers.cases import CASES, Case

KINDS = load_kinds()


def test_every_kind_of_the_folder_is_there() -> None:
    assert set(KINDS) >= {
        *("sns", "sqs", "eventbridge", "security_hub", "s3", "webhook", "slack", "teams", "pagerduty", "opsgenie"),
        *("jira", "servicenow", "github", "email"),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_a_kind_is_described(kind: str) -> None:
    assert issubclass(KINDS[kind].config_model, Config)
    assert [name for name, field in KINDS[kind].config_model.model_fields.items() if not field.description] == []
    assert KINDS[kind].summary.endswith(".")


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_field_is_refused(kind: str) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        KINDS[kind].config_model.model_validate({"chanel": "typo"})


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_secret_itself_is_refused_where_a_reference_belongs(case: Case) -> None:
    fields = case.fields("https://example.com")
    secrets = [name for name, value in fields.items() if str(value).startswith("env:")]
    assert secrets

    for name in secrets:
        with pytest.raises(ValidationError, match="must be a reference to a secret, never the secret itself") as raised:
            KINDS[case.kind].config_model.model_validate(fields | {name: "xoxb-the-secret"})
        assert "xoxb" not in str(raised.value)


@pytest.mark.parametrize(
    "reference",
    [
        "secretsmanager:headwater/slack",
        "secretsmanager:arn:aws:secretsmanager:eu-west-1:123456789012:secret:headwater/slack-AbCdEf#token",
        "ssm:/headwater/slack",
        "env:SLACK_TOKEN",
    ],
)
def test_reference_is_taken(reference: str) -> None:
    KINDS["teams"].config_model.model_validate({"webhook_url": reference})


@pytest.mark.parametrize(
    "reference",
    ["https://hooks.example.com/x", "secretsmanager:", "ssm:", "env:A B", "env:", "vault:x", "secretsmanager:a b", ""],
)
def test_anything_else_is_not_a_reference(reference: str) -> None:
    with pytest.raises(ValidationError):
        KINDS["teams"].config_model.model_validate({"webhook_url": reference})


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("slack", {}),
        ("slack", {"webhook_url": "env:A", "token": "env:B", "channel": "C0123456789"}),
        ("slack", {"token": "env:B"}),
        ("slack", {"token": "env:B", "channel": "#general"}),
        ("webhook", {"url": "http://example.com/", "signing_secret": "env:A"}),
        ("servicenow", {"url": "https://example.com", "user": "u"}),
        ("servicenow", {"url": "https://example.com", "user": "u", "password": "env:A", "token": "env:B"}),
        ("sns", {"topic_arn": "arn:aws:sqs:us-east-1:111122223333:q"}),
        ("sns", {"topic_arn": "arn:aws:sns:us-east-1:111122223333:t", "role_arn": "arn:aws:iam::111122223333:role/r"}),
        ("eventbridge", {"bus_arn": "arn:aws:events:us-east-1:111122223333:event-bus/b", "source": "aws.ec2"}),
        ("github", {"repository": "only-a-name", "token": "env:A"}),
        ("jira", {"url": "https://example.com", "email": "a@example.com", "token": "env:A", "project": 'SEC" OR 1'}),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value) or "empty",
)
def test_settings_that_cannot_work_are_refused(kind: str, fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        KINDS[kind].config_model.model_validate(fields)
