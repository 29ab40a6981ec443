"""A secret was read; the threshold makes many different secrets one alert."""

from headwater_aws import by_aws_service, by_infrastructure_code, context, grouping, headline, principal, request

NAMES = ("BatchGetSecretValue", "GetSecretValue")


def rule(event):
    if event.get("eventName") not in NAMES or event.get("eventSource") != "secretsmanager.amazonaws.com":
        return False
    return not by_aws_service(event) and not by_infrastructure_code(event)


def title(event):
    return headline(event, "reads many secrets")


def dedup(event):
    return grouping(event, principal(event))


def unique(event):
    return str(request(event, "secretId") or event.get("eventID"))


def alert_context(event):
    return context(event)
