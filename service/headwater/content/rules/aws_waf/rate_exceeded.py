"""A rate-based rule blocked a client."""

from headwater_waf import acl, client, context


def rule(event):
    return event.get("terminatingRuleType") == "RATE_BASED" and event.get("action") == "BLOCK"


def title(event):
    return f"Rule {event.get('terminatingRuleId')} of web ACL {acl(event)} cut off {client(event)} for its rate"


def dedup(event):
    return f"{event.get('webaclId')}:{event.get('terminatingRuleId')}:{client(event)}"


def alert_context(event):
    return context(event)
