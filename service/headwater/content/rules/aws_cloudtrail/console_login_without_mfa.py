"""An IAM user signed in to the console without MFA."""

from headwater_aws import actor, context, where


def rule(event):
    if event.get("eventName") != "ConsoleLogin":
        return False
    return (
        event.deep_get("userIdentity", "type") == "IAMUser"
        and event.deep_get("responseElements", "ConsoleLogin") == "Success"
        and event.deep_get("additionalEventData", "MFAUsed", default="No") == "No"
    )


def title(event):
    return f"{actor(event)} signed in to the console without MFA: {where(event)}"


def dedup(event):
    return f"{event.get('recipientAccountId')}:{actor(event)}"


def alert_context(event):
    return context(event)
