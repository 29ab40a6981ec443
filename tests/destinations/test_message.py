"""The one model of what people read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.destinations import text
from headwater.destinations.form import account, footer, headline, period, web_url
from headwater.destinations.message import MAX_FIELDS, fitted, message_json, message_of
from headwater.destinations.origin import origin
from headwater.errors import DeliveryRefused
from support.alerts import BAD, HUGE, ORDINARY, message

ANY_TEXT = st.text(st.characters(codec=None), max_size=200) | st.just(BAD)


@given(ANY_TEXT)
def test_clean_text_is_utf_8_without_control_characters(dirty: str) -> None:
    clean = text.clean(dirty)

    clean.encode()
    assert all(char == "\n" or char == "\t" or char >= " " for char in clean)
    assert text.clean(clean) == clean


@given(ANY_TEXT, st.integers(0, 300))
def test_cut_text_is_never_longer_than_its_limit(long: str, limit: int) -> None:
    assert len(text.cut(long, limit)) <= limit


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=3_000) | st.lists(st.text(max_size=60), max_size=40)))
def test_bounded_fields_are_never_larger_than_their_limit(fields: dict[str, object]) -> None:
    for limit in (0, 100, 2_000):
        assert len(orjson.dumps(text.bounded(text.cleaned(fields), limit))) <= max(limit, 2)


@given(ANY_TEXT, ANY_TEXT, st.dictionaries(ANY_TEXT, ANY_TEXT | st.integers() | st.floats(), max_size=4))
def test_message_of_any_alert_is_json(title: str, runbook: str, event: dict[str, object]) -> None:
    alert = replace(ORDINARY, title=title, runbook=runbook, event=json.dumps(event), context=json.dumps(event))

    made = message_json(message_of(alert, "key"))

    assert orjson.loads(orjson.dumps(made)) == orjson.loads(text.ascii_json(made))


def test_deep_event_is_cut_at_some_depth() -> None:
    deep = '{"a":' * 900 + "1" + "}" * 900

    made = message_of(replace(ORDINARY, event=deep), "key")

    assert text.SHORTENED in json.dumps(made.event, ensure_ascii=False)


@pytest.mark.parametrize(
    "event", ["not json", "[1]", "", '{"a":' * 100_000], ids=["text", "array", "empty", "bottomless"]
)
def test_event_that_is_no_object_is_shown_as_text(event: str) -> None:
    orjson.dumps(message_json(message_of(replace(ORDINARY, event=event), "key")))


def test_huge_alert_is_bounded_and_says_what_it_lost() -> None:
    made = message("huge")

    assert len(orjson.dumps(made.event)) <= MAX_FIELDS
    assert {"event", "description", "runbook"} <= set(made.shortened)
    assert "shortened here: " in footer(made)
    assert made.link in footer(made)


def test_what_to_do_outlives_the_sample_event() -> None:
    made = message_of(replace(HUGE, runbook="Call the owner."), "key")

    body = json.loads(fitted(made, lambda one: orjson.dumps(message_json(one)), len, 5_000))

    assert body["runbook"] == "Call the owner."
    assert body["event"] == {}
    assert body["alert_id"] == HUGE.alert_id


def test_limit_that_nothing_fits_is_told() -> None:
    with pytest.raises(DeliveryRefused, match="100"):
        fitted(message(), lambda one: orjson.dumps(message_json(one)), len, 100)


def test_json_form_has_the_fields_that_the_file_of_alerts_always_had() -> None:
    had = {
        "alert_id",
        "rule_id",
        "title",
        "severity",
        "account_id",
        "log_type",
        "match_count",
        "context",
        "event",
        "dedup",
    }

    made = message_json(message())

    assert had <= set(made)
    assert made["created_at"] == "2026-03-01T10:00:05Z"


@pytest.mark.parametrize(
    ("event", "actor", "address", "region"),
    [
        (
            json.loads(ORDINARY.event),
            "arn:aws:sts::111122223333:assumed-role/deploy/ci-42",
            "198.51.100.7",
            "eu-west-1",
        ),
        ({"user": {"username": "system:node"}, "sourceIPs": ["192.0.2.1"]}, "system:node", "192.0.2.1", ""),
        ({"srcAddr": "192.0.2.9", "region": "us-east-1"}, "", "192.0.2.9", "us-east-1"),
        ({"p_any_usernames": ["ana"], "p_any_ip_addresses": []}, "ana", "", ""),
        ({"userIdentity": "text", "awsRegion": 7, "srcAddr": None}, "", "", ""),
        ({}, "", "", ""),
    ],
    ids=["cloudtrail", "eks", "vpc-flow", "indicators", "odd-types", "empty"],
)
def test_origin_of_an_event(event: dict[str, object], actor: str, address: str, region: str) -> None:
    found = origin(event)

    assert (found.actor, found.address, found.region) == (actor, address, region)


@pytest.mark.parametrize(
    ("name", "number", "shown"),
    [
        ("payments", "111122223333", "payments (111122223333)"),
        ("", "111122223333", "111122223333"),
        ("payments", "", "payments"),
        ("", "", ""),
    ],
)
def test_account_is_shown_by_name_and_id(name: str, number: str, shown: str) -> None:
    assert account(replace(message(), account_name=name, account_id=number)) == shown


@pytest.mark.parametrize(
    ("action", "begin"),
    [("opened", "[HIGH]"), ("updated", "Updated: "), ("resolved", "Resolved: "), ("reopened", "Reopened: ")],
)
def test_headline_begins_with_the_action(action: str, begin: str) -> None:
    assert headline(replace(message(), action=action)).startswith(begin)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("last", "shown"),
    [
        (datetime(2026, 3, 1, 23, 0, tzinfo=UTC), "2026-03-01 23:00:00 UTC"),
        (datetime(2026, 3, 1, 23, 5, tzinfo=UTC), "2026-03-01 23:00:00 \u2013 23:05:00 UTC"),
        (datetime(2026, 3, 2, 0, 5, tzinfo=UTC), "2026-03-01 23:00:00 \u2013 2026-03-02 00:05:00 UTC"),
    ],
    ids=["moment", "same-day", "over-midnight"],
)
def test_period_names_the_day_once(last: datetime, shown: str) -> None:
    assert period(datetime(2026, 3, 1, 23, 0, tzinfo=UTC), last) == shown


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "https://a b",
        'https://x"onclick',
        "https://u@x.example.com",
        "//x",
        "https://[",
        "",
    ],
)
def test_only_web_addresses_become_links(url: str) -> None:
    assert web_url(url) == ""
