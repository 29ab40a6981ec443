"""For every HTTP kind: its service, what stands in the file for it, and its secrets."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from support.receivers import chat, paging, tickets
from support.receivers.server import Reply, Request, Service, need

SIGNING = "the-signing-secret"


@dataclass(frozen=True)
class Case:
    """fields: given the receiver's URL.  secrets: by reference, given the URL."""

    kind: str
    service: Callable[[], Service]
    fields: Callable[[str], dict[str, Any]]
    secrets: Callable[[str], Mapping[str, str]]


def webhook(request: Request) -> Reply:
    """A receiver that verifies as docs/destinations.md says."""
    stamp, signature = (part.partition("=")[2] for part in request.headers["headwater-signature"].split(","))
    expected = hmac.new(SIGNING.encode(), f"{stamp}.".encode() + request.body, hashlib.sha256).hexdigest()
    need(hmac.compare_digest(signature, expected), "signature")
    need(request.headers["idempotency-key"] == request.json["idempotency_key"], "Idempotency-Key")
    need(request.headers["authorization"] == f"Bearer {tickets.TOKEN}", "Authorization")
    return Reply(204)


HOOK = {"webhook_url": "env:HOOK"}
CASES = {
    "webhook": Case(
        "webhook",
        lambda: webhook,
        lambda url: {"url": f"{url}/in", "signing_secret": "env:SIGN", "bearer_token": "env:TOKEN"},
        lambda _: {"env:SIGN": SIGNING, "env:TOKEN": tickets.TOKEN},
    ),
    "slack-webhook": Case(
        "slack", lambda: chat.slack, lambda _: HOOK, lambda url: {"env:HOOK": f"{url}{chat.WEBHOOK}"}
    ),
    "slack-bot": Case(
        "slack",
        lambda: chat.slack,
        lambda url: {"token": "env:TOKEN", "channel": "C0123456789", "api_url": f"{url}/api"},
        lambda _: {"env:TOKEN": chat.TOKEN},
    ),
    "teams": Case("teams", lambda: chat.teams, lambda _: HOOK, lambda url: {"env:HOOK": f"{url}{chat.WEBHOOK}"}),
    "pagerduty": Case(
        "pagerduty",
        paging.PagerDuty,
        lambda url: {"routing_key": "env:KEY", "url": f"{url}/v2/enqueue"},
        lambda _: {"env:KEY": paging.ROUTING_KEY},
    ),
    "opsgenie": Case(
        "opsgenie",
        paging.Opsgenie,
        lambda url: {"api_key": "env:KEY", "url": url},
        lambda _: {"env:KEY": paging.API_KEY},
    ),
    "jira": Case(
        "jira",
        tickets.Jira,
        lambda url: {"url": url, "email": tickets.EMAIL, "token": "env:TOKEN", "project": "SEC"},
        lambda _: {"env:TOKEN": tickets.TOKEN},
    ),
    "servicenow": Case(
        "servicenow",
        tickets.ServiceNow,
        lambda url: {"url": url, "user": tickets.EMAIL, "password": "env:TOKEN"},
        lambda _: {"env:TOKEN": tickets.TOKEN},
    ),
    "github": Case(
        "github",
        tickets.GitHub,
        lambda url: {"repository": "acme/alerts", "token": "env:TOKEN", "api_url": url},
        lambda _: {"env:TOKEN": tickets.TOKEN},
    ),
}
