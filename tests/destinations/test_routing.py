"""Which destinations hear of an alert, and when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from headwater.destinations.routing import FAILING
from support.routing import NOW, PAYMENTS, SHOP, alert, router_of, told, two_accounts, webhook

PLACES = """\
version: 1
destinations:
  - {name: soc, type: webhook, accounts: any, config: {url: "https://a.example.com/", signing_secret: "env:S"}}
  - {name: night, type: webhook, accounts: any, config: {url: "https://b.example.com/", signing_secret: "env:S"}}
  - {name: pager, type: webhook, accounts: [payments], config: {url: "https://c.example.com/", signing_secret: "env:S"}}
  - {name: store, type: webhook, accounts: [shop], config: {url: "https://d.example.com/", signing_secret: "env:S"}}
  - {name: ops, type: webhook, accounts: platform, config: {url: "https://e.example.com/", signing_secret: "env:S"}}
"""
ROUTED = PLACES + "routes:\n  - match: {MATCH}\n    to: [pager, store, night]\n  - to: [soc, ops]\n"


@pytest.mark.parametrize(
    ("match", "changes", "fits"),
    [
        ("severity: HIGH", {"severity": "CRITICAL"}, True),
        ("severity: HIGH", {"severity": "MEDIUM"}, False),
        ("severity: HIGH", {"severity": "UNKNOWN"}, True),
        ("accounts: [payments]", {}, True),
        ('accounts: ["111122223333"]', {}, True),
        ("accounts: [shop]", {}, False),
        ("labels: {env: prod}", {}, True),
        ("labels: {env: prod, team: x}", {}, False),
        ("log_types: [AWS.*]", {}, True),
        ("log_types: [AWS.VPCFlow]", {}, False),
        ('rules: ["Headwater.S*"]', {}, True),
        ('rules: ["headwater.*"]', {}, False),
        ("tags: [other, sample]", {}, True),
        ("tags: [other]", {}, False),
        ("kinds: [RULE_ERROR]", {}, False),
        ("kinds: [RULE_ERROR]", {"kind": "RULE_ERROR"}, True),
        ("severity: LOW, tags: [sample], accounts: [shop]", {}, False),
    ],
)
def test_a_route_takes_what_fits_every_key_of_its_match(match: str, changes: dict[str, Any], fits: bool) -> None:
    router = router_of(ROUTED.replace("MATCH", match))

    assert told(router, alert(**changes)) == (["night", "pager"] if fits else ["soc"])


def test_a_route_goes_on_where_it_says_so() -> None:
    text = ROUTED.replace("MATCH", "severity: INFO").replace("night]\n", "night]\n    continue: true\n")

    assert told(router_of(text), alert()) == ["night", "pager", "soc"]


def test_a_route_to_destinations_of_others_alone_is_passed_over() -> None:
    text = ROUTED.replace("MATCH", "severity: LOW").replace("[pager, store, night]", "[store]")

    assert told(router_of(text), alert()) == ["soc"]


def test_a_route_to_nowhere_ends_the_way() -> None:
    text = ROUTED.replace("MATCH", "severity: LOW").replace("[pager, store, night]", "[]")

    assert told(router_of(text), alert()) == []


def test_without_routes_everyone_hears_of_what_they_may() -> None:
    router = router_of(PLACES, always=["file"])

    assert told(router, alert(PAYMENTS)) == ["file", "night", "pager", "soc"]
    assert told(router, alert("")) == ["file", "night", "ops", "soc"]
    assert told(router, alert("123456789012")) == ["file", "night", "soc"]


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (("pager",), ["pager"]),
        (("pager", "store"), ["pager"]),
        (("own",), [f"{PAYMENTS}/own"]),
        (("store",), [f"{PAYMENTS}/own", "file", "soc"]),
        (("gone",), [f"{PAYMENTS}/own", "file", "soc"]),
        ((), []),
        (("SKIP",), []),
        (None, [f"{PAYMENTS}/own", "file", "soc"]),
    ],
    ids=["one", "one that it may use", "the account's own", "another's alone", "unknown", "none", "skip", "not named"],
)
def test_a_detection_chooses_among_what_the_account_may_use(named: Any, expected: list[str]) -> None:
    accounts = two_accounts(destinations=[{"name": "own", "type": "webhook", "config": webhook("own")}])
    router = router_of(PLACES + "routes:\n  - to: [soc]\n", accounts, always=["file"])

    assert told(router, alert(destinations=named)) == sorted(expected)


@pytest.mark.parametrize(("severity", "hears"), [("LOW", False), ("HIGH", True), ("CRITICAL", True)])
def test_an_accounts_own_destination_hears_of_its_alerts_of_that_severity(severity: str, hears: bool) -> None:
    own = {"name": "own", "type": "webhook", "severity": "HIGH", "config": webhook("own")}
    router = router_of(PLACES, two_accounts(destinations=[own]))

    assert (f"{PAYMENTS}/own" in told(router, alert(severity=severity))) is hears
    assert f"{PAYMENTS}/own" not in told(router, alert(SHOP, severity=severity))


def test_a_destination_is_not_told_of_its_own_failure() -> None:
    router = router_of(PLACES)

    assert told(router, alert("", kind="HEALTH", rule_id=FAILING, dedup="soc")) == ["night", "ops"]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-03-02T21:59+01:00", None),
        ("2026-03-02T22:00+01:00", "2026-03-03T07:00+01:00"),
        ("2026-03-03T06:59+01:00", "2026-03-03T07:00+01:00"),
        ("2026-03-03T07:00+01:00", None),
        ("2026-03-03T23:00+01:00", None),  # Tuesday is not among the days
        ("2026-03-29T01:00+01:00", "2026-03-29T07:00+02:00"),  # clocks go forward in this night
        ("2026-10-25T02:30+01:00", "2026-10-25T07:00+01:00"),  # and back in this one, after 02:30 came once
    ],
)
def test_alerts_are_held_until_the_end_of_the_quiet_hours(now: str, until: str | None) -> None:
    quiet = '{timezone: Europe/Berlin, days: [mon, sat], from: "22:00", to: "07:00"}'
    router = router_of(PLACES + f"routes:\n  - {{to: [soc], quiet_hours: {quiet}}}\n")

    (routed,) = router.route(alert(), at(now))

    assert routed.not_before == (at(until) if until else None)


@pytest.mark.parametrize(("severity", "held"), [("MEDIUM", True), ("HIGH", False)])
def test_quiet_hours_hold_what_is_below_their_severity(severity: str, held: bool) -> None:
    quiet = '{timezone: UTC, from: "00:00", to: "00:00", below: HIGH}'
    router = router_of(PLACES + f"routes:\n  - {{to: [soc], quiet_hours: {quiet}}}\n")

    (routed,) = router.route(alert(severity=severity), NOW)

    assert (routed.not_before is not None) is held


def test_of_two_routes_to_one_destination_the_earlier_time_counts() -> None:
    quiet = 'quiet_hours: {timezone: UTC, from: "00:00", to: "00:00"}'
    router = router_of(
        PLACES + f"routes:\n  - {{to: [soc], match: {{tags: [sample]}}, continue: true, {quiet}}}\n  - to: [soc]\n"
    )

    (routed,) = router.route(alert(), NOW)

    assert routed.not_before is None
