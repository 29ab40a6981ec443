"""The root user got an access key."""

from headwater_aws import context, grouping, request, succeeded, where


def rule(event):
    if event.get("eventName") != "CreateAccessKey" or not succeeded(event):
        return False
    return event.deep_get("userIdentity", "type") == "Root" and not request(event, "userName")


def title(event):
    return f"Root user created an access key for itself: {where(event)}"


def dedup(event):
    return grouping(event)


def alert_context(event):
    return {**context(event), "new_access_key_id": event.deep_get("responseElements", "accessKey", "accessKeyId")}
