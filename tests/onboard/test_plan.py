"""accounts.yml → plan."""

from __future__ import annotations

from itertools import count

import pytest

from headwater.accounts import Accounts, parse_accounts
from headwater.accounts.lock import LockedAccount
from headwater.errors import OnboardError
from headwater.onboard.plan import new_external_id, orphans, plan

FILE = """\
version: 1
central: {account_id: "999988887777", region: us-east-1, organization_id: o-exampleorgid, lake_bucket: lake}
accounts:
  - id: "111122223333"
    name: payments
    sources:
      - {name: trail, bucket: payments-logs, prefix: AWSLogs/}
      - {name: far, bucket: payments-far, region: eu-west-1}
      - {name: polled, bucket: payments-polled, region: ap-south-1, notifications: none}
  - id: "444455556666"
    name: shop
    role_arn: arn:aws:iam::444455556666:role/corp/log-read
    external_id: of-the-customer
    sources: [{name: flow, bucket: shop-logs}]
"""
LOCK = {"123456789012": LockedAccount("gone")}


@pytest.fixture
def accounts() -> Accounts:
    return parse_accounts(FILE, "accounts.yml")


def test_external_id_is_kept_or_made_once_per_account(accounts: Accounts) -> None:
    numbers = count(1)
    lock = {"111122223333": LockedAccount("kept")}

    fresh = plan(accounts, {}, make_external_id=lambda: f"made-{next(numbers)}")
    again = plan(accounts, lock, make_external_id=lambda: f"made-{next(numbers)}")

    assert [(each.external_id, each.external_id_is_new) for each in fresh] == [
        ("made-1", True),
        ("of-the-customer", False),
    ]
    assert again[0].external_id == "kept"


def test_account_gets_one_state_per_region_that_announces(accounts: Accounts) -> None:
    units = plan(accounts, LOCK)[0].units

    assert [(unit.region, unit.makes_role, unit.state_key) for unit in units] == [
        ("us-east-1", True, "accounts/111122223333/terraform.tfstate"),
        ("eu-west-1", False, "accounts/111122223333/eu-west-1/terraform.tfstate"),
    ]


def test_role_reads_every_region_but_topics_stand_in_their_own(accounts: Accounts) -> None:
    central, far = plan(accounts, LOCK)[0].units

    modes = [
        {source["name"]: source["notifications"] for source in unit.variables["sources"]} for unit in (central, far)
    ]
    assert modes == [{"trail": "sns", "far": "none", "polled": "none"}, {"far": "sns"}]
    assert central.variables["role_arn_existing"] is None
    assert far.variables["role_arn_existing"] == "arn:aws:iam::111122223333:role/headwater-reader"


def test_role_of_the_customers_own_is_not_made(accounts: Accounts) -> None:
    variables = plan(accounts, LOCK)[1].units[0].variables

    assert variables["role_arn_existing"] == "arn:aws:iam::444455556666:role/corp/log-read"
    assert variables["role_name"] is None


def test_order_of_accounts_does_not_change_a_plan(accounts: Accounts) -> None:
    swapped = Accounts.of(accounts.central, accounts.accounts[::-1])

    def variables(of: Accounts) -> dict[str, object]:
        return {each.account.id: each.units[0].variables for each in plan(of, LOCK, make_external_id=lambda: "id")}

    assert variables(swapped) == variables(accounts)


@pytest.mark.parametrize("only", ["444455556666", "shop"], ids=["by-id", "by-name"])
def test_one_account_can_be_chosen(accounts: Accounts, only: str) -> None:
    assert [each.account.name for each in plan(accounts, LOCK, [only])] == ["shop"]


def test_unknown_choice_lists_the_accounts(accounts: Accounts) -> None:
    with pytest.raises(OnboardError, match=r"shopp. There are: 111122223333 \(payments\)"):
        plan(accounts, LOCK, ["shopp"])


def test_onboarded_account_that_left_the_file_is_an_orphan(accounts: Accounts) -> None:
    assert orphans(accounts, {**LOCK, "111122223333": LockedAccount("kept")}) == ("123456789012",)


def test_plan_does_not_show_external_ids(accounts: Accounts) -> None:
    assert "of-the-customer" not in repr(plan(accounts, LOCK))


def test_generated_external_ids_differ_and_fit_the_rule_of_sts() -> None:
    made = {new_external_id() for _ in range(50)}

    assert len(made) == 50
    assert all(16 <= len(each) <= 1224 and each.replace("-", "").replace("_", "").isalnum() for each in made)
