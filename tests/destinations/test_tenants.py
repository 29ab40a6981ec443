"""No alert of one customer reaches a destination of another, whatever files validate."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from headwater.accounts import Accounts
from headwater.destinations.config import SEVERITIES
from headwater.destinations.routing import Router
from headwater.errors import ConfigError
from support.routing import NOW, accounts_of, alert, config_of, webhook

IDS = ("111122223333", "444455556666", "123456789012")
NAMES = ("payments", "shop", "bank", *IDS)  # an account may be named like another's id
SHORT = ("soc", "pager", "own", "file", "chat")
LABELS = st.dictionaries(st.sampled_from(["env", "team"]), st.sampled_from(["prod", "test"]), max_size=2)
URLS = st.sampled_from([f"r{number}" for number in range(12)])  # so few that receivers coincide
MANY = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])


@st.composite
def account_files(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Entries of accounts.yml; each may have destinations of its own."""
    ids = draw(st.lists(st.sampled_from(IDS), min_size=1, max_size=3, unique=True))
    names = draw(st.lists(st.sampled_from(NAMES), min_size=len(ids), max_size=len(ids), unique=True))
    own = st.lists(
        st.builds(_own, st.sampled_from(SHORT), URLS, st.sampled_from(SEVERITIES)),
        max_size=2,
        unique_by=lambda entry: str(entry["name"]),
    )
    return [
        {"id": i, "name": name, "labels": draw(LABELS), "destinations": draw(own)}
        for i, name in zip(ids, names, strict=True)
    ]


def _own(name: str, url: str, severity: str) -> dict[str, Any]:
    return {"name": name, "type": "webhook", "severity": severity, "config": webhook(url)}


@st.composite
def destination_files(draw: st.DrawFn) -> dict[str, Any]:
    """destinations.yml; what it names need not exist."""
    audience = st.one_of(st.just("any"), st.just("platform"), st.lists(st.sampled_from(NAMES), max_size=3))
    names = draw(st.lists(st.sampled_from(SHORT), max_size=4, unique=True))
    places = [
        {"name": name, "type": "webhook", "accounts": draw(audience), "config": webhook(draw(URLS))} for name in names
    ]
    match = st.fixed_dictionaries(
        {},
        optional={
            "severity": st.sampled_from(SEVERITIES),
            "accounts": st.lists(st.sampled_from(NAMES), max_size=2),
            "labels": LABELS,
        },
    )
    to = st.lists(st.sampled_from(names or ["soc"]), max_size=4)
    routes = [
        {"match": draw(match), "to": draw(to), "continue": draw(st.booleans())} for _ in range(draw(st.integers(0, 3)))
    ]
    if routes:
        routes.append({"to": names or ["soc"]})
    return {"version": 1, "destinations": places, "routes": routes}


@MANY
@given(
    account_files(),
    destination_files(),
    st.sampled_from((*IDS, "", "999988887777")),
    st.sampled_from(SEVERITIES),
    st.one_of(
        st.none(),
        st.lists(st.sampled_from((*SHORT, *(f"{i}/{name}" for i in IDS for name in SHORT), "SKIP")), max_size=4),
    ),
)
def test_no_alert_reaches_a_destination_of_another_customer(
    entries: list[dict[str, Any]], file: dict[str, Any], account_id: str, severity: str, named: list[str] | None
) -> None:
    try:
        accounts = accounts_of(entries)
        config = config_of(json.dumps(file), accounts)
    except ConfigError:
        assume(False)
    router = Router(config, accounts.accounts, ["file"])
    wanted = None if named is None else tuple(named)

    reached = router.route(alert(account_id, severity=severity, destinations=wanted), NOW)

    event(f"reached {min(len(reached), 3)}")
    receivers = _receivers(entries, file, accounts)
    for routed in reached:
        audience = receivers[routed.destination]
        assert audience == "any" or account_id in audience
        assert router.may(routed.destination, alert(account_id))


def _receivers(entries: list[dict[str, Any]], file: dict[str, Any], accounts: Accounts) -> Mapping[str, Any]:
    """Whose alerts may reach each destination, read from the files in another way than the service does; of one
    receiver under several names, what all of them allow. "" stands for alerts of no single account."""
    ids = {account.name: account.id for account in accounts.accounts}
    audiences: dict[str, Any] = {"file": "any"}
    urls: dict[str, str] = {}
    for place in file["destinations"]:
        listed = place["accounts"]
        many = {name if name.isdigit() else ids[name] for name in listed} if isinstance(listed, list) else {""}
        audiences[place["name"]] = "any" if listed == "any" else many
        urls[place["name"]] = place["config"]["url"]
    for entry in entries:
        for own in entry["destinations"]:
            name = f"{entry['id']}/{own['name']}"
            audiences[name], urls[name] = {entry["id"]}, own["config"]["url"]
    strict = {name: [audiences[other] for other in urls if urls[other] == url] for name, url in urls.items()}
    return {"file": "any"} | {name: _all(audiences) for name, audiences in strict.items()}


def _all(audiences: list[Any]) -> Any:
    limited = [each for each in audiences if each != "any"]
    return set.intersection(*limited) if limited else "any"
