"""Instances can be reached by their serial console."""

from headwater_aws import context, grouping, headline, succeeded


def rule(event):
    if event.get("eventName") != "EnableSerialConsoleAccess" or event.get("eventSource") != "ec2.amazonaws.com":
        return False
    return succeeded(event)


def title(event):
    return headline(event, "enabled the serial console of instances")


def dedup(event):
    return grouping(event, event.get("awsRegion"))


def alert_context(event):
    return context(event)
