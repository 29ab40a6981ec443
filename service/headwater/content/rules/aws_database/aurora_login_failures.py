"""A sign-in to a database failed; the threshold makes many of one host an alert."""


def rule(event):
    return event.get("operation") in ("FAILED_CONNECT", "CONNECT") and event.get("retCode", 0) != 0


def title(event):
    return f"Many sign-ins of {event.get('host')} to database {event.get('serverHost')} fail"


def dedup(event):
    return f"{event.get('p_account_id')}:{event.get('serverHost')}:{event.get('host')}"


def alert_context(event):
    return {
        "actor": event.get("username"),
        "account": event.get("p_account_id"),
        "source_ip": event.get("host"),
        "server": event.get("serverHost"),
        "database": event.get("database"),
        "code": event.get("retCode"),
    }
