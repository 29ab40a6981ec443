"""Accounts of an organisation become entries of accounts.yml."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from headwater.accounts import load_accounts
from headwater.cli.onboard_adopt import _entries_text
from headwater.onboard.organization import Member, entries, list_members

SOURCE = {
    "name": "trail",
    "bucket": "{account_name}-logs-{region}",
    "prefix": "AWSLogs/{account_id}/",
    "exclude": ["*.tmp"],
}


@pytest.fixture
def organization(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An organisation: two accounts in a unit, one in a unit below it, one outside."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        client = boto3.client("organizations", region_name="us-east-1")
        client.create_organization(FeatureSet="ALL")
        root = client.list_roots()["Roots"][0]["Id"]
        prod = client.create_organizational_unit(ParentId=root, Name="prod")["OrganizationalUnit"]["Id"]
        inner = client.create_organizational_unit(ParentId=prod, Name="inner")["OrganizationalUnit"]["Id"]
        for name, unit in (("Payments", prod), ("Shop", prod), ("Deep One", inner), ("Sandbox", root)):
            made = client.create_account(AccountName=name, Email=f"{name[:3]}@example.com")["CreateAccountStatus"]
            if unit != root:
                client.move_account(AccountId=made["AccountId"], SourceParentId=root, DestinationParentId=unit)
            if name in ("Shop", "Sandbox"):
                client.tag_resource(ResourceId=made["AccountId"], Tags=[{"Key": "logs", "Value": "yes"}])
        client.prod = prod
        yield client


@pytest.mark.parametrize(
    ("below", "tags", "names"),
    [
        (False, {}, {"Payments", "Shop", "Deep One", "Sandbox", "master"}),
        (True, {}, {"Payments", "Shop", "Deep One"}),
        (False, {"logs": "yes"}, {"Shop", "Sandbox"}),
        (True, {"logs": "yes"}, {"Shop"}),
        (False, {"logs": "no"}, set()),
    ],
    ids=["all", "unit", "tag", "unit and tag", "nobody"],
)
def test_members_by_unit_and_tag(organization: Any, below: bool, tags: dict[str, str], names: set[str]) -> None:
    found = list_members(organization, [organization.prod] if below else [], tags)

    assert {member.name for member in found} == names


def test_entries_are_read_as_accounts(tmp_path: Path) -> None:
    members = [
        Member("111122223333", "Payments & Co."),
        Member("444455556666", "Payments, Co"),
        Member("012345678901", "Already"),
    ]

    made = entries(members, {"012345678901"}, {"shop"}, [SOURCE], "eu-west-1")
    head = 'version: 1\ncentral: {account_id: "999988887777", region: eu-west-1, lake_bucket: lake}\naccounts:\n'
    (tmp_path / "accounts.yml").write_text(head + _entries_text(made))
    accounts = load_accounts(tmp_path / "accounts.yml").accounts

    assert [account.name for account in accounts] == ["payments-co", "payments-co-444455556666"]
    assert accounts[0].sources[0].bucket == "payments-co-logs-eu-west-1"
    assert accounts[0].sources[0].prefix == "AWSLogs/111122223333/"
