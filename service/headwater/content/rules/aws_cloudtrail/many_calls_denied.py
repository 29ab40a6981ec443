"""A call was denied; the threshold makes many different calls one alert."""

from headwater_aws import by_aws_service, context, grouping, headline, principal

DENIED = ("AccessDenied", "AccessDeniedException", "Client.UnauthorizedOperation", "UnauthorizedOperation")


def rule(event):
    return event.get("errorCode") in DENIED and not by_aws_service(event)


def title(event):
    return headline(event, "was denied many different calls")


def dedup(event):
    return grouping(event, principal(event))


def unique(event):
    return f"{event.get('eventSource')}:{event.get('eventName')}"


def alert_context(event):
    return context(event)
