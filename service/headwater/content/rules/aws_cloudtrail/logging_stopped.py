"""A trail was stopped or deleted."""

from headwater_aws import actor, context, succeeded, where

STOPS = {"StopLogging": "stopped", "DeleteTrail": "deleted"}


def rule(event):
    if event.get("eventSource") != "cloudtrail.amazonaws.com":
        return False
    return event.get("eventName") in ("StopLogging", "DeleteTrail") and succeeded(event)


def title(event):
    trail = event.deep_get("requestParameters", "name", default="a trail")
    return f"{actor(event)} {STOPS[event.get('eventName')]} {trail}: {where(event)}"


def dedup(event):
    return f"{event.get('recipientAccountId')}:{event.deep_get('requestParameters', 'name')}"


def alert_context(event):
    return context(event)
