"""A KMS key was scheduled for deletion."""

from headwater_aws import actor, context, succeeded, where


def rule(event):
    return event.get("eventName") == "ScheduleKeyDeletion" and succeeded(event)


def title(event):
    key = event.deep_get("requestParameters", "keyId", default="a KMS key")
    return f"{actor(event)} scheduled the deletion of {key}: {where(event)}"


def dedup(event):
    return str(event.deep_get("requestParameters", "keyId", default="unknown key"))


def alert_context(event):
    return context(event)
