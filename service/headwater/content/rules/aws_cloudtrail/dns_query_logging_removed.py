"""DNS queries are no longer logged."""

from headwater_aws import by_infrastructure_code, context, grouping, headline, request, succeeded

NAMES = (
    "DeleteQueryLoggingConfig",
    "DeleteResolverQueryLogConfig",
    "DisassociateResolverQueryLogConfig",
)


def rule(event):
    return event.get("eventName") in NAMES and succeeded(event)


def target(event):
    keys = ("resourceId", "resolverQueryLogConfigId", "id")
    return next((found for found in (request(event, key) for key in keys) if found), "a network")


def title(event):
    return headline(event, f"removed DNS query logging from {target(event)}")


def severity(event):
    return "LOW" if by_infrastructure_code(event) else "DEFAULT"


def dedup(event):
    return grouping(event, target(event))


def alert_context(event):
    return context(event)
