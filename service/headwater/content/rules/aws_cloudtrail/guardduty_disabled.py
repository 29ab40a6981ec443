"""A GuardDuty detector was deleted or suspended."""

from headwater_aws import actor, context, succeeded, where


def rule(event):
    if event.get("eventName") not in ("DeleteDetector", "UpdateDetector"):
        return False
    if event.get("eventSource") != "guardduty.amazonaws.com" or not succeeded(event):
        return False
    if event.get("eventName") == "DeleteDetector":
        return True
    return event.deep_get("requestParameters", "enable") is False


def title(event):
    what = "deleted" if event.get("eventName") == "DeleteDetector" else "suspended"
    return f"{actor(event)} {what} a GuardDuty detector: {where(event)}"


def dedup(event):
    return f"{event.get('recipientAccountId')}:{event.get('awsRegion')}"


def alert_context(event):
    return context(event)
