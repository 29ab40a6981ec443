from __future__ import annotations

from collections.abc import Iterator

import pytest

from headwater.schema.load import LIBRARY, load_library
from headwater.schema.logtype import Field

# Comes to S3 only through EventBridge or CloudWatch Logs and Firehose, under keys that the customer chooses.
WITHOUT_STANDARD_KEY = {
    "AWS.AccessAnalyzer",
    "AWS.AuroraMySQLAudit",
    "AWS.CloudWatchEvents",
    "AWS.Inspector2",
    "AWS.LambdaLogs",
    "AWS.Route53Public",
    "AWS.SecurityFindingFormat",
    "Amazon.EKS.Audit",
    "Amazon.EKS.Authenticator",
    "Amazon.EKS.ControlPlane",
}
NAMES = sorted(path.parent.name for path in LIBRARY.glob("*/schema.yml"))


def _all_fields(fields: tuple[Field, ...]) -> Iterator[Field]:
    for field in fields:
        yield field
        yield from _all_fields(field.fields)
        yield from _all_fields(field.element.fields if field.element else ())


def test_library_holds_the_first_four_log_types() -> None:
    assert {"AWS.CloudTrail", "AWS.S3ServerAccess", "AWS.VPCFlow", "AWS.ALB"} <= set(load_library())


@pytest.mark.parametrize("name", NAMES)
def test_folder_has_the_name_of_its_log_type(name: str) -> None:
    assert load_library()[name].name == name


@pytest.mark.parametrize("name", NAMES)
def test_every_field_is_described_in_a_sentence(name: str) -> None:
    loose = [field.name for field in _all_fields(load_library()[name].fields) if not field.description.endswith(".")]

    assert loose == []


@pytest.mark.parametrize("name", NAMES)
def test_every_log_type_tells_its_time_its_keys_and_its_source(name: str) -> None:
    log_type = load_library()[name]
    is_raw = name.startswith("Raw.")

    assert is_raw or any(field.event_time for field in _all_fields(log_type.fields))
    assert is_raw or log_type.key_pattern or name in WITHOUT_STANDARD_KEY
    assert is_raw or log_type.content_keys or log_type.content_line or log_type.log_group
    assert log_type.reference_url.startswith("https://")
