"""GitHub: an issue of a repository, closed when the alert is resolved."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from pydantic import Field

from headwater.destinations.destination import Destination
from headwater.destinations.form import facts, footer, headline, links, sections
from headwater.destinations.https import Answer, Https, HttpsUrl
from headwater.destinations.kind import Config, ResolveSecret
from headwater.destinations.message import Message, fitted, utc_text
from headwater.destinations.secret import SecretRef
from headwater.destinations.text import cut
from headwater.errors import DeliveryFailed

MAX_BODY = 65_000  # characters; GitHub answers 422 above 65,536
MAX_TITLE = 256
LABEL = "headwater"
API_VERSION = "2022-11-28"
RECENT = 50  # issues that are looked through, newest first, before the search is asked, whose index lags
MAX_ANSWER = 8 * 1024 * 1024  # so many issues with their bodies


class Settings(Config):
    """A repository, private by all means: alerts tell where you are weak."""

    repository: str = Field(pattern=r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$", description="owner/name")
    token: SecretRef = Field(description="Token of an app or a person with write access to issues.")
    labels: tuple[str, ...] = Field((), description="Further labels of a new issue; `headwater` is always there.")
    api_url: HttpsUrl = Field("https://api.github.com", description="Of GitHub Enterprise: https://HOST/api/v3")


class GitHub:
    """One repository."""

    def __init__(self, name: str, settings: Settings, resolve_secret: ResolveSecret) -> None:
        self.name = name
        self._settings = settings
        self._resolve = resolve_secret
        self._https = Https(f"github destination {name}")

    def send(self, message: Message) -> None:
        """Open an issue unless one has the alert's marker, else comment on it, close it or open it again."""
        found = self._find(message)
        if found is None:
            if message.action != "resolved":
                body = fitted(message, rendered, lambda made: len(made["body"]), MAX_BODY)
                self._ask("POST", "/issues", body | {"labels": [LABEL, *self._settings.labels]})
            return
        if message.action == "opened":
            return
        if message.action != "updated":
            self._ask("PATCH", f"/issues/{found}", _state(message))
        said = self._ask("GET", f"/issues/{found}/comments?per_page=100&since={utc_text(message.created_at)}").body
        if delivery(message).encode() not in said:
            self._ask("POST", f"/issues/{found}/comments", {"body": comment(message)})

    def _find(self, message: Message) -> int | None:
        """The number of the alert's issue."""
        recent = urlencode({"labels": LABEL, "state": "all", "per_page": RECENT})
        issues = self._ask("GET", f"/issues?{recent}").list()
        if issues is None:
            raise DeliveryFailed(f"{self._https.who}: the list of issues is no JSON array")
        number = _number(issues, message)
        if number is not None or len(issues) < RECENT:
            return number
        wanted = f'repo:{self._settings.repository} is:issue in:body "{marker(message)}"'
        answer = self._ask("GET", f"{self._settings.api_url}/search/issues?{urlencode({'q': wanted})}")
        return _number(answer.fields().get("items", []), message)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Answer:
        token = self._resolve(self._settings.token)
        url = path if path.startswith("http") else f"{self._settings.api_url}/repos/{self._settings.repository}{path}"
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {token}",
            "X-GitHub-Api-Version": API_VERSION,
        }
        return self._https.send(method, url, body, headers=headers, hidden=[token], max_answer=MAX_ANSWER)


def make(name: str, config: Settings, resolve_secret: ResolveSecret) -> Destination:
    """The destination of such settings."""
    return GitHub(name, config, resolve_secret)


def marker(message: Message) -> str:
    """What the issue is found by; it stands in a comment that nobody sees."""
    return f"headwater-alert-{re.sub(r'[^0-9A-Za-z_]', '', message.alert_id)}"


def rendered(message: Message) -> dict[str, str]:
    """Title and body of a new issue; text of strangers stands in code, where Markdown, HTML and @names are inert."""
    return {"title": cut(headline(message), MAX_TITLE), "body": "\n\n".join(_body(message))}


def comment(message: Message) -> str:
    """What is said about a change; its marker tells a second try that it has been said."""
    said = _fenced(f"{headline(message)}\n{message.note}".strip(), "text")
    return f"<!-- {delivery(message)} -->\n\n{said}"


def delivery(message: Message) -> str:
    """The idempotency key, as it can stand in a comment."""
    return f"headwater-delivery-{hashlib.sha256(message.idempotency_key.encode()).hexdigest()[:20]}"


def _body(message: Message) -> Iterator[str]:
    yield f"<!-- {marker(message)} -->"
    yield "\n".join(f"- **{fact.label}**: {_code(fact.value)}" for fact in facts(message))
    for section in sections(message):
        yield f"### {section.heading}"
        yield _fenced(section.body, "json" if section.code else "text")
    yield from (f"{link.label}: <{link.value}>" for link in links(message))
    yield f"<sub>{_code(footer(message))}</sub>"


def _state(message: Message) -> dict[str, str]:
    if message.action == "resolved":
        return {"state": "closed", "state_reason": "completed"}
    return {"state": "open", "state_reason": "reopened"}


def _number(issues: Any, message: Message) -> int | None:
    for issue in issues if isinstance(issues, list) else ():
        if isinstance(issue, dict) and f"<!-- {marker(message)} -->" in str(issue.get("body")):
            return int(issue["number"])
    return None


def _code(text: str) -> str:
    ticks = "`" * (_longest(text) + 1)
    return f"{ticks} {text} {ticks}" if "`" in text else f"`{text}`"


def _fenced(text: str, language: str) -> str:
    ticks = "`" * max(3, _longest(text) + 1)
    return f"{ticks}{language}\n{text}\n{ticks}"


def _longest(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
