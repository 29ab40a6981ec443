"""A DNS zone is gone, or answers unsigned."""

from headwater_aws import by_infrastructure_code, context, grouping, headline, request, succeeded

DEEDS = {
    "DeleteHostedZone": "deleted DNS zone",
    "DisableHostedZoneDNSSEC": "switched off signing of DNS zone",
}
NAMES = tuple(DEEDS)


def rule(event):
    if event.get("eventName") not in NAMES or event.get("eventSource") != "route53.amazonaws.com":
        return False
    return succeeded(event)


def target(event):
    return request(event, "id") or request(event, "hostedZoneId", default="unknown")


def title(event):
    return headline(event, f"{DEEDS[event.get('eventName')]} {target(event)}")


def severity(event):
    return "LOW" if by_infrastructure_code(event) else "DEFAULT"


def dedup(event):
    return grouping(event, target(event))


def alert_context(event):
    return context(event)
