"""The authenticator of a cluster refused a sign-in; the threshold makes many of them one alert."""


def rule(event):
    return event.get("msg") == "access denied"


def who(event):
    return event.get("arn") or "an unknown identity"


def title(event):
    return f"{who(event)} is refused many times by {event.get('p_source_label') or 'a cluster'}"


def dedup(event):
    return f"{event.get('p_account_id')}:{event.get('p_source_label')}:{who(event)}"


def alert_context(event):
    return {
        "actor": event.get("username") or event.get("arn"),
        "actor_arn": event.get("arn"),
        "account": event.get("p_account_id"),
        "client": event.get("client"),
        "error": event.get("error"),
    }
