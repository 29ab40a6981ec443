"""Aurora MySQL's audit log in the words of the unified data model."""

import ipaddress
import re

CREATE_USER = re.compile(r"\s*create\s+user\s+(?:if\s+not\s+exists\s+)?['\"`]?([^'\"`@\s]+)", re.IGNORECASE)
GRANT_ALL = re.compile(r"\s*grant\s+all\b.*\bon\s+\*\.\*\s+to\s+['\"`]?([^'\"`@\s]+)", re.IGNORECASE | re.DOTALL)


def source_ip(event):
    """The client's address; None where a host name stands instead."""
    try:
        return str(ipaddress.ip_address(event.get("host") or ""))
    except ValueError:
        return None


def event_type(event):
    """The kind of event that different log types have in common."""
    failed = event.get("retCode", 0) != 0
    if event.get("operation") == "FAILED_CONNECT":
        return "failed_login"
    if event.get("operation") == "CONNECT":
        return "failed_login" if failed else "successful_login"
    if event.get("operation") != "QUERY" or failed:
        return None
    if CREATE_USER.match(str(event.get("object"))):
        return "user_account_created"
    return "admin_role_assigned" if GRANT_ALL.match(str(event.get("object"))) else None


def user(event):
    """The user that a statement makes or gives rights to."""
    text = str(event.get("object"))
    found = CREATE_USER.match(text) or GRANT_ALL.match(text)
    return found[1] if found else None
