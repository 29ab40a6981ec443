"""Amazon Redshift's audit logs in the words of the unified data model."""

import ipaddress


def source_ip(event):
    """The client's address; None where a host name stands instead."""
    try:
        return str(ipaddress.ip_address(event.get("remotehost") or ""))
    except ValueError:
        return None


def event_name(event):
    """What happened: the event of a connection, or the change of a user."""
    return event.get("event") or event.get("action")


def event_type(event):
    """The kind of event that different log types have in common."""
    if event.get("event") == "authenticated":
        return "successful_login"
    if event.get("event") == "authentication failure":
        return "failed_login"
    if event.get("log") != "user" or event.get("action") not in ("create", "alter"):
        return None
    if event.get("usesuper") == 1:
        return "admin_role_assigned"
    return "user_account_created" if event.get("action") == "create" else None


def user(event):
    """The user that was made or changed."""
    return event.get("username") if event.get("log") == "user" else None
