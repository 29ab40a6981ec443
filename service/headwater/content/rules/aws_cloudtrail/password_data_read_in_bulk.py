"""A Windows password was asked for; the threshold makes many instances one alert."""

from headwater_aws import by_infrastructure_code, context, grouping, headline, principal, request


def rule(event):
    return event.get("eventName") == "GetPasswordData" and not by_infrastructure_code(event)


def title(event):
    return headline(event, "asks for the Windows passwords of many instances")


def dedup(event):
    return grouping(event, principal(event))


def unique(event):
    return str(request(event, "instanceId"))


def alert_context(event):
    return context(event)
