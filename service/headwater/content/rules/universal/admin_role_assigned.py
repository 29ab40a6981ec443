"""Someone was made an administrator."""

from headwater_sign_in import account, context, grouping, who


def rule(event):
    if event.get("operation", "QUERY") != "QUERY" or event.get("log", "user") != "user":
        return False  # most rows end here: of Aurora by their operation, of Redshift by their log
    return event.udm("event_type") == "admin_role_assigned"


def title(event):
    user = event.udm("user") or "someone"
    return f"{who(event)} made {user} an administrator ({event.get('p_log_type')}): account {account(event)}"


def dedup(event):
    return grouping(event, event.udm("user"))


def alert_context(event):
    return context(event)
