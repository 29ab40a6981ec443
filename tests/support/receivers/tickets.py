"""Jira, ServiceNow and GitHub, with the state of their issues.

Sources: developer.atlassian.com (Jira Cloud REST API v3, ADF), docs.servicenow.com (Table API),
docs.github.com (REST API, issues).
"""

from __future__ import annotations

import base64
import re
from typing import Any

from support.receivers.server import Reply, Request, need

TOKEN = "the-api-token"
EMAIL = "bot@example.com"
BASIC = "Basic " + base64.b64encode(f"{EMAIL}:{TOKEN}".encode()).decode()
TO_DO, DONE = {"statusCategory": {"key": "new"}}, {"statusCategory": {"key": "done"}}
MOVES = [
    {"id": "11", "name": "Begin", "to": {"statusCategory": {"key": "indeterminate"}}},
    {"id": "31", "name": "Done", "to": DONE},
    {"id": "41", "name": "Rejected", "to": DONE},
]


class Jira:
    """The issues of one project."""

    def __init__(self) -> None:
        self.issues: list[dict[str, Any]] = []

    def __call__(self, request: Request) -> Reply:
        need(request.headers.get("authorization") == BASIC, "Authorization")
        need(request.path.startswith("/rest/api/3/"), "path")
        path = request.path.removeprefix("/rest/api/3")
        if (request.method, path) == ("POST", "/search/jql"):
            return self._search(request.json)
        if (request.method, path) == ("POST", "/issue"):
            return self._create(request.json)
        key, _, rest = path.removeprefix("/issue/").partition("/")
        return self._issue(self.issues[int(key.removeprefix("SEC-")) - 1], request, rest)

    def _search(self, body: dict[str, Any]) -> Reply:
        found = re.fullmatch(r'project = "SEC" AND labels = "([^" ]+)" ORDER BY created ASC', body["jql"])
        need(found, "jql")
        assert found
        hits = [issue for issue in self.issues if found[1] in issue["fields"]["labels"]]
        return Reply(200, {"issues": [{"key": issue["key"]} for issue in hits][: body["maxResults"]], "isLast": True})

    def _create(self, body: dict[str, Any]) -> Reply:
        fields = body["fields"]
        need(fields["project"] == {"key": "SEC"} and fields["issuetype"]["name"], "project, issuetype")
        need(0 < len(fields["summary"]) <= 255 and "\n" not in fields["summary"], "summary")
        need(all(len(label) <= 255 and " " not in label for label in fields["labels"]), "labels")
        need(fields["description"]["type"] == "doc" and fields["description"]["version"] == 1, "description")
        need(adf_text(fields["description"]) <= 32_767, "description is too long")
        need(all(entry["key"] and entry["value"] for entry in body["properties"]), "properties")
        key = f"SEC-{len(self.issues) + 1}"
        self.issues.append({"key": key, "fields": fields, "status": TO_DO, "comments": []})
        return Reply(201, {"id": "10000", "key": key})

    def _issue(self, issue: dict[str, Any], request: Request, rest: str) -> Reply:
        if request.method == "GET":
            answers = {
                "": {"fields": {"status": issue["status"]}},
                "transitions": {"transitions": MOVES},
                "comment": {"comments": issue["comments"]},
            }
            return Reply(200, answers[rest])
        if rest == "transitions":
            issue["status"] = next(move["to"] for move in MOVES if move["id"] == request.json["transition"]["id"])
            return Reply(204)
        need(rest == "comment", rest)
        need(adf_text(request.json["body"]) <= 32_767, "comment is too long")
        issue["comments"].append(request.json)
        return Reply(201, {})


def adf_text(node: dict[str, Any]) -> int:
    """Characters of a document; refuses nodes that the format does not have."""
    known = {"doc", "paragraph", "text", "heading", "codeBlock", "hardBreak"}
    need(node["type"] in known, node["type"])
    if node["type"] == "text":
        need(node["text"], "an empty text node")
        need(all(mark["type"] in ("strong", "link") for mark in node.get("marks", ())), "marks")
        return len(node["text"])
    return sum(adf_text(child) for child in node.get("content", ()))


