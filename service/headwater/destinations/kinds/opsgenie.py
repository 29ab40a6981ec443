"""Opsgenie, or the operations of Jira Service Management: an alert by its alias, closed when it is resolved."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from pydantic import Field

from headwater.destinations.destination import Destination
from headwater.destinations.form import account, facts, footer, headline, plain
from headwater.destinations.https import Https, HttpsUrl
from headwater.destinations.kind import Config, ResolveSecret
from headwater.destinations.message import Message, fitted
from headwater.destinations.secret import SecretRef
from headwater.destinations.text import cut

# Opsgenie, "Create alert": characters
MAX_MESSAGE, MAX_ALIAS, MAX_DESCRIPTION, MAX_ENTITY, MAX_SOURCE, MAX_NOTE = 130, 512, 15_000, 512, 100, 25_000
MAX_TAGS, MAX_TAG, MAX_DETAILS = 20, 50, 8_000
PRIORITIES = {"CRITICAL": "P1", "HIGH": "P2", "MEDIUM": "P3", "LOW": "P4", "INFO": "P5"}


class Settings(Config):
    """An API integration."""

    api_key: SecretRef = Field(description="Key of an API integration that may create alerts.")
    url: HttpsUrl = Field("https://api.opsgenie.com", description="In the EU: https://api.eu.opsgenie.com")


class Opsgenie:
    """One integration."""

    def __init__(self, name: str, settings: Settings, resolve_secret: ResolveSecret) -> None:
        self.name = name
        self._settings = settings
        self._resolve = resolve_secret
        self._https = Https(f"opsgenie destination {name}")

    def send(self, message: Message) -> None:
        """Create, acknowledge, note or close; the alias makes a second creation count up the first."""
        path, body = request(message)
        key = self._resolve(self._settings.api_key)
        allowed = (404,) if message.action == "resolved" else ()  # deleted there: nothing is left to close
        headers = {"Authorization": f"GenieKey {key}"}
        self._https.send("POST", f"{self._settings.url}{path}", body, headers=headers, hidden=[key], allowed=allowed)


def make(name: str, config: Settings, resolve_secret: ResolveSecret) -> Destination:
    """The destination of such settings."""
    return Opsgenie(name, config, resolve_secret)


def request(message: Message) -> tuple[str, dict[str, Any]]:
    """Path and body of the request that a message needs."""
    by_alias = f"/v2/alerts/{quote(alias(message), safe='')}"
    note = {"note": _inert(cut(message.note or headline(message), MAX_NOTE)), "source": "headwater"}
    if message.action == "resolved":
        return f"{by_alias}/close?identifierType=alias", note
    if message.action == "updated":
        verb = "acknowledge" if message.status == "triaged" else "notes"
        return f"{by_alias}/{verb}?identifierType=alias", note
    return "/v2/alerts", fitted(message, creation, lambda made: len(made["description"]), MAX_DESCRIPTION)


def alias(message: Message) -> str:
    """What the alert is known by there."""
    return f"headwater-{message.alert_id}"[:MAX_ALIAS]


def creation(message: Message) -> dict[str, Any]:
    """The body that creates an alert."""
    return {
        "message": _inert(cut(headline(message), MAX_MESSAGE)),
        "alias": alias(message),
        "description": _inert(plain(message)),
        "entity": cut(message.account_id or "headwater", MAX_ENTITY),
        "source": cut(f"headwater {message.rule_id}", MAX_SOURCE),
        "priority": PRIORITIES.get(message.severity, "P3"),
        "tags": [tag[:MAX_TAG] for tag in ("headwater", message.severity, *message.tags)][:MAX_TAGS],
        "details": _details(message),
        "note": footer(message),
    }


def _inert(text: str) -> str:
    """Text without HTML, which Opsgenie shows as such; escaped, it would be unreadable on a telephone."""
    return text.replace("<", "\u2039").replace(">", "\u203a")


def _details(message: Message) -> dict[str, str]:
    """Text by name, 8,000 characters with the names at most: each is short enough for all of them."""
    named = {fact.label: fact.value for fact in facts(message)}
    named |= {"Alert": message.alert_id, "Link": message.link, "Account name": account(message)}
    return {name: _inert(cut(value, MAX_DETAILS // 20)) for name, value in named.items() if value}
