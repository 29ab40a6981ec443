"""A sign-in failed; the threshold makes many of one user an alert."""

from headwater_sign_in import account, context, grouping, who

SIGN_INS = ("CONNECT", "FAILED_CONNECT")


def rule(event):
    if event.get("eventName", "ConsoleLogin") != "ConsoleLogin" or event.get("class_uid", 3002) != 3002:
        return False  # most rows end here: of CloudTrail by its call, of OCSF by its class
    if event.get("operation", "CONNECT") not in SIGN_INS or event.get("log", "connection") != "connection":
        return False  # and of Aurora by their operation, of Redshift by their log
    return event.udm("event_type") == "failed_login"


def title(event):
    return f"Many sign-ins of {who(event)} fail ({event.get('p_log_type')}): account {account(event)}"


def dedup(event):
    return grouping(event, who(event))


def alert_context(event):
    return context(event)
