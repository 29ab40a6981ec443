"""Slack and Microsoft Teams. Sources: docs.slack.dev (Block Kit, chat.postMessage), adaptivecards.io (schema 1.4)."""

from __future__ import annotations

import json
from typing import Any

from support.receivers.server import Reply, Request, need

TOKEN = "xoxb-the-bots-token"
WEBHOOK = "/services/T0000/B0000/the-webhooks-secret"


def slack(request: Request) -> Reply:
    """Both ways in."""
    body = request.json
    if request.path == WEBHOOK:
        _slack_message(body)
        return Reply(200, b"ok")
    need(request.path == "/api/chat.postMessage", "path")
    need(request.headers.get("authorization") == f"Bearer {TOKEN}", "Authorization")
    need(body["channel"].startswith("C"), "channel")
    _slack_message(body)
    return Reply(200, {"ok": True, "ts": "1.2"})


def _slack_message(body: dict[str, Any]) -> None:
    known = {"channel", "text", "blocks", "unfurl_links", "unfurl_media"}
    need(set(body) <= known, f"arguments {set(body) - known}")
    need(body["text"] and len(body["text"]) <= 4_000, "text")
    need(0 < len(body["blocks"]) <= 50, "blocks")
    need(len(json.dumps(body["blocks"], ensure_ascii=False)) <= 13_200, "msg_blocks_too_long")
    for block in body["blocks"]:
        _BLOCKS[block["type"]](block)


def _header(block: dict[str, Any]) -> None:
    _keys(block, {"type", "text"})
    _plain(block["text"], 150)


def _context(block: dict[str, Any]) -> None:
    _keys(block, {"type", "elements"})
    need(1 <= len(block["elements"]) <= 10, "context elements")
    for element in block["elements"]:
        _plain(element, 3_000)


def _rich_text(block: dict[str, Any]) -> None:
    _keys(block, {"type", "elements"})
    for part in block["elements"]:
        _keys(part, {"type", "elements"})
        need(part["type"] in ("rich_text_section", "rich_text_preformatted"), part["type"])
        need(part["elements"], "an empty section")
        for element in part["elements"]:
            need(element["type"] in ("text", "link"), element["type"])
            _keys(element, {"type", "text", "style"} if element["type"] == "text" else {"type", "text", "url"})
            need(element["text"], "an empty text")
            need(element["type"] == "text" or element["url"].startswith("https://"), "url")


_BLOCKS = {"header": _header, "context": _context, "rich_text": _rich_text}


def _plain(text: dict[str, Any], limit: int) -> None:
    _keys(text, {"type", "text", "emoji"})
    need(text["type"] == "plain_text" and 0 < len(text["text"]) <= limit, f"plain_text of {len(text['text'])}")


def _keys(found: dict[str, Any], allowed: set[str]) -> None:
    need(set(found) <= allowed, f"{set(found) - allowed}")


def teams(request: Request) -> Reply:
    """The webhook of a workflow."""
    need(request.path == WEBHOOK and request.method == "POST", "path")
    need(len(request.body) <= 28 * 1024, f"{len(request.body)} bytes")
    body = request.json
    need(set(body) == {"type", "attachments"} and body["type"] == "message", "message")
    (attachment,) = body["attachments"]
    need(attachment["contentType"] == "application/vnd.microsoft.card.adaptive", "contentType")
    card = attachment["content"]
    need(card["type"] == "AdaptiveCard" and card["version"] in ("1.2", "1.3", "1.4", "1.5"), "card")
    need("entities" not in card["msteams"], "mentions")
    for element in card["body"]:
        need(element["type"] == "RichTextBlock" and element["inlines"], element["type"])
        for run in element["inlines"]:
            need(run["type"] == "TextRun" and run["text"] and "\n" not in run["text"], "TextRun")
            need(run.get("color", "Default") in ("Default", "Good", "Attention", "Warning", "Accent"), "color")
    for action in card["actions"]:
        need(action["type"] == "Action.OpenUrl" and action["url"].startswith("https://"), "action")
    return Reply(202)
