"""A stack set changes accounts of the organization."""

from headwater_aws import context, grouping, headline, items, request, succeeded

NAMES = ("CreateStackInstances", "UpdateStackInstances", "UpdateStackSet")


def rule(event):
    if event.get("eventName") not in NAMES or event.get("eventSource") != "cloudformation.amazonaws.com":
        return False
    return succeeded(event) and bool(units(event))


def units(event):
    return [str(unit) for unit in items(request(event, "deploymentTargets", "organizationalUnitIds"))]


def title(event):
    return headline(event, f"rolled stack set {request(event, 'stackSetName')} out to {', '.join(units(event))}")


def severity(event):
    by_hand = event.deep_get("userIdentity", "type") in ("IAMUser", "Root")
    return "MEDIUM" if by_hand or any(unit.startswith("r-") for unit in units(event)) else "DEFAULT"


def dedup(event):
    return grouping(event, request(event, "stackSetName"))


def alert_context(event):
    return {**context(event), "units": units(event)}
