"""Code or environment of a function was read; the threshold makes many functions one alert."""

from headwater_aws import by_aws_service, by_infrastructure_code, context, grouping, headline, principal, request

# Lambda adds the version of its API to the names of calls.
NAMES = ("GetFunction20150331v2", "GetFunctionConfiguration20150331v2")


def rule(event):
    if event.get("eventName") not in NAMES or event.get("sessionCredentialFromConsole") == "true":
        return False
    return not by_aws_service(event) and not by_infrastructure_code(event)


def title(event):
    return headline(event, "reads code or environment of many functions")


def dedup(event):
    return grouping(event, principal(event))


def unique(event):
    return str(request(event, "functionName"))


def alert_context(event):
    return context(event)
