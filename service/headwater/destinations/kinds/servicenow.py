"""ServiceNow: an incident through the Table API, resolved with the alert."""

from __future__ import annotations

import base64
import re
from typing import Any, Self
from urllib.parse import urlencode

from pydantic import Field, model_validator

from headwater.destinations.destination import Destination
from headwater.destinations.form import headline, plain
from headwater.destinations.https import Https, HttpsUrl
from headwater.destinations.kind import Config, ResolveSecret
from headwater.destinations.message import Message, fitted
from headwater.destinations.secret import SecretRef
from headwater.destinations.text import cut
from headwater.errors import DeliveryFailed

# Dictionary of the table `task`: characters
MAX_SHORT, MAX_DESCRIPTION, MAX_CORRELATION, MAX_NOTES = 160, 4_000, 100, 4_000
URGENCY = {"CRITICAL": "1", "HIGH": "1", "MEDIUM": "2", "LOW": "3", "INFO": "3"}
IMPACT = {"CRITICAL": "1", "HIGH": "2", "MEDIUM": "2", "LOW": "3", "INFO": "3"}
CODE_TAG = re.compile(r"\[(/?)code\]", re.IGNORECASE)  # what stands between these is HTML in notes
IN_PROGRESS, RESOLVED = "2", "6"  # states of an incident


class Settings(Config):
    """An instance, with a user (basic) or a token (OAuth) that may write incidents."""

    url: HttpsUrl = Field(description="https://INSTANCE.service-now.com")
    user: str | None = Field(None, description="Name of the user.")
    password: SecretRef | None = Field(None, description="Password of the user.")
    token: SecretRef | None = Field(None, description="OAuth token, in place of user and password.")
    table: str = Field("incident", pattern=r"^[a-z][a-z0-9_]*$", description="Table of the incidents.")
    close_code: str = Field("Solution provided", max_length=40, description="Resolution code of your instance.")
    fields: dict[str, str] = Field({}, description="Further fields of a new incident, such as assignment_group.")

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        if bool(self.token) == bool(self.password) or bool(self.user) != bool(self.password):
            raise ValueError("give either user and password, or token")
        return self


class ServiceNow:
    """One table of an instance."""

    def __init__(self, name: str, settings: Settings, resolve_secret: ResolveSecret) -> None:
        self.name = name
        self._settings = settings
        self._resolve = resolve_secret
        self._https = Https(f"servicenow destination {name}")

    def send(self, message: Message) -> None:
        """Create the incident unless one has the alert's correlation_id, else note or resolve that."""
        found = self._find(message)
        if found is None and message.action != "resolved":
            body = fitted(message, incident, lambda made: len(made["description"]), MAX_DESCRIPTION)
            self._ask("POST", "", {**self._settings.fields, **body})
        elif found is not None and (change := self._change(message)):
            self._ask("PATCH", f"/{found}", change)

    def _change(self, message: Message) -> dict[str, str]:
        note = _harmless(cut(f"{headline(message)}\n{message.note}".strip(), MAX_NOTES))
        if message.action == "resolved":
            close = {"state": RESOLVED, "close_code": self._settings.close_code, "close_notes": note}
            return close | {"work_notes": note}
        if message.action == "reopened":
            return {"state": IN_PROGRESS, "work_notes": note}
        return {"work_notes": note} if message.action == "updated" else {}

    def _find(self, message: Message) -> str | None:
        """The sys_id of the alert's incident."""
        query = {
            "sysparm_query": f"correlation_id={correlation(message)}",
            "sysparm_fields": "sys_id",
            "sysparm_limit": "1",
        }
        result = self._ask("GET", f"?{urlencode(query)}", None).get("result")
        if not isinstance(result, list):
            raise DeliveryFailed(f"{self._https.who}: the answer is no result of the Table API (a page to log in?)")
        return str(result[0]["sys_id"]) if result else None

    def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        url = f"{self._settings.url.rstrip('/')}/api/now/table/{self._settings.table}{path}"
        login, hidden = self._login()
        headers = {"Accept": "application/json", "Authorization": login}
        return self._https.send(method, url, body, headers=headers, hidden=hidden).fields()

    def _login(self) -> tuple[str, list[str]]:
        if self._settings.token:
            token = self._resolve(self._settings.token)
            return f"Bearer {token}", [token]
        password = self._resolve(self._settings.password or "")
        basic = base64.b64encode(f"{self._settings.user}:{password}".encode()).decode()
        return f"Basic {basic}", [password, basic]


def make(name: str, config: Settings, resolve_secret: ResolveSecret) -> Destination:
    """The destination of such settings."""
    return ServiceNow(name, config, resolve_secret)


def correlation(message: Message) -> str:
    """What the incident is found by; letters that a query understands otherwise are left out."""
    return re.sub(r"[^\w.-]", "", f"headwater-{message.alert_id}")[:MAX_CORRELATION]


def incident(message: Message) -> dict[str, str]:
    """The fields of a new incident."""
    return {
        "short_description": _harmless(cut(headline(message), MAX_SHORT)),
        "description": _harmless(plain(message)),
        "correlation_id": correlation(message),
        "correlation_display": "Headwater",
        "urgency": URGENCY.get(message.severity, "2"),
        "impact": IMPACT.get(message.severity, "2"),
    }


def _harmless(text: str) -> str:
    return CODE_TAG.sub(r"(\1code)", text)
