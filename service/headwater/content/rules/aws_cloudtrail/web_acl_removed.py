"""A web application lost its firewall or the firewall's log."""

from headwater_aws import by_infrastructure_code, context, grouping, headline, request, succeeded

NAMES = ("DeleteLoggingConfiguration", "DeleteWebACL", "DisassociateWebACL")
SOURCES = ("waf.amazonaws.com", "waf-regional.amazonaws.com", "wafv2.amazonaws.com")


def rule(event):
    return event.get("eventName") in NAMES and event.get("eventSource") in SOURCES and succeeded(event)


def target(event):
    keys = ("name", "resourceArn", "webACLId")
    return next((found for found in (request(event, key) for key in keys) if found), "a web ACL")


def title(event):
    return headline(event, f"called {event.get('eventName')} on {target(event)}")


def severity(event):
    return "LOW" if by_infrastructure_code(event) else "DEFAULT"


def dedup(event):
    return grouping(event, target(event))


def alert_context(event):
    return context(event)
