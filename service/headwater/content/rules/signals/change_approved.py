"""A change was approved in Systems Manager."""

from headwater_aws import context, grouping, headline, principal, request, succeeded


def rule(event):
    if event.get("eventName") != "SendAutomationSignal" or event.get("eventSource") != "ssm.amazonaws.com":
        return False
    return succeeded(event) and request(event, "signalType") == "Approve"


def title(event):
    return headline(event, "approved a change")


def dedup(event):
    return grouping(event, principal(event))


def alert_context(event):
    return context(event)
