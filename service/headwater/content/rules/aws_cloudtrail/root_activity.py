"""The root user signed in or changed something."""

from headwater_aws import by_aws_service, context, where


def rule(event):
    if event.deep_get("userIdentity", "type") != "Root":
        return False
    if event.get("eventType") == "AwsServiceEvent" or by_aws_service(event):
        return False
    return event.get("eventName") == "ConsoleLogin" or event.get("readOnly") is False


def title(event):
    if event.get("eventName") == "ConsoleLogin":
        return f"Root user signed in to {where(event)}"
    return f"Root user called {event.get('eventName')} in {where(event)}"


def dedup(event):
    return f"{event.get('recipientAccountId')}:{event.get('eventName')}"


def severity(event):
    without_mfa = event.deep_get("additionalEventData", "MFAUsed") == "No"
    signed_in = event.deep_get("responseElements", "ConsoleLogin") == "Success"
    return "CRITICAL" if without_mfa and signed_in else "DEFAULT"


def alert_context(event):
    return context(event)
