"""An IAM user took a federation token."""

from headwater_aws import context, grouping, headline, request, succeeded


def rule(event):
    if event.get("eventName") != "GetFederationToken" or event.get("eventSource") != "sts.amazonaws.com":
        return False
    return succeeded(event)


def target(event):
    return request(event, "name", default="unknown")


def title(event):
    return headline(event, f"took a federation token named {target(event)}")


def dedup(event):
    return grouping(event, event.deep_get("userIdentity", "arn"))


def alert_context(event):
    return context(event)
