"""Every HTTP service takes what is sent to it: its receiver refuses whatever its documentation does not allow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import pytest

from headwater.destinations.destination import Destination
from headwater.destinations.kinds import jira
from headwater.destinations.message import Action, message_of
from headwater.errors import DeliveryFailed, DeliveryRefused
from support.alerts import WIDE, WORST, message
from support.receivers.cases import CASES, Case
from support.receivers.paging import Opsgenie, PagerDuty
from support.receivers.server import Receiver, Reply, Service
from support.receivers.tickets import DONE, GitHub, Jira, ServiceNow

Start = Callable[[Service], Receiver]
Make = Callable[..., Destination]
EVERY = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def connected(case: Case, start: Start, make: Make) -> tuple[Destination, Receiver]:
    receiver = start(case.service())
    return make(case.kind, case.fields(receiver.url), case.secrets(receiver.url)), receiver


@EVERY
@pytest.mark.parametrize("which", ["ordinary", "huge", "hostile"])
def test_service_takes_every_action_of_every_alert(which: str, case: Case, start: Start, make: Make) -> None:
    destination, receiver = connected(case, start, make)

    for action in ("opened", "updated", "resolved", "reopened"):
        destination.send(message(which, action, note="as planned " * 2_000 if which == "huge" else ""))

    assert len(receiver.requests) >= 4


@EVERY
def test_service_takes_an_alert_whose_every_field_is_as_wide_as_can_be(case: Case, start: Start, make: Make) -> None:
    destination, receiver = connected(case, start, make)

    for action in get_args(Action):
        destination.send(message_of(WORST, "k" * 200, action, account_name=WIDE, note=WIDE))

    assert len(receiver.requests) >= 4


@EVERY
@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503])
def test_passing_refusal_is_tried_again(status: int, case: Case, start: Start, make: Make) -> None:
    destination, receiver = connected(case, start, make)
    receiver.next.append(Reply(status, {"message": "later"}, {"Retry-After": "17"}))

    with pytest.raises(DeliveryFailed, match=str(status)) as raised:
        destination.send(message())

    assert raised.value.retry_after_s == 17


@EVERY
@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 422])
def test_lasting_refusal_is_not_tried_again(status: int, case: Case, start: Start, make: Make) -> None:
    destination, receiver = connected(case, start, make)
    receiver.next.append(Reply(status, {"message": "never"}))

    with pytest.raises(DeliveryRefused, match=str(status)):
        destination.send(message())


@EVERY
def test_redirect_is_refused_and_not_followed(case: Case, start: Start, make: Make) -> None:
    destination, receiver = connected(case, start, make)
    elsewhere = start(lambda _: Reply(200))
    receiver.next.append(Reply(307, None, {"Location": f"{elsewhere.url}/taken"}))

    with pytest.raises(DeliveryRefused, match="redirects are not followed"):
        destination.send(message())

    assert elsewhere.requests == []


@EVERY
def test_error_shows_no_secret(case: Case, start: Start, make: Make) -> None:
    destination, receiver = connected(case, start, make)
    secrets = [*case.secrets(receiver.url).values()]
    echo = receiver.service
    receiver.service = lambda request: Reply(400, {"echo": [*secrets, *request.headers.values()]}) or echo(request)

    with pytest.raises(DeliveryRefused) as raised:
        destination.send(message())

    assert [secret for secret in secrets if secret in str(raised.value)] == []
    assert "Basic " not in str(raised.value).replace("Basic ***", "")


@EVERY
def test_unreachable_service_is_tried_again(case: Case, make: Make) -> None:
    url = "http://127.0.0.1:1"
    destination = make(case.kind, case.fields(url), case.secrets(url))

    with pytest.raises(DeliveryFailed, match=r"127\.0\.0\.1 did not answer") as raised:
        destination.send(message())

    assert "/services/" not in str(raised.value)


@pytest.mark.parametrize("error", ["ratelimited", "internal_error"])
def test_passing_error_of_slack_is_tried_again(error: str, start: Start, make: Make) -> None:
    destination, receiver = connected(CASES["slack-bot"], start, make)
    receiver.next.append(Reply(200, {"ok": False, "error": error}))

    with pytest.raises(DeliveryFailed, match=error):
        destination.send(message())


def test_wrong_channel_of_slack_is_not_tried_again(start: Start, make: Make) -> None:
    destination, receiver = connected(CASES["slack-bot"], start, make)
    receiver.next.append(Reply(200, {"ok": False, "error": "channel_not_found"}))

    with pytest.raises(DeliveryRefused, match="channel_not_found"):
        destination.send(message())


def test_secondary_rate_limit_of_github_is_tried_again(start: Start, make: Make) -> None:
    destination, receiver = connected(CASES["github"], start, make)
    receiver.next.append(Reply(403, {"message": "secondary rate limit"}, {"Retry-After": "60"}))

    with pytest.raises(DeliveryFailed) as raised:
        destination.send(message())

    assert raised.value.retry_after_s == 60


def test_incident_is_triggered_acknowledged_and_resolved(start: Start, make: Make) -> None:
    destination, receiver = connected(CASES["pagerduty"], start, make)
    assert isinstance(receiver.service, PagerDuty)
    seen = []

    for one in (message(), message(action="updated", status="triaged"), message(action="resolved")):
        destination.send(one)
        seen += receiver.service.incidents.values()

    assert seen == ["trigger", "acknowledge", "resolve"]


def test_alert_of_opsgenie_is_acknowledged_and_closed(start: Start, make: Make) -> None:
    destination, receiver = connected(CASES["opsgenie"], start, make)
    assert isinstance(receiver.service, Opsgenie)
    seen = []

    for one in (message(), message(action="updated", status="triaged"), message(action="resolved")):
        destination.send(one)
        seen += receiver.service.alerts.values()

    assert seen == ["open", "acknowledged", "closed"]


def test_alert_that_is_gone_from_opsgenie_counts_as_closed(start: Start, make: Make) -> None:
    destination, receiver = connected(CASES["opsgenie"], start, make)

    destination.send(message(action="resolved"))

    assert len(receiver.requests) == 1


TICKETS = pytest.mark.parametrize("name", ["jira", "servicenow", "github"])


def issues(service: Service) -> list[dict]:  # type: ignore[type-arg]
    assert isinstance(service, Jira | ServiceNow | GitHub)
    return service.rows if isinstance(service, ServiceNow) else service.issues


@TICKETS
def test_second_try_makes_no_second_issue(name: str, start: Start, make: Make) -> None:
    destination, receiver = connected(CASES[name], start, make)

    destination.send(message())
    destination.send(message())

    assert len(issues(receiver.service)) == 1


@TICKETS
def test_other_alert_makes_an_issue_of_its_own(name: str, start: Start, make: Make) -> None:
    destination, receiver = connected(CASES[name], start, make)

    destination.send(message())
    destination.send(replace(message(), alert_id="0000aaaa"))

    assert len(issues(receiver.service)) == 2


@TICKETS
def test_resolved_alert_without_an_issue_makes_none(name: str, start: Start, make: Make) -> None:
    destination, receiver = connected(CASES[name], start, make)

    destination.send(message(action="resolved"))

    assert issues(receiver.service) == []


@pytest.mark.parametrize("name", ["jira", "github"])
def test_second_try_of_a_resolution_comments_once(name: str, start: Start, make: Make) -> None:
    destination, receiver = connected(CASES[name], start, make)
    destination.send(message())

    destination.send(message(action="resolved"))
    destination.send(message(action="resolved"))

    (issue,) = issues(receiver.service)
    assert len(issue["comments"]) == 1


def test_issue_of_jira_is_done_when_resolved_and_not_when_reopened(start: Start, make: Make) -> None:
    destination, receiver = connected(CASES["jira"], start, make)
    assert isinstance(receiver.service, Jira)
    seen = []

    for action in ("opened", "resolved", "reopened"):
        destination.send(message(action=action))
        seen.append(receiver.service.issues[0]["status"] == DONE)

    assert seen == [False, True, False]


def test_named_transition_of_jira_is_taken(start: Start, make: Make) -> None:
    receiver = start(Jira())
    case = CASES["jira"]
    fields = case.fields(receiver.url) | {"resolve_transition": "Rejected"}
    destination = make("jira", fields, case.secrets(receiver.url))
    destination.send(message())

    destination.send(message(action="resolved"))

    taken = [
        request.json for request in receiver.requests if request.method == "POST" and "transitions" in request.path
    ]
    assert taken == [{"transition": {"id": "41"}}]


def test_missing_transition_of_jira_is_told(start: Start, make: Make) -> None:
    receiver = start(Jira())
    case = CASES["jira"]
    fields = case.fields(receiver.url) | {"resolve_transition": "Vanish"}
    destination = make("jira", fields, case.secrets(receiver.url))
    destination.send(message())

    with pytest.raises(DeliveryRefused, match="set resolve_transition"):
        destination.send(message(action="resolved"))


def test_incident_of_servicenow_is_resolved_and_reopened(start: Start, make: Make) -> None:
    destination, receiver = connected(CASES["servicenow"], start, make)
    assert isinstance(receiver.service, ServiceNow)
    seen = []

    for action in ("opened", "resolved", "reopened"):
        destination.send(message(action=action))
        seen.append(receiver.service.rows[0]["state"])

    assert seen == ["1", "6", "2"]


def test_issue_of_github_is_closed_and_opened_again(start: Start, make: Make) -> None:
    destination, receiver = connected(CASES["github"], start, make)
    assert isinstance(receiver.service, GitHub)
    seen = []

    for action in ("opened", "resolved", "reopened"):
        destination.send(message(action=action))
        seen.append(receiver.service.issues[0]["state"])

    assert seen == ["open", "closed", "open"]


def test_issue_of_github_is_found_behind_many_later_ones(start: Start, make: Make) -> None:
    destination, receiver = connected(CASES["github"], start, make)
    assert isinstance(receiver.service, GitHub)
    destination.send(message())
    receiver.service.issues += [{"number": at, "body": "another"} for at in range(2, 80)]

    destination.send(message())

    assert len(receiver.service.issues) == 79


def just_now(receiver: Receiver) -> Destination:
    """Jira, in the minute of the sample's alert."""
    case = CASES["jira"]
    settings = jira.Settings.model_validate(case.fields(receiver.url))
    return jira.Jira("test", settings, case.secrets("").__getitem__, lambda: message().updated_at)


@pytest.mark.parametrize("action", ["updated", "resolved", "reopened"])
def test_change_waits_for_an_issue_that_the_search_of_jira_does_not_know_yet(action: Any, start: Start) -> None:
    receiver = start(Jira())

    with pytest.raises(DeliveryFailed, match="not found yet") as raised:
        just_now(receiver).send(message(action=action))

    assert raised.value.retry_after_s == 120
    assert issues(receiver.service) == []


def test_lost_answer_of_jira_is_tried_again_only_when_the_search_has_caught_up(start: Start) -> None:
    receiver = start(Jira())
    receiver.next += [Reply(200, {"issues": []}), Reply(503)]

    with pytest.raises(DeliveryFailed) as raised:
        just_now(receiver).send(message())

    assert raised.value.retry_after_s == 120


@pytest.mark.parametrize("name", ["jira", "servicenow", "github"])
def test_page_to_log_in_is_not_taken_for_no_issue(name: str, start: Start, make: Make) -> None:
    destination, receiver = connected(CASES[name], start, make)
    receiver.next.append(Reply(200, b"<html>log in</html>"))

    with pytest.raises(DeliveryFailed):
        destination.send(message())

    assert issues(receiver.service) == []
