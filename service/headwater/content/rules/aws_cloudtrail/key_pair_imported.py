"""An SSH key from outside was imported."""

from headwater_aws import by_infrastructure_code, context, grouping, headline, request, succeeded


def rule(event):
    if event.get("eventName") != "ImportKeyPair" or event.get("eventSource") != "ec2.amazonaws.com":
        return False
    return succeeded(event) and not by_infrastructure_code(event)


def target(event):
    return request(event, "keyName", default="unknown")


def title(event):
    return headline(event, f"imported SSH key pair {target(event)}")


def dedup(event):
    return grouping(event, target(event))


def alert_context(event):
    return context(event)
