"""A user was created."""

from headwater_sign_in import account, context, grouping, who


def rule(event):
    if event.get("eventName", "CreateUser") != "CreateUser" or event.get("class_uid", 3001) != 3001:
        return False  # most rows end here: of CloudTrail by its call, of OCSF by its class
    if event.get("operation", "QUERY") != "QUERY" or event.get("log", "user") != "user" or event.get("errorCode"):
        return False  # and of Aurora by their operation, of Redshift by their log
    return event.udm("event_type") == "user_account_created"


def title(event):
    user = event.udm("user") or "unnamed"
    return f"{who(event)} created user {user} ({event.get('p_log_type')}): account {account(event)}"


def dedup(event):
    return grouping(event, event.udm("user"))


def alert_context(event):
    return context(event)
