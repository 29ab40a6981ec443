"""A request with a JNDI lookup passed the web ACL."""

from headwater_waf import acl, client, context, headers
from headwater_web import is_log4shell


def rule(event):
    if event.get("action") != "ALLOW":
        return False
    found = (event.deep_get("httpRequest", "uri"), event.deep_get("httpRequest", "args"), *headers(event).values())
    return is_log4shell(*found)


def title(event):
    return f"Web ACL {acl(event)} let a JNDI lookup of {client(event)} through"


def dedup(event):
    return f"{event.get('webaclId')}:{client(event)}"


def alert_context(event):
    return context(event)
