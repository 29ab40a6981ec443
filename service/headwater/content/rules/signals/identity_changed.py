"""Something changed in IAM."""

from headwater_aws import by_aws_service, context, grouping, headline, principal, succeeded


def rule(event):
    if event.get("eventSource") != "iam.amazonaws.com" or event.get("readOnly") is not False:
        return False
    return succeeded(event) and not by_aws_service(event)


def title(event):
    return headline(event, f"called {event.get('eventName')}")


def dedup(event):
    return grouping(event, principal(event))


def alert_context(event):
    return context(event)
