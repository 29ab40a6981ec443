"""Logs in CloudWatch were deleted, or will be soon."""

from headwater_aws import (
    by_aws_service,
    by_infrastructure_code,
    context,
    grouping,
    headline,
    request,
    succeeded,
    watches_security,
)

RETENTION_MAX_DAYS = 3
NAMES = ("DeleteLogGroup", "DeleteSubscriptionFilter", "PutRetentionPolicy")


def rule(event):
    if event.get("eventName") not in NAMES or event.get("eventSource") != "logs.amazonaws.com":
        return False
    if not succeeded(event) or by_aws_service(event):
        return False
    days = request(event, "retentionInDays")
    return event.get("eventName") != "PutRetentionPolicy" or (isinstance(days, int) and days <= RETENTION_MAX_DAYS)


def group(event):
    return request(event, "logGroupName") or request(event, "logGroupIdentifier", default="a log group")


def title(event):
    return headline(event, f"called {event.get('eventName')} on log group {group(event)}")


def severity(event):
    return "HIGH" if watches_security(group(event)) and not by_infrastructure_code(event) else "DEFAULT"


def dedup(event):
    return grouping(event, group(event))


def alert_context(event):
    return context(event)
