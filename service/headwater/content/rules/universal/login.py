"""Someone signed in."""

from headwater_sign_in import account, context, grouping, who


def rule(event):
    if event.get("eventName", "ConsoleLogin") != "ConsoleLogin" or event.get("class_uid", 3002) != 3002:
        return False  # most rows end here: of CloudTrail by its call, of OCSF by its class
    return event.udm("event_type") == "successful_login"


def title(event):
    return f"{who(event)} signed in from {event.udm('source_ip') or 'an unknown address'}: account {account(event)}"


def dedup(event):
    return grouping(event, who(event))


def alert_context(event):
    return context(event)
