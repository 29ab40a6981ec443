"""Every rendering as it was reviewed. `UPDATE_GOLDEN=1 pytest tests/destinations/test_golden.py` writes them again."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headwater.destinations.form import plain
from headwater.destinations.kinds import (
    email,
    eventbridge,
    github,
    jira,
    opsgenie,
    pagerduty,
    security_hub,
    servicenow,
    slack,
    teams,
)
from headwater.destinations.message import Message, fitted, message_json
from headwater.destinations.text import ascii_json
from support.alerts import ALERTS, message

GOLDEN = Path(__file__).with_name("golden")
HUB = security_hub.Settings(region="eu-west-1", account_id="123456789012")
MAIL = email.Settings(
    host="smtp.example.com", sender="headwater@example.com", recipients=("soc@example.com", "oncall@example.com")
)
Render = Callable[[Message], str]


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _sized(render: Callable[[Message], Any], limit: int) -> Render:
    """As the destination fits it; the receivers of test_services.py check that it does."""
    return lambda one: _json(fitted(one, render, lambda made: len(json.dumps(made, ensure_ascii=False)), limit))


RENDERINGS: dict[str, tuple[str, Render]] = {
    "slack": ("json", _sized(slack.rendered, slack.MAX_BLOCKS_JSON)),
    "teams": ("json", _sized(teams.rendered, teams.MAX_BODY)),
    "pagerduty": ("json", _sized(pagerduty.rendered, 16_000)),
    "opsgenie": ("json", lambda one: _json(opsgenie.request(one))),
    "jira": ("json", _sized(jira.description, 20_000)),
    "servicenow": ("json", _sized(servicenow.incident, servicenow.MAX_DESCRIPTION)),
    "github": ("md", lambda one: "\n\n".join(fitted(one, github.rendered, _body_length, 16_000).values()) + "\n"),
    "security_hub": ("json", lambda one: _json(security_hub.finding(one, HUB))),
    "json": ("json", lambda one: _json(json.loads(fitted(one, lambda it: ascii_json(message_json(it)), len, 16_000)))),
    "email": (
        "eml",
        lambda one: fitted(one, lambda it: email.rendered(it, MAIL), len, 24_000).decode().replace("\r", ""),
    ),
    "plain": ("txt", lambda one: fitted(one, plain, len, 8_000) + "\n"),
}


def _body_length(made: dict[str, str]) -> int:
    return len(made["body"])


CASES = [
    *((name, which, "opened") for name in RENDERINGS for which in ALERTS),
    *((name, "ordinary", "resolved") for name in RENDERINGS),
]


@pytest.mark.parametrize(("name", "which", "action"), CASES, ids=["-".join(case) for case in CASES])
def test_rendering_is_the_reviewed_one(name: str, which: str, action: Any) -> None:
    ending, render = RENDERINGS[name]
    file = GOLDEN / f"{name}-{which}{'-resolved' if action == 'resolved' else ''}.{ending}"

    rendered = render(message(which, action))

    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(rendered, encoding="utf-8", newline="")
    assert rendered == file.read_bytes().decode()


def test_every_golden_file_is_of_a_rendering() -> None:
    made = {f"{name}-{which}{'-resolved' if action == 'resolved' else ''}" for name, which, action in CASES}

    assert {file.stem for file in GOLDEN.iterdir()} == made


@pytest.mark.parametrize("name", RENDERINGS)
def test_hostile_text_is_cleaned_for_every_destination(name: str) -> None:
    rendered = RENDERINGS[name][1](message("hostile"))

    assert re.findall("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", rendered) == []


@pytest.mark.parametrize("name", RENDERINGS)
def test_shortened_message_says_so_and_where_the_whole_is(name: str) -> None:
    rendered = RENDERINGS[name][1](message("huge"))

    if name not in ("security_hub", "email"):  # the one has fields of fixed sizes, the other is encoded
        assert "shortened" in rendered
    assert ALERTS["huge"].alert_id in rendered


def test_hostile_text_in_slack_is_never_markup() -> None:
    body = slack.rendered(message("hostile"))

    assert "<" not in body["text"]
    kinds = set(re.findall(r'"type": "(\w+)"', json.dumps(body)))
    assert "mrkdwn" not in kinds
    assert "user" not in kinds
    assert "broadcast" not in kinds
    assert "link" in kinds  # the alert's own


def test_hostile_text_in_an_issue_of_github_is_inside_code() -> None:
    body = github.rendered(message("hostile"))["body"]

    outside = re.sub(r"(?ms)^(`{3,})\w+\n.*?\n\1$|(?<!`)(`+)(?!`).*?(?<!`)\2(?!`)", "", body)

    assert [
        word for word in ("@octocat", "<script", "evil.example.com", "heading", "<!channel") if word in outside
    ] == []
    assert outside.count("<!--") == 1


def test_link_that_is_no_web_address_is_no_link() -> None:
    one = message("hostile")

    assert one.reference.startswith("javascript:")
    assert '"url": "javascript' not in json.dumps([slack.rendered(one), teams.rendered(one)])
    assert 'href="javascript' not in email.page(one)


def test_event_type_of_every_action_is_documented() -> None:
    assert set(eventbridge.DETAIL_TYPES) == {"opened", "updated", "resolved", "reopened"}
