"""A sign-in as root failed."""

from headwater_aws import context, grouping, where


def rule(event):
    if event.get("eventName") != "ConsoleLogin" or event.deep_get("userIdentity", "type") != "Root":
        return False
    return event.deep_get("responseElements", "ConsoleLogin") == "Failure"


def title(event):
    return f"Sign-ins as root failed from {event.get('sourceIPAddress')}: {where(event)}"


def dedup(event):
    return grouping(event)


def alert_context(event):
    return {**context(event), "error": event.get("errorMessage")}
