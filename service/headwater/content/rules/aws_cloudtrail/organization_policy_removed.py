"""A policy of the organization no longer holds."""

from headwater_aws import by_infrastructure_code, context, grouping, headline, request, succeeded

DEEDS = {
    "DetachPolicy": "detached organization policy",
    "DeletePolicy": "deleted organization policy",
    "DisablePolicyType": "switched off all organization policies of type",
}
NAMES = tuple(DEEDS)


def rule(event):
    if event.get("eventName") not in NAMES or event.get("eventSource") != "organizations.amazonaws.com":
        return False
    return succeeded(event)


def target(event):
    return request(event, "policyId") or request(event, "policyType", default="unknown")


def title(event):
    return headline(event, f"{DEEDS[event.get('eventName')]} {target(event)}")


def severity(event):
    return "MEDIUM" if by_infrastructure_code(event) else "DEFAULT"


def dedup(event):
    return grouping(event, target(event))


def alert_context(event):
    return context(event)
