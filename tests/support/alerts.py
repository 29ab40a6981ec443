"""Alerts to render: an ordinary one, a huge one, and one whose every text comes from an attacker."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from headwater.destinations.message import Action, Message, message_of
from headwater.model import Alert

EVENT: dict[str, Any] = {
    "eventTime": "2026-03-01T09:58:12Z",
    "eventName": "StopLogging",
    "eventSource": "cloudtrail.amazonaws.com",
    "awsRegion": "eu-west-1",
    "sourceIPAddress": "198.51.100.7",
    "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/deploy/ci-42"},
    "requestParameters": {"name": "organization-trail"},
    "p_source_label": "payments-cloudtrail",
    "p_any_ip_addresses": ["198.51.100.7"],
}
CONTEXT = {"trail": "organization-trail", "mfa": False}
ORDINARY = Alert(
    alert_id="4f1c9a7be2d04c5f8a6b3d2e1f009988",
    kind="RULE",
    rule_id="AWS.CloudTrail.Stopped",
    dedup="organization-trail",
    title="CloudTrail organization-trail stopped by ci-42",
    severity="HIGH",
    account_id="111122223333",
    log_type="AWS.CloudTrail",
    status="open",
    match_count=3,
    created_at=datetime(2026, 3, 1, 10, 0, 5, tzinfo=UTC),
    updated_at=datetime(2026, 3, 1, 10, 0, 5, 250_000, tzinfo=UTC),
    first_event_at=datetime(2026, 3, 1, 9, 58, 12, tzinfo=UTC),
    last_event_at=datetime(2026, 3, 1, 9, 59, 40, tzinfo=UTC),
    context=json.dumps(CONTEXT),
    event=json.dumps(EVENT),
    description="A trail was stopped: what happens now leaves no trace.",
    runbook="1. Ask the owner of the role if it was planned.\n2. If not, start the trail and revoke the sessions.",
    reference="https://attack.mitre.org/techniques/T1562/008/",
    tags=("cloudtrail", "T1562"),
)
HUGE = replace(
    ORDINARY,
    title="Huge " + "\u00fc\U0001f600" * 600,
    dedup="d" * 1_000,
    description="What happened. " * 600,
    runbook="What to do. " * 700,
    tags=tuple(f"tag-{number}-{'t' * 90}" for number in range(80)),
    context=json.dumps({f"field_{number}": "c" * 900 for number in range(220)}),
    event=json.dumps({**EVENT, "requestParameters": {f"p{number}": "\u20ac" * 400 for number in range(500)}}),
)
BAD = (
    "\r\nBcc: everybody@example.com\r\n\r\n"
    "<script>alert(1)</script><img src=x onerror=alert(1)>\" '&amp; "
    "<!channel> <@U0123456789> @here @octocat #1 <https://evil.example.com|ok> "
    "[ok](https://evil.example.com) **bold** _it_ ~no~ `code` ```\n# heading\n``` "
    "[code]<b>x</b>[/code] {{DATE(2026-01-01)}} ${env} <at>all</at> --> </pre> "
    "\u202egnp.exe \ud800 \x00\x1b[31m \u2028end"
)
HOSTILE = replace(
    ORDINARY,
    title=BAD,
    dedup=BAD,
    rule_id="Custom.Rule`<b>",
    description=BAD,
    runbook=BAD,
    reference="javascript:alert(1)//" + BAD,
    tags=(BAD, "<!everyone>"),
    context=json.dumps({BAD: BAD, "list": [BAD]}),
    event=json.dumps(
        {
            "userIdentity": {"arn": BAD},
            "awsRegion": BAD,
            "sourceIPAddress": BAD,
            "p_source_label": BAD,
            "requestParameters": {"name": BAD},
        }
    ),
)
ALERTS = {"ordinary": ORDINARY, "huge": HUGE, "hostile": HOSTILE}
WIDE = '\U0001f600"' * 5_000  # four bytes each as UTF-8, and twelve characters as ASCII JSON
WORST = replace(
    ORDINARY,
    **dict.fromkeys(("title", "dedup", "rule_id", "log_type", "description", "runbook", "reference"), WIDE),
    tags=(WIDE,) * 100,
    context=json.dumps({WIDE: WIDE}),
    event=json.dumps(
        {
            "userIdentity": {"arn": WIDE},
            "awsRegion": WIDE,
            "sourceIPAddress": WIDE,
            "p_source_label": WIDE,
            **{f"p{number}": WIDE for number in range(100)},
        }
    ),
)
LINK = "https://headwater.example.com/alerts/{}"


def message(which: str = "ordinary", action: Action = "opened", *, status: str = "", note: str = "") -> Message:
    """One of the three, as it goes out."""
    alert = ALERTS[which]
    status = status or ("resolved" if action == "resolved" else "open")
    name = BAD if which == "hostile" else "payments"
    return message_of(
        replace(alert, status=status),
        f"{alert.alert_id}:{which}" + ("" if action == "opened" else f":{action}"),
        action,
        account_name=name,
        link=LINK.format(alert.alert_id),
        note=note or ("False positive: planned work" if action == "resolved" else ""),
    )
