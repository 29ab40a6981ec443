"""destinations.yml: every mistake is told with its line, its key and what to write instead."""

from __future__ import annotations

import pytest

from headwater.accounts import Accounts
from headwater.destinations.config import read_destinations
from headwater.errors import ConfigError
from support.routing import KINDS, PAYMENTS, SHOP, accounts_of, config_of, two_accounts, webhook

GOOD = """\
version: 1
destinations:
  - name: soc
    type: webhook
    accounts: any
    config: {url: "https://hooks.example.com/soc", signing_secret: "env:HOOK_SECRET"}
  - name: payments-pager
    type: webhook
    accounts: [payments]
    config: {url: "https://hooks.example.com/payments", signing_secret: "env:HOOK_SECRET"}
routes:
  - match: {severity: HIGH, accounts: ["111122223333"]}
    to: [payments-pager]
    continue: true
    quiet_hours: {timezone: Europe/Berlin, days: [sat, sun], from: "22:00", to: "07:00", below: CRITICAL}
  - to: [soc]
"""


def problems(text: str, accounts: Accounts | None = None) -> list[str]:
    with pytest.raises(ConfigError) as error:
        config_of(text, accounts)
    return [str(problem) for problem in error.value.problems]


def test_a_good_file_is_read() -> None:
    found = config_of(GOOD)

    assert [(place.name, place.accounts) for place in found.places] == [
        ("soc", None),
        ("payments-pager", frozenset({PAYMENTS})),
    ]
    assert [route.to for route in found.routes] == [("payments-pager",), ("soc",)]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "type: webhook",
            "type: webhok",
            "destinations.yml:4:destinations[0].type: there is no type 'webhok' Fix: did",
        ),
        ("accounts: any", "acounts: any", "destinations.yml:5:destinations[0].acounts: unknown key 'acounts' Fix: did"),
        ("[payments]", "[paymants]", "destinations.yml:9:destinations[1].accounts[0]: there is no account 'paymants'"),
        ('"111122223333"', '"111122223334"', "destinations.yml:12:routes[0].match.accounts[0]: there is no account"),
        ("[payments-pager]", "[pager]", "destinations.yml:13:routes[0].to[0]: there is no destination 'pager'"),
        ("HIGH", "high", "destinations.yml:12:routes[0].match.severity: 'high' is not one of"),
        ('"22:00"', '"24:00"', "destinations.yml:15:routes[0].quiet_hours.from: '24:00' is no time of day"),
        ("Europe/Berlin", "Berlin", "destinations.yml:15:routes[0].quiet_hours.timezone: 'Berlin' is no time zone"),
        ("  - to: [soc]\n", "", "destinations.yml:12:routes[0]: alerts that fit no route would go nowhere"),
        ("  - to: [soc]", "  - to: [payments-pager]", "destinations.yml:16:routes[1]: alerts that fit no route would"),
        ("hooks.example.com/payments", "hooks.example.com/soc", "destination 'payments-pager' is the same receiver"),
        ("name: payments-pager", "name: soc", "destinations.yml:7:destinations[1].name: destination name 'soc' stands"),
        ("name: soc", "name: file", "destinations.yml:3:destinations[0].name: 'file' is the name of one that is built"),
        (
            '"env:HOOK_SECRET"',
            "hunter2",
            "destinations.yml:6:destinations[0].config.signing_secret: must be a reference",
        ),
        ("routes:\n", "routes:\n  - to: [soc]\n", "destinations.yml:12:routes[0]: every alert fits it"),
        ("version: 1", "version: 2", "destinations.yml:1:version: 2 is not one of"),
        ("version: 1", "version: [", "destinations.yml:3:3: not YAML"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_key(old: str, new: str, expected: str) -> None:
    found = problems(GOOD.replace(old, new, 1))

    assert any(expected in each for each in found), found
    assert not any("hunter2" in each for each in found)


def test_all_mistakes_are_told_at_once() -> None:
    found = problems(GOOD.replace("webhook", "webhok").replace("HIGH", "high"))

    assert len(found) == 3


def test_a_mistake_in_a_destination_of_an_account_is_told_with_the_line_of_accounts_yml() -> None:
    accounts = two_accounts(destinations=[{"name": "own", "type": "webhook", "config": {"url": "ftp://example.com"}}])

    found = problems("version: 1", accounts)

    assert [each.partition(" Fix")[0] for each in found] == [
        "accounts.yml:1:config.url: must begin with https:// (http:// only to this machine)",
        "accounts.yml:1:config.signing_secret: 'signing_secret' is missing",
    ]


def test_a_twelve_digit_name_means_the_account_of_that_id() -> None:
    """Or an account named like another's id would get its alerts."""
    accounts = accounts_of([{"id": PAYMENTS, "name": SHOP}, {"id": SHOP, "name": "shop"}])

    found = config_of(GOOD.replace("[payments]", f'["{SHOP}"]'), accounts)

    assert found.places[1].accounts == {SHOP}


def test_without_a_file_the_destinations_of_accounts_are_all_there_is() -> None:
    own = {"name": "own", "type": "webhook", "severity": "HIGH", "config": webhook("own")}
    accounts = two_accounts(destinations=[own]).accounts

    (place,) = read_destinations(None, "destinations.yml", accounts, "accounts.yml", KINDS).places

    assert (place.name, place.accounts, place.platform) == (f"{PAYMENTS}/own", frozenset({PAYMENTS}), False)
