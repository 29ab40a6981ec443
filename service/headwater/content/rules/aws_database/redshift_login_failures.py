"""A sign-in to Redshift failed; the threshold makes many of one host an alert."""


def rule(event):
    return event.get("event") == "authentication failure"


def title(event):
    return f"Many sign-ins of {event.get('remotehost')} to database {event.get('dbname')} of Redshift fail"


def dedup(event):
    return f"{event.get('p_account_id')}:{event.get('p_source_label')}:{event.get('remotehost')}"


def alert_context(event):
    return {
        "actor": event.get("username"),
        "account": event.get("p_account_id"),
        "source_ip": event.get("remotehost"),
        "database": event.get("dbname"),
        "method": event.get("authmethod"),
        "application": event.get("application_name"),
    }
