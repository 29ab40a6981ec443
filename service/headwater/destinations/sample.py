"""An alert that nothing has raised: to try a destination with, and for the pictures in the documentation."""

from __future__ import annotations

from datetime import datetime, timedelta

import orjson

from headwater.model import Alert

EVENT = {
    "eventName": "StopLogging",
    "eventSource": "cloudtrail.amazonaws.com",
    "awsRegion": "eu-west-1",
    "sourceIPAddress": "198.51.100.7",
    "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/deploy/ci-42"},
    "requestParameters": {"name": "organization-trail"},
    "p_source_label": "payments-cloudtrail",
}


def sample_alert(alert_id: str, now: datetime, account_id: str = "111122223333") -> Alert:
    """An alert that says of itself that it is a sample."""
    return Alert(
        alert_id=alert_id,
        kind="RULE",
        rule_id="Headwater.Sample",
        dedup="sample",
        title="Sample: trail organization-trail stopped by ci-42",
        severity="HIGH",
        account_id=account_id,
        log_type="AWS.CloudTrail",
        status="open",
        match_count=3,
        created_at=now,
        updated_at=now,
        first_event_at=now - timedelta(minutes=2),
        last_event_at=now - timedelta(seconds=30),
        context=orjson.dumps({"trail": "organization-trail", "mfa": False}).decode(),
        event=orjson.dumps(EVENT).decode(),
        description="This is a sample; nothing has happened. A real one says here what was seen, and why it matters.",
        runbook="1. Ask the owner of the role whether this was planned.\n"
        "2. If not, start the trail again and revoke the sessions of the role.",
        reference="https://attack.mitre.org/techniques/T1562/008/",
        tags=("sample", "cloudtrail"),
    )
