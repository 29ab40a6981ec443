"""PagerDuty: an incident through the Events API v2; acknowledged and resolved with the alert."""

from __future__ import annotations

from typing import Any, Literal

import orjson
from pydantic import Field

from headwater.destinations.destination import Destination
from headwater.destinations.form import account, headline, links
from headwater.destinations.https import Https, HttpsUrl
from headwater.destinations.kind import Config, ResolveSecret
from headwater.destinations.message import Message, fitted, utc_text
from headwater.destinations.secret import SecretRef
from headwater.destinations.text import cut

MAX_EVENT = 500_000  # Events API v2: 512 KB
MAX_SUMMARY = 1_024
MAX_KEY = 255
SEVERITIES = {"CRITICAL": "critical", "HIGH": "error", "MEDIUM": "warning", "LOW": "warning", "INFO": "info"}
Verb = Literal["trigger", "acknowledge", "resolve"]


class Settings(Config):
    """A service with an integration "Events API V2"."""

    routing_key: SecretRef = Field(description="Integration key of the service.")
    url: HttpsUrl = Field(
        "https://events.pagerduty.com/v2/enqueue", description="In the EU: https://events.eu.pagerduty.com/v2/enqueue"
    )


class PagerDuty:
    """One integration."""

    def __init__(self, name: str, settings: Settings, resolve_secret: ResolveSecret) -> None:
        self.name = name
        self._settings = settings
        self._resolve = resolve_secret
        self._https = Https(f"pagerduty destination {name}")

    def send(self, message: Message) -> None:
        """Send one event; the alert's id is the dedup_key, so that a second try opens no second incident."""
        key = self._resolve(self._settings.routing_key)
        event = fitted(message, rendered, lambda made: len(orjson.dumps(made)), MAX_EVENT)
        self._https.send("POST", self._settings.url, {"routing_key": key, **event}, hidden=[key])


def make(name: str, config: Settings, resolve_secret: ResolveSecret) -> Destination:
    """The destination of such settings."""
    return PagerDuty(name, config, resolve_secret)


def rendered(message: Message) -> dict[str, Any]:
    """The event, but for the routing key."""
    verb = _verb(message)
    event: dict[str, Any] = {"event_action": verb, "dedup_key": f"headwater-{message.alert_id}"[:MAX_KEY]}
    if verb != "trigger":
        return event
    event["payload"] = {
        "summary": cut(headline(message), MAX_SUMMARY),
        "source": account(message) or "headwater",
        "severity": SEVERITIES.get(message.severity, "warning"),
        "timestamp": utc_text(message.first_event_at),
        "component": message.log_type,
        "group": message.account_id,
        "class": message.rule_id,
        "custom_details": _details(message),
    }
    event["client"] = "Headwater"
    event["links"] = [{"href": link.value, "text": link.label} for link in links(message)]
    return event | ({"client_url": message.link} if message.link else {})


def _verb(message: Message) -> Verb:
    if message.action == "resolved":
        return "resolve"
    return "acknowledge" if message.action == "updated" and message.status == "triaged" else "trigger"


def _details(message: Message) -> dict[str, Any]:
    named = {
        "what to do": message.runbook,
        "what happened": message.description,
        "account": account(message),
        "region": message.region,
        "actor": message.actor,
        "from": message.address,
        "source": message.source,
        "events": message.match_count,
        "first event": utc_text(message.first_event_at),
        "last event": utc_text(message.last_event_at),
        "tags": list(message.tags),
        "note": message.note,
        "context": message.context,
        "sample event": message.event,
        "alert": message.alert_id,
        "shortened": list(message.shortened),
    }
    return {name: value for name, value in named.items() if value}
