"""PagerDuty (Events API v2) and Opsgenie (Alert API). Sources: developer.pagerduty.com, docs.opsgenie.com."""

from __future__ import annotations

from datetime import datetime

from support.receivers.server import Reply, Request, need

ROUTING_KEY = "0123456789abcdef0123456789abcdef"
API_KEY = "11111111-2222-3333-4444-555555555555"


class PagerDuty:
    """Incidents by dedup_key: triggered, acknowledged or resolved."""

    def __init__(self) -> None:
        self.incidents: dict[str, str] = {}

    def __call__(self, request: Request) -> Reply:
        need(request.method == "POST" and request.path == "/v2/enqueue", "path")
        need(len(request.body) <= 512 * 1024, "512 KB")
        body = request.json
        need(body["routing_key"] == ROUTING_KEY and len(ROUTING_KEY) == 32, "routing_key")
        need(body["event_action"] in ("trigger", "acknowledge", "resolve"), "event_action")
        need(0 < len(body["dedup_key"]) <= 255, "dedup_key")
        if body["event_action"] == "trigger":
            self._payload(body)
        self.incidents[body["dedup_key"]] = body["event_action"]
        return Reply(202, {"status": "success", "message": "Event processed", "dedup_key": body["dedup_key"]})

    def _payload(self, body: dict) -> None:  # type: ignore[type-arg]
        known = {"routing_key", "event_action", "dedup_key", "payload", "client", "client_url", "links", "images"}
        need(set(body) <= known, f"{set(body) - known}")
        payload = body["payload"]
        known = {"summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details"}
        need(set(payload) <= known, f"{set(payload) - known}")
        need(0 < len(payload["summary"]) <= 1024 and payload["source"], "summary, source")
        need(payload["severity"] in ("critical", "error", "warning", "info"), "severity")
        need(datetime.fromisoformat(payload["timestamp"]), "timestamp")
        need(all(link["href"].startswith("https://") for link in body["links"]), "links")


class Opsgenie:
    """Alerts by alias: how often created, and their status."""

    def __init__(self) -> None:
        self.alerts: dict[str, str] = {}
        self.notes: list[str] = []

    def __call__(self, request: Request) -> Reply:
        need(request.headers.get("authorization") == f"GenieKey {API_KEY}", "Authorization")
        need(request.method == "POST", "method")
        body = request.json
        if request.path == "/v2/alerts":
            return self._create(body)
        _, version, kind, alias, verb = request.path.split("/")
        need((version, kind) == ("v2", "alerts") and request.query == {"identifierType": "alias"}, "path")
        need(verb in ("close", "acknowledge", "notes") and 0 < len(body["note"]) <= 25_000, verb)
        if alias not in self.alerts:
            return Reply(404, {"message": "Alert with alias does not exist"})
        self.notes.append(body["note"])
        self.alerts[alias] = {"close": "closed", "acknowledge": "acknowledged"}.get(verb, self.alerts[alias])
        return Reply(202, {"result": "Request will be processed"})

    def _create(self, body: dict) -> Reply:  # type: ignore[type-arg]
        limits = {"message": 130, "alias": 512, "description": 15_000, "entity": 512, "source": 100, "note": 25_000}
        known = {*limits, "priority", "tags", "details"}
        need(set(body) <= known, f"{set(body) - known}")
        for name, limit in limits.items():
            need(len(body[name]) <= limit, f"{name} of {len(body[name])}")
        need(not set("<>") & set(body["message"] + body["description"]), "HTML, which is shown as such")
        need(body["message"] and body["priority"] in ("P1", "P2", "P3", "P4", "P5"), "message, priority")
        need(len(body["tags"]) <= 20 and all(len(tag) <= 50 for tag in body["tags"]), "tags")
        need(all(isinstance(value, str) for value in body["details"].values()), "details")
        need(sum(len(name) + len(value) for name, value in body["details"].items()) <= 8_000, "details")
        self.alerts[body["alias"]] = "open"
        return Reply(202, {"result": "Request will be processed"})
