"""A parameter was decrypted; the threshold makes many different ones one alert."""

from headwater_aws import by_aws_service, by_infrastructure_code, context, grouping, headline, principal, request

NAMES = ("GetParameter", "GetParameterHistory", "GetParameters", "GetParametersByPath")


def rule(event):
    if event.get("eventName") not in NAMES or request(event, "withDecryption") is not True:
        return False
    return not by_aws_service(event) and not by_infrastructure_code(event)


def title(event):
    return headline(event, "decrypts many parameters")


def dedup(event):
    return grouping(event, principal(event))


def unique(event):
    return str(request(event, "name") or request(event, "names") or request(event, "path"))


def alert_context(event):
    return context(event)
