"""A request with a JNDI lookup passed the web ACL."""

from headwater_waf import acl, client, context
from headwater_web import is_log4shell


def rule(event):
    if event.get("action") != "ALLOW":
        return False
    return is_log4shell(*sent(event))


def sent(event):
    """The texts that the client chose: URL and headers."""
    headers = event.deep_walk("httpRequest", "headers", "value")
    found = [event.deep_get("httpRequest", "uri"), event.deep_get("httpRequest", "args")]
    found += headers if isinstance(headers, list) else [headers]
    return [text for text in found if isinstance(text, str)]


def title(event):
    return f"Web ACL {acl(event)} let a JNDI lookup of {client(event)} through"


def dedup(event):
    return f"{event.get('webaclId')}:{client(event)}"


def alert_context(event):
    return context(event)
