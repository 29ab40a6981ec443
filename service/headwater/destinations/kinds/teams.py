"""Microsoft Teams: an Adaptive Card through the webhook of a workflow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from pydantic import Field

from headwater.destinations.destination import Destination
from headwater.destinations.form import facts, footer, headline, links, sections
from headwater.destinations.https import Https
from headwater.destinations.kind import Config, ResolveSecret
from headwater.destinations.message import Message, fitted
from headwater.destinations.secret import SecretRef

MAX_BODY = 27_000  # Teams: "The message size limit is 28 KB"; the workflow adds its own
MAX_CODE = 6_000
COLORS = {"CRITICAL": "Attention", "HIGH": "Attention", "MEDIUM": "Warning", "LOW": "Accent", "INFO": "Default"}


class Settings(Config):
    """A workflow "Post to a channel when a webhook request is received"."""

    webhook_url: SecretRef = Field(description="URL of the workflow's webhook, which is a secret.")


class Teams:
    """One workflow."""

    def __init__(self, name: str, settings: Settings, resolve_secret: ResolveSecret) -> None:
        self.name = name
        self._settings = settings
        self._resolve = resolve_secret
        self._https = Https(f"teams destination {name}")

    def send(self, message: Message) -> None:
        """Post one card."""
        body = fitted(message, rendered, lambda made: len(orjson.dumps(made)), MAX_BODY)
        url = self._resolve(self._settings.webhook_url)
        self._https.send("POST", url, body, hidden=[url])


def make(name: str, config: Settings, resolve_secret: ResolveSecret) -> Destination:
    """The destination of such settings."""
    return Teams(name, config, resolve_secret)


def rendered(message: Message) -> dict[str, Any]:
    """The message with its card.

    Text of strangers stands in TextRuns alone: a TextBlock would interpret Markdown, and nobody is mentioned without
    an entity in `msteams`.
    """
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "fallbackText": headline(message, 200),
        "body": list(_body(message)),
        "actions": [{"type": "Action.OpenUrl", "title": link.label, "url": link.value} for link in links(message)],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _body(message: Message) -> Iterator[dict[str, Any]]:
    color = "Good" if message.action == "resolved" else COLORS.get(message.severity, "Default")
    yield _block(_run(headline(message, 500), size="Large", weight="Bolder", color=color))
    for fact in facts(message):
        yield _block(_run(f"{fact.label}: ", weight="Bolder"), _run(fact.value)) | {"spacing": "None"}
    for section in sections(message, MAX_CODE):
        yield _block(_run(section.heading, weight="Bolder")) | {"spacing": "Medium"}
        look = {"fontType": "Monospace", "size": "Small"} if section.code else {}
        for line in section.body.split("\n"):
            yield _block(_run(_indented(line), **look)) | {"spacing": "None"}
    yield _block(_run(footer(message), size="Small", isSubtle=True)) | {"spacing": "Medium"}


def _block(*runs: dict[str, Any]) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": list(runs)}


def _run(text: str, **look: str | bool) -> dict[str, Any]:
    return {"type": "TextRun", "text": text, **look}


def _indented(line: str) -> str:
    """A line whose leading spaces stay; an empty one takes its height."""
    left = len(line) - len(line.lstrip(" "))
    return "\u00a0" * left + line[left:] or "\u00a0"
