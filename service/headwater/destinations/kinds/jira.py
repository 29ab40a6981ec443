"""Jira Cloud: an issue of a project, moved to a final status when the alert is resolved."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import Field

from headwater.destinations.destination import Destination
from headwater.destinations.form import facts, footer, headline, links, sections
from headwater.destinations.https import Answer, Https, HttpsUrl
from headwater.destinations.kind import Config, ResolveSecret
from headwater.destinations.message import Message, fitted
from headwater.destinations.secret import SecretRef
from headwater.destinations.text import cut
from headwater.errors import DeliveryFailed, DeliveryRefused

MAX_SUMMARY = 255
MAX_DESCRIPTION = 32_000  # Jira: 32,767 characters
SEARCH_LAGS = timedelta(minutes=15)  # "from a few seconds to minutes" after a change
RETRY_S = 120.0  # after a creation whose answer was lost: by then the search knows whether there was one
PROPERTY = "headwater"  # entity property of the issue: who made it


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Settings(Config):
    """A project of a site."""

    url: HttpsUrl = Field(description="https://SITE.atlassian.net")
    email: str = Field(pattern=r"^[^@\s:]+@[^@\s]+$", description="Address of the account that the token belongs to.")
    token: SecretRef = Field(description="API token of that account.")
    project: str = Field(pattern=r"^[A-Z][A-Z0-9_]+$", description="Key of the project.")
    issue_type: str = Field("Task", description="Name of the issue type.")
    labels: tuple[str, ...] = Field((), description="Further labels of a new issue, without spaces.")
    fields: dict[str, Any] = Field({}, description="Further fields of a new issue, as Jira's API takes them.")
    resolve_transition: str = Field(
        "", description="Transition of a resolved alert; default: the first to a done status."
    )
    reopen_transition: str = Field(
        "", description="Transition of a reopened one; default: the first to another status."
    )


class Jira:
    """One project."""

    def __init__(
        self, name: str, settings: Settings, resolve_secret: ResolveSecret, now: Callable[[], datetime] = _utc_now
    ) -> None:
        self._now = now
        self.name = name
        self._settings = settings
        self._resolve = resolve_secret
        self._https = Https(f"jira destination {name}")

    def send(self, message: Message) -> None:
        """Create an issue unless one has the alert's label, else comment on it and move it."""
        found = self._find(message)
        if found is None:
            self._create(message)
            return
        if message.action == "opened":
            return
        if message.action != "updated":
            self._move(found, message)
        said = self._answer("GET", f"/issue/{found}/comment?orderBy=-created&maxResults=50").body
        if delivery(message).encode() not in said:
            self._ask("POST", f"/issue/{found}/comment", {"body": comment(message)})

    def _create(self, message: Message) -> None:
        if message.action != "opened" and self._now() - message.updated_at < SEARCH_LAGS:
            raise DeliveryFailed(f"{self._https.who}: the alert's issue is not found yet", RETRY_S)
        if message.action == "resolved":
            return
        try:
            self._ask("POST", "/issue", fitted(message, self._creation, _text_size, MAX_DESCRIPTION))
        except DeliveryFailed as error:
            raise DeliveryFailed(str(error), max(error.retry_after_s or 0.0, RETRY_S)) from error

    def _creation(self, message: Message) -> dict[str, Any]:
        settings = self._settings
        fields = {
            **settings.fields,
            "project": {"key": settings.project},
            "issuetype": {"name": settings.issue_type},
            "summary": headline(message, MAX_SUMMARY),
            "description": description(message),
            "labels": ["headwater", label(message), *settings.labels],
        }
        value = {"alert_id": message.alert_id, "idempotency_key": message.idempotency_key}
        return {"fields": fields, "properties": [{"key": PROPERTY, "value": value}]}

    def _find(self, message: Message) -> str | None:
        """The key of the alert's issue."""
        jql = f'project = "{self._settings.project}" AND labels = "{label(message)}" ORDER BY created ASC'
        answer = self._ask("POST", "/search/jql", {"jql": jql, "fields": ["status"], "maxResults": 1})
        if not isinstance(answer.get("issues"), list):
            raise DeliveryFailed(f"{self._https.who}: the answer to a search is none (a page to log in?)")
        return next((str(issue["key"]) for issue in answer["issues"]), None)

    def _move(self, key: str, message: Message) -> None:
        """Take the issue to a status of the right category, unless it is there."""
        resolved = message.action == "resolved"
        status = self._ask("GET", f"/issue/{key}?fields=status")["fields"]["status"]
        if _is_done(status) == resolved:
            return
        wanted = self._settings.resolve_transition if resolved else self._settings.reopen_transition
        for one in self._ask("GET", f"/issue/{key}/transitions").get("transitions", []):
            if one["name"] == wanted if wanted else _is_done(one["to"]) == resolved:
                self._ask("POST", f"/issue/{key}/transitions", {"transition": {"id": one["id"]}})
                return
        setting = "resolve_transition" if resolved else "reopen_transition"
        raise DeliveryRefused(f"{self._https.who}: {key} has no such transition; set {setting}")

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return self._answer(method, path, body).fields()

    def _answer(self, method: str, path: str, body: dict[str, Any] | None = None) -> Answer:
        token = self._resolve(self._settings.token)
        basic = base64.b64encode(f"{self._settings.email}:{token}".encode()).decode()
        headers = {"Accept": "application/json", "Authorization": f"Basic {basic}"}
        url = f"{self._settings.url.rstrip('/')}/rest/api/3{path}"
        return self._https.send(method, url, body, headers=headers, hidden=[token, basic])


