"""An access key was created."""

from headwater_aws import context, grouping, headline, principal, request, succeeded


def rule(event):
    return event.get("eventName") == "CreateAccessKey" and succeeded(event)


def title(event):
    return headline(event, f"created an access key for {request(event, 'userName') or 'themselves'}")


def dedup(event):
    return grouping(event, principal(event))


def alert_context(event):
    return {**context(event), "new_key": event.deep_get("responseElements", "accessKey", "accessKeyId")}