class ServiceNow:
    """The table of incidents."""

    def __init__(self) -> None:
        self.rows: list[dict[str, str]] = []

    def __call__(self, request: Request) -> Reply:
        need(request.headers.get("authorization") in (BASIC, f"Bearer {TOKEN}"), "Authorization")
        need(request.headers.get("accept") == "application/json", "Accept")
        need(request.path.startswith("/api/now/table/incident"), "path")
        if request.method == "GET":
            field, _, value = request.query["sysparm_query"].partition("=")
            need(field == "correlation_id" and re.fullmatch(r"[\w.-]+", value), "sysparm_query")
            hits = [{"sys_id": row["sys_id"]} for row in self.rows if row["correlation_id"] == value]
            return Reply(200, {"result": hits})
        _limits(request.json)
        if request.method == "POST":
            need(request.json["short_description"] and request.json["urgency"] in "123", "short_description, urgency")
            self.rows.append({**request.json, "sys_id": f"{len(self.rows):032x}", "state": "1"})
            return Reply(201, {"result": self.rows[-1]})
        need(request.method == "PATCH", "method")
        row = next(row for row in self.rows if request.path.endswith(row["sys_id"]))
        if request.json.get("state") == "6":
            need(request.json["close_code"] and request.json["close_notes"], "a resolution needs code and notes")
        row.update(request.json)
        return Reply(200, {"result": row})


def _limits(fields: dict[str, str]) -> None:
    for name, limit in {
        "short_description": 160,
        "description": 4_000,
        "correlation_id": 100,
        "work_notes": 4_000,
    }.items():
        need(len(fields.get(name, "")) <= limit, f"{name} of {len(fields.get(name, ''))}")
    need("[code]" not in str(fields).lower(), "HTML in a note")


class GitHub:
    """The issues of acme/alerts. lag: the search knows none of them yet."""

    def __init__(self) -> None:
        self.issues: list[dict[str, Any]] = []

    def __call__(self, request: Request) -> Reply:
        need(request.headers.get("authorization") == f"Bearer {TOKEN}", "Authorization")
        need(request.headers.get("accept") == "application/vnd.github+json", "Accept")
        need(request.headers.get("user-agent"), "User-Agent")
        need(request.headers.get("x-github-api-version") == "2022-11-28", "X-GitHub-Api-Version")
        if request.path == "/search/issues":
            wanted = re.fullmatch(r'repo:acme/alerts is:issue in:body "([\w-]+)"', request.query["q"])
            need(wanted, "q")
            assert wanted
            return Reply(200, {"items": [issue for issue in self.issues if wanted[1] in issue["body"]]})
        need(request.path.startswith("/repos/acme/alerts/issues"), "path")
        rest = request.path.removeprefix("/repos/acme/alerts/issues").strip("/")
        return self._issue(request, rest) if rest else self._issues(request)

    def _issues(self, request: Request) -> Reply:
        if request.method == "GET":
            need(request.query["state"] == "all" and int(request.query["per_page"]) <= 100, "query")
            return Reply(200, self.issues[::-1][: int(request.query["per_page"])])
        body = request.json
        need(set(body) <= {"title", "body", "labels", "assignees", "milestone"}, "fields")
        need(0 < len(body["title"]) <= 256 and len(body["body"]) <= 65_536, "title, body")
        self.issues.append({**body, "number": len(self.issues) + 1, "state": "open", "comments": []})
        return Reply(201, self.issues[-1])

    def _issue(self, request: Request, rest: str) -> Reply:
        number, _, comments = rest.partition("/")
        issue = self.issues[int(number) - 1]
        if comments:
            need(comments == "comments", comments)
            if request.method == "GET":
                return Reply(200, issue["comments"])
            need(0 < len(request.json["body"]) <= 65_536, "body")
            issue["comments"].append(request.json)
            return Reply(201, {})
        need(request.method == "PATCH" and request.json["state"] in ("open", "closed"), "state")
        need(request.json["state_reason"] in ("completed", "not_planned", "reopened"), "state_reason")
        issue["state"] = request.json["state"]
        return Reply(200, issue)