def make(name: str, config: Settings, resolve_secret: ResolveSecret) -> Destination:
    """The destination of such settings."""
    return Jira(name, config, resolve_secret)


def label(message: Message) -> str:
    """What the issue is found by; a label has no spaces and is at most 255 long."""
    return re.sub(r"[^\w-]", "", f"headwater-{message.alert_id}")[:255]


def description(message: Message) -> dict[str, Any]:
    """The alert in the Atlassian Document Format, whose text nodes are never interpreted."""
    return _document(*_nodes(message))


def comment(message: Message) -> dict[str, Any]:
    """What is said about a change; its last line tells a second try that it has been said."""
    said = cut(f"{headline(message)}\n{message.note}".strip(), MAX_DESCRIPTION)
    return _document(_paragraph(said), _paragraph(f"Headwater {delivery(message)}"))


def delivery(message: Message) -> str:
    """The idempotency key, as it can stand in a comment."""
    return f"delivery {hashlib.sha256(message.idempotency_key.encode()).hexdigest()[:20]}"


def _nodes(message: Message) -> Iterator[dict[str, Any]]:
    for fact in facts(message):
        bold = {"type": "text", "text": f"{fact.label}: ", "marks": [{"type": "strong"}]}
        yield {"type": "paragraph", "content": [bold, {"type": "text", "text": fact.value}]}
    for section in sections(message):
        yield {"type": "heading", "attrs": {"level": 3}, "content": [{"type": "text", "text": section.heading}]}
        if section.code:
            code = [{"type": "text", "text": section.body}]
            yield {"type": "codeBlock", "attrs": {"language": "json"}, "content": code}
        else:
            yield _paragraph(section.body)
    for link in links(message):
        mark = {"type": "link", "attrs": {"href": link.value}}
        yield {"type": "paragraph", "content": [{"type": "text", "text": link.label, "marks": [mark]}]}
    yield _paragraph(footer(message))


def _document(*nodes: dict[str, Any]) -> dict[str, Any]:
    return {"type": "doc", "version": 1, "content": list(nodes)}


def _paragraph(text: str) -> dict[str, Any]:
    """A paragraph; a text node holds no line ends, and is never empty."""
    content: list[dict[str, Any]] = []
    for line in text.split("\n"):
        content += [{"type": "hardBreak"}] if content else []
        content += [{"type": "text", "text": line}] if line else []
    return {"type": "paragraph", "content": content}


def _is_done(status: dict[str, Any]) -> bool:
    return bool(status.get("statusCategory", {}).get("key") == "done")


def _text_size(made: dict[str, Any]) -> int:
    """Characters of the text, and some for each node: Jira counts neither in the open."""
    return _characters(made["fields"]["description"])


def _characters(node: dict[str, Any]) -> int:
    return len(node.get("text", "")) + sum(1 + _characters(child) for child in node.get("content", ()))
