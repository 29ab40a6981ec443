"""A web ACL blocked a request; the threshold makes many of one client an alert."""

from headwater_waf import acl, client, context


def rule(event):
    return event.get("action") == "BLOCK" and event.get("terminatingRuleType") != "RATE_BASED"


def title(event):
    return f"Web ACL {acl(event)} blocks many requests of {client(event)}"


def dedup(event):
    return f"{event.get('webaclId')}:{client(event)}"


def alert_context(event):
    return context(event)
