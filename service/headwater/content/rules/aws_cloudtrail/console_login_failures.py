"""A console sign-in failed; the threshold makes many of them one alert."""

from headwater_aws import context, grouping, where


def rule(event):
    if event.get("eventName") != "ConsoleLogin":
        return False
    return event.deep_get("responseElements", "ConsoleLogin") == "Failure"


def title(event):
    return f"Many console sign-ins failed from {event.get('sourceIPAddress')}: {where(event)}"


def dedup(event):
    return grouping(event, event.get("sourceIPAddress"))


def alert_context(event):
    return {**context(event), "error": event.get("errorMessage")}
