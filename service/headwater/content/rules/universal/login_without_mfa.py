"""Someone signed in without a second factor."""

from headwater_sign_in import account, context, grouping, who


def rule(event):
    if event.get("class_uid") != 3002:
        return False
    return event.udm("event_type") == "successful_login" and event.udm("mfa_used") is False


def title(event):
    return f"{who(event)} signed in without a second factor: account {account(event)}"


def dedup(event):
    return grouping(event, who(event))


def alert_context(event):
    return context(event)
