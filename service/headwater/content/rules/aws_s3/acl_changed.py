"""An access control list was replaced."""

from headwater_s3 import context, who


def rule(event):
    return event.get("operation") == "REST.PUT.ACL" and event.get("httpstatus") == 200


def title(event):
    return f"{who(event)} changed who may access {event.get('key') or 'all'} of bucket {event.get('bucket', 'unknown')}"


def severity(event):
    return "DEFAULT" if event.get("requester") else "CRITICAL"


def dedup(event):
    return f"{event.get('bucket')}:{who(event)}"


def alert_context(event):
    return context(event)
