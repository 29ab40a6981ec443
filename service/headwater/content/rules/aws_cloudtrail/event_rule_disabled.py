"""An EventBridge rule no longer reacts."""

from headwater_aws import (
    by_aws_service,
    by_infrastructure_code,
    context,
    grouping,
    headline,
    request,
    succeeded,
    watches_security,
)

NAMES = ("DeleteRule", "DisableRule", "RemoveTargets")


def rule(event):
    if event.get("eventName") not in NAMES or event.get("eventSource") != "events.amazonaws.com":
        return False
    return succeeded(event) and not by_aws_service(event) and not by_infrastructure_code(event)


def target(event):
    return request(event, "name") or request(event, "rule", default="a rule")


def title(event):
    return headline(event, f"called {event.get('eventName')} on EventBridge rule {target(event)}")


def severity(event):
    return "HIGH" if watches_security(target(event)) else "DEFAULT"


def dedup(event):
    return grouping(event, target(event))


def alert_context(event):
    return context(event)
