"""A cluster no longer logs who did what."""

from headwater_aws import by_infrastructure_code, context, grouping, headline, items, mappings, request, succeeded

AUDITED = ("audit", "authenticator")


def rule(event):
    if event.get("eventName") != "UpdateClusterConfig" or event.get("eventSource") != "eks.amazonaws.com":
        return False
    return succeeded(event) and bool(turned_off(event))


def turned_off(event):
    sets = [one for one in mappings(request(event, "logging", "clusterLogging")) if one.get("enabled") is False]
    return [kind for one in sets for kind in items(one.get("types")) if kind in AUDITED]


def title(event):
    return headline(event, f"turned off the {' and '.join(turned_off(event))} log of cluster {request(event, 'name')}")


def severity(event):
    return "LOW" if by_infrastructure_code(event) else "DEFAULT"


def dedup(event):
    return grouping(event, request(event, "name"))


def alert_context(event):
    return {**context(event), "turned_off": turned_off(event)}
